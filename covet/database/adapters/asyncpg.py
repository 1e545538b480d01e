"""PostgreSQL by asyncpg.

asyncpg's own pool is not used: it resets a connection by a round trip at each release and starts a task for it, which
costs two to three times the query (docs/architecture.md has the measurement).
"""

from __future__ import annotations

import asyncio
import weakref
from enum import Enum
from typing import Any, Final, cast

import asyncpg

from covet.database.adapters.asyncpg_connect import connect
from covet.database.adapters.asyncpg_given import GivenPool
from covet.database.adapters.asyncpg_session import driver_range, session_class
from covet.database.adapters.base import Adapter
from covet.database.adapters.commands import ISOLATION_LEVELS, NO_LIMIT, PLAIN, BlockOptions
from covet.database.adapters.pool import Pool
from covet.database.adapters.session import Args, Session
from covet.database.config import DatabaseConfig
from covet.database.dialects.postgresql import PostgreSQLDialect
from covet.database.dialects.postgresql.errors import error_class, key_columns, missing_extension, safe_message
from covet.database.schema.ranges import Range
from covet.database.sql.raw import RawStatement, parse
from covet.exceptions import (
    ConfigurationError,
    ConnectionLost,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    QueryTimeout,
    SchemaChanged,
)

_CANCELED: Final = "57014"
_INTERNAL: Final = "XX000"


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


class AsyncpgAdapter(Adapter):
    """A PostgreSQL database."""

    #: Where a given pool was first used: its connections belong to that event loop.
    _loop_of_given: weakref.ref[asyncio.AbstractEventLoop] | None = None

    @classmethod
    def of(cls, config: DatabaseConfig) -> AsyncpgAdapter:
        return cls(config, PostgreSQLDialect(driver_range))

    def make_pools(self) -> tuple[Pool, Pool]:
        pool: Pool
        if self.config.pool is None:
            pool = Pool(self.config, self._open, size=self.config.pool_size, overflow=self.config.max_overflow)
        else:
            pool = self._given_pool(self.config.pool)
        return pool, pool

    def _given_pool(self, pool: object) -> GivenPool:
        is_pool = isinstance(pool, asyncpg.Pool)
        if not is_pool:
            raise ConfigurationError(f"pool= takes an asyncpg.Pool, not {type(pool).__name__}.")
        loop = asyncio.get_running_loop()
        self._loop_of_given = self._loop_of_given or weakref.ref(loop)
        if self._loop_of_given() is not loop:
            raise InterfaceError(f"The pool given for {self.alias!r} belongs to another event loop than this one.")
        return GivenPool(self.config, cast("asyncpg.Pool[Any]", pool), self.translate)

    def begin(self, options: BlockOptions) -> str:
        return begin_command(options)

    def set_local(self, options: BlockOptions, *, reset: bool = False) -> str:
        return local_limits(options, reset=reset)

    def read_raw(self, sql: str) -> RawStatement:
        statement = parse(sql)
        if self.config.transaction_pooler and statement.keeps_state:
            raise NotSupportedError(
                f"{statement.verb} keeps something in the session, and transaction_pooler=True says that the next "
                "statement may run in another one. Inside a transaction there are SET LOCAL and the xact locks.",
                statement=sql,
            )
        return statement

    def bind_raw(self, args: Args) -> Args:
        return [_bound(value) for value in args]

    async def server_version(self) -> str:
        return str(await self.fetch_value("SELECT current_setting('server_version')"))

    async def _open(self) -> Session:
        session = session_class(self.config)(await connect(self.config), self.config)
        try:
            await session.set_up()
        except BaseException as exc:
            session.terminate()
            if isinstance(exc, Exception) and not isinstance(exc, DatabaseError):
                raise self.translate(exc, "") from exc
            raise
        return session

    def translate(self, exc: Exception, sql: str, limit: float | None = None) -> DatabaseError:
        if isinstance(exc, asyncpg.PostgresError):
            return _server_error(exc, sql)
        if isinstance(exc, TimeoutError):
            limit = self.config.statement_timeout if limit is None else limit
            return QueryTimeout(f"The statement ran longer than statement_timeout={limit} s.", statement=sql)
        if isinstance(exc, OSError):
            return ConnectionLost(f"The connection was lost: {exc.strerror or type(exc).__name__}.", statement=sql)
        if isinstance(exc, asyncpg.InterfaceError | asyncpg.InternalClientError):
            return _client_error(exc, sql)
        if isinstance(exc, ValueError | TypeError | OverflowError | UnicodeError):
            return DataError(f"A parameter cannot be sent: {type(exc).__name__}.", statement=sql)
        return InterfaceError(f"The driver failed: {type(exc).__name__}.", statement=sql)


def _bound(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return driver_range(value) if type(value) is Range else value


def _server_error(exc: asyncpg.PostgresError, sql: str) -> DatabaseError:
    state = exc.sqlstate
    kind = error_class(state)
    message = safe_message(str(exc.args[0]) if exc.args else type(exc).__name__, state)
    if isinstance(exc, asyncpg.InvalidCachedStatementError):
        return SchemaChanged(f"{message}: a table was changed under the statement.", sqlstate=state, statement=sql)
    if state == _INTERNAL and message.startswith("cache lookup failed for type"):
        return SchemaChanged("A type was dropped under the statement.", sqlstate=state, statement=sql)
    if state == _CANCELED and "statement timeout" in message:
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
    extension = missing_extension(state, message)
    if extension is not None:
        missing = f"This needs the extension {extension}: run CREATE EXTENSION {extension}. ({message})"
        return NotSupportedError(missing, sqlstate=state, statement=sql)
    if state in ("42P01", "42703"):  # an unknown table or column
        message += ". Is the table made? create_all() makes those of the models."
    return kind(message, sqlstate=state, statement=sql)


def _client_error(exc: asyncpg.InterfaceError | asyncpg.InternalClientError, sql: str) -> DatabaseError:
    if isinstance(exc, asyncpg.OutdatedSchemaCacheError):
        return SchemaChanged("A type was changed under the statement, so its answer cannot be read.", statement=sql)
    if isinstance(exc, asyncpg.InternalClientError):
        # The server's farewell came in the moment in which the statement was to be sent, or the driver no longer
        # understands what the server says.
        return ConnectionLost(f"The connection was lost: {type(exc).__name__}.", statement=sql)
    if isinstance(exc, ValueError):  # asyncpg.DataError
        return DataError(safe_message(str(exc), None), statement=sql)
    text = str(exc)
    if "closed" in text or "connection" in text:
        return ConnectionLost(f"The connection was lost: {text.partition(chr(10))[0]}.", statement=sql)
    if "arguments" in text:
        return ProgrammingError(text.partition("\n")[0], statement=sql)
    return InterfaceError(text.partition("\n")[0], statement=sql)
