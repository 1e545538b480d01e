"""Session of PostgreSQL: one connection of asyncpg, and its cursors."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.cursor import Cursor as AsyncpgCursor
from asyncpg.pool import PoolConnectionProxy

from covet.database.adapters.session import Answer, Args, CopyTarget, Cursor, DriverRow, Session
from covet.database.adapters.setup import run_init
from covet.database.config import DatabaseConfig
from covet.database.dialects.base import JsonText
from covet.database.sql.raw import RawStatement
from covet.exceptions import ConnectionLost, DatabaseError, OperationalError, QueryTimeout, ReadOnly

# What DISCARD ALL does, but for DEALLOCATE ALL: asyncpg goes on using the statements that it has prepared.
_RESET: Final = """
    CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all();
    DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES
"""
_COUNT: Final = re.compile(r" (\d+)$")
#: A connection of ours, or one of a pool that was given.
Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"


def encode_json(value: object) -> str:
    """Pass text of the ORM on, make text of everything else."""
    return value if type(value) is JsonText else json.dumps(value, ensure_ascii=False, allow_nan=False)


def driver_range(value: Any) -> object:
    """Return a ``Range`` as asyncpg's."""
    return asyncpg.Range(
        value.lower, value.upper, lower_inc=value.lower_inc, upper_inc=value.upper_inc, empty=value.isempty
    )


def affected(status: str) -> int | None:
    """Read the number of rows from ``INSERT 0 3``; None where a command has none.

    >>> affected("INSERT 0 3")
    3
    """
    found = _COUNT.search(status)
    return int(found[1]) if found is not None else None


class AsyncpgCursorShell(Cursor):
    """A portal. It needs a transaction and makes one where there is none."""

    def __init__(self, session: AsyncpgSession, sql: str, args: Args, *, transaction: bool) -> None:
        self._session = session
        self._connection = session.connection
        self._sql = sql
        self._args = args
        self._transaction = transaction
        self._cursor: AsyncpgCursor[Any] | None = None
        self._finished = False

    async def fetch(self, count: int) -> list[DriverRow]:
        if self._finished:
            return []
        if self._cursor is None:
            if self._transaction:
                await self._connection.execute("BEGIN")
            # Each portion is a statement, and what its block says of the time for one holds when it is asked for.
            self._cursor = await self._connection.cursor(self._sql, *self._args, timeout=self._session.statement_limit)
        rows = await self._cursor.fetch(count, timeout=self._session.statement_limit)
        self._finished = len(rows) < count
        return rows

    async def close(self) -> None:
        # Inside a transaction of somebody else the portal ends with that transaction: asyncpg offers no other way.
        self._cursor = None
        if self._transaction and self._connection.is_in_transaction():
            await self._connection.execute("COMMIT")


