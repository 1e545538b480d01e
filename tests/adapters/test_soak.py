"""Cancellations in great number, at random moments, on a small pool: 2,000 in a test run, 100,000 by ``make soak``."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable

import psutil
import pytest

from covet.database import Adapter
from covet.database.transaction import transaction
from tests.soak import SOAK, long

CANCELLATIONS = int(long(100_000, short=2_000))
AT_ONCE = 12


async def write(adapter: Adapter, number: int) -> None:
    async with transaction(using=adapter.alias) as tx:
        await adapter.execute("INSERT INTO parent VALUES ($1, $2)", [number, f"{number}"])
        async with tx.savepoint():
            await adapter.execute("INSERT INTO child VALUES ($1, $2, 1)", [number, number])


class Disturbed:
    """Writes that are cancelled at random moments."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.cancelled = 0
        self.acknowledged: set[int] = set()
        self._chance = random.Random(CANCELLATIONS)
        self._numbers = itertools.count()

    async def write(self) -> int:
        number = next(self._numbers)
        await write(self.adapter, number)
        return number

    async def run(self) -> None:
        while self.cancelled < CANCELLATIONS:
            task = asyncio.create_task(self.write())
            for _ in range(self._chance.randrange(12)):
                await asyncio.sleep(0)
            if self._chance.random() < 0.5:
                await asyncio.sleep(self._chance.random() * 0.01)
            task.cancel()
            try:
                self.acknowledged.add(await task)
            except asyncio.CancelledError:
                self.cancelled += 1


@pytest.mark.timeout(4 * 3600 if SOAK else 120)
async def test_pool_of_five_is_full_after_thousands_of_random_cancellations(
    tables: Adapter, configure: Callable[..., Adapter]
):
    adapter = configure(pool_size=5, max_overflow=0)
    writes = Disturbed(adapter)
    await writes.write()
    files = open_files()
    await asyncio.gather(*(writes.run() for _ in range(AT_ONCE)))
    await until_idle(adapter)
    status = adapter.pool_status()
    parents = {row[0] for row in await tables.fetch_all("SELECT id FROM parent")}
    children = {row[0] for row in await tables.fetch_all("SELECT parent_id FROM child")}
    lost, partial = writes.acknowledged - parents, parents ^ children
    print(  # noqa: T201 - the figures
        f"{adapter.dialect.name}: {writes.cancelled} cancellations, {len(writes.acknowledged)} acknowledged, "
        f"lost {len(lost)}, partial {len(partial)}, {status}, opened {adapter.pool.counters.opened}"
    )
    assert (lost, partial, status.in_use, status.waiting) == (set(), set(), 0, 0)
    async with asyncio.timeout(20):  # all places of the pool can be had at once
        await asyncio.gather(*(writes.write() for _ in range(20)))
    assert open_files() <= files + 12
    if adapter.dialect.name == "postgresql":
        idle = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        assert await tables.fetch_value(idle) == 0
    await adapter.close()


async def until_idle(adapter: Adapter) -> None:
    """Wait until nothing is in use, for two seconds at most."""
    for _ in range(200):
        if not adapter.pool_status().in_use:
            return
        await asyncio.sleep(0.01)


def open_files() -> int:
    return int(psutil.Process().num_fds())


async def test_waiters_that_are_cancelled_lose_no_place(adapter: Adapter, configure: Callable[..., Adapter]):
    other = configure(pool_size=1, max_overflow=0)
    done = 0

    async def work() -> None:
        nonlocal done
        async with transaction(using="other"):
            await asyncio.sleep(0)
            done += 1

    tasks = [asyncio.create_task(work()) for _ in range(int(long(100_000, short=3_000)))]
    for number, task in enumerate(tasks):
        if number % 8 == 0:
            await asyncio.sleep(0)
        if number % 3:
            task.cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), None if SOAK else 60)
    await until_idle(other)
    assert (other.pool_status().in_use, other.pool_status().waiting) == (0, 0)
    assert done >= len(tasks) // 3
    await other.close()
