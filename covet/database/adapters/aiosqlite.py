"""SQLite by aiosqlite.

One connection writes, up to ``pool_size`` others read; WAL lets them work at the same time. A transaction begins with
BEGIN IMMEDIATE, sent along with its first statement, so it never fails in the middle for want of the write lock.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final, cast

from typing_extensions import override

from covet.database.adapters.base import Adapter
from covet.database.adapters.commands import BlockOptions
from covet.database.adapters.pool import Pool
from covet.database.adapters.session import Args, DriverRow, Make, Session
from covet.database.adapters.setup import run_init
from covet.database.adapters.sqlite_inline import Inline
from covet.database.adapters.sqlite_results import Made
from covet.database.adapters.sqlite_session import MEMORY, SQLiteSession
from covet.database.adapters.sqlite_thread import ThreadConnection, bindable, connect
from covet.database.adapters.sqlite_violations import ForeignKeyFailed
from covet.database.adapters.waiting import finish
from covet.database.config import DatabaseConfig
from covet.database.dialects.sqlite import SQLiteDialect
from covet.database.dialects.sqlite.errors import error_class, function_failed, too_complex, uncoded_class, violation
from covet.database.sql.raw import RawStatement, parse
from covet.exceptions import (
    DatabaseError,
    DatabaseLocked,
    DataError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    QueryTimeout,
    QueryTooComplex,
)

_POLL_SECONDS: Final = 0.01
_RETRY_SECONDS: Final = 0.05


def begin_command(*, read_only: bool) -> str:
    """Return the command that begins a transaction.

    SQLite is serializable, which satisfies every isolation level; its readers wait for nobody and see one state of the
    database, which is what ``deferrable`` is for.
    """
    return "BEGIN" if read_only else "BEGIN IMMEDIATE"


class AiosqliteAdapter(Adapter):
    """An SQLite database."""

    def __init__(self, config: DatabaseConfig, dialect: SQLiteDialect) -> None:
        super().__init__(config, dialect)
        memory = config.database == MEMORY
        #: What the connections for reads share about those that need no thread.
        self._inline = Inline(config.inline_budget) if config.inline_budget else None
        # From now on a change of the working directory does not lead to another file.
        options = f"mode={config.mode}{'&immutable=1' if config.immutable else ''}"
        self._path = None if memory else Path(config.database).absolute()
        self._target = MEMORY if self._path is None else f"{self._path.as_uri()}?{options}"

    @classmethod
    def of(cls, config: DatabaseConfig) -> AiosqliteAdapter:
        return cls(config, SQLiteDialect())

    def make_pools(self) -> tuple[Pool, Pool]:
        memory = self.config.database == MEMORY  # it would be empty after a renewal
        write = Pool(self.config, self._open_writer, size=1, overflow=0, renew=not memory)
        if memory:
            return write, write
        return Pool(self.config, self._open_reader, size=self.config.pool_size, overflow=0), write

    # Reads in the event loop do not wait for anything: others get their turn before one of them takes a connection.

    @override
    async def fetch(self, sql: str, args: Args) -> list[DriverRow]:
        if self._inline is not None and self._inline.turn_is_over():
            await asyncio.sleep(0)
        return await super().fetch(sql, args)

    @override
    async def fetch_made(self, sql: str, args: Args, make: Make, *, write: bool = False) -> list[Any]:
        def fetch(session: Session, sql: str, args: Args) -> Awaitable[list[DriverRow] | Made]:
            return cast("SQLiteSession", session).fetch_made(sql, args, make)

        if self._inline is not None and self._inline.turn_is_over():
            await asyncio.sleep(0)
        rows = await self._run(fetch, sql, args, write=write)
        return rows.result() if isinstance(rows, Made) else make(rows)

    def begin(self, options: BlockOptions) -> str:
        return begin_command(read_only=options.read_only)

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
                error = self.translate(exc, "")
                if not isinstance(error, DatabaseLocked) or loop.time() >= patience:
                    where = f"Cannot open the SQLite database {self.config.database!r}"
                    raise type(error)(f"{where}: {error}", sqlstate=error.sqlstate) from exc
            await asyncio.sleep(_RETRY_SECONDS * random.random())  # noqa: S311 - spreads openers, is no secret

    async def _open_once(self, *, read_only: bool) -> Session:
        opened: list[sqlite3.Connection] = []

        def connector() -> sqlite3.Connection:
            connection = connect(self._target, self.config, read_only=read_only)
            opened.append(connection)
            return connection

        proxy = ThreadConnection(connector, iter_chunk_size=64)
        try:
            _ = await proxy
        except BaseException:
            # aiosqlite has told its thread to end, does not wait for that, and does not know of a connection that was
            # still being opened.
            await finish(_close_late(proxy, opened))
            raise
        proxy.stop_at_exit()
        inline = self._inline if read_only else None
        session = SQLiteSession(proxy, opened[0], self.config, self._path, inline)
        try:
            await run_init(self.config, proxy)
        except BaseException:
            await finish(session.close())
            raise
        return session

    def translate(self, exc: Exception, sql: str, limit: float | None = None) -> DatabaseError:
        if isinstance(exc, sqlite3.Error):
            return _sqlite_error(exc, sql)
        if isinstance(exc, TimeoutError):
            limit = self.config.statement_timeout if limit is None else limit
            return QueryTimeout(f"The statement ran longer than statement_timeout={limit} s.", statement=sql)
        if isinstance(exc, OverflowError):
            return DataError("An integer parameter does not fit into 64 bits.", statement=sql)
        if isinstance(exc, UnicodeError):
            return DataError("A text parameter holds a surrogate, which is no character.", statement=sql)
        if isinstance(exc, TypeError | ValueError):
            return DataError(f"A parameter cannot be sent: {type(exc).__name__}.", statement=sql)
        return InterfaceError(f"The driver failed: {type(exc).__name__}.", statement=sql)


async def _close_late(proxy: ThreadConnection, opened: list[sqlite3.Connection]) -> None:
    while proxy.is_alive():  # noqa: ASYNC110 - the thread cannot set an event of the loop: it is aiosqlite's
        await asyncio.sleep(_POLL_SECONDS)
    for connection in opened:
        connection.close()


def _sqlite_error(exc: sqlite3.Error, sql: str) -> DatabaseError:
    name: str | None = getattr(exc, "sqlite_errorname", None)
    message = str(exc)
    kind = error_class(name) if name is not None else uncoded_class(message)
    if function_failed(message):
        return DataError("A function has no answer for one of the values.", sqlstate=name, statement=sql)
    if too_complex(message):
        return QueryTooComplex(message, sqlstate=name, statement=sql)
    if issubclass(kind, IntegrityError):
        found = violation(message)
        if isinstance(exc, ForeignKeyFailed) and exc.key is not None:
            found = found._replace(table=exc.key.table, columns=exc.key.columns)
        return kind(
            message,
            sqlstate=name,
            statement=sql,
            constraint=found.constraint,
            table=found.table,
            columns=found.columns,
        )
    if issubclass(kind, ProgrammingError) and message.startswith(("no such table", "no such column")):
        message += ". Is the table made? create_all() makes those of the models."
    return kind(message, sqlstate=name, statement=sql)
