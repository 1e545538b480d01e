"""SQLite by aiosqlite.

aiosqlite has a thread for each connection, and a hop to it and back costs several times what a short query does. So
every operation is one hop: a function of ours runs on the thread and does BEGIN, the statement and the fetch. aiosqlite
has public methods only for single calls (``execute_fetchall``) or for cursors (three hops a query); therefore its
``Connection._execute``, which runs any function on the thread, is used. That is the one private name.

One connection writes, up to ``pool_size`` others read; WAL lets them work at the same time. A transaction begins with
BEGIN IMMEDIATE, sent along with its first statement, so it never fails in the middle for want of the write lock.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import aiosqlite
from typing_extensions import override

from covet.database.adapters.base import Adapter
from covet.database.adapters.commands import COMMIT, ROLLBACK
from covet.database.adapters.pool import Pool
from covet.database.adapters.session import Answer, Args, Cursor, DriverRow, Session
from covet.database.adapters.sqlite_thread import bindable, connect, stop, stop_at_exit
from covet.database.adapters.waiting import finish
from covet.database.config import DatabaseConfig
from covet.database.dialects.sqlite import SQLiteDialect
from covet.database.dialects.sqlite.errors import error_class, uncoded_class, violation
from covet.database.sql.raw import RawStatement, parse
from covet.exceptions import (
    DatabaseError,
    DatabaseLocked,
    DataError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    QueryCanceled,
    QueryTimeout,
)

R = TypeVar("R")
OnThread: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]
MEMORY: Final = ":memory:"
#: How often the thread is told to stop until it has.
_INTERRUPT_SECONDS: Final = 0.01
_FIRST_DELAY: Final = 0.001
_LONGEST_DELAY: Final = 0.05
_BUSY: Final = 5
_LOCKED: Final = 6
_PRIMARY: Final = 0xFF


def begin_command(*, read_only: bool) -> str:
    """Return the command that begins a transaction. SQLite is serializable, which satisfies every isolation level."""
    return "BEGIN" if read_only else "BEGIN IMMEDIATE"


class _Statement:
    """One hop: the event loop may ask it to stop, the thread looks before it starts."""

    __slots__ = ("stopped", "timed_out")

    def __init__(self) -> None:
        self.stopped = False
        self.timed_out = False


class AiosqliteCursor(Cursor):
    """A cursor that stays open between hops. It holds a snapshot of the database until it is closed."""

    def __init__(self, session: AiosqliteSession, sql: str, args: Args) -> None:
        self._session = session
        self._sql = sql
        self._args = args
        self._cursor: sqlite3.Cursor | None = None
        self._finished = False

    async def fetch(self, count: int) -> list[DriverRow]:
        def portion(connection: sqlite3.Connection) -> list[DriverRow]:
            if self._cursor is None:
                self._cursor = connection.execute(self._sql, self._args)
                self._session.cursors.add(self)
            return self._cursor.fetchmany(count)

        if self._finished:
            return []
        rows = await self._session.hop(portion)
        self._finished = len(rows) < count
        return rows

    async def close(self) -> None:
        if self._cursor is not None:
            await self._session.hop(lambda _: self.release())

    def release(self) -> None:
        """Close, on the thread."""
        self._finished = True
        self._session.cursors.discard(self)
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None


class MemoryCursor(Cursor):
    """The rows of a database in memory, which has one connection: it is not kept busy between portions."""

    def __init__(self, session: AiosqliteSession, sql: str, args: Args) -> None:
        self._session = session
        self._sql = sql
        self._args = args
        self._rows: list[DriverRow] | None = None
        self._next = 0

    async def fetch(self, count: int) -> list[DriverRow]:
        if self._rows is None:
            self._rows = await self._session.fetch(self._sql, self._args)
        rows = self._rows[self._next : self._next + count]
        self._next += count
        return rows

    async def close(self) -> None:
        self._rows = []


class AiosqliteSession(Session):
    """One connection and its thread."""

    __slots__ = ("_config", "_memory", "_on_thread", "_pending", "_proxy", "_raw", "cursors")

    def __init__(self, proxy: aiosqlite.Connection, raw: sqlite3.Connection, config: DatabaseConfig) -> None:
        super().__init__()
        self._proxy = proxy
        #: Runs a function on the thread: see the head of this module. It has no types of its own.
        self._on_thread: OnThread = proxy._execute  # noqa: SLF001  # pyright: ignore[reportUnknownMemberType]
        self._raw = raw
        self._config = config
        self._memory = config.database == MEMORY
        #: What begins the transaction; sent along with its first statement.
        self._pending: str | None = None
        #: Open cursors. They end with the transaction, lest they keep the old snapshot.
        self.cursors: set[AiosqliteCursor] = set()

    # ------------------------------------------------------------------------------------------ statements

    def fetch(self, sql: str, args: Args) -> Awaitable[list[DriverRow]]:
        return self.hop(lambda connection: connection.execute(sql, args).fetchall())

    def fetch_many(self, sql: str, rows: Sequence[Args]) -> Awaitable[list[DriverRow]]:
        def work(connection: sqlite3.Connection) -> list[DriverRow]:
            return [row for args in rows for row in connection.execute(sql, args).fetchall()]

        return self.hop(lambda connection: _atomically(connection, work))

    def run(self, sql: str, args: Args) -> Awaitable[int]:
        return self.hop(lambda connection: max(connection.execute(sql, args).rowcount, 0))

    def run_many(self, sql: str, rows: Sequence[Args]) -> Awaitable[int]:
        def work(connection: sqlite3.Connection) -> int:
            return max(connection.executemany(sql, rows).rowcount, 0)

        return self.hop(lambda connection: _atomically(connection, work))

    def ask(self, statement: RawStatement, args: Args, *, first: bool) -> Awaitable[Answer]:
        def work(connection: sqlite3.Connection) -> Answer:
            cursor = connection.execute(statement.sql, args)
            if cursor.description is None:
                return Answer((), (), cursor.rowcount if cursor.rowcount >= 0 else None)
            columns = tuple(column[0] for column in cursor.description)
            if first and statement.reads:
                row = cursor.fetchone()
                cursor.close()
                rows = [] if row is None else [row]
            else:
                rows = cursor.fetchall()
            return Answer(columns, rows, len(rows))

        return self.hop(work)

    @override
    def cursor(self, sql: str, args: Args, *, transaction: bool) -> Cursor:
        return MemoryCursor(self, sql, args) if self._memory else AiosqliteCursor(self, sql, args)

    # ------------------------------------------------------------------------------------------ transactions

    async def command(self, sql: str) -> str:
        if sql.startswith("BEGIN"):
            self._pending = sql
        elif sql in (COMMIT, ROLLBACK):
            if self._pending is not None:
                self._pending = None  # nothing was sent, so there is nothing to end
            else:
                await self.hop(lambda connection: self._end(connection, sql))
        else:
            await self.hop(lambda connection: connection.execute(sql).close())
        return sql

    def _begin(self, connection: sqlite3.Connection) -> None:
        if self._pending is None:
            return
        if self._pending == "BEGIN" and self._memory:
            connection.execute("PRAGMA query_only = ON")  # elsewhere the connections for reads have it for good
        connection.execute(self._pending)
        self._pending = None

    def _end(self, connection: sqlite3.Connection, sql: str) -> None:
        for cursor in list(self.cursors):
            cursor.release()
        try:
            connection.execute(sql)
        finally:
            if self._memory and not connection.in_transaction:
                connection.execute("PRAGMA query_only = OFF")

    def in_transaction(self) -> bool:
        return self._pending is not None or self._raw.in_transaction

    @override
    def aborted_by(self, error: BaseException) -> bool:
        # A statement that fails is undone alone; but some errors (disk full, interrupt) end the transaction.
        return not self.in_transaction()

    # ------------------------------------------------------------------------------------------ the hop

    async def hop(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Run ``work`` on the thread. Wait for other writers without blocking the loop or the thread for long."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + self._config.busy_timeout
        delay = _FIRST_DELAY
        while True:
            fresh = not self._raw.in_transaction
            try:
                return await self._hop(loop, work)
            except sqlite3.OperationalError as exc:
                busy = exc.sqlite_errorcode & _PRIMARY if hasattr(exc, "sqlite_errorcode") else 0
                # Inside a transaction waiting does not help: the other one may be waiting for us.
                if busy not in (_BUSY, _LOCKED) or not fresh or loop.time() >= patience:
                    raise
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 - spreads writers, is no secret
            delay = min(delay * 2, _LONGEST_DELAY)

    async def _hop(self, loop: asyncio.AbstractEventLoop, work: Callable[[sqlite3.Connection], R]) -> R:
        statement = _Statement()
        raw = self._raw

        def on_thread() -> R:
            if statement.stopped:
                raise QueryCanceled("The statement was stopped before it began.")
            if self._pending is not None:
                self._begin(raw)
            return work(raw)

        limit = self._config.statement_timeout
        timer = loop.call_later(limit, self._expire, statement) if limit is not None else None
        try:
            result: R = await self._on_thread(on_thread)
        except asyncio.CancelledError:
            statement.stopped = True
            await finish(self._until_free())
            raise
        except (sqlite3.OperationalError, QueryCanceled) as exc:
            if statement.timed_out:
                raise TimeoutError from exc
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return result

    def _expire(self, statement: _Statement) -> None:
        statement.stopped = statement.timed_out = True
        self._raw.interrupt()

    async def _until_free(self) -> None:
        """Interrupt the statement until the thread takes the next thing."""
        free = asyncio.ensure_future(self._on_thread(_nothing))
        while not free.done():
            self._raw.interrupt()
            await asyncio.wait([free], timeout=_INTERRUPT_SECONDS)

    # ------------------------------------------------------------------------------------------ life

    def is_closed(self) -> bool:
        return False  # there is no link that could break

    async def restore(self) -> None:
        self._pending = None

        def work(connection: sqlite3.Connection) -> None:
            for cursor in list(self.cursors):
                cursor.release()
            if connection.in_transaction:
                connection.rollback()
            if self._memory:
                connection.execute("PRAGMA query_only = OFF")

        await self.hop(work)

    async def reset(self) -> None:
        def work(connection: sqlite3.Connection) -> None:
            # A raw statement may have switched it off, and the ORM relies on it.
            connection.execute("PRAGMA foreign_keys = ON")

        await self.hop(work)

    async def close(self) -> None:
        await self._proxy.close()

    def terminate(self) -> None:
        self._raw.interrupt()
        stop(self._proxy)

    def description(self) -> str:
        return self._config.database


class AiosqliteAdapter(Adapter):
    """An SQLite database."""

    def __init__(self, config: DatabaseConfig, dialect: SQLiteDialect) -> None:
        super().__init__(config, dialect)
        memory = config.database == MEMORY
        # From now on a change of the working directory does not lead to another file.
        self._target = MEMORY if memory else f"{Path(config.database).absolute().as_uri()}?mode={config.mode}"

    @classmethod
    def of(cls, config: DatabaseConfig) -> AiosqliteAdapter:
        return cls(config, SQLiteDialect())

    def make_pools(self) -> tuple[Pool, Pool]:
        write = Pool(self.config, self._open_writer, size=1, overflow=0)
        if self.config.database == MEMORY:
            return write, write
        return Pool(self.config, self._open_reader, size=self.config.pool_size, overflow=0), write

    @override
    def begin(self, *, isolation: str | None, read_only: bool) -> str:
        return begin_command(read_only=read_only)

    def read_raw(self, sql: str) -> RawStatement:
        return parse(sql, mark="?", brackets=True)

    def bind_raw(self, args: Args) -> Args:
        return [bindable(value) for value in args]

    async def server_version(self) -> str:
        return sqlite3.sqlite_version

    async def _open_writer(self) -> Session:
        return await self._open(read_only=False)

    async def _open_reader(self) -> Session:
        return await self._open(read_only=True)

    async def _open(self, *, read_only: bool) -> Session:
        """Open a connection; while another one switches the file to WAL, wait for it."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + self.config.busy_timeout
        while True:
            try:
                return await self._open_once(read_only=read_only)
            except (sqlite3.Error, OSError) as exc:
                error = self.translate(exc, "", ())
                if not isinstance(error, DatabaseLocked) or loop.time() >= patience:
                    where = f"Cannot open the SQLite database {self.config.database!r}"
                    raise type(error)(f"{where}: {error}", sqlstate=error.sqlstate) from exc
            await asyncio.sleep(_LONGEST_DELAY * random.random())  # noqa: S311 - spreads openers, is no secret

    async def _open_once(self, *, read_only: bool) -> Session:
        opened: list[sqlite3.Connection] = []

        def connector() -> sqlite3.Connection:
            connection = connect(self._target, self.config, read_only=read_only)
            opened.append(connection)
            return connection

        proxy = aiosqlite.Connection(connector, iter_chunk_size=64)
        try:
            _ = await proxy
        except BaseException:
            # aiosqlite has told its thread to end, does not wait for that, and does not know of a connection that was
            # still being opened.
            await finish(_close_late(proxy, opened))
            raise
        stop_at_exit(proxy)
        return AiosqliteSession(proxy, opened[0], self.config)

    @override
    def translate(self, exc: Exception, sql: str, args: Args) -> DatabaseError:
        if isinstance(exc, sqlite3.Error):
            return _sqlite_error(exc, sql)
        if isinstance(exc, TimeoutError):
            limit = self.config.statement_timeout
            return QueryTimeout(f"The statement ran longer than statement_timeout={limit} s.", statement=sql)
        if isinstance(exc, OverflowError):
            return DataError("An integer parameter does not fit into 64 bits.", statement=sql)
        if isinstance(exc, UnicodeError):
            return DataError("A text parameter holds a surrogate, which is no character.", statement=sql)
        if isinstance(exc, TypeError | ValueError):
            return DataError(f"A parameter cannot be sent: {type(exc).__name__}.", statement=sql)
        return InterfaceError(f"The driver failed: {type(exc).__name__}.", statement=sql)


