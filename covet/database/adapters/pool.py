"""Connection pool: sessions of one database on one event loop.

Made for the common case: an idle session is popped from a deque and pushed back, without an await, a round trip or a
task. What is rare happens in the background and before a session is idle again: a session whose statement was cut
off is restored, one whose settings were changed is reset, one that cannot be restored is closed and its place is
free for a new one.

Bounds: ``size`` sessions stay open, up to ``overflow`` more while there is demand. Those beyond ``size`` are closed
after ``pool_idle_timeout`` seconds without work. Tasks that find nothing free wait in the order in which they came.

Where sessions are taken is recorded only when somebody wants to know (``pool_leak_timeout``, or asyncio's debug mode):
then ``take`` finds nothing and every task comes by ``acquire``.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import NamedTuple

from covet.database.adapters.callers import call_stack, standing_line
from covet.database.adapters.instrumentation import start_echo
from covet.database.adapters.session import Session
from covet.database.adapters.waiting import Waiters, finish
from covet.database.config import DatabaseConfig
from covet.exceptions import InterfaceError, PoolTimeout

_LOG = logging.getLogger("covet.pool")
#: Seconds in which a cut off statement must have ended and a session must be usable again.
RESTORE_SECONDS = 2.0


class PoolStatus(NamedTuple):
    """What a pool holds at this moment."""

    size: int
    in_use: int
    idle: int
    overflow: int
    waiting: int


@dataclass(slots=True)
class PoolCounters:
    """What happened in a pool so far. Nothing is counted on the way of an idle session to its task and back."""

    opened: int = 0
    closed: int = 0
    #: Tasks that found nothing free, the seconds that they waited, and those that went without.
    waits: int = 0
    wait_seconds: float = 0.0
    timeouts: int = 0

    def waited(self, seconds: float) -> None:
        """Count a task that waited."""
        self.waits += 1
        self.wait_seconds += seconds


class Pool:
    """Sessions for the tasks of one event loop."""

    def __init__(
        self,
        config: DatabaseConfig,
        opener: Callable[[], Awaitable[Session]],
        *,
        size: int,
        overflow: int,
        renew: bool = True,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.size = size
        self.limit = size + overflow
        self.closed = False
        #: Seconds to wait for a free session.
        self.timeout = config.pool_timeout
        self._config = config
        self._opener = opener
        self._ping = config.pool_pre_ping
        self._traced = config.pool_leak_timeout is not None or self.loop.get_debug()
        #: Sessions are renewed by age and use; not where the data would go with them.
        self._lifetime = config.pool_recycle if renew and config.pool_recycle is not None else math.inf
        self._most_uses = config.max_queries if renew and config.max_queries is not None else math.inf
        self.counters = PoolCounters()
        self._idle: deque[Session] = deque()
        self._sessions: set[Session] = set()
        self._open = 0
        self._waiters: Waiters[Session | None] = Waiters()
        self._tasks: set[asyncio.Task[None]] = set()
        self._openings: set[asyncio.Task[Session]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._leak_check: asyncio.TimerHandle | None = None
        if config.echo_pool:
            start_echo(_LOG.name)

    # -------------------------------------------------------------------------------------------- take and give

    def take(self) -> Session | None:
        """Return an idle session without waiting, or None."""
        if self._ping or self._traced:
            return None
        return self._pop()

    async def acquire(self) -> Session:
        """Return a session: an idle one, a new one, or the next one that becomes free."""
        session = await self._acquire()
        if self._traced:
            self._trace(session)
        return session

    async def _acquire(self) -> Session:
        while (session := self._pop()) is not None:
            if not self._ping or await self._answers(session):
                return session
        if self.closed:
            raise InterfaceError(f"The pool of {self._config.alias!r} was closed.")
        if self._open < self.limit:
            self._open += 1
            return await self._new()
        return await self._wait()

    def give(self, session: Session) -> None:
        """Take a session back. It goes to who waits, or idles; if its state is in doubt it is mended first."""
        session.holder = None
        if session.suspect or session.changed:
            self._spawn(self._mend(session))
        elif (
            self.closed or session.is_closed() or session.uses >= self._most_uses or self.loop.time() >= session.expires
        ):
            self._drop(session)
        elif not (self._waiters and self._waiters.hand(session)):
            self._idle.append(session)
            if self._open > self.size:
                session.since = self.loop.time()
                if self._sweep is None:
                    self._schedule_sweep()

    async def take_back(self, session: Session) -> None:
        """Take a session back, and wait until its settings are as they were, lest another connection is opened."""
        session.holder = None
        if session.changed and not session.suspect:
            await finish(self._mend(session))
        else:
            self.give(session)

    async def mend(self, session: Session) -> None:
        """Take back a session whose statement was cut off, and wait until nothing of it is left at the server."""
        session.suspect = session.changed = True
        session.holder = None
        await finish(self._mend(session))

    # -------------------------------------------------------------------------------------------- the slower paths

    def _pop(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            now = self.loop.time()
            if now < session.expires and not session.is_closed():
                session.holder = asyncio.current_task()
                session.since = now
                session.uses += 1
                return session
            self._drop(session)
        return None

    def _note_taken(self, session: Session) -> None:
        session.holder = asyncio.current_task()
        session.since = self.loop.time()
        session.uses += 1

    async def _answers(self, session: Session) -> bool:
        try:
            async with asyncio.timeout(RESTORE_SECONDS):
                await session.restore()
        except Exception as exc:  # noqa: BLE001 - whatever the driver says, the session is of no use
            _LOG.info("[%s] a connection did not answer: %s", self._config.alias, type(exc).__name__)
            self._drop(session)
            return False
        except BaseException:
            session.suspect = True
            self.give(session)
            raise
        return True

    async def _new(self) -> Session:
        """Open a session in the place that the caller has reserved.

        If the caller is cancelled, the session is opened all the same and idles: a driver that is stopped while it
        connects may leave errors that nobody hears of.
        """
        opening = self.loop.create_task(self._open_session())
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)
        try:
            session = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._opened_for_nobody)
            task = asyncio.current_task()
            if self.closed and opening.cancelled() and task is not None and not task.cancelling():
                raise InterfaceError(f"The pool of {self._config.alias!r} was closed.") from None
            raise
        self._note_taken(session)
        return session

    async def _open_session(self) -> Session:
        try:
            session = await self._opener()
        except BaseException:
            self._open -= 1
            self._offer_place()
            raise
        # Sessions that were opened together are not renewed together.
        session.expires = self.loop.time() + self._lifetime * random.uniform(0.9, 1)  # noqa: S311 - is no secret
        session.since = self.loop.time()
        self._sessions.add(session)
        self.counters.opened += 1
        self._log("opened")
        return session

    def _opened_for_nobody(self, opening: asyncio.Task[Session]) -> None:
        if not opening.cancelled() and opening.exception() is None:
            self.give(opening.result())

    async def _wait(self) -> Session:
        started = self.loop.time()
        try:
            session = await self._waiters.wait(self.timeout, self._back)
        except TimeoutError:
            self.counters.timeouts += 1
            raise PoolTimeout(self._full()) from None
        finally:
            self.counters.waited(self.loop.time() - started)
        if session is None:
            return await self._new()
        self._note_taken(session)
        return session

    def _back(self, session: Session | None) -> None:
        """Take back what a cancelled task was handed: a session, or the place for a new one."""
        if session is not None:
            self.give(session)
        else:
            self._open -= 1
            self._offer_place()

    def _offer_place(self) -> None:
        if not self.closed and self._open < self.limit and self._waiters.hand(None):
            self._open += 1

    def _full(self) -> str:
        now = self.loop.time()
        held = sorted(self._sessions, key=lambda session: session.since)
        holders = ", ".join(_holding(session, now) for session in held)
        return (
            f"No connection to {self._config.alias!r} became free within {self.timeout:g} s. "
            f"All {self.limit} are in use: {holders or 'they are being opened'}."
        )

    async def _mend(self, session: Session) -> None:
        try:
            async with asyncio.timeout(RESTORE_SECONDS):
                if session.suspect:
                    await session.restore()
                if session.changed:
                    await session.reset()
        except BaseException as exc:
            self._drop(session, politely=False)
            if not isinstance(exc, Exception):
                raise
            _LOG.info("[%s] a connection was replaced: %s", self._config.alias, type(exc).__name__)
        else:
            session.suspect = session.changed = False
            self.give(session)

    def _drop(self, session: Session, *, politely: bool = True) -> None:
        """Close a session and offer its place."""
        self._open -= 1
        self._sessions.discard(session)
        self.counters.closed += 1
        self._log("closed")
        if politely and not session.suspect and not session.is_closed():
            self._spawn(self._close(session))
        else:
            session.terminate()
        self._offer_place()

    async def _close(self, session: Session) -> None:
        try:
            async with asyncio.timeout(RESTORE_SECONDS):
                await session.close()
        except BaseException as exc:
            session.terminate()
            if not isinstance(exc, Exception):
                raise
            _LOG.info("[%s] a connection was cut: %s", self._config.alias, type(exc).__name__)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -------------------------------------------------------------------------------------------- overflow, end

    def _schedule_sweep(self) -> None:
        limit = self._config.pool_idle_timeout
        if limit is not None:
            self._sweep = self.loop.call_later(limit, self._sweep_idle)

    def _sweep_idle(self) -> None:
        """Close what stands beyond ``size`` and was idle all the time since the sweep was scheduled."""
        self._sweep = None
        since = self.loop.time() - (self._config.pool_idle_timeout or 0)
        while self._idle and self._open > self.size and self._idle[0].since <= since:
            self._drop(self._idle.popleft())  # the left end has been idle for longest
        if self._open > self.size and self._idle:
            self._schedule_sweep()

    # -------------------------------------------------------------------------------------------- leaks

    def _trace(self, session: Session) -> None:
        """Record where a session is taken, and look later whether it came back."""
        session.taken_at = tuple(f"{caller.file}:{caller.line}" for caller in call_stack())
        session.reported = False
        if self._config.pool_leak_timeout is not None and self._leak_check is None:
            self._leak_check = self.loop.call_later(self._config.pool_leak_timeout, self._check_leaks)

    def _check_leaks(self) -> None:
        self._leak_check = None
        limit = self._config.pool_leak_timeout or 0.0
        now = self.loop.time()
        held = [session for session in self._sessions if session.holder is not None]
        for session in held:
            if not session.reported and now - session.since >= limit:
                session.reported = True
                where = "\n    ".join(session.taken_at) or "a task without a frame of the program"
                _LOG.warning(
                    "[%s] a connection is still in use: %s. It was taken at\n    %s",
                    self._config.alias,
                    _holding(session, now),
                    where,
                )
        if held:
            self._leak_check = self.loop.call_later(limit, self._check_leaks)

    def _report_leaks(self) -> None:
        """Say which sessions never came back."""
        if self._traced:
            now = self.loop.time()
            for session in self._sessions:
                if session.holder is not None:
                    _LOG.warning("[%s] closed while in use: %s", self._config.alias, _holding(session, now))

    def status(self) -> PoolStatus:
        """Return the numbers of this moment."""
        idle = len(self._idle)
        return PoolStatus(self._open, self._open - idle, idle, max(0, self._open - self.size), len(self._waiters))

    async def close(self) -> None:
        """Close the idle sessions; those in use are closed when they come back."""
        self.closed = True
        for timer in (self._sweep, self._leak_check):
            if timer is not None:
                timer.cancel()
        self._report_leaks()
        self._waiters.refuse(InterfaceError(f"The pool of {self._config.alias!r} was closed."))
        while self._idle:
            self._drop(self._idle.popleft())
        for opening in self._openings:
            opening.cancel()
        while work := {*self._openings, *self._tasks}:
            await asyncio.wait(work)

    def abandon(self) -> None:
        """Cut every connection: the event loop of this pool is gone and nothing can be awaited."""
        self.closed = True
        for session in self._sessions:
            session.terminate()
        self._sessions.clear()
        self._idle.clear()

    def _log(self, what: str) -> None:
        if self._config.echo_pool:
            _LOG.info("[%s] connection %s, %s", self._config.alias, what, self.status())


def _holding(session: Session, now: float) -> str:
    """Say who holds a session, for how long, and where that task took it and stands now."""
    seconds = now - session.since
    task = session.holder
    if task is None:
        return f"being restored for {seconds:.1f} s"
    taken = f", taken at {session.taken_at[0]}" if session.taken_at else ""
    line = standing_line(task)
    stands = f", now at {line}" if line is not None else ""
    return f"{task.get_name()} for {seconds:.1f} s{taken}{stands}"
