"""Adapter: one database, as the ORM and raw SQL use it. The only place where statements are sent.

Every statement passes ``perform``: it times, tells the hooks, and turns the driver's error into one of
``covet.exceptions``. Before that, ``_run`` finds the connection: the open block of the running task if there is one,
else a session of the pool of the running event loop.

Two paths lead here. The ORM's (``fetch``, ``fetch_write``, ``run`` …) takes arguments that are ready for the driver
and gives rows as the driver has them. The user's (``execute``, ``fetch_all`` …) takes ``$1`` placeholders and Python
values and gives ``Row`` objects, the same on every database.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Self, TypeVar, cast

from covet._collector import consumed, paused
from covet._lru import LRU
from covet.database.adapters.block import Block, innermost
from covet.database.adapters.boundaries import close_block, leave_block, open_block
from covet.database.adapters.commands import BlockOptions
from covet.database.adapters.explaining import explained
from covet.database.adapters.instrumentation import HOOKS, Observation, start_echo
from covet.database.adapters.lifecycle import LoopPools, Pools, PoolTotals
from covet.database.adapters.pool import Pool, PoolStatus
from covet.database.adapters.replicas import NoReplica, Replicas
from covet.database.adapters.rows import Result, Row, result_of
from covet.database.adapters.session import LARGE, Answer, Args, CopyTarget, DriverRow, Make, Session
from covet.database.adapters.streams import stream
from covet.database.adapters.waiting import finish
from covet.database.config import DatabaseConfig, mark_used
from covet.database.dialects.base import Dialect
from covet.database.sql.raw import RawStatement
from covet.exceptions import ConnectionLost, DatabaseError, IntegrityError, SchemaChanged

R = TypeVar("R")
PLAN_LIMIT = 512


class Adapter(ABC):
    """One database. Get it by ``get_adapter()``; nothing has to be opened or closed by hand.

    ::

        adapter = get_adapter()
        rows = await adapter.fetch_all("SELECT id, name FROM users WHERE age > $1", [18])
        await adapter.execute("UPDATE users SET active = $1", [False])
    """

    def __init__(self, config: DatabaseConfig, dialect: Dialect) -> None:
        self.alias = config.alias
        self.config = config
        self.dialect = dialect
        #: Plans of the ORM; their meaning is its own business.
        self.plans: LRU[Hashable, Any] = LRU(PLAN_LIMIT)
        self._echo = config.echo
        self._pools: Pools | None = None
        self._loops = LoopPools(self.make_pools)
        #: Copies that serve reads.
        self.replicas: Replicas | None = None
        if config.echo:
            start_echo("covet.sql")

    def __await__(self) -> Generator[Any, None, Self]:
        return self
        yield  # makes this a generator: awaiting an adapter gives the adapter

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.alias!r} {self.config.safe_url}>"

    # -------------------------------------------------------------------------------------- what a driver provides

    @classmethod
    @abstractmethod
    def of(cls, config: DatabaseConfig) -> Adapter:
        """Return the adapter for ``config`` with the dialect of its database."""

    @abstractmethod
    def make_pools(self) -> tuple[Pool, Pool]:
        """Return the pools for reads and for writes of the running loop."""

    @abstractmethod
    def begin(self, options: BlockOptions) -> str:
        """Return the command that begins a transaction."""

    def set_local(self, options: BlockOptions, *, reset: bool = False) -> str:  # noqa: ARG002 - for those that have one
        """Return what follows a command to limit waits until the block ends; ``reset``: None is the session's limit."""
        return ""

    @abstractmethod
    def translate(self, exc: Exception, sql: str, limit: float | None = None) -> DatabaseError:
        """Return the error of ``covet.exceptions`` for one of the driver; ``limit``: the seconds its block gave it."""

    @abstractmethod
    def read_raw(self, sql: str) -> RawStatement:
        """Parse a user's statement."""

    @abstractmethod
    def bind_raw(self, args: Args) -> Args:
        """Make a user's Python values ready for the driver."""

    @abstractmethod
    async def server_version(self) -> str:
        """Return the version of the database."""

    # -------------------------------------------------------------------------------------- the ORM's path

    def fetch(self, sql: str, args: Args) -> Coroutine[Any, Any, list[DriverRow]]:
        """Run a read and return its rows as the driver gives them."""
        return self._run(_fetch, sql, args, write=False)

    def fetch_write(self, sql: str, args: Args) -> Coroutine[Any, Any, list[DriverRow]]:
        """Run a statement that may write and return its rows."""
        return self._run(_fetch, sql, args)

    async def fetch_made(self, sql: str, args: Args, make: Make, *, write: bool = False) -> list[Any]:
        """Run a statement and return what ``make`` makes of its rows."""
        rows = await self._run(_fetch, sql, args, write=write)
        return make(rows) if len(rows) < LARGE else paused(make, consumed(rows))

    def fetch_many(self, sql: str, rows: Sequence[Args]) -> Coroutine[Any, Any, list[DriverRow]]:
        """Run a statement with RETURNING once for each set of arguments, all or nothing; return all rows in order."""
        return self._run(_fetch_many, sql, rows)

    def run(self, sql: str, args: Args) -> Coroutine[Any, Any, int]:
        """Run a statement and return the number of rows it affected."""
        return self._run(_execute, sql, args)

    def run_many(self, sql: str, rows: Sequence[Args]) -> Coroutine[Any, Any, int | None]:
        """Run a statement once for each set of arguments, all or nothing; the row count where the driver knows it."""
        return self._run(_execute_many, sql, rows)

    def copy_rows(self, target: CopyTarget, rows: Sequence[Args]) -> Coroutine[Any, Any, int]:
        """Send rows by COPY, all or nothing; return how many. Only for values that ``Dialect.copies``."""

        def copy(session: Session, _sql: str, rows: Sequence[Args]) -> Awaitable[int]:
            return session.copy_rows(target, rows)

        return self._run(copy, target.sql, rows)

    def run_read(
        self, operation: Callable[[Session, str, Any], Awaitable[R]], sql: str, args: Sequence[object]
    ) -> Coroutine[Any, Any, R]:
        """Run a read that somebody else has prepared."""
        return self._run(operation, sql, args, write=False)

    async def run_script(self, statements: Iterable[str]) -> None:
        """Run statements without arguments in one transaction: DDL. Inside a block they belong to it."""
        block = await open_block(self, label="run_script()")
        try:
            for sql in statements:
                await block.perform(_execute, sql, ())
        except BaseException:
            leave_block(block)
            await finish(close_block(block, commit=False))
            raise
        leave_block(block)
        await finish(close_block(block, commit=True))

    def stream(self, sql: str, args: Args, chunk_size: int = 1000) -> AsyncGenerator[list[DriverRow], None]:
        """Run a read and give its rows in lists of at most ``chunk_size``, in bounded memory.

        Use it with ``contextlib.aclosing`` where the loop may be left early: then the connection is back at once.
        Inside a block the rows come over the block's connection, and other statements may run between the lists.
        """
        return stream(self, sql, args, chunk_size)

    # -------------------------------------------------------------------------------------- the user's path

    async def execute(self, sql: str, *params: object) -> Result:
        """Run any one statement; give the rows, ``rowcount`` and ``status``.

        ::

            result = await adapter.execute("SELECT * FROM users WHERE age > $1", [18])
            result = await adapter.execute("DELETE FROM users WHERE id = $1", 7)
            result.rowcount, result.status  # 1, 'DELETE 1'

        Parameters are one list (or tuple), or follow one by one. Placeholders are ``$1``, ``$2`` … on every database.
        """
        verb, answer = await self._ask(sql, params)
        return result_of(verb, answer)

    async def fetch_all(self, sql: str, *params: object) -> list[Row]:
        """Run a statement and return its rows.

        ``rows = await adapter.fetch_all("SELECT id, name FROM users WHERE age > $1", [18])``
        """
        verb, answer = await self._ask(sql, params)
        return result_of(verb, answer)

    async def fetch_one(self, sql: str, *params: object) -> Row | None:
        """Run a statement and return its first row, or None.

        ``row = await adapter.fetch_one("SELECT * FROM users WHERE id = $1", [1])``
        """
        verb, answer = await self._ask(sql, params, first=True)
        rows = result_of(verb, answer)
        return rows[0] if rows else None

    async def fetch_value(self, sql: str, *params: object) -> Any:
        """Run a statement and return the first column of its first row, or None.

        ``count = await adapter.fetch_value("SELECT COUNT(*) FROM users")``
        """
        _, answer = await self._ask(sql, params, first=True)
        return answer.rows[0][0] if answer.rows else None

    fetch_val = fetch_value

    async def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each set of parameters, all or nothing.

        ``await adapter.execute_many("INSERT INTO tag (name) VALUES ($1)", [["red"], ["blue"]])``
        """
        statement = self.read_raw(sql)
        bound: list[Args] = []
        for row in rows:
            statement.check(len(row))
            bound.append(self.bind_raw(row))
        await self._run(_execute_many, statement.sql, bound)

    async def _ask(self, sql: str, params: tuple[object, ...], *, first: bool = False) -> tuple[str, Answer]:
        statement = self.read_raw(sql)
        args: Args = params
        if len(params) == 1 and isinstance(params[0], list | tuple):
            args = cast("Args", params[0])
        statement.check(len(args))

        def ask(session: Session, _sql: str, args: Args) -> Awaitable[Answer]:
            if statement.changes_session:
                session.changed = True
            return session.ask(statement, args, first=first)

        answer = await self._run(ask, statement.sql, self.bind_raw(args), write=not statement.reads, again=False)
        return statement.verb, answer

    # -------------------------------------------------------------------------------------- the one way to a session

    async def _run(
        self,
        operation: Callable[[Session, str, Any], Awaitable[R]],
        sql: str,
        args: Sequence[object],
        *,
        write: bool = True,
        again: bool = True,
    ) -> R:
        block = innermost.get()
        if block is not None:
            block = block.of(self)
            if block is not None:
                return await block.perform(operation, sql, args)
        replicas = self.replicas
        if replicas is not None and not write:
            with suppress(NoReplica):
                return await replicas.run(operation, sql, args)
        pools = self._pools
        if pools is None or pools.loop is not asyncio.get_running_loop():
            pools = self._pools_here()
        pool = pools.write if write else pools.read
        session = pool.take()
        if session is None:
            session = await pool.acquire()
        try:
            return await self.perform(session, operation, sql, args)
        except (ConnectionLost, SchemaChanged) as exc:
            if await session.can_repeat(exc, write=write, again=again):
                return await self.perform(session, operation, sql, args)
        finally:
            if replicas is not None and write:
                replicas.wrote()
            if session.changed:
                await pool.take_back(session)
            else:
                pool.give(session)
        return await self._run(operation, sql, args, write=False, again=False)

    async def perform(
        self,
        session: Session,
        operation: Callable[[Session, str, Any], Awaitable[R]],
        sql: str,
        args: Sequence[object],
        *,
        transaction: bool = False,
    ) -> R:
        """Send one statement: the only place that does."""
        if HOOKS.callbacks or self._echo:
            return await self._observed(session, operation, sql, args, transaction=transaction)
        try:
            return await operation(session, sql, args)
        except Exception as exc:
            raise self._failed(session, exc, sql) from exc
        except BaseException:
            session.suspect = True
            raise

    async def _observed(
        self,
        session: Session,
        operation: Callable[[Session, str, Any], Awaitable[R]],
        sql: str,
        args: Sequence[object],
        *,
        transaction: bool,
    ) -> R:
        statement = Observation(self.alias, sql, args, transaction=transaction)
        try:
            answer = await operation(session, sql, args)
        except Exception as exc:
            error = self._failed(session, exc, sql)
            statement.end(error=error, echo=self._echo)
            raise error from exc
        except BaseException as exc:
            session.suspect = True
            statement.end(error=exc, echo=self._echo)
            raise
        statement.end(answer, echo=self._echo)
        return answer

    def _failed(self, session: Session, exc: Exception, sql: str) -> DatabaseError:
        if isinstance(exc, DatabaseError):
            return exc
        error = self.translate(exc, sql, session.statement_limit)
        session.doubt(error)
        if isinstance(error, IntegrityError):
            explained(error)
        return error

    def _pools_here(self) -> Pools:
        """Return the pools of the running loop; from now on they are the ones that are looked at first."""
        self._pools = pools = self._loops.here()
        mark_used(self.alias)
        return pools

    async def checkout(self, *, write: bool) -> tuple[Session, Pool]:
        """Take a session for longer than a statement; ``pool.give`` takes it back."""
        pools = self._pools_here()
        pool = pools.write if write else pools.read
        return pool.take() or await pool.acquire(), pool

    # -------------------------------------------------------------------------------------- blocks

    def block(self) -> Block | None:
        """Return the open block of the running task on this database."""
        block = innermost.get()
        return None if block is None else block.of(self)

    def in_transaction(self) -> bool:
        """Say whether the running task is inside a transaction on this database."""
        return self.block() is not None

    # -------------------------------------------------------------------------------------- life

    async def connect(self) -> None:
        """Open a connection now, to find out at the start of a program whether the database can be reached."""
        session, pool = await self.checkout(write=True)
        pool.give(session)

    async def close(self) -> None:
        """Close the connections of the running event loop. The next statement opens new ones."""
        self._pools = None
        await self._loops.close()
        if not self._loops:
            mark_used(self.alias, used=False)

    @property
    def pool(self) -> Pool:
        """The pool for writes of the running event loop."""
        return self._pools_here().write

    def pool_status(self) -> PoolStatus:
        """Return how many connections there are and what they do, over all pools of the running event loop."""
        pools = self._pools_here()
        status = pools.write.status()
        if pools.read is not pools.write:
            status = PoolStatus(*map(sum, zip(status, pools.read.status(), strict=True)))
        return status

    def pool_totals(self) -> PoolTotals:
        """Return the numbers of the pools of all event loops; nothing is opened, and any thread may ask."""
        return self._loops.totals()

    async def get_pool_stats(self) -> dict[str, object]:
        """Return the numbers of the pool with database, schema, version and a process id of the server."""
        session, pool = await self.checkout(write=True)
        try:
            status = self.pool_status()
            pid = session.description()
        finally:
            pool.give(session)
        most = pool.limit
        return {
            "status": "closed" if pool.closed else "open",
            "min_size": pool.size,
            "max_size": most,
            "size": status.size,
            "free_size": status.idle + 1,  # the one that was just used to ask
            "used_size": status.in_use - 1,
            "waiting": status.waiting,
            **asdict(pool.counters),
            "database": self.config.database,
            "schema": self.config.schema,
            "pid": pid,
            "version": await self.server_version(),
        }


def _fetch(session: Session, sql: str, args: Args) -> Awaitable[list[DriverRow]]:
    return session.fetch(sql, args)


def _fetch_many(session: Session, sql: str, args: Sequence[Args]) -> Awaitable[list[DriverRow]]:
    return session.fetch_many(sql, args)


def _execute(session: Session, sql: str, args: Args) -> Awaitable[int]:
    return session.run(sql, args)


def _execute_many(session: Session, sql: str, args: Sequence[Args]) -> Awaitable[int | None]:
    return session.run_many(sql, args)
