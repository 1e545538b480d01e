"""Explaining: who knows more about an integrity error than the database says. The ORM does: it knows the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from covet.exceptions import IntegrityError

Explainer: TypeAlias = Callable[[IntegrityError], None]

_explainers: Final[list[Explainer]] = []


def explain_with(explainer: Explainer) -> None:
    """Let ``explainer`` complete every integrity error before it is raised."""
    if explainer not in _explainers:
        _explainers.append(explainer)


def explained(error: IntegrityError) -> None:
    """Let everyone who may know more complete ``error``."""
    for explainer in _explainers:
        explainer(error)
