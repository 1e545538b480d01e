"""Compiled: the SQL text of a statement and the plan that turns parameters into driver arguments. Pure.

``parameters -> (sql, arguments)``. A list parameter that must be written out (SQLite's ``IN``) is printed at bind time
between ready-made parts, so that the length of a list is never part of a cache key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

BindProcessor = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Bind:
    """Where one driver argument comes from: a parameter's index and the conversion it needs (None: as it is).

    With ``expand`` the parameter is a sequence and takes a placeholder an item.
    """

    index: int
    processor: BindProcessor | None = None
    expand: bool = False


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL text plus bind plan. ``parts`` is only there when a bind expands: text before, between and after."""

    sql: str
    binds: tuple[Bind, ...]
    parts: tuple[str, ...] = ()
    expand: Callable[[Sequence[object], int], tuple[str, Sequence[object]]] | None = None
    identity: bool = field(init=False)

    def __post_init__(self) -> None:
        plain = not self.parts and all(
            bind.processor is None and bind.index == position for position, bind in enumerate(self.binds)
        )
        object.__setattr__(self, "identity", plain)

    def bind(self, params: tuple[object, ...]) -> tuple[str, Sequence[object]]:
        """Return the SQL text and the driver's arguments for these parameters."""
        if self.identity and len(params) == len(self.binds):
            return self.sql, params
        if self.parts:
            return self._bind_expanding(params)
        arguments: list[object] = []
        for bind in self.binds:
            value = params[bind.index]
            arguments.append(value if bind.processor is None or value is None else bind.processor(value))
        return self.sql, arguments

    def _bind_expanding(self, params: tuple[object, ...]) -> tuple[str, Sequence[object]]:
        raise NotImplementedError
