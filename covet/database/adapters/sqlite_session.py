"""Session of SQLite: one connection and its thread, one hop to it for each operation.

A hop costs several times what a short query does. So a function of ours runs on the thread and does BEGIN, the
statement and the fetch at once, instead of one hop for each.

SQLite cannot be waited for politely: ``interrupt()`` ends a running statement but not a wait for a lock. So SQLite
itself waits for a few milliseconds only, the rest of ``busy_timeout`` is waited in the event loop, and a task that is
cancelled interrupts its statement and goes on when the thread is free.
"""

from __future__ import annotations

import asyncio
import math
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from covet.database.adapters.commands import COMMIT, ROLLBACK
from covet.database.adapters.session import LARGE, Answer, Args, Cursor, DriverRow, Make, Session
from covet.database.adapters.sqlite_inline import Inline, NotDone
from covet.database.adapters.sqlite_results import Made
from covet.database.adapters.sqlite_thread import ThreadConnection
from covet.database.adapters.sqlite_violations import ForeignKeyFailed, naming_its_key
from covet.database.adapters.waiting import finish
from covet.database.config import DatabaseConfig
from covet.database.sql.raw import RawStatement
from covet.exceptions import QueryCanceled

R = TypeVar("R")
MEMORY: Final = ":memory:"
#: How often the thread is told to stop until it has.
_INTERRUPT_SECONDS: Final = 0.01
#: Steps of SQLite's machine after which a statement looks whether it shall stop, where it does so itself.
_POLL_STEPS: Final = 10_000
#: How often an idle connection looks whether its file is still there.
_LOOK_SECONDS: Final = 0.1
_FIRST_DELAY: Final = 0.001
_LONGEST_DELAY: Final = 0.05
_BUSY: Final = 5
_LOCKED: Final = 6
_PRIMARY: Final = 0xFF


class _Statement:
    """One hop: the event loop may ask it to stop, the thread looks before it starts."""

    __slots__ = ("deadline", "polls", "stopped", "timed_out")

    def __init__(self, deadline: float, *, polls: bool) -> None:
        self.deadline = deadline
        #: It looks itself whether it shall stop. ``interrupt()`` is for all statements of a connection and lasts until
        #: none of them is open, so it would spoil streams that are, and every statement until these are closed.
        self.polls = polls
        self.stopped = False
        self.timed_out = False


class SQLiteCursor(Cursor):
    """A cursor that stays open between hops. It holds a snapshot of the database until it is closed."""

    def __init__(self, session: SQLiteSession, sql: str, args: Args) -> None:
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

    def __init__(self, session: SQLiteSession, sql: str, args: Args) -> None:
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


