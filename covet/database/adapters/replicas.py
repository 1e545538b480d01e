"""Replicas: reads from copies of a database that have what this process has written.

The primary has a position in its log. After a write its position is asked once, and a copy serves reads as soon as it
has replayed the log up to there; until then, and where no copy answers, reads go to the primary. Positions only grow,
so a copy that was found to be far enough is asked nothing more before the next write. All writes of the process count,
whatever task made them: what one task has stored another one sees.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from covet.database.adapters.session import Args, DriverRow, Session
from covet.exceptions import (
    ConnectionLost,
    DatabaseError,
    OperationalError,
    PoolTimeout,
    ReadOnly,
    SerializationFailure,
)

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter

R = TypeVar("R")
#: How long a copy that is behind, and the primary that is being written to, are not asked again.
_ASK_AGAIN_SECONDS: Final = 0.05
#: How long a copy that did not answer is left alone.
_REST_SECONDS: Final = 5.0


#: Errors of a copy after which the primary serves: the copy is not there, a function in the query writes, or the log
#: has taken away a row under the query.
FALLING_BACK: Final = (ConnectionLost, PoolTimeout, ReadOnly, SerializationFailure)


class NoReplica(Exception):
    """No copy can serve a read now; the primary does."""


class Copy:
    """One copy and how far it was when it was last asked."""

    __slots__ = ("adapter", "ask_at", "position")

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.position = -1
        self.ask_at = 0.0

    def rest(self) -> None:
        """Leave it alone for a while."""
        self.position = -1
        self.ask_at = time.monotonic() + _REST_SECONDS

    def failed(self, error: DatabaseError) -> None:
        """Note an error after which the primary serves."""
        if isinstance(error, ConnectionLost | PoolTimeout):
            self.rest()


class Replicas:
    """The copies of one database."""

    def __init__(self, primary: Adapter, copies: Sequence[Adapter]) -> None:
        self._primary = primary
        self._copies = [Copy(adapter) for adapter in copies]
        self._next = 0
        self._sent = primary.dialect.log_position(replayed=False)
        self._replayed = primary.dialect.log_position(replayed=True)
        #: How many writes there were, and of how many the position is known.
        self._writes = 1
        self._known = 0
        self._position = 0
        self._ask_at = 0.0

    def wrote(self) -> None:
        """Note that something may have been written just now."""
        self._writes += 1

    async def run(self, operation: Callable[[Session, str, Any], Awaitable[R]], sql: str, args: Sequence[object]) -> R:
        """Run a read on a copy; ``NoReplica`` if there is none that may and can serve it."""
        copy = await self.choose()
        if copy is None:
            raise NoReplica
        try:
            return await copy.adapter.run_read(operation, sql, args)
        except FALLING_BACK as exc:
            copy.failed(exc)
            raise NoReplica from exc

    async def choose(self) -> Copy | None:
        """Return a copy that has all that this process has written, if there is one."""
        now = time.monotonic()
        if self._known != self._writes and not await self._ask_primary(now):
            return None
        for _ in self._copies:
            self._next = (self._next + 1) % len(self._copies)
            copy = self._copies[self._next]
            if copy.position >= self._position or await self._has_caught_up(copy, now):
                return copy
        return None

    async def _ask_primary(self, now: float) -> bool:
        """Learn the position after the last write; False if somebody else asks, or has asked a moment ago."""
        if now < self._ask_at:
            return False
        self._ask_at = now + _ASK_AGAIN_SECONDS
        writes = self._writes
        position = await self._position_of(self._primary, self._sent)
        if position is None:
            return False
        self._position, self._known = max(self._position, position), writes
        return True

    async def _has_caught_up(self, copy: Copy, now: float) -> bool:
        if now < copy.ask_at:
            return False
        copy.ask_at = now + _ASK_AGAIN_SECONDS
        try:
            position = await self._position_of(copy.adapter, self._replayed)
        except OperationalError:
            copy.rest()
            return False
        if position is None:  # it replays nothing: no copy, or one no more
            copy.rest()
            return False
        copy.position = max(copy.position, position)
        return copy.position >= self._position

    async def _position_of(self, adapter: Adapter, sql: str) -> int | None:
        session, pool = await adapter.checkout(write=False)
        try:
            rows = await adapter.perform(session, _fetch, sql, ())
        finally:
            pool.give(session)
        found: int | None = rows[0][0]
        return found


def _fetch(session: Session, sql: str, args: Args) -> Awaitable[list[DriverRow]]:
    return session.fetch(sql, args)
