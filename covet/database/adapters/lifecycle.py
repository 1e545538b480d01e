"""Life of pools: one set per event loop, opened on first use, closed when the loop ends.

Connections belong to the event loop on which they were made. ``asyncio.run`` ends a loop after it has closed the
asynchronous generators that are still suspended (``loop.shutdown_asyncgens``). So the pools of a loop start such a
generator and never finish it: its ``finally`` runs in the loop, at its end, and closes the connections. Therefore a
script needs no ``close()`` and leaves nothing behind. Loops that are thrown away without that step are found when
the next one is used, and their connections are cut.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import NamedTuple

from covet.database.adapters.pool import Pool
from covet.database.adapters.waiting import finish


class Pools:
    """The pools of one event loop. They are one and the same where any connection may read and write."""

    __slots__ = ("_guard", "loop", "read", "write")

    def __init__(self, read: Pool, write: Pool) -> None:
        self.loop = asyncio.get_running_loop()
        self.read = read
        self.write = write
        self._guard = self._until_the_loop_ends()
        # The first step has no await in it; it makes the loop know the generator.
        step = self._guard.__anext__()
        with suppress(StopIteration):
            step.send(None)

    @property
    def each(self) -> tuple[Pool, ...]:
        """The pools, each once."""
        return (self.read,) if self.write is self.read else (self.read, self.write)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            for pool in self.each:
                await pool.close()

    async def close(self) -> None:
        """Close the pools."""
        await self._guard.aclose()

    def abandon(self) -> None:
        """Cut all connections without the loop, which is closed."""
        self.read.abandon()
        self.write.abandon()


class PoolTotals(NamedTuple):
    """What all pools of a database hold at this moment, and how often somebody waited in vain for a connection."""

    in_use: int
    idle: int
    waiting: int
    limit: int
    timeouts: int


class LoopPools:
    """The pools of one adapter: event loop -> Pools."""

    def __init__(self, make: Callable[[], tuple[Pool, Pool]]) -> None:
        self._make = make
        self._pools: dict[asyncio.AbstractEventLoop, Pools] = {}
        #: Of the pools that are gone: what was counted stays counted.
        self._timeouts = 0
        _everywhere.add(self)

    def __bool__(self) -> bool:
        return bool(self._pools)

    def here(self) -> Pools:
        """Return the pools of the running loop, made now if there are none."""
        loop = asyncio.get_running_loop()
        pools = self._pools.get(loop)
        if pools is None or pools.write.closed:
            self._sweep()
            self._forget(pools)
            pools = self._pools[loop] = Pools(*self._make())
        return pools

    def totals(self) -> PoolTotals:
        """Return the numbers over all event loops. Any thread may ask."""
        pools = [pool for each in list(self._pools.values()) for pool in each.each]
        states = [pool.status() for pool in pools if not pool.closed]
        return PoolTotals(
            in_use=sum(state.in_use for state in states),
            idle=sum(state.idle for state in states),
            waiting=sum(state.waiting for state in states),
            limit=sum(pool.limit for pool in pools if not pool.closed),
            timeouts=self._timeouts + sum(pool.counters.timeouts for pool in pools),
        )

    async def close(self) -> None:
        """Close the pools of the running loop."""
        self._sweep()
        pools = self._pools.pop(asyncio.get_running_loop(), None)
        self._forget(pools)
        if pools is not None:
            await finish(
                pools.close()
            )  # nobody knows of them any more: a task that is cancelled closes them all the same

    def _sweep(self) -> None:
        for loop in [loop for loop in self._pools if loop.is_closed()]:
            pools = self._pools.pop(loop)
            self._forget(pools)
            pools.abandon()

    def _forget(self, pools: Pools | None) -> None:
        if pools is not None:
            self._timeouts += sum(pool.counters.timeouts for pool in pools.each)

    def forget_after_fork(self) -> None:
        """Start anew in a child process. The parent's connections are kept aside, untouched: they are the parent's."""
        _of_the_parent.append(self._pools)
        self._pools = {}


_everywhere: weakref.WeakSet[LoopPools] = weakref.WeakSet()
#: Never closed and never collected: closing them here would end the parent's conversation with its server.
_of_the_parent: list[dict[asyncio.AbstractEventLoop, Pools]] = []


def _after_fork() -> None:
    for pools in list(_everywhere):
        pools.forget_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
