"""SQLite: its facts and the roles that speak it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from covet.database.dialects.base import Dialect, Inline
from covet.database.dialects.plans import PlanNode
from covet.database.dialects.sqlite import plans, types
from covet.database.dialects.sqlite.compiler import SQLiteCompiler
from covet.database.dialects.sqlite.ddl import SQLiteDDLCompiler, literal
from covet.database.schema.types import LogicalType
from covet.database.sql.compiled import BindProcessor, Compiled
from covet.database.sql.ddl import DDLStatement
from covet.database.sql.statements import Statement

__all__ = ["SQLiteDialect"]


class SQLiteDialect(Dialect):
    """SQLite 3.35 and newer."""

    name = "sqlite"
    title = "SQLite"
    max_params = 32_766
    max_columns = 2_000
    max_tables = 64
    max_selects = 500
    #: SQLite has no limit but the length of a statement.
    max_identifier = 1_000_000
    supports_unnest = False
    supports_row_locks = False
    tells_inserted = False
    supports_schemas = False
    supports_add_constraint = False
    supports_distinct_on = False

    def compile(self, statement: Statement) -> Compiled:
        return SQLiteCompiler(self).compile(statement)

    def ddl(self, statement: DDLStatement) -> list[str]:
        return SQLiteDDLCompiler(self).compile(statement)

    def explain(self, form: str | None, options: Mapping[str, bool]) -> str:  # noqa: ARG002 - there are none
        return "EXPLAIN QUERY PLAN"

    def read_plan(self, rows: Sequence[Any]) -> PlanNode:
        return plans.read_plan(rows)

    def plan_text(self, rows: Sequence[Any]) -> str:
        return plans.plan_text(rows)

    def column_type(self, logical: LogicalType) -> str:
        return types.column_type(logical)

    def bind_processor(self, logical: LogicalType | None) -> BindProcessor | None:
        return types.bind_processor(logical)

    def result_processor(self, logical: LogicalType | None) -> Inline | None:
        return types.result_processor(logical)

    def literal(self, value: object, logical: LogicalType) -> str:
        return literal(value, logical)
