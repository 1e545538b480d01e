"""A pool of asyncpg that somebody else made: covet borrows connections and neither opens nor closes any."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable
from typing import Any, Final, cast

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from covet.database.adapters.asyncpg_session import AsyncpgSession, session_class
from covet.database.adapters.pool import RESTORE_SECONDS, Pool, PoolStatus
from covet.database.adapters.session import Session
from covet.database.adapters.waiting import finish
from covet.database.config import DatabaseConfig
from covet.exceptions import DatabaseError, InterfaceError, PoolTimeout

_LOG: Final = logging.getLogger("covet.pool")


class GivenPool(Pool):
    """Sessions over the connections of an ``asyncpg.Pool``.

    Its owner decides on sizes and lifetimes. Each use costs what asyncpg's pool costs: a round trip to reset the
    connection when it goes back.
    """

    def __init__(
        self, config: DatabaseConfig, pool: asyncpg.Pool[Any], translate: Callable[[Exception, str], DatabaseError]
    ) -> None:
        least = pool.get_min_size()
        super().__init__(config, self._refuse, size=least, overflow=pool.get_max_size() - least)
        self._given = pool
        self._translate = translate
        self._borrowing = 0
        #: Connections that have what covet needs.
        self._ready: weakref.WeakSet[object] = weakref.WeakSet()

    async def _refuse(self) -> Session:
        raise AssertionError  # not reached: acquire() of this class opens nothing

    def take(self) -> Session | None:
        return None

    async def acquire(self) -> Session:
        if self.closed or self._given.is_closing():
            raise InterfaceError(f"The pool of {self._config.alias!r} was closed.")
        self._borrowing += 1
        started = self.loop.time()
        try:
            proxy = await self._given.acquire(timeout=self.timeout)
        except TimeoutError:
            self.counters.timeouts += 1
            raise PoolTimeout(self._full()) from None
        except Exception as exc:
            raise self._translate(exc, "") from exc
        finally:
            self._borrowing -= 1
            self.counters.waited(self.loop.time() - started)
        session = session_class(self._config)(proxy, self._config)
        self._sessions.add(session)
        self._note_taken(session)
        if self._traced:
            self._trace(session)
        try:
            await self._make_ready(session, proxy)
        except BaseException as exc:
            session.suspect = True
            self.give(session)
            if isinstance(exc, Exception) and not isinstance(exc, DatabaseError):
                raise self._translate(exc, "") from exc
            raise
        return session

    async def _make_ready(self, session: AsyncpgSession, proxy: PoolConnectionProxy[Any]) -> None:
        # The proxy is another one each time, the connection behind it is not.
        connection: object = getattr(proxy, "_con", proxy)
        if connection not in self._ready:
            await session.set_up()
            self._ready.add(connection)

    def give(self, session: Session) -> None:
        session.holder = None
        self._spawn(self._release(session))

    async def take_back(self, session: Session) -> None:
        session.holder = None
        await finish(self._release(session))

    async def mend(self, session: Session) -> None:
        session.suspect = True
        await self.take_back(session)

    async def _release(self, session: Session) -> None:
        assert isinstance(session, AsyncpgSession)  # noqa: S101 - acquire() made it
        try:
            async with asyncio.timeout(RESTORE_SECONDS):
                if session.suspect and not session.is_closed():
                    await session.restore()
                if session.stale and not session.is_closed():
                    await session.forget_schema()
        except Exception as exc:  # noqa: BLE001 - whatever the driver says, the connection is of no use
            _LOG.info("[%s] a connection was cut: %s", self._config.alias, type(exc).__name__)
            session.terminate()
        finally:
            self._sessions.discard(session)
            await self._give_back(session)

    async def _give_back(self, session: AsyncpgSession) -> None:
        try:
            proxy = cast("PoolConnectionProxy[Any]", session.connection)  # what acquire() got
            await self._given.release(proxy, timeout=RESTORE_SECONDS)
        except Exception as exc:  # noqa: BLE001 - asyncpg's pool has closed the connection and goes on
            _LOG.info("[%s] a connection was not taken back: %s", self._config.alias, type(exc).__name__)

    def status(self) -> PoolStatus:
        size, idle = self._given.get_size(), self._given.get_idle_size()
        return PoolStatus(size, size - idle, idle, max(0, size - self.size), self._borrowing)

    def abandon(self) -> None:
        self.closed = True
        self._sessions.clear()