def _nothing() -> None:
    """Do nothing: what the thread does when it is free."""


def _atomically(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], R]) -> R:
    """Do ``work`` wholly or not at all, also where no transaction is open."""
    if connection.in_transaction:
        return work(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


async def _close_late(proxy: aiosqlite.Connection, opened: list[sqlite3.Connection]) -> None:
    thread = proxy._thread  # noqa: SLF001 - aiosqlite has no other way to wait for its end
    while thread.is_alive():  # noqa: ASYNC110 - a thread that ends tells no event of a loop
        await asyncio.sleep(_INTERRUPT_SECONDS)
    for connection in opened:
        connection.close()


def _sqlite_error(exc: sqlite3.Error, sql: str) -> DatabaseError:
    name: str | None = getattr(exc, "sqlite_errorname", None)
    message = str(exc)
    kind = error_class(name) if name is not None else uncoded_class(message)
    if issubclass(kind, IntegrityError):
        found = violation(message)
        return kind(
            message,
            sqlstate=name,
            statement=sql,
            constraint=found.constraint,
            table=found.table,
            columns=found.columns,
        )
    if issubclass(kind, ProgrammingError) and message.startswith(("no such table", "no such column")):
        message += ". Has every migration been applied?"
    return kind(message, sqlstate=name, statement=sql)
