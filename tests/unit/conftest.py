"""A session of each database without adapter and ORM: what a dialect prints, run as it is."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import asyncpg
import pytest

from covet.database.dialects.base import Dialect
from covet.database.dialects.postgresql import PostgreSQLDialect
from covet.database.dialects.sqlite import SQLiteDialect
from covet.database.dialects.sqlite.functions import AGGREGATES, COLLATIONS, FUNCTIONS
from covet.database.schema.types import LogicalType
from covet.database.sql.ddl import DDLStatement
from covet.database.sql.expression_types import type_of
from covet.database.sql.nodes import Expression
from covet.database.sql.statements import Select, Selected, Statement
from tests import postgresql_server


class Session(ABC):
    """One database, spoken to through its dialect alone."""

    dialect: Dialect

    @abstractmethod
    async def execute(self, sql: str, arguments: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Run one statement."""

    async def create(self, *statements: DDLStatement) -> None:
        """Run DDL."""
        for text in self.dialect.script(statements):
            await self.execute(text)

    async def run(self, statement: Statement, *params: object) -> list[tuple[object, ...]]:
        """Compile, bind, execute, and convert the results by the types of the result columns."""
        compiled = self.dialect.compile(statement)
        rows = await self.execute(*compiled.bind(params))
        columns = statement.columns if isinstance(statement, Select) else statement.returning
        types = [type_of(column.expression) for column in columns]
        return [tuple(map(self.converted, row, types)) for row in rows]

    async def value(self, expression: Expression, *params: object) -> object:
        """Return the value of one expression without a table."""
        return (await self.run(Select((Selected(expression),)), *params))[0][0]

    def converted(self, value: object, logical: LogicalType | None) -> object:
        """Apply a result processor as the hydrator's source would."""
        inline = self.dialect.result_processor(logical)
        if value is None or inline is None:
            return value
        return eval(inline.template.replace("{v}", "value"), dict(inline.names), {"value": value})  # noqa: S307


class SQLiteSession(Session):
    dialect = SQLiteDialect()

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("PRAGMA trusted_schema = OFF")
        self.connection.execute("PRAGMA foreign_keys = ON")
        for name, arguments, function, deterministic in FUNCTIONS:
            self.connection.create_function(name, arguments, function, deterministic=deterministic)
        for name, arguments, cls in AGGREGATES:
            self.connection.create_aggregate(name, arguments, cls)
        for name, function in COLLATIONS:
            self.connection.create_collation(name, function)

    async def execute(self, sql: str, arguments: Sequence[object] = ()) -> list[tuple[object, ...]]:
        return self.connection.execute(sql, arguments).fetchall()


class PostgreSQLSession(Session):
    dialect = PostgreSQLDialect()

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def execute(self, sql: str, arguments: Sequence[object] = ()) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.connection.fetch(sql, *arguments)]


async def postgresql_session(url: str) -> PostgreSQLSession:
    connection = await asyncpg.connect(url)
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=str, decoder=json.loads, schema="pg_catalog")
    return PostgreSQLSession(connection)


@pytest.fixture(params=["sqlite", "postgresql"])
def session_url(request: pytest.FixtureRequest) -> str | None:
    """Return the server's URL, asked for outside the event loop; None is SQLite."""
    return request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None


@pytest.fixture
async def session(session_url: str | None) -> AsyncIterator[Session]:
    """Yield a session on an empty database, on SQLite and again on PostgreSQL."""
    if session_url is None:
        sqlite = SQLiteSession()
        yield sqlite
        sqlite.connection.close()
    else:
        await postgresql_server.empty(session_url)
        postgresql = await postgresql_session(session_url)
        yield postgresql
        await postgresql.connection.close()


@pytest.fixture
async def both(postgresql_url: str) -> AsyncIterator[tuple[Session, Session]]:
    """Yield both databases at once, to compare their answers."""
    sqlite = SQLiteSession()
    postgresql = await postgresql_session(postgresql_url)
    yield sqlite, postgresql
    await postgresql.connection.close()
    sqlite.connection.close()


@pytest.fixture
def dialects() -> tuple[SQLiteDialect, PostgreSQLDialect]:
    """Return both dialects, to compare what they print."""
    return SQLiteDialect(), PostgreSQLDialect()


@pytest.fixture
def quotients(postgresql_url: str) -> Iterator[Callable[[object, object], str]]:
    """Yield a function that divides two decimals on PostgreSQL and returns the digits."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(postgresql_url))

        def divide(left: object, right: object) -> str:
            quotient = runner.run(connection.fetchval("SELECT ($1::numeric / $2::numeric)::text", left, right))
            return str(quotient)

        yield divide
        runner.run(connection.close())
