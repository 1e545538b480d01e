"""What a program that runs for long keeps: memory, objects, files, tasks.

Eight seconds in a test run, ten minutes by ``make soak``: queries, writes, errors, streams, cancellations and, on a
server, killed connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import threading
import time
from typing import NamedTuple

import psutil
import pytest

from covet import CharField, Count, F, ForeignKey, IntegerField, Model, ReverseManager, create_all
from covet.database import Adapter
from covet.database.transaction import transaction
from covet.exceptions import IntegrityError, OperationalError, TransactionError
from tests.adapters.cancelling import pool_is_full
from tests.soak import SOAK, long

WARM_UP = 30.0 if SOAK else 4.0
SECONDS = long(600, short=8)
WORKERS = 8
END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'
"""


class GrowthShelf(Model):
    name = CharField(max_length=40, unique=True)
    size = IntegerField(default=0)
    volumes: ReverseManager[GrowthVolume]


class GrowthVolume(Model):
    title = CharField(max_length=40)
    shelf = ForeignKey(GrowthShelf, related_name="volumes")


class Figures(NamedTuple):
    """What the process holds."""

    memory: int
    objects: int
    files: int
    threads: int
    tasks: int
    plans: int


def figures(adapter: Adapter) -> Figures:
    for _ in range(3):
        gc.collect()
    process = psutil.Process()
    return Figures(
        memory=process.memory_info().rss,
        objects=len(gc.get_objects()),
        files=process.num_fds(),
        threads=threading.active_count(),
        tasks=len(asyncio.all_tasks()),
        plans=adapter.plans.info().size,
    )


class Load:
    """Tasks that do everything, over and over; what they write, they take away again."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.done = 0
        self.cancelled = 0
        self.errors = 0
        self._chance = random.Random(7)

    async def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._work(worker, until) for worker in range(WORKERS)))
        await pool_is_full(self.adapter)
        await GrowthShelf.objects.delete()

    async def _work(self, worker: int, until: float) -> None:
        number = 0
        while time.monotonic() < until:
            number += 1
            try:
                if self._chance.random() < 0.3:
                    async with asyncio.timeout(self._chance.random() * 0.02):
                        await self._round(f"{worker}-{number}")
                else:
                    await self._round(f"{worker}-{number}")
            except TimeoutError:
                self.cancelled += 1
            except (OperationalError, TransactionError):
                self.errors += 1
            self.done += 1
            if worker == 0 and number % 50 == 0 and self.adapter.dialect.name == "postgresql":
                with contextlib.suppress(OperationalError):
                    await self.adapter.fetch(END_SESSIONS, ())
            with contextlib.suppress(OperationalError):
                await GrowthShelf.objects.filter(name__startswith=f"{worker}-").delete()

    async def _round(self, name: str) -> None:
        async with transaction() as tx:
            shelf = await GrowthShelf.create(name=name)
            await shelf.volumes.bulk_create([GrowthVolume(title=f"{name} {at}") for at in range(20)])
            with contextlib.suppress(IntegrityError):
                async with tx.savepoint():
                    await GrowthShelf.create(name=name)
        await GrowthShelf.objects.filter(name=name).update(size=F("size") + 1)
        found = await GrowthShelf.objects.filter(name=name).prefetch_related("volumes").annotate(n=Count("volumes"))
        assert [len(each.volumes) for each in found] == [20]
        async for _ in GrowthVolume.objects.filter(shelf=shelf).iterator(chunk_size=5):
            break
        await asyncio.gather(*(GrowthShelf.objects.filter(size=at).count() for at in range(3)))
        await self.adapter.fetch_all("SELECT title FROM growth_volumes WHERE title = $1", [name])
        with contextlib.suppress(ZeroDivisionError):
            async with transaction():
                await shelf.delete()
                raise ZeroDivisionError


@pytest.mark.timeout(3600 if SOAK else 120)
async def test_program_that_runs_for_long_does_not_grow(adapter: Adapter):
    await create_all([GrowthShelf, GrowthVolume])
    load = Load(adapter)
    await load.run(WARM_UP)
    before = figures(adapter)
    await load.run(SECONDS)
    after = figures(adapter)
    growth = after.memory / before.memory - 1
    print(  # noqa: T201 - the figures
        f"{adapter.dialect.name}: {load.done} rounds, {load.cancelled} cancelled, {load.errors} errors "
        f"in {SECONDS:g} s; memory {before.memory >> 20} MiB {growth:+.1%}, "
        f"objects {before.objects} {after.objects - before.objects:+}, files {before.files} "
        f"{after.files - before.files:+}, threads {after.threads - before.threads:+}, "
        f"tasks {after.tasks - before.tasks:+}, plans {after.plans}"
    )
    assert load.done > 50
    assert growth < (0.05 if SOAK else 0.1)  # a few seconds are hardly more than warming up
    assert after.objects - before.objects < max(1500, load.done // 4)  # one a round would be a leak
    assert after.plans == before.plans
    # Connections that are opened and closed with the demand: never more than the pool may hold.
    assert after.files <= before.files + 2 * adapter.pool.limit
    assert after.tasks <= before.tasks
