"""PostgreSQL: its facts and the roles that speak it. Pure."""

from __future__ import annotations

from covet.database.dialects.base import Dialect, Inline
from covet.database.dialects.postgresql import types
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
    explain = "EXPLAIN"
    explain_analyze = "EXPLAIN (ANALYZE)"
    supports_row_locks = True
    supports_schemas = True
    supports_add_constraint = True
    supports_distinct_on = True

    def compile(self, statement: Statement) -> Compiled:
        return PostgreSQLCompiler(self).compile(statement)

    def ddl(self, statement: DDLStatement) -> list[str]:
        return PostgreSQLDDLCompiler(self).compile(statement)

    def column_type(self, logical: LogicalType) -> str:
        return types.column_type(logical)

    def bind_processor(self, logical: LogicalType | None) -> BindProcessor | None:
        return types.bind_processor(logical)

    def result_processor(self, logical: LogicalType | None) -> Inline | None:
        return types.result_processor(logical)

    def literal(self, value: object, logical: LogicalType) -> str:
        return literal(value, logical)