class AsyncpgSession(Session):
    """One connection to a server."""

    __slots__ = ("_config", "connection")

    def __init__(self, connection: Connection, config: DatabaseConfig) -> None:
        super().__init__()
        self.connection = connection
        self._config = config

    def fetch(self, sql: str, args: Args) -> Awaitable[list[DriverRow]]:
        return self.connection.fetch(sql, *args, timeout=self.statement_limit)

    def fetch_many(self, sql: str, rows: Sequence[Args]) -> Awaitable[list[DriverRow]]:
        return self.connection.fetchmany(sql, rows, timeout=self.statement_limit)

    async def run(self, sql: str, args: Args) -> int:
        return affected(await self.connection.execute(sql, *args, timeout=self.statement_limit)) or 0

    async def run_many(self, sql: str, rows: Sequence[Args]) -> None:
        await self.connection.executemany(sql, rows, timeout=self.statement_limit)

    async def copy_rows(self, target: CopyTarget, rows: Iterable[Args]) -> int:
        status = await self.connection.copy_records_to_table(
            target.table,
            records=rows,
            columns=target.columns,
            schema_name=target.schema,
            timeout=self.statement_limit,
        )
        return affected(status) or 0

    async def ask(self, statement: RawStatement, args: Args, *, first: bool) -> Answer:
        if not statement.returns_rows:
            status = await self.connection.execute(statement.sql, *args, timeout=self.statement_limit)
            return Answer((), (), affected(status))
        rows: Sequence[Any]
        if first:
            row = await self.connection.fetchrow(statement.sql, *args, timeout=self.statement_limit)
            rows = () if row is None else (row,)
        else:
            rows = await self.connection.fetch(statement.sql, *args, timeout=self.statement_limit)
        return Answer(tuple(rows[0].keys()) if rows else (), rows, len(rows))

    def cursor(self, sql: str, args: Args, *, transaction: bool) -> Cursor:
        return AsyncpgCursorShell(self, sql, args, transaction=transaction)

    async def command(self, sql: str) -> str:
        return await self.connection.execute(sql)

    def in_transaction(self) -> bool:
        return self.connection.is_in_transaction()

    def aborted_by(self, error: BaseException) -> bool:
        # After an error of the server a transaction accepts nothing; one that asyncpg raises itself changes nothing.
        if not isinstance(error, DatabaseError) or isinstance(error, QueryTimeout | ConnectionLost):
            return True
        cause = error.__cause__
        return isinstance(cause, asyncpg.PostgresError) and cause.severity is not None

    def is_closed(self) -> bool:
        return self.connection.is_closed()

    async def restore(self) -> None:
        # asyncpg first waits until the server has confirmed the cancellation of the statement before.
        if not self.connection.is_in_transaction():
            await self.connection.execute("SELECT 1")
        if self.connection.is_in_transaction():  # also if the statement before was a BEGIN
            await self.connection.execute("ROLLBACK")

    async def reset(self) -> None:
        if self.stale:
            await self.forget_schema()
        await self.connection.execute(_RESET)
        await self.prepare()

    async def forget_schema(self) -> None:
        await self.connection.reload_schema_state()
        await super().forget_schema()

    async def set_up(self) -> None:
        """Do what every new connection needs."""
        for name in ("json", "jsonb"):
            await self.connection.set_type_codec(
                name, schema="pg_catalog", encoder=encode_json, decoder=json.loads, format="text"
            )
        await self.prepare()

    async def prepare(self) -> None:
        """Run the configured commands and the user's function; also after the settings were put back."""
        for command in self._config.init_commands:
            await self.connection.execute(command)
        await run_init(self._config, self.connection)

    def unanswered(self, error: OperationalError) -> bool:
        cause = error.__cause__
        if isinstance(cause, asyncpg.InterfaceError):  # the connection was known to be closed: nothing was sent
            return False
        return not (isinstance(cause, asyncpg.PostgresError) and cause.severity is not None)

    def doubt(self, error: DatabaseError) -> None:
        super().doubt(error)
        if isinstance(error, ReadOnly):
            self.expires = 0.0  # perhaps the server became a standby: look for the primary again

    async def close(self) -> None:
        await self.connection.close()

    def terminate(self) -> None:
        try:
            self.connection.terminate()
        except RuntimeError:  # its event loop is closed, and with it the transport
            return

    def description(self) -> str:
        return str(self.connection.get_server_pid())


class PoolerCursor(Cursor):
    """A cursor of SQL. asyncpg's own needs a named prepared statement, which a pooler keeps for somebody else."""

    _numbers = itertools.count(1)

    def __init__(self, session: AsyncpgSession, sql: str, args: Args, *, transaction: bool) -> None:
        self._session = session
        self._connection = session.connection
        self._sql = sql
        self._args = args
        self._transaction = transaction
        self._name = f"covet_cursor_{next(self._numbers)}"
        self._open = False
        self._finished = False

    async def fetch(self, count: int) -> list[DriverRow]:
        if self._finished:
            return []
        if not self._open:
            if self._transaction:
                await self._connection.execute("BEGIN")
            declare = f"DECLARE {self._name} NO SCROLL CURSOR FOR {self._sql}"
            await self._connection.execute(declare, *self._args, timeout=self._session.statement_limit)
            self._open = True
        fetch = f"FETCH {count} FROM {self._name}"
        rows: list[DriverRow] = await self._connection.fetch(fetch, timeout=self._session.statement_limit)
        self._finished = len(rows) < count
        return rows

    async def close(self) -> None:
        self._finished = True
        if self._transaction and self._connection.is_in_transaction():
            await self._connection.execute("COMMIT")  # and with it the cursor
        elif self._open:
            await self._connection.execute(f"CLOSE {self._name}")
        self._open = False


class PoolerSession(AsyncpgSession):
    """A connection to a pooler in transaction mode: behind it, every transaction may be on another connection."""

    __slots__ = ()

    def cursor(self, sql: str, args: Args, *, transaction: bool) -> Cursor:
        return PoolerCursor(self, sql, args, transaction=transaction)

    async def reset(self) -> None:
        """Undo nothing: the adapter refuses what would have to be undone."""
        if self.stale:
            await self.forget_schema()


def session_class(config: DatabaseConfig) -> type[AsyncpgSession]:
    """Return the class of the sessions of ``config``."""
    return PoolerSession if config.transaction_pooler else AsyncpgSession
