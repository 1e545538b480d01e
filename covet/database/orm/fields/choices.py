"""Choices: whatever way they are written, as pairs of a value and its label. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, cast

from covet.exceptions import ModelDefinitionError


def read_choices(owner: str, choices: object) -> tuple[tuple[Any, str], ...]:
    """Return pairs from pairs, groups of pairs, a mapping, an Enum class, or a class with ``choices``."""
    if choices is None:
        return ()
    if isinstance(choices, type):
        choices = _of_class(cast("type[object]", choices))
    if isinstance(choices, Mapping):
        choices = list(cast("Mapping[object, object]", choices).items())
    if isinstance(choices, str) or not isinstance(choices, Iterable):
        raise _unreadable(owner)
    pairs: list[tuple[Any, str]] = []
    for choice in cast("Iterable[object]", choices):
        pairs.extend(_pairs(owner, choice))
    if not pairs:
        raise ModelDefinitionError(f"{owner}(): choices is empty, so no value could be stored.")
    return tuple(pairs)


def _of_class(kind: type[object]) -> object:
    given = getattr(kind, "choices", None)
    if given is not None:
        return given
    if issubclass(kind, enum.Enum):
        return [(member.value, member.name) for member in kind]
    return None


def _pairs(owner: str, choice: object) -> list[tuple[Any, str]]:
    parts: tuple[Any, ...] = tuple(cast("Iterable[Any]", choice)) if isinstance(choice, (list, tuple)) else ()
    if len(parts) != 2:  # noqa: PLR2004 - a pair
        raise _unreadable(owner)
    value, label = parts
    if isinstance(label, (list, tuple, Mapping)):  # a group: its name, then its pairs
        return list(read_choices(owner, cast("object", label)))
    return [(value, str(label))]


def _unreadable(owner: str) -> ModelDefinitionError:
    return ModelDefinitionError(f'{owner}(): choices must be pairs of a value and its label: [("a", "Active")].')
