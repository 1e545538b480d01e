"""Cancellation and time-outs: no open transaction, no lost connection, a full pool."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import pytest

from covet.database import Adapter, DatabaseConfig, get_adapter
from covet.database.transaction import transaction
from covet.exceptions import QueryTimeout, TransactionError

SLOW = {
    "postgresql": "SELECT pg_sleep(30)",
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
}


def slow(adapter: Adapter) -> str:
    return SLOW[adapter.dialect.name]


async def pool_is_full(adapter: Adapter) -> bool:
    """Wait until nothing is in use any more."""
    for _ in range(200):
        if adapter.pool_status().in_use == 0:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_cancelled_statement_gives_its_connection_back(adapter: Adapter):
    task = asyncio.create_task(adapter.fetch_all(slow(adapter)))
    await asyncio.sleep(0.1)
    task.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await adapter.fetch_value("SELECT 1") == 1
    assert time.monotonic() - started < 1
    assert await pool_is_full(adapter)


async def test_cancelled_connection_is_mended_before_it_is_free(postgresql_url: str):
    DatabaseConfig(postgresql_url, alias="mended", pool_size=1, max_overflow=0)
    adapter = get_adapter("mended")
    pid = await adapter.fetch_value("SELECT pg_backend_pid()")
    task = asyncio.create_task(adapter.fetch_all("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert adapter.pool_status().in_use == 1
    assert await adapter.fetch_value("SELECT pg_backend_pid()") == pid
    assert adapter.pool_status() == (1, 0, 1, 0, 0)
    await adapter.close()


async def test_cancelled_statement_in_a_block_rolls_back(tables: Adapter):
    async def work() -> None:
        async with transaction():
            await tables.execute("INSERT INTO parent VALUES (1, 'a')")
            await tables.fetch_all(slow(tables))

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tables.pool_status().in_use == 0
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent") == 0


@pytest.mark.parametrize("seed", range(2))
async def test_transactions_cancelled_at_random_leave_a_full_pool(tables: Adapter, seed: int):
    random_delay = random.Random(seed)

    async def work(number: int) -> None:
        async with transaction() as tx:
            await tables.execute("INSERT INTO parent VALUES ($1, $2)", [number, f"{number}"])
            async with tx.savepoint():
                await tables.execute("INSERT INTO child VALUES ($1, $2, 1)", [number, number])
            await tables.execute("SELECT 1")

    done = 0
    for number in range(200):
        task = asyncio.create_task(work(number))
        await asyncio.sleep(random_delay.random() * 0.004)
        task.cancel()
        try:
            await task
            done += 1
        except asyncio.CancelledError:
            pass
    assert await pool_is_full(tables)
    parents = await tables.fetch_value("SELECT COUNT(*) FROM parent")
    assert parents == await tables.fetch_value("SELECT COUNT(*) FROM child")
    assert parents >= done
    await work(1000)
    if tables.dialect.name == "postgresql":
        idle = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        assert await tables.fetch_value(idle) == 0


async def test_cancellation_during_commit_lets_the_commit_happen_and_runs_callbacks(tables: Adapter):
    seen: list[str] = []
    inside = asyncio.Event()

    async def work() -> None:
        async with transaction() as tx:
            await tables.execute("INSERT INTO parent VALUES (1, 'a')")
            tx.on_commit(lambda: seen.append("committed"))
            inside.set()

    task = asyncio.create_task(work())
    await inside.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent") == len(seen) == 1


async def test_statement_timeout_is_a_query_timeout(configure: Callable[..., Adapter]):
    adapter = configure(statement_timeout=0.2)
    started = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"statement_timeout=0\.2 s") as caught:
        await adapter.fetch_all(slow(adapter))
    assert time.monotonic() - started < 1
    assert caught.value.statement is not None
    assert await adapter.fetch_value("SELECT 1") == 1
    assert await pool_is_full(adapter)


async def test_time_out_inside_a_block_rolls_it_back(tables: Adapter, configure: Callable[..., Adapter]):
    adapter = configure(statement_timeout=0.2)
    with pytest.raises(QueryTimeout):
        async with transaction(using="other"):
            await adapter.execute("INSERT INTO parent VALUES (1, 'a')")
            await adapter.fetch_all(slow(adapter))
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent") == 0
    assert await pool_is_full(adapter)


async def test_asyncio_timeout_around_a_statement_of_a_block_spoils_the_block_or_not_as_the_database_says(
    tables: Adapter,
):
    try:
        async with transaction():
            await tables.execute("INSERT INTO parent VALUES (1, 'a')")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await tables.fetch_all(slow(tables))
    except TransactionError:
        expected = 0
    else:
        expected = 1
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent") == expected
    assert await pool_is_full(tables)


async def test_cancelling_one_child_of_a_block_leaves_the_others_alone(tables: Adapter):
    async with transaction() as tx:
        async with tx.savepoint():
            await tables.execute("INSERT INTO parent VALUES (1, 'a')")
        waiting = asyncio.create_task(tables.execute("INSERT INTO parent VALUES (2, 'b')"))
        other = asyncio.create_task(tables.execute("INSERT INTO parent VALUES (3, 'c')"))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await other
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent") == 2
