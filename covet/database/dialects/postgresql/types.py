"""PostgreSQL's types: column SQL, bind and result processors. Pure.

asyncpg takes and gives native Python values for all but JSON (a codec of the adapter passes ``JsonText`` on and
decodes results), network addresses (it gives ``ipaddress`` objects) and ranges (it has a class of its own, which the
adapter makes: no driver is imported here).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from covet.database.dialects.base import Inline, JsonText
from covet.database.schema.ranges import range_of
from covet.database.schema.types import (
    Array,
    Binary,
    Boolean,
    Date,
    Float,
    Inet,
    Integer,
    Interval,
    Json,
    LogicalType,
    NativeEnum,
    Numeric,
    RangeOf,
    Text,
    Time,
    Timestamp,
    TsQuery,
    TsVector,
    Uuid,
    Varchar,
)
from covet.database.sql.compiled import BindProcessor, convert_items
from covet.exceptions import NotSupportedError

_NAMES: dict[type[LogicalType], str] = {
    Boolean: "boolean",
    Float: "double precision",
    Numeric: "numeric",
    Varchar: "varchar",
    Text: "text",
    Binary: "bytea",
    Date: "date",
    Time: "time",
    Interval: "interval",
    Uuid: "uuid",
    Inet: "inet",
    TsQuery: "tsquery",
    TsVector: "tsvector",
}
_INTEGERS = {16: "smallint", 32: "integer", 64: "bigint"}
_RANGES: dict[LogicalType, str] = {
    Integer(32): "int4range",
    Integer(64): "int8range",
    Numeric(): "numrange",
    Date(): "daterange",
    Timestamp(timezone=True): "tstzrange",
    Timestamp(timezone=False): "tsrange",
}


@cache
def plain_type(logical: LogicalType) -> str:  # noqa: PLR0911 - one a kind of type
    """Return the type's name without length, precision and size.

    Parameters are declared by it: ``$1::varchar(3)`` would cut a longer value silently.
    """
    match logical:
        case Integer(bits=bits):
            return _INTEGERS[bits]
        case Timestamp(timezone=timezone):
            return "timestamptz" if timezone else "timestamp"
        case Json(binary=binary):
            return "jsonb" if binary else "json"
        case Array(item=item):
            return f"{plain_type(item)}[]"
        case RangeOf(item=item) if item in _RANGES:
            return _RANGES[item]
        case NativeEnum(name=name):
            return '"' + name.replace('"', '""') + '"'
        case _:
            found = _NAMES.get(type(logical))
            if found is None:
                raise NotSupportedError(f"PostgreSQL has no column type for {type(logical).__name__}.")
            return found


def column_type(logical: LogicalType) -> str:
    """Return the type as a column declares it."""
    match logical:
        case Numeric(precision=int(precision), scale=scale):
            return f"numeric({precision}, {scale or 0})"
        case Varchar(length=int(length)):
            return f"varchar({length})"
        case Array(item=item, size=size):
            return f"{column_type(item)}[{'' if size is None else size}]"
        case _:
            return plain_type(logical)


@cache
def bind_processor(logical: LogicalType | None, make_range: BindProcessor | None = None) -> BindProcessor | None:
    """Return what turns a value into what asyncpg takes; None: nothing to do. ``make_range`` makes asyncpg's ranges."""
    match logical:
        case Json():
            return _json_text
        case RangeOf():
            return make_range
        case Array(item=item):
            processor = bind_processor(item, make_range)
            return None if processor is None else list_processor(processor)
        case _:
            return None


@cache
def column_processor(column: int, processor: BindProcessor | None) -> BindProcessor:
    """Return what takes one column of a list of rows, each value converted."""

    def convert(rows: Sequence[Sequence[object]]) -> list[object]:
        items = [row[column] for row in rows]
        return items if processor is None else convert_items(processor, items)

    return convert


@cache
def list_processor(processor: BindProcessor) -> BindProcessor:
    """Return what converts every item of a list that is not None; equal ones share a placeholder."""

    def convert(items: list[object] | tuple[object, ...]) -> list[object]:
        return convert_items(processor, items)

    return convert


@cache
def result_processor(logical: LogicalType | None, depth: int = 0) -> Inline | None:
    """Return what turns asyncpg's value into ours; None: nothing to do."""
    match logical:
        case Inet():
            return Inline("str({v})", {"str": str})
        case RangeOf():
            return Inline("range_of({v})", {"range_of": range_of})
        case Array(item=item):
            inner = result_processor(item, depth + 1)
            if inner is None:
                return None
            name = f"_i{depth}"
            text = inner.template.replace("{v}", name)
            return Inline(f"[None if {name} is None else {text} for {name} in {{v}}]", inner.names)
        case _:
            return None


def _json_text(value: object) -> JsonText:
    if type(value) is JsonText:
        return value
    return JsonText(json.dumps(value, ensure_ascii=False, allow_nan=False))
