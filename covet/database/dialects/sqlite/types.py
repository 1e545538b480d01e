"""SQLite's types: declared column types, bind and result processors. Pure.

SQLite knows integers, floats, text and bytes only. What it lacks is kept as text in one canonical form, such that an
equal value is an equal text and, for dates and times, the order of texts is the order of values. Declared types are
chosen so that SQLite's column affinity does no harm (``..._text``) and introspection can tell what the column holds.

==============  ======================================  ==========================================================
type            declared as                             stored
==============  ======================================  ==========================================================
Boolean         ``boolean``                             0 or 1 (CHECK)
Numeric         ``numeric_text COLLATE covet_decimal``  plain decimal text, with the digits of ``scale``
Timestamp       ``timestamptz_text``                    ``2024-01-01 12:00:00.000000+00:00``, always UTC
Timestamp       ``timestamp_text``                      the same without the offset (``timezone=False``)
Date, Time      ``date_text``, ``time_text``            ``2024-01-01``, ``12:00:00.000000``
Interval        ``bigint_interval``                     microseconds
Uuid            ``uuid_text``                           canonical lower-case text
Json            ``jsonb_text``, ``json_text``           JSON text; jsonb with sorted keys
Array           ``array_text`` and the item's type      JSON text of the items
==============  ======================================  ==========================================================
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from operator import methodcaller
from uuid import UUID

from covet.database.dialects.base import Inline, JsonText
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
    Uuid,
    Varchar,
)
from covet.database.sql.compiled import BindProcessor, convert_items
from covet.exceptions import NotSupportedError

_NAMES: dict[type[LogicalType], str] = {
    Boolean: "boolean",
    Float: "double precision",
    Numeric: "numeric_text",
    Varchar: "varchar",
    Text: "text",
    Binary: "blob",
    Date: "date_text",
    Time: "time_text",
    Interval: "bigint_interval",
    Uuid: "uuid_text",
    Inet: "inet_text",
    NativeEnum: "text",
}
#: Types whose name depends on a flag.
_FLAGGED: dict[LogicalType, str] = {
    Integer(16): "smallint",
    Integer(32): "integer",
    Integer(64): "bigint",
    Timestamp(timezone=True): "timestamptz_text",
    Timestamp(timezone=False): "timestamp_text",
    Json(binary=True): "jsonb_text",
    Json(binary=False): "json_text",
}
_MICROSECOND = dt.timedelta(microseconds=1)


def column_type(logical: LogicalType) -> str:
    """Return the declared type of a column."""
    match logical:
        case Numeric(precision=int(precision), scale=scale):
            return f"numeric_text({precision}, {scale or 0})"
        case Varchar(length=int(length)):
            return f"varchar({length})"
        case Array(item=item):
            return f"array_text {column_type(item)}"
        case RangeOf():
            raise _no_ranges()
        case _:
            name = _FLAGGED.get(logical) or _NAMES.get(type(logical))
            if name is None:
                raise NotSupportedError(f"SQLite has no column type for {type(logical).__name__}.")
            return name


def _no_ranges() -> NotSupportedError:
    return NotSupportedError(
        "SQLite has no range types. Two columns say the same on every database: one for each bound, and "
        "start__lte=x, end__gt=x for what contains x."
    )


@cache
def bind_processor(logical: LogicalType | None) -> BindProcessor | None:
    """Return what turns a value into what SQLite stores; None: nothing to do."""
    match logical:
        case Numeric(scale=scale):
            return decimal_text if not scale else _scaled_decimal_text(scale)
        case Timestamp(timezone=timezone):
            return timestamptz_text if timezone else timestamp_text
        case Json(binary=binary):
            return _sorted_json_text if binary else _json_text
        case Array(item=item):
            return _array_text(_item_bind_processor(item))
        case RangeOf():
            raise _no_ranges()
        case _:
            return _BIND.get(type(logical))


@cache
def result_processor(logical: LogicalType | None) -> Inline | None:
    """Return what turns SQLite's value into ours; None: nothing to do."""
    match logical:
        case Timestamp(timezone=timezone):
            return _TIMESTAMPTZ if timezone else _TIMESTAMP
        case Array(item=item):
            inner = _item_result_processor(item, 0)
            names: dict[str, object] = {"json_loads": json.loads}
            if inner is None:
                return Inline("json_loads({v})", names)
            text = f"[None if _i0 is None else {inner.template.replace('{v}', '_i0')} for _i0 in json_loads({{v}})]"
            return Inline(text, names | dict(inner.names))
        case _:
            return _RESULT.get(type(logical))


