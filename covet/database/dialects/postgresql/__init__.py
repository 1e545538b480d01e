"""PostgreSQL: its facts and the roles that speak it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from covet.database.dialects.base import Dialect, Inline, LockMode
from covet.database.dialects.plans import PlanNode
from covet.database.dialects.postgresql import plans, types
from covet.database.dialects.postgresql.compiler import PostgreSQLCompiler
from covet.database.dialects.postgresql.ddl import PostgreSQLDDLCompiler, literal
from covet.database.schema.types import (
    Array,
    Binary,
    Boolean,
    Date,
    Float,
    Integer,
    Interval,
    LogicalType,
    Numeric,
    Text,
    Time,
    Timestamp,
    Uuid,
    Varchar,
)
from covet.database.sql.compiled import BindProcessor, Compiled
from covet.database.sql.ddl import DDLStatement
from covet.database.sql.statements import Statement

__all__ = ["PostgreSQLDialect"]

_COPIED = (Binary, Boolean, Date, Float, Integer, Interval, Numeric, Text, Time, Timestamp, Uuid, Varchar)


class PostgreSQLDialect(Dialect):
    """PostgreSQL 12 and newer."""

    name = "postgresql"
    title = "PostgreSQL"
    #: asyncpg's limit: the protocol's count of parameters is a signed 16-bit number there.
    max_params = 32_767
    max_columns = 1_664
    #: No number is its limit; beyond these its planner takes minutes.
    max_tables = 1_000
    max_selects = 1_000
    max_identifier = 63
    supports_unnest = True
    supports_row_locks = True
    tells_inserted = True
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

    def __init__(self, make_range: BindProcessor | None = None) -> None:
        #: Makes what the driver takes for a ``Range``.
        self.make_range = make_range

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
        return types.bind_processor(logical, self.make_range)

    def copies(self, logical: LogicalType) -> bool:
        # What has a codec of text (JSON) or none cannot be in a binary COPY.
        return isinstance(logical.item if isinstance(logical, Array) else logical, _COPIED)

    def result_processor(self, logical: LogicalType | None) -> Inline | None:
        return types.result_processor(logical)

    def literal(self, value: object, logical: LogicalType) -> str:
        return literal(value, logical)

    def advisory_lock(self, *, shared: bool, wait: bool, transaction: bool = False) -> str:
        return f"SELECT pg_{'' if wait else 'try_'}advisory_{'xact_' if transaction else ''}lock{_shared(shared)}($1)"

    def advisory_unlock(self, *, shared: bool) -> str:
        return f"SELECT pg_advisory_unlock{_shared(shared)}($1)"

    def log_position(self, *, replayed: bool) -> str:
        function = "pg_last_wal_replay_lsn()" if replayed else "pg_current_wal_insert_lsn()"
        return f"SELECT pg_wal_lsn_diff({function}, '0/0')::bigint"

    def lock_table(self, tables: Sequence[str], mode: LockMode, *, wait: bool) -> str:
        return f"LOCK TABLE {', '.join(tables)} IN {mode.upper()} MODE{'' if wait else ' NOWAIT'}"


def _shared(shared: bool) -> str:
    return "_shared" if shared else ""
