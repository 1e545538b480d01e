"""Lists of values and of rows as SQLite's statements print them: placeholders, or one JSON array. Pure.

SQLite has no array parameters. A list is written out, a placeholder an item, because that is what its planner knows
best; where the statement has no placeholders left it travels as one JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from covet.database.schema.types import Array, Float, LogicalType
from covet.database.sql.compiled import BindProcessor, convert_items
from covet.exceptions import NotSupportedError


def expand_list(
    logical: LogicalType | None, items: Sequence[object], number: int, room: int
) -> tuple[str, Sequence[object]]:
    """Print a list: a placeholder an item, or one JSON array when there are more items than placeholders left."""
    if len(items) <= room:
        return ", ".join([f"?{at}" for at in range(number, number + len(items))]), items
    function, encoded = _as_json(logical, items, room)
    value = f"{function}(value)" if function else "value"
    return f"SELECT {value} FROM json_each(?{number})", (json.dumps(encoded),)  # noqa: S608 - a number


def expand_rows(
    types: Sequence[LogicalType],
    processors: Sequence[BindProcessor | None],
    items: Sequence[object],
    number: int,
    room: int,
) -> tuple[str, Sequence[object]]:
    """Print a list of rows as ``VALUES (..), (..)``, or from one JSON array when there are too many."""
    if any(isinstance(logical, Array) for logical in types):
        raise NotSupportedError("SQLite cannot look for a list in a list of lists.")
    if not items:
        return f"SELECT {', '.join(['NULL'] * len(types))} WHERE FALSE", ()  # no row: VALUES needs one
    width, rows = len(types), cast("Sequence[Sequence[object]]", items)
    columns = [
        column if processor is None else convert_items(processor, column)
        for processor, column in zip(processors, zip(*rows, strict=True), strict=True)
    ]
    if len(rows) * width <= room:
        marks = [
            f"({', '.join([f'?{at + column}' for column in range(width)])})"
            for at in range(number, number + len(rows) * width, width)
        ]
        return "VALUES " + ", ".join(marks), [item for row in zip(*columns, strict=True) for item in row]
    functions, encoded = zip(*(_as_json(t, items, room) for t, items in zip(types, columns, strict=True)), strict=True)
    # The place in the row is a parameter, because a statement has no literals.
    selected = [f"{function}(json_extract(value, ?{number + 1 + at}))" for at, function in enumerate(functions)]
    text = f"SELECT {', '.join(selected)} FROM json_each(?{number})"  # noqa: S608 - names of functions and numbers
    return text, (json.dumps(list(zip(*encoded, strict=True))), *(f"$[{at}]" for at in range(width)))


def _as_json(logical: LogicalType | None, items: Sequence[object], room: int) -> tuple[str, list[object]]:
    """Return values that JSON keeps as they are, and the function that gives them back (empty: none).

    What JSON or SQLite's reading of it would change travels as text and comes back through a function.
    """
    kinds = {type(item) for item in items} - {type(None)}
    if kinds <= {int, float} and (float in kinds or isinstance(logical, Float)):
        return "covet_float", [None if item is None else repr(item) for item in items]
    if kinds == {bytes}:
        return "covet_unhex", [item.hex() if isinstance(item, bytes) else None for item in items]
    if not kinds <= {int, bool} and kinds != {str}:
        raise NotSupportedError(f"SQLite takes at most {room} values in a list of values of different types.")
    return "", list(items)
