"""PostgreSQL's DDL. Pure."""

from __future__ import annotations

import datetime
import json
import math
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from covet.database.dialects.base import quote_text
from covet.database.dialects.postgresql.compiler import PostgreSQLCompiler
from covet.database.dialects.postgresql.types import plain_type
from covet.database.schema.table import Table
from covet.database.schema.types import Array, Json, LogicalType
from covet.database.sql.ddl_compiler import DDLCompiler
from covet.database.sql.nodes import Expression
from covet.exceptions import ProgrammingError


class PostgreSQLDDLCompiler(DDLCompiler):
    """Prints DDL for PostgreSQL."""

    def expression(self, node: Expression) -> str:
        return PostgreSQLCompiler(self.dialect, ddl=True).expression(node)

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
    if isinstance(logical, Json):
        return f"{literal_text(json.dumps(value, ensure_ascii=False, allow_nan=False))}::{name}"
    if isinstance(logical, Array):
        items = cast("Sequence[object]", value)  # the field has checked it
        return f"ARRAY[{', '.join(literal(item, logical.item) for item in items)}]::{name}"
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else f"'{value}'::{name}"
        case Decimal():
            return format(value, "f") if value.is_finite() else f"'{value}'::{name}"
        case str():
            return f"{literal_text(value)}::{name}"
        case bytes():
            return f"'\\x{value.hex()}'::{name}"
        case datetime.datetime() | datetime.date() | datetime.time():
            return f"'{_aware(value).isoformat()}'::{name}"
        case datetime.timedelta():
            micros = value // datetime.timedelta(microseconds=1)
            return f"'{micros} microseconds'::{name}"
        case uuid.UUID():
            return f"'{value}'::{name}"
        case _:
            raise ProgrammingError(f"PostgreSQL has no literal of {type(value).__name__} as {name}.")


def _aware(
    value: datetime.datetime | datetime.date | datetime.time,
) -> datetime.datetime | datetime.date | datetime.time:
    # A date-time is UTC if it does not say otherwise; for a column without a zone PostgreSQL ignores the offset.
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)
    return value
