"""Compiled: the SQL text of a statement and the plan that turns parameters into driver arguments. Pure.

``parameters -> (sql, arguments)``. A list parameter that must be written out (SQLite's ``IN``) is printed at bind time
between ready-made parts, so that the length of a list is never part of a cache key.

``bind`` runs on every warm query: one Python call, arguments picked by a C-level ``itemgetter``, and a loop over only
those arguments that need a conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Self

BindProcessor = Callable[[Any], object]

#: ``(items, number of the first free placeholder, placeholders left) -> (text, arguments)``.
Expander = Callable[[Sequence[object], int, int], tuple[str, Sequence[object]]]


@dataclass(frozen=True, slots=True)
class Bind:
    """Where one driver argument comes from: a parameter's index and the conversion it needs (None: as it is).

    With ``expand`` the parameter is a sequence and takes a placeholder an item; the processor is that of an item.
    """

    index: int
    processor: BindProcessor | None = None
    expand: Expander | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL text plus bind plan. ``parts`` is only there when a bind expands: text before, between and after.

    Expanding binds stand in ``lists``, in the order of the text; they are numbered after all the others.
    """

    sql: str
    binds: tuple[Bind, ...]
    parts: tuple[str, ...] = ()
    lists: tuple[Bind, ...] = ()
    max_params: int = 0
    #: Parameters that belong to the statement. Binds count them from the end of all parameters: -1, -2 ...
    constants: tuple[object, ...] = ()
    identity: bool = field(init=False)
    _pick: Callable[[Sequence[object]], tuple[object, ...]] = field(init=False, repr=False, compare=False)
    _conversions: tuple[tuple[int, BindProcessor], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        indexes = [bind.index for bind in self.binds]
        conversions = tuple((at, bind.processor) for at, bind in enumerate(self.binds) if bind.processor is not None)
        plain = not self.parts and not conversions and indexes == list(range(len(indexes)))
        object.__setattr__(self, "identity", plain)
        object.__setattr__(self, "_pick", _picker(indexes))
        object.__setattr__(self, "_conversions", conversions)

    def followed_by(self, text: str) -> Self:
        """Return the statement with a text after it, such as a comment."""
        parts = (*self.parts[:-1], self.parts[-1] + text) if self.parts else ()
        return replace(self, sql=self.sql + text, parts=parts)

    def bind(self, params: tuple[object, ...]) -> tuple[str, Sequence[object]]:
        """Return the SQL text and the driver's arguments for these parameters."""
        if self.identity and len(params) == len(self.binds):
            return self.sql, params
        if self.constants:
            params += self.constants
        arguments = list(self._pick(params))
        for position, processor in self._conversions:
            value = arguments[position]
            if value is not None:
                arguments[position] = processor(value)
        if self.parts:
            return self._bind_expanding(params, arguments)
        return self.sql, arguments

    def _bind_expanding(self, params: tuple[object, ...], arguments: list[object]) -> tuple[str, Sequence[object]]:
        text = [self.parts[0]]
        waiting = len(self.lists)
        for bind, after in zip(self.lists, self.parts[1:], strict=True):
            items: Sequence[object] = params[bind.index]  # type: ignore[assignment]  # a ParamList is a sequence
            if bind.processor is not None:
                items = convert_items(bind.processor, items)
            waiting -= 1
            assert bind.expand is not None  # noqa: S101 - what makes it a member of ``lists``
            room = self.max_params - len(arguments) - waiting
            printed, values = bind.expand(items, len(arguments) + 1, room)
            arguments.extend(values)
            text += (printed, after)
        return "".join(text), arguments


@dataclass(frozen=True, slots=True)
class CompiledRows(Compiled):
    """INSERT of many rows: a flat parameter tuple, row after row, with one processor a column.

    ``binds`` are the parameters after the rows, if any.
    """

    processors: tuple[BindProcessor | None, ...] = ()
    row_params: int = 0
    _columns: tuple[tuple[int, BindProcessor], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Compiled.__post_init__(self)
        columns = tuple((at, each) for at, each in enumerate(self.processors) if each is not None)
        object.__setattr__(self, "_columns", columns)
        object.__setattr__(self, "identity", not columns and not self.binds)

    def bind(self, params: tuple[object, ...]) -> tuple[str, Sequence[object]]:
        """Return the SQL text and the driver's arguments for these parameters."""
        if self.identity:
            return self.sql, params
        width = len(self.processors)
        arguments = list(params[: self.row_params])
        for column, processor in self._columns:
            arguments[column::width] = convert_items(processor, arguments[column::width])
        if self.binds:
            arguments.extend(self._pick(params))
            for position, processor in self._conversions:
                value = arguments[self.row_params + position]
                if value is not None:
                    arguments[self.row_params + position] = processor(value)
        return self.sql, arguments


def convert_items(processor: BindProcessor, items: Sequence[object]) -> list[object]:
    """Convert every item that is not None."""
    return [None if item is None else processor(item) for item in items]


def _picker(indexes: list[int]) -> Callable[[Sequence[object]], tuple[object, ...]]:
    if len(indexes) > 1:
        return itemgetter(*indexes)
    if indexes:
        # itemgetter of a slice gives a tuple of one, where itemgetter of an index would give the item itself.
        return itemgetter(slice(indexes[0], indexes[0] + 1 or None))
    return itemgetter(slice(0, 0))
