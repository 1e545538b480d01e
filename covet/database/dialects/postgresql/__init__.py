"""PostgreSQL: its facts and the roles that speak it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from covet.database.dialects.base import Dialect, Inline
from covet.database.dialects.plans import PlanNode
from covet.database.dialects.postgresql import plans, types
from covet.database.dialects.postgresql.compiler import PostgreSQLCompiler
from covet.database.dialects.postgresql.ddl import PostgreSQLDDLCompiler, literal
from covet.database.schema.types import LogicalType
from covet.database.sql.compiled import BindProcessor, Compiled
from covet.database.sql.ddl import DDLStatement
from covet.database.sql.statements import Statement

__all__ = ["PostgreSQLDialect"]


class PostgreSQLDialect(Dialect):
    """PostgreSQL 12 and newer."""

    name = "postgresql"
    title = "PostgreSQL"
    #: asyncpg's limit: the protocol's count of parameters is a signed 16-bit number there.
    max_params = 32_767
    max_identifier = 63
    supports_unnest = True
    supports_row_locks = True
    supports_schemas = True
    supports_add_constraint = True
    supports_distinct_on = True
    plan_format = "json"
    explain_formats = frozenset({"json", "xml", "yaml"})
    explain_options = frozenset(
        {
            "analyze",
            "buffers",
            "costs",
            "generic_plan",
            "memory",
            "serialize",
            "settings",
            "summary",
            "timing",
            "verbose",
            "wal",
        }
    )

    def compile(self, statement: Statement) -> Compiled:
        return PostgreSQLCompiler(self).compile(statement)

    def ddl(self, statement: DDLStatement) -> list[str]:
        return PostgreSQLDDLCompiler(self).compile(statement)

    def explain(self, form: str | None, options: Mapping[str, bool]) -> str:
        told = [f"FORMAT {form.upper()}"] if form is not None else []
        told += [f"{name.upper()} {'TRUE' if value else 'FALSE'}" for name, value in options.items()]
        return f"EXPLAIN ({', '.join(told)})" if told else "EXPLAIN"

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
