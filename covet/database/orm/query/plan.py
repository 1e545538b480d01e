"""Plan: a compiled statement and what turns its rows into the result. What the plan cache holds."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from covet.database.sql.compiled import Compiled
from covet.exceptions import QueryTooComplex


@contextmanager
def not_too_deep() -> Generator[None]:
    """Planning goes into what stands inside something else; Python ends that with a RecursionError."""
    try:
        yield
    except RecursionError:
        raise QueryTooComplex.nested() from None


#: ``rows -> list``; for rows of many parents, ``rows, parents by key, peers -> pairs of a key and its rows``.
Hydrate = Callable[..., list[Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """``parameters -> (sql, arguments)`` by ``compiled.bind``, ``rows -> list`` by ``hydrate``."""

    compiled: Compiled
    hydrate: Hydrate
    locks: bool = False
