"""PostgreSQL's DDL. Pure."""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from covet.database.dialects.base import quote_text
from covet.database.dialects.postgresql.compiler import PostgreSQLCompiler
from covet.database.dialects.postgresql.types import plain_type
from covet.database.schema.constraints import Exclusion
from covet.database.schema.ranges import Range
from covet.database.schema.table import Table
from covet.database.schema.types import Array, Json, LogicalType, RangeOf
from covet.database.sql.ddl_compiler import DDLCompiler
from covet.database.sql.nodes import Expression
from covet.exceptions import ProgrammingError


class PostgreSQLDDLCompiler(DDLCompiler):
    """Prints DDL for PostgreSQL."""

    def expression(self, node: Expression) -> str:
        return PostgreSQLCompiler(self.dialect, ddl=True).expression(node)

    def exclusion(self, exclusion: Exclusion) -> str:
        elements = ", ".join(f"{self.quote(column)} WITH {operator}" for column, operator in exclusion.elements)
        text = f"{self._named(exclusion.name)}EXCLUDE USING {self.quote(exclusion.method)} ({elements})"
        if exclusion.condition is not None:
            text += f" WHERE ({self.expression(exclusion.condition)})"
        return text + (" DEFERRABLE INITIALLY DEFERRED" if exclusion.deferrable else "")

    def comments(self, table: Table) -> list[str]:
        name = self.table_name(table.name, table.schema)
        texts = [] if table.comment is None else [f"COMMENT ON TABLE {name} IS {literal_text(table.comment)}"]
        return texts + [
            f"COMMENT ON COLUMN {name}.{self.quote(column.name)} IS {literal_text(column.comment)}"
            for column in table.columns
            if column.comment is not None
        ]


def literal_text(text: str) -> str:
    """Write a string; with a backslash as E'..', which means the same whatever the server's settings are."""
    quoted = quote_text(text)
    return "E" + quoted.replace("\\", "\\\\") if "\\" in quoted else quoted


def literal(value: object, logical: LogicalType) -> str:
    """Write a value as a literal of its type."""
    name = plain_type(logical)
    if value is None:
        return f"NULL::{name}"
    if isinstance(logical, Array):
        items = cast("Sequence[object]", value)  # the field has checked it
        return f"ARRAY[{', '.join(literal(item, logical.item) for item in items)}]::{name}"
    if isinstance(logical, RangeOf):
        return f"{literal_text(_range(cast('Range[Any]', value), name))}::{name}"
    if isinstance(logical, Json):
        value = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _number(value) or f"{literal_text(_content(value, name))}::{name}"


def _number(value: object) -> str | None:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case Decimal() if value.is_finite():
            return format(value, "f")
        case _:
            return None


def _range(value: Range[Any], name: str) -> str:
    if value.isempty:
        return "empty"
    ends = ("" if end is None else _number(end) or _content(end, name) for end in (value.lower, value.upper))
    return f"{value.bounds[0]}{','.join(ends)}{value.bounds[1]}"


def _content(value: object, name: str) -> str:
    match value:
        case bytes():
            return f"\\x{value.hex()}"
        case dt.datetime():
            # UTC if it does not say otherwise; for a column without a zone PostgreSQL ignores the offset.
            aware = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
            return aware.isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return f"{value // dt.timedelta(microseconds=1)} microseconds"
        case str() | float() | Decimal() | uuid.UUID():
            return str(value)
        case _:
            raise ProgrammingError(f"PostgreSQL has no literal of {type(value).__name__} as {name}.")
