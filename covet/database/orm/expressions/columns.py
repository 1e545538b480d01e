"""Columns of a common table: ``cte.col.name``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from covet.database.orm.expressions.base import Operators
from covet.database.orm.suggestions import choices
from covet.exceptions import FieldError


class SourceRef(Operators[Any]):
    """A column of a common table that the query joins."""

    __slots__ = ("name", "source")

    def __init__(self, source: str, name: str) -> None:
        self.source = source
        self.name = name

    def __repr__(self) -> str:
        return f"{self.source}.col.{self.name}"


class Columns:
    """The columns of a common table as attributes; an unknown one is a ``FieldError`` with the choices."""

    __slots__ = ("_names", "_source")

    def __init__(self, source: str, names: Sequence[str]) -> None:
        self._source = source
        self._names = frozenset(names)

    def __getattr__(self, name: str) -> SourceRef:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> SourceRef:
        """Return the column of that name: ``cte.col["author__name"]``."""
        if name not in self._names:
            raise FieldError(f"The CTE {self._source!r} has no column {name[:80]!r}. {choices(name[:80], self._names)}")
        return SourceRef(self._source, name)

    def __dir__(self) -> list[str]:
        return sorted(self._names)
