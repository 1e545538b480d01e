"""Cancellation at every single step: a transaction is all or nothing, its connection comes back, nothing is said aloud.

A step is one await at which the task is suspended, or one round of the event loop, which are more: the tasks that end a
transaction take rounds, too. Each run cancels one step later than the run before, once or again and again, until a run
is through before its cancellation comes. A scenario writes a row in each of two tables, so half of it would show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from covet.database import Adapter
from covet.database.adapters.waiting import finish
from covet.database.transaction import advisory_lock, on_commit, transaction
from tests.adapters.cancelling import MODES, MOST_STEPS, pool_is_full, quietly, run_cancelled


async def cancel_each_step(
    adapter: Adapter, work: Callable[[int], Coroutine[Any, Any, None]], mode: str
) -> tuple[int, int]:
    """Run ``work`` again and again, cancelled one step later each time; return how many runs and how many committed."""
    in_time = 0
    for step in range(MOST_STEPS):
        in_time = 0 if await run_cancelled(work(step), step, mode) else in_time + 1
        await pool_is_full(adapter)
        parents = {row.id for row in await adapter.fetch_all("SELECT id FROM parent")}
        children = {row.id for row in await adapter.fetch_all("SELECT id FROM child")}
        assert parents == children, f"half a transaction after a cancellation at step {step}"
        if in_time:
            assert step in parents
        if in_time == 3:  # how many rounds a statement takes differs a little
            return step - 2, len(parents)
    raise AssertionError("The scenario did not get through.")


class Scenarios:
    """What is cancelled: each writes the same number into two tables."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    async def parent(self, number: int) -> None:
        await self.adapter.execute("INSERT INTO parent VALUES ($1, $2)", [number, f"{number}"])

    async def child(self, number: int) -> None:
        await self.adapter.execute("INSERT INTO child VALUES ($1, $2, 1)", [number, number])

    async def inserts_and_update(self, number: int) -> None:
        async with transaction():
            await self.parent(number)
            await self.child(number)
            await self.adapter.execute("UPDATE parent SET name = $1 WHERE id = $2", [f"changed {number}", number])

    async def savepoint(self, number: int) -> None:
        async with transaction() as tx:
            await self.parent(number)
            async with tx.savepoint():
                await self.child(number)

    async def gather(self, number: int) -> None:
        async with transaction():
            await self.parent(number)
            await asyncio.gather(self.child(number), self.adapter.execute("SELECT 1"))

    async def on_commit(self, number: int) -> None:
        seen: list[int] = []

        async def see() -> None:
            await asyncio.sleep(0)
            seen.append(number)

        try:
            async with transaction():
                await self.parent(number)
                await self.child(number)
                on_commit(see)
        finally:
            there = await finish(self.adapter.fetch_all("SELECT id FROM parent WHERE id = $1", [number]))
            assert len(there) == len(seen)

    async def time_limit(self, number: int) -> None:
        async with transaction(timeout=30, statement_timeout=10, lock_timeout=10):
            await self.parent(number)
            await self.child(number)

    async def decorator(self, number: int) -> None:
        await transaction(retry=3)(self.inserts_and_update)(number)


SCENARIOS = ["inserts_and_update", "savepoint", "gather", "on_commit", "time_limit", "decorator"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_transaction_cancelled_at_each_step_is_all_or_nothing(tables: Adapter, name: str, mode: str):
    with quietly():
        runs, through = await cancel_each_step(tables, getattr(Scenarios(tables), name), mode)
    print(f"{tables.dialect.name}, {name}, {mode}: {runs} cancellations, {through} committed, 0 bad")  # noqa: T201 - its figures
    assert runs >= 3
    if tables.dialect.name == "postgresql":
        idle = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        assert await tables.fetch_value(idle) == 0


@pytest.mark.parametrize("mode", MODES)
async def test_advisory_lock_cancelled_at_each_step_is_never_left_behind(tables: Adapter, mode: str):
    if tables.dialect.name == "sqlite":
        return  # has none

    async def work(number: int) -> None:
        async with advisory_lock("each step"), transaction():
            await tables.execute("INSERT INTO parent VALUES ($1, $2)", [number, f"{number}"])
            await tables.execute("INSERT INTO child VALUES ($1, $2, 1)", [number, number])

    runs, _ = await cancel_each_step(tables, work, mode)
    assert runs > 5
    held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE locktype = 'advisory' "
    assert await tables.fetch_value(f"{held} AND d.datname = current_database()") == 0