class SQLiteSession(Session):
    """One connection and its thread."""

    __slots__ = (
        "_alarm",
        "_config",
        "_file",
        "_inline",
        "_look_at",
        "_memory",
        "_path",
        "_pending",
        "_proxy",
        "_raw",
        "_running",
        "cursors",
    )

    def __init__(
        self,
        proxy: ThreadConnection,
        raw: sqlite3.Connection,
        config: DatabaseConfig,
        path: Path | None,
        inline: Inline | None,
    ) -> None:
        super().__init__()
        #: The file; None in memory. Which one it is, and when to look next whether it still is there.
        self._path = path
        self._file = None if path is None else _identity(path)
        self._look_at = 0.0
        #: Where short reads need no hop: a connection that only reads, and a database that allows it.
        self._inline = inline
        self._proxy = proxy
        self._raw = raw
        self._config = config
        self._memory = config.database == MEMORY
        #: What begins the transaction; sent along with its first statement.
        self._pending: str | None = None
        self._running: _Statement | None = None
        #: One timer for many statements: starting and stopping one for each costs a fifth of a short read.
        self._alarm: asyncio.TimerHandle | None = None
        #: Open cursors. They end with the transaction, lest they keep the old snapshot.
        self.cursors: set[SQLiteCursor] = set()

    # ------------------------------------------------------------------------------------------ statements

    def fetch(self, sql: str, args: Args) -> Awaitable[list[DriverRow]]:
        def work(connection: sqlite3.Connection) -> list[DriverRow]:
            return connection.execute(sql, args).fetchall()

        return self.hop(work) if self._inline is None else self._read_inline(self._inline, sql, work)

    def fetch_made(self, sql: str, args: Args, make: Make) -> Awaitable[list[DriverRow] | Made]:
        """Run a statement; return its rows, or where they are many, what ``make`` made of them on the thread."""

        def work(connection: sqlite3.Connection) -> list[DriverRow] | Made:
            cursor = connection.execute(sql, args)
            rows = cursor.fetchmany(LARGE)
            return rows if len(rows) < LARGE else Made(make, rows, cursor)

        return self.hop(work) if self._inline is None else self._read_inline(self._inline, sql, work)

    async def _read_inline(self, inline: Inline, sql: str, work: Callable[[sqlite3.Connection], R]) -> R:
        """Do what reads: here where it is known to be short, else on the thread."""
        record = inline.record(sql)
        if record.runs_left or self._pending is not None or self.cursors or self._raw.in_transaction:
            return await self.hop(inline.timed(record, work))
        try:
            return inline.run(record, self._raw, work)
        except NotDone:
            return await self.hop(work)

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

    def cursor(self, sql: str, args: Args, *, transaction: bool) -> Cursor:  # noqa: ARG002 - a cursor needs none here
        return MemoryCursor(self, sql, args) if self._memory else SQLiteCursor(self, sql, args)

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
        except sqlite3.IntegrityError as exc:  # of COMMIT: the transaction is still there
            raise naming_its_key(exc, connection, None, time.monotonic()) or ForeignKeyFailed(exc, None) from exc
        finally:
            if self._memory and not connection.in_transaction:
                connection.execute("PRAGMA query_only = OFF")

    def in_transaction(self) -> bool:
        return self._pending is not None or self._raw.in_transaction

    def aborted_by(self, error: BaseException) -> bool:  # noqa: ARG002 - SQLite itself knows
        # A statement that fails is undone alone; but some errors (disk full, interrupt) end the transaction.
        return not self.in_transaction()

    # ------------------------------------------------------------------------------------------ the hop

    async def hop(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Run ``work`` on the thread. Wait for other writers without blocking the loop or the thread for long."""
        loop = asyncio.get_running_loop()
        delay, patience = _FIRST_DELAY, 0.0
        while True:
            fresh = not self._raw.in_transaction
            statement = self._watch(loop)
            try:
                return await self._proxy.run(self._on_thread(statement, work))
            except asyncio.CancelledError:
                statement.stopped = True
                await finish(self._until_free(statement))
                raise
            except (sqlite3.OperationalError, QueryCanceled) as exc:
                if statement.timed_out:
                    raise TimeoutError from exc
                if not patience:
                    wait = self._config.busy_timeout if self.lock_limit is None else self.lock_limit
                    patience = loop.time() + wait
                # Inside a transaction waiting does not help: the other one may be waiting for us.
                if not (fresh and _is_busy(exc)) or loop.time() >= patience:
                    raise
            finally:
                self._running = None
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 - spreads writers, is no secret
            delay = min(delay * 2, _LONGEST_DELAY)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> _Statement:
        """Note what runs and until when it may."""
        limit = self._config.statement_timeout if self.statement_limit is None else self.statement_limit
        deadline = math.inf if limit is None else loop.time() + limit
        statement = self._running = _Statement(deadline, polls=bool(self.cursors))
        if limit is not None:
            if self._alarm is not None and self._alarm.when() > statement.deadline:
                self._stop_alarm()  # this block is shorter of patience than what came before
            if self._alarm is None:
                self._alarm = loop.call_at(statement.deadline, self._check_time, loop)
        return statement

    def _on_thread(self, statement: _Statement, work: Callable[[sqlite3.Connection], R]) -> Callable[[], R]:
        raw = self._raw

        def run() -> R:
            if statement.stopped:
                raise QueryCanceled("The statement was stopped before it began.")
            if self._pending is not None:
                self._begin(raw)
            if not statement.polls:
                started = time.monotonic()
                try:
                    return work(raw)
                except ForeignKeyFailed:  # of COMMIT, which must not be tried again
                    raise
                except sqlite3.IntegrityError as exc:
                    found = naming_its_key(exc, raw, work, started)
                    if found is None:
                        raise
                    raise found from exc
            raw.set_progress_handler(lambda: statement.stopped, _POLL_STEPS)
            try:
                return work(raw)
            finally:
                raw.set_progress_handler(None, 0)

        return run

    def _check_time(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop the statement that runs if its time is up; if it began later than the timer, look again in time."""
        self._alarm = None
        statement = self._running
        if statement is None:
            return
        if loop.time() < statement.deadline:
            self._alarm = loop.call_at(statement.deadline, self._check_time, loop)
        else:
            statement.stopped = statement.timed_out = True
            if not statement.polls:
                self._raw.interrupt()

    async def _until_free(self, statement: _Statement) -> None:
        """Interrupt the statement until the thread takes the next thing."""
        free = asyncio.ensure_future(self._proxy.run(_nothing))
        while not free.done():
            if not statement.polls:
                self._raw.interrupt()
            await asyncio.wait([free], timeout=_INTERRUPT_SECONDS)

    # ------------------------------------------------------------------------------------------ life

    def is_closed(self) -> bool:
        # There is no link that could break. But a file that was deleted or replaced would take what is written to it
        # along, without an error.
        if self._path is None or time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + _LOOK_SECONDS
        return _identity(self._path) != self._file

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
            # What a raw statement may have switched off must not stay so: the ORM relies on it.
            connection.execute("PRAGMA foreign_keys = ON")

        await self.hop(work)

    async def close(self) -> None:
        self._stop_alarm()
        await self._proxy.close()

    def _stop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def terminate(self) -> None:
        self._stop_alarm()
        self._raw.interrupt()
        self._proxy.stop_unheard()

    def description(self) -> str:
        return self._config.database


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file it is; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _nothing() -> None:
    """Do nothing: the thread is free when it has come to this."""


def _atomically(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], R]) -> R:
    """All or nothing, also where no transaction is open."""
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


def _is_busy(error: Exception) -> bool:
    """Return whether another connection holds the lock that was wanted."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY in (_BUSY, _LOCKED)
