"""SQLite's DDL. Pure."""

from __future__ import annotations

import math

from covet.database.dialects.base import quote_text
from covet.database.dialects.sqlite.compiler import SQLiteCompiler, own_schema
from covet.database.dialects.sqlite.types import bind_processor
from covet.database.schema.constraints import Index, IndexColumn, PrimaryKey, Unique
from covet.database.schema.table import Column, DefaultExpression, DefaultValue, Table
from covet.database.schema.types import Boolean, Date, LogicalType, Numeric, Time, Timestamp
from covet.database.sql.ddl import AddForeignKey, CreateIndex, CreateSchema, DropTable
from covet.database.sql.ddl_compiler import DDLCompiler
from covet.database.sql.nodes import Expression, Function
from covet.exceptions import NotSupportedError, ProgrammingError

#: Now, as text of the column's form; milliseconds are all that SQLite's own clock gives.
_NOW: dict[LogicalType, str] = {
    Timestamp(timezone=True): "(strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now'))",
    Timestamp(timezone=False): "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
    Date(): "(strftime('%Y-%m-%d', 'now'))",
    Time(): "(strftime('%H:%M:%f000', 'now'))",
}


class SQLiteDDLCompiler(DDLCompiler):
    """Prints DDL for SQLite."""

    def create_schema(self, node: CreateSchema) -> list[str]:
        own_schema(node.name)
        return []

    def add_foreign_key(self, node: AddForeignKey) -> list[str]:
        raise NotSupportedError(f"SQLite cannot add a foreign key to the existing table {node.table!r}.")

    def drop_table(self, node: DropTable) -> str:
        # CASCADE drops what depends on the table; in SQLite nothing does.
        return super().drop_table(DropTable(node.name, node.schema, node.if_exists))

    def column_type(self, column: Column) -> str:
        if column.identity:
            return "integer"  # the one spelling that AUTOINCREMENT accepts; the rowid has 64 bits
        text = super().column_type(column)
        # Declared here, so that a UNIQUE, an index and a foreign key go by the decimal's value too.
        return f"{text} COLLATE covet_decimal" if isinstance(column.type, Numeric) else text

    def column(self, column: Column, table: Table) -> str:
        text = super().column(column, table)
        if isinstance(column.type, Boolean):
            text += f" CHECK ({self.quote(column.name)} IN (0, 1))"
        return text

    def identity(self, column: Column, table: Table) -> list[str]:
        if not column.identity:
            return []
        if table.primary_key is None or table.primary_key.columns != (column.name,):
            raise NotSupportedError(
                f"SQLite numbers the rows of a single-column primary key only, not {table.name}.{column.name}."
            )
        return ["PRIMARY KEY AUTOINCREMENT"]

    def primary_key(self, key: PrimaryKey, table: Table) -> list[str]:
        if any(column.identity for column in table.columns):
            return []
        return super().primary_key(key, table)

    def unique(self, unique: Unique) -> str:
        if not unique.nulls_distinct:
            raise NotSupportedError(f"SQLite has no NULLS NOT DISTINCT ({unique.name!r}).")
        return super().unique(unique)

    def default(self, default: DefaultValue | DefaultExpression, column: Column) -> str:
        match default:
            case DefaultExpression(Function(name="now")) if column.type in _NOW:
                return _NOW[column.type]
            case _:
                return super().default(default, column)

    def index_target(self, node: CreateIndex) -> str:
        # The schema belongs to the index; the table is looked for in the same one.
        return f"{self.table_name(node.index.name, node.schema)} ON {self.quote(node.table)}"

    def index_key(self, column: IndexColumn) -> str:
        if isinstance(column.key, Function) and column.key.name == "lower":
            # A collation may stand where a registered function may not; matching without case goes by it too.
            text = self.index_key(IndexColumn(column.key.arguments[0], operator_class=column.operator_class))
            return f"{text} COLLATE covet_nocase{' DESC' if column.descending else ''}"
        return super().index_key(column)

    def index_method(self, index: Index) -> str:
        if index.method not in (None, "btree"):
            raise NotSupportedError(f"SQLite has no {index.method!r} index ({index.name!r}).")
        return ""

    def index_include(self, index: Index) -> str:
        if index.include:
            raise NotSupportedError(f"SQLite has no INCLUDE in an index ({index.name!r}).")
        return ""

    def operator_class(self, name: str) -> str:
        raise NotSupportedError(f"SQLite has no operator class {name!r}.")

    def expression(self, node: Expression) -> str:
        return SQLiteCompiler(self.dialect, ddl=True).expression(node)

    def table_name(self, name: str, schema: str | None) -> str:
        return super().table_name(name, own_schema(schema))


def literal(value: object, logical: LogicalType) -> str:
    """Write a value as a literal, in the form in which it is stored."""
    if value is None:
        return "NULL"
    processor = bind_processor(logical)
    stored = value if processor is None else processor(value)
    match stored:
        case bool() | int():
            return str(int(stored))
        case float():
            return repr(stored) if math.isfinite(stored) else "9e999" if stored > 0 else "-9e999"
        case str():
            return quote_text(stored)
        case bytes():
            return f"X'{stored.hex()}'"
        case _:
            raise ProgrammingError(f"SQLite has no literal of {type(value).__name__}.")