# Python -> SQLite ---------------------------------------------------------------------------------------------------


def decimal_text(value: object) -> str:
    """Return a decimal as plain text without an exponent."""
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number:
        number = abs(number)  # there is no negative zero in SQL
    return format(number, "f")


@cache
def _scaled_decimal_text(scale: int) -> BindProcessor:
    def convert(value: object) -> str:
        text = decimal_text(value)
        whole, _, digits = text.partition(".")
        # Longer values are left as they are: the field refuses them in a column, a comparison needs them.
        missing = scale - len(digits)
        return f"{whole}.{digits}{'0' * missing}" if missing > 0 and whole[-1].isdigit() else text

    return convert


_timestamp_isoformat: Callable[[dt.datetime], str] = methodcaller("isoformat", " ", "microseconds")


def timestamptz_text(value: dt.datetime) -> str:
    """Return a date-time as fixed-width text in UTC; a naive one is UTC already."""
    if value.tzinfo is not dt.UTC:
        value = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    return value.isoformat(" ", "microseconds")


timestamp_text = _timestamp_isoformat


def microseconds(value: dt.timedelta) -> int:
    """Return a duration as a whole number of microseconds."""
    return value // _MICROSECOND


def _json_text(value: object) -> str:
    if type(value) is JsonText:
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _sorted_json_text(value: object) -> str:
    if type(value) is JsonText:
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)


@cache
def _array_text(item: BindProcessor | None) -> BindProcessor:
    if item is None:
        return _plain_array_text

    def convert(values: list[object] | tuple[object, ...]) -> str:
        return json.dumps(convert_items(item, values), ensure_ascii=False)

    return convert


def _plain_array_text(values: list[object] | tuple[object, ...]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


_BIND: dict[type, BindProcessor] = {
    Date: methodcaller("isoformat"),
    Time: methodcaller("isoformat", "microseconds"),
    Interval: microseconds,
    Uuid: str,
    Inet: str,
}


# SQLite -> Python ---------------------------------------------------------------------------------------------------

_UTC: dict[str, object] = {"datetime_fromisoformat": dt.datetime.fromisoformat, "utc": dt.UTC}
#: ``_t`` is reserved for this in generated code. A text without an offset was written by someone else: it is UTC.
_TIMESTAMPTZ = Inline("(_t if (_t := datetime_fromisoformat({v})).tzinfo else _t.replace(tzinfo=utc))", _UTC)
_TIMESTAMP = Inline("datetime_fromisoformat({v})", {"datetime_fromisoformat": dt.datetime.fromisoformat})
_RESULT: dict[type, Inline] = {
    Boolean: Inline("({v} != 0)"),
    Numeric: Inline("decimal({v})", {"decimal": Decimal}),
    Date: Inline("date_fromisoformat({v})", {"date_fromisoformat": dt.date.fromisoformat}),
    Time: Inline("time_fromisoformat({v})", {"time_fromisoformat": dt.time.fromisoformat}),
    Interval: Inline("timedelta(microseconds={v})", {"timedelta": dt.timedelta}),
    Uuid: Inline("uuid({v})", {"uuid": UUID}),
    Json: Inline("json_loads({v})", {"json_loads": json.loads}),
}


# Items of arrays: what JSON itself can hold stays as it is -----------------------------------------------------------


def _item_bind_processor(logical: LogicalType) -> BindProcessor | None:
    match logical:
        case Json():
            return None
        case Binary():
            return bytes.hex
        case Array(item=item):
            inner = _item_bind_processor(item)
            return None if inner is None else _nested(inner)
        case _:
            return bind_processor(logical)


@cache
def _nested(processor: BindProcessor) -> BindProcessor:
    def convert(items: list[object] | tuple[object, ...]) -> list[object]:
        return convert_items(processor, items)

    return convert


def _item_result_processor(logical: LogicalType, depth: int) -> Inline | None:
    match logical:
        case Json() | Boolean():
            return None
        case Binary():
            return Inline("bytes_fromhex({v})", {"bytes_fromhex": bytes.fromhex})
        case Array(item=item):
            inner = _item_result_processor(item, depth + 1)
            if inner is None:
                return None
            name = f"_i{depth + 1}"
            text = inner.template.replace("{v}", name)
            return Inline(f"[None if {name} is None else {text} for {name} in {{v}}]", inner.names)
        case _:
            return result_processor(logical)
