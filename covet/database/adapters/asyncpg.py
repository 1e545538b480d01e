"""PostgreSQL by asyncpg.

asyncpg's own pool is not used: it resets a connection by a round trip at each release and starts a task for it, which
costs two to three times the query (docs/architecture.md has the measurement).
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Awaitable, Sequence
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, cast

import asyncpg
from asyncpg.cursor import Cursor as AsyncpgCursor

from covet.database.adapters.base import Adapter
from covet.database.adapters.commands import ISOLATION_LEVELS, NO_LIMIT, PLAIN, BlockOptions
from covet.database.adapters.pool import Pool
from covet.database.adapters.session import Answer, Args, Cursor, DriverRow, Session
from covet.database.config import DatabaseConfig
from covet.database.dialects.base import JsonText
from covet.database.dialects.postgresql import PostgreSQLDialect
from covet.database.dialects.postgresql.errors import error_class, key_columns, safe_message
from covet.database.sql.raw import RawStatement, parse
from covet.exceptions import (
    ConnectionLost,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    QueryTimeout,
    SchemaChanged,
)

# What DISCARD ALL does, but for DEALLOCATE ALL: asyncpg goes on using the statements that it has prepared.
_RESET: Final = """
    CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all();
    DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES
"""
SSLArgument: TypeAlias = ssl.SSLContext | bool | Literal["allow", "prefer"] | None
_CANCELED: Final = "57014"
_COUNT: Final = re.compile(r" (\d+)$")


def begin_command(options: BlockOptions) -> str:
    """Return the command that begins a transaction.

    >>> begin_command(BlockOptions("serializable", read_only=True, deferrable=True))
    'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE'
    """
    if options is PLAIN:
        return "BEGIN"
    level = f" ISOLATION LEVEL {ISOLATION_LEVELS[options.isolation]}" if options.isolation is not None else ""
    modes = f"{' READ ONLY' if options.read_only else ''}{' DEFERRABLE' if options.deferrable else ''}"
    return f"BEGIN{level}{modes}{local_limits(options)}"


def local_limits(options: BlockOptions, *, reset: bool = False) -> str:
    """Return the command, to follow another one, that limits the wait for a lock until the transaction ends.

    >>> local_limits(BlockOptions(lock_timeout=0.5))
    '; SET LOCAL lock_timeout = 500'
    """
    limit = options.lock_timeout
    if limit is None:
        return "; SET LOCAL lock_timeout TO DEFAULT" if reset else ""
    # 0 is "no limit" for the server.
    return f"; SET LOCAL lock_timeout = {0 if limit >= NO_LIMIT else max(1, round(limit * 1000))}"


def encode_json(value: object) -> str:
    """Pass text of the ORM on, make text of everything else."""
    return value if type(value) is JsonText else json.dumps(value, ensure_ascii=False, allow_nan=False)


def affected(status: str) -> int | None:
    """Read the number of rows from ``INSERT 0 3``; None where a command has none.

    >>> affected("INSERT 0 3")
    3
    """
    found = _COUNT.search(status)
    return int(found[1]) if found is not None else None


def ssl_argument(config: DatabaseConfig) -> SSLArgument:
    """Return what asyncpg is told about TLS. ``True`` means that the certificate and the host name are verified."""
    mode = config.ssl
    if mode is None or isinstance(mode, ssl.SSLContext):
        return mode
    if mode is False or mode == "disable":
        return False
    if mode in ("allow", "prefer") and config.ssl_ca is None:
        return mode
    context = ssl.create_default_context(cafile=config.ssl_ca)
    context.check_hostname = mode in (True, "verify-full")
    if mode not in (True, "verify-full", "verify-ca") and config.ssl_ca is None:
        context.verify_mode = ssl.CERT_NONE  # libpq's "require": encrypted, not verified, unless there is a CA file
    if config.ssl_cert is not None:
        context.load_cert_chain(config.ssl_cert, config.ssl_key)
    return context


def server_settings(config: DatabaseConfig) -> dict[str, str]:
    """Return the settings that a session starts with."""
    settings = dict(config.server_settings)
    if config.application_name:
        settings.setdefault("application_name", config.application_name)
    if config.lock_timeout is not None:
        settings.setdefault("lock_timeout", str(round(config.lock_timeout * 1000)))
    if config.idle_in_transaction_timeout is not None:
        limit = str(round(config.idle_in_transaction_timeout * 1000))
        settings.setdefault("idle_in_transaction_session_timeout", limit)
    return settings


class AsyncpgCursorShell(Cursor):
    """A portal. It needs a transaction and makes one where there is none."""

    def __init__(self, connection: asyncpg.Connection[Any], sql: str, args: Args, *, transaction: bool) -> None:
        self._connection = connection
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
            self._cursor = await self._connection.cursor(self._sql, *self._args)
        rows = await self._cursor.fetch(count)
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

    def __init__(self, connection: asyncpg.Connection[Any], config: DatabaseConfig) -> None:
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
        return AsyncpgCursorShell(self.connection, sql, args, transaction=transaction)

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
        await self.connection.execute(_RESET)
        await self.prepare()

    async def prepare(self) -> None:
        """Run the configured commands."""
        for command in self._config.init_commands:
            await self.connection.execute(command)

    async def close(self) -> None:
        await self.connection.close()

    def terminate(self) -> None:
        try:
            self.connection.terminate()
        except RuntimeError:  # its event loop is closed, and with it the transport
            return

    def description(self) -> str:
        return str(self.connection.get_server_pid())


class AsyncpgAdapter(Adapter):
    """A PostgreSQL database."""

    @classmethod
    def of(cls, config: DatabaseConfig) -> AsyncpgAdapter:
        return cls(config, PostgreSQLDialect())

    def make_pools(self) -> tuple[Pool, Pool]:
        pool = Pool(self.config, self._open, size=self.config.pool_size, overflow=self.config.max_overflow)
        return pool, pool

    def begin(self, options: BlockOptions) -> str:
        return begin_command(options)

    def set_local(self, options: BlockOptions, *, reset: bool = False) -> str:
        return local_limits(options, reset=reset)

    def read_raw(self, sql: str) -> RawStatement:
        return parse(sql)

    def bind_raw(self, args: Args) -> Args:
        return [value.value if isinstance(value, Enum) else value for value in args]

    async def server_version(self) -> str:
        return str(await self.fetch_value("SELECT current_setting('server_version')"))

    async def _open(self) -> Session:
        config = self.config
        try:
            connection = await asyncpg.connect(
                host=config.host or "localhost",
                port=config.port,
                user=config.user,
                password=config.password or None,
                database=config.database,
                timeout=cast("float", config.connect_timeout),  # None is no limit, which the stubs do not know
                command_timeout=config.statement_timeout,
                statement_cache_size=config.statement_cache_size,
                ssl=ssl_argument(config),
                server_settings=server_settings(config),
            )
        except Exception as exc:
            raise self._unreachable(exc) from exc
        session = AsyncpgSession(connection, config)
        try:
            for name in ("json", "jsonb"):
                await connection.set_type_codec(
                    name, schema="pg_catalog", encoder=encode_json, decoder=json.loads, format="text"
                )
            await session.prepare()
        except BaseException as exc:
            session.terminate()
            if isinstance(exc, Exception):
                raise self.translate(exc, "") from exc
            raise
        return session

    def _unreachable(self, exc: Exception) -> DatabaseError:
        """Say where no connection was to be had, and why, but nothing that identifies the user."""
        where = f"Cannot connect to PostgreSQL at {self.config.address}, database {self.config.database!r}"
        if isinstance(exc, TimeoutError):
            return ConnectionLost(f"{where}: no answer within {self.config.connect_timeout:g} s.")
        if isinstance(exc, asyncpg.PostgresError) and exc.severity is not None:
            kind = error_class(exc.sqlstate)
            return kind(f"{where}: {exc}.", sqlstate=exc.sqlstate)
        if isinstance(exc, OSError):
            return ConnectionLost(f"{where}: {_reason(exc)}.")
        if isinstance(exc, asyncpg.PostgresError):
            return ConnectionLost(f"{where}: {type(exc).__name__}.")
        return InterfaceError(f"{where}: {type(exc).__name__}.")

    def translate(self, exc: Exception, sql: str, limit: float | None = None) -> DatabaseError:
        if isinstance(exc, asyncpg.PostgresError):
            return _server_error(exc, sql)
        if isinstance(exc, TimeoutError):
            limit = self.config.statement_timeout if limit is None else limit
            return QueryTimeout(f"The statement ran longer than statement_timeout={limit} s.", statement=sql)
        if isinstance(exc, OSError):
            return ConnectionLost(f"The connection was lost: {_reason(exc)}.", statement=sql)
        if isinstance(exc, asyncpg.InterfaceError | asyncpg.InternalClientError):
            return _client_error(exc, sql)
        if isinstance(exc, ValueError | TypeError | OverflowError | UnicodeError):
            return DataError(f"A parameter cannot be sent: {type(exc).__name__}.", statement=sql)
        return InterfaceError(f"The driver failed: {type(exc).__name__}.", statement=sql)


def _reason(exc: OSError) -> str:
    if exc.strerror and exc.errno and exc.errno > 0:
        return exc.strerror
    return type(exc).__name__ if not exc.args else str(exc.args[-1])


def _server_error(exc: asyncpg.PostgresError, sql: str) -> DatabaseError:
    state = exc.sqlstate
    kind = error_class(state)
    message = safe_message(str(exc.args[0]) if exc.args else type(exc).__name__, state)
    if isinstance(exc, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        kind = SchemaChanged
    elif state == _CANCELED and "statement timeout" in message:
        kind = QueryTimeout  # the server's own limit; it has one code for all that ends a statement
    if issubclass(kind, IntegrityError):
        columns = (exc.column_name,) if exc.column_name else key_columns(exc.detail)
        return kind(
            message,
            sqlstate=state,
            statement=sql,
            constraint=exc.constraint_name,
            table=exc.table_name,
            columns=columns,
        )
    if state in ("42P01", "42703"):  # an unknown table or column
        message += ". Is the table made? create_all() makes those of the models."
    return kind(message, sqlstate=state, statement=sql)


def _client_error(exc: asyncpg.InterfaceError | asyncpg.InternalClientError, sql: str) -> DatabaseError:
    if isinstance(exc, asyncpg.InternalClientError):
        # The server's farewell came in the moment in which the statement was to be sent.
        return ConnectionLost("The connection was lost: it is in the middle of something else.", statement=sql)
    if isinstance(exc, ValueError):  # asyncpg.DataError
        return DataError(safe_message(str(exc), None), statement=sql)
    text = str(exc)
    if "closed" in text or "connection" in text:
        return ConnectionLost(f"The connection was lost: {text.partition(chr(10))[0]}.", statement=sql)
    if "arguments" in text:
        return ProgrammingError(text.partition("\n")[0], statement=sql)
    return InterfaceError(text.partition("\n")[0], statement=sql)
