"""Streams: bounded portions, always cleaned up."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing

import pytest

from covet.database import Adapter
from covet.database.transaction import transaction
from covet.exceptions import ProgrammingError, QueryTimeout, TransactionError

SQL = "SELECT id FROM parent ORDER BY id"


@pytest.fixture(autouse=True)
async def rows(tables: Adapter) -> None:
    await tables.execute_many("INSERT INTO parent VALUES ($1, $2)", [(n, f"{n}") for n in range(25)])


def firsts(rows: list) -> list[int]:
    return [row[0] for row in rows]


async def test_stream_gives_portions(tables: Adapter):
    portions = [firsts(portion) async for portion in tables.stream(SQL, (), 10)]
    assert portions == [list(range(10)), list(range(10, 20)), list(range(20, 25))]
    assert tables.pool_status().in_use == 0


async def test_other_statements_run_while_a_stream_is_open(tables: Adapter):
    async for portion in tables.stream(SQL, (), 10):
        await tables.execute("UPDATE parent SET name = name || 'x' WHERE id = $1", [portion[0][0]])
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent WHERE name LIKE '%x'") == 3


async def test_stream_inside_a_block_uses_the_connection_of_the_block(tables: Adapter):
    async with transaction():
        await tables.execute("DELETE FROM parent WHERE id >= 15")
        seen: list[int] = []
        async for portion in tables.stream(SQL, (), 10):
            seen += firsts(portion)
            await tables.execute("SELECT 1")
        assert seen == list(range(15))
    assert tables.pool_status().in_use == 0


@pytest.mark.parametrize("how", ["aclosing", "break", "error"])
async def test_stream_that_is_left_early_gives_its_connection_back(tables: Adapter, how: str):
    if how == "aclosing":
        async with aclosing(tables.stream(SQL, (), 10)) as stream:
            async for _ in stream:
                break
    elif how == "break":
        async for _ in tables.stream(SQL, (), 10):
            break
    else:
        with pytest.raises(RuntimeError):
            async for _ in tables.stream(SQL, (), 10):
                raise RuntimeError
    gc.collect()
    await asyncio.sleep(0.1)
    assert tables.pool_status().in_use == 0
    await tables.execute("DROP TABLE child")  # nothing holds a lock
    await tables.execute("DELETE FROM parent")


async def test_stream_of_a_wrong_statement_raises_our_error(tables: Adapter):
    with pytest.raises(ProgrammingError):
        async for _ in tables.stream("SELECT nothing FROM nowhere", (), 10):
            pass
    assert tables.pool_status().in_use == 0


async def test_cancelled_stream_gives_its_connection_back(tables: Adapter):
    async def work() -> None:
        async for _ in tables.stream(SQL, (), 1):
            await asyncio.sleep(0.01)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    assert tables.pool_status().in_use == 0


async def test_stream_that_outlives_its_block_is_refused(tables: Adapter):
    async with transaction():
        stream = tables.stream(SQL, (), 10)
        assert firsts(await anext(stream)) == list(range(10))
    with pytest.raises(TransactionError, match="is over"):
        await anext(stream)
    await tables.execute("DELETE FROM parent WHERE id = 1")


SLOW = {
    "postgresql": "SELECT id FROM parent, LATERAL (SELECT pg_sleep(0.02 + id * 0)) AS slept",
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0",
}


async def test_time_limit_of_a_block_holds_for_the_streams_in_it(tables: Adapter):
    slow = SLOW[tables.dialect.name]
    with pytest.raises(QueryTimeout, match=r"statement_timeout=0\.1 s"):
        async with transaction(statement_timeout=0.1):
            async for _ in tables.stream(slow, (), 25):
                pass
    async with transaction(statement_timeout=5):  # and it is gone with the block
        assert [len(rows) async for rows in tables.stream(SQL, (), 25)] == [25]
    await asyncio.sleep(0.05)
    assert tables.pool_status().in_use == 0


async def test_stream_on_an_idle_connection_that_died_begins_on_another_one(tables: Adapter, configure):
    if tables.dialect.name == "sqlite":
        return  # has no link that could break
    other = configure()
    await tables.fetch_value("SELECT 1")
    kill = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
    await other.fetch_all(f"{kill} AND pid <> pg_backend_pid()")
    assert [len(rows) async for rows in tables.stream(SQL, (), 10)] == [10, 10, 5]
    await other.close()
