"""Tasks and transactions: who belongs to a block, and what happens to those that stay in it for too long."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import pytest

from covet.database import Adapter
from covet.database.transaction import transaction
from covet.exceptions import TransactionError
from tests.conftest import Database


async def insert(adapter: Adapter, number: int) -> None:
    await adapter.execute("INSERT INTO parent VALUES ($1, $2)", [number, f"name {number}"])


async def numbers(adapter: Adapter) -> list[int]:
    return [row.id for row in await adapter.fetch_all("SELECT id FROM parent ORDER BY id")]


async def pool_is_full(adapter: Adapter) -> bool:
    for _ in range(200):
        if adapter.pool_status().in_use == 0:
            return True
        await asyncio.sleep(0.01)
    return False


async def steps(adapter: Adapter, first: int) -> AsyncGenerator[int, None]:
    """Hold a block and write a row at each step."""
    async with transaction():
        for number in range(first, first + 3):
            await insert(adapter, number)
            yield number


# -- asynchronous generators -----------------------------------------------------------------


async def test_generator_that_holds_a_block_commits_when_it_is_used_up(tables: Adapter):
    async for number in steps(tables, 1):
        assert tables.in_transaction()  # what the loop does between the steps belongs to the block
        await insert(tables, number + 100)
    assert not tables.in_transaction()
    assert await numbers(tables) == [1, 2, 3, 101, 102, 103]


async def test_generator_that_is_closed_early_rolls_back_at_once(tables: Adapter):
    async with contextlib.aclosing(steps(tables, 1)) as generator:
        async for _ in generator:
            await insert(tables, 100)
            break
    assert not tables.in_transaction()
    assert await numbers(tables) == []
    assert tables.pool_status().in_use == 0


async def test_generator_left_early_ends_its_block_and_the_task_is_told_once(
    tables: Adapter, caplog: pytest.LogCaptureFixture
):
    async for _ in steps(tables, 1):
        break
    await insert(tables, 100)  # still inside: the loop has not closed the generator yet
    await asyncio.sleep(0.05)
    with pytest.raises(TransactionError, match=r"ended from outside \(rolled back\).*contextlib\.aclosing"):
        await insert(tables, 101)
    await insert(tables, 102)
    assert await numbers(tables) == [102]
    assert await pool_is_full(tables)
    assert "is ended by another task" in caplog.text


async def test_generator_closed_by_another_task_ends_its_own_transaction(tables: Adapter):
    generator = steps(tables, 1)

    async def close() -> None:
        async with transaction(using="default"):
            await insert(tables, 50)
            await generator.aclose()
            await insert(tables, 51)

    async def use() -> None:
        await anext(generator)

    await asyncio.create_task(use())
    if tables.dialect.name == "sqlite":  # one writer: the other transaction would wait for this one
        await asyncio.create_task(generator.aclose())
        assert await numbers(tables) == []
    else:
        await asyncio.create_task(close())
        assert await numbers(tables) == [50, 51]
    assert await pool_is_full(tables)


async def test_context_manager_made_of_a_generator_holds_its_block_open_for_the_body(tables: Adapter):
    @contextlib.asynccontextmanager
    async def unit_of_work() -> AsyncIterator[None]:
        async with transaction():
            yield

    async with unit_of_work():
        await insert(tables, 1)
    with pytest.raises(RuntimeError):
        async with unit_of_work():
            await insert(tables, 2)
            raise RuntimeError
    assert await numbers(tables) == [1]


async def test_blocks_that_end_in_the_wrong_order_are_rolled_back_and_say_so_at_once(tables: Adapter):
    outer, inner = steps(tables, 1), steps(tables, 11)
    await anext(outer)
    await anext(inner)  # a savepoint in the block of the first
    started = time.monotonic()
    with pytest.raises(TransactionError, match=r"ended from outside"):
        # the outer generator inserts in a block that has the connection no more
        await _wrong_order(tables, outer, inner)
    assert time.monotonic() - started < 3
    assert await pool_is_full(tables)
    assert await numbers(tables) == []
    await insert(tables, 1)


async def _wrong_order(tables: Adapter, outer: AsyncGenerator[int, None], inner: AsyncGenerator[int, None]) -> None:
    await outer.aclose()
    with pytest.raises(StopAsyncIteration):
        while True:
            await anext(inner)


async def test_outer_block_that_commits_while_an_inner_one_is_open_is_rolled_back(tables: Adapter):
    outer, inner = transaction(), transaction()
    await outer.__aenter__()
    await insert(tables, 1)
    await inner.__aenter__()
    await insert(tables, 2)
    with pytest.raises(TransactionError, match=r"was rolled back: transaction at .* is open inside of it"):
        await outer.__aexit__(None, None, None)
    with pytest.raises(TransactionError, match=r"was rolled back: transaction at .* around it ended first"):
        await inner.__aexit__(None, None, None)
    assert await pool_is_full(tables)
    assert await numbers(tables) == []


# -- contexts --------------------------------------------------------------------------------


async def test_task_with_a_copied_context_belongs_to_the_block_as_long_as_it_is_open(tables: Adapter):
    with pytest.raises(RuntimeError):
        async with transaction():
            copied = contextvars.copy_context()
            await asyncio.create_task(insert(tables, 1), context=copied)
            assert await numbers(tables) == [1]
            raise RuntimeError
    assert await numbers(tables) == []
    with pytest.raises(TransactionError, match="is over"):
        await asyncio.create_task(insert(tables, 2), context=copied)
    assert not tables.in_transaction()


async def test_task_with_an_empty_context_is_outside_of_the_block(tables: Adapter):
    async with transaction():
        await insert(tables, 1)
        seen = await asyncio.create_task(numbers(tables), context=contextvars.Context())
        assert seen == []
    assert await numbers(tables) == [1]


async def test_block_opened_in_a_task_is_that_task_s_own(tables: Adapter):
    opened, go_on = asyncio.Event(), asyncio.Event()

    async def child() -> None:
        async with transaction():
            opened.set()
            await go_on.wait()
            await insert(tables, 1)

    task = asyncio.create_task(child())
    await opened.wait()
    assert not tables.in_transaction()
    assert await numbers(tables) == []
    go_on.set()
    await task
    assert await numbers(tables) == [1]


async def test_nested_blocks_of_several_tasks_and_plain_statements_keep_apart(tables: Adapter):
    async def nested(number: int) -> None:
        async with transaction():
            await insert(tables, number)
            await asyncio.sleep(0)
            async with transaction():
                await insert(tables, number + 100)
                await asyncio.sleep(0)
            if number % 3 == 0:
                raise RuntimeError

    async with transaction():
        results = await asyncio.gather(
            *(nested(number) for number in range(1, 7)),
            *(insert(tables, 50 + n) for n in range(3)),
            return_exceptions=True,
        )
    assert [type(result) for result in results].count(RuntimeError) == 2
    assert await numbers(tables) == [1, 2, 4, 5, 50, 51, 52, 101, 102, 104, 105]


async def test_task_that_still_sends_when_the_block_ends_is_refused_and_what_it_was_told_is_there(tables: Adapter):
    told: list[int] = []

    async def endless() -> None:
        for number in range(1_000_000):
            await insert(tables, number)
            told.append(number)

    async with transaction():
        task = asyncio.create_task(endless())
        await asyncio.sleep(0.02)
    with pytest.raises(TransactionError, match="is over"):
        await task
    assert await numbers(tables) == told
    assert len(told) > 1
    assert await pool_is_full(tables)


# -- threads, loops, processes ---------------------------------------------------------------


def test_threads_with_loops_of_their_own_have_transactions_of_their_own(database_target: Database):
    script = _SCRIPT.format(
        body="""
async def thread_work(number):
    async with transaction():
        await adapter.execute("INSERT INTO scripted VALUES ($1, 'x')", [number])
        if number % 2:
            raise RuntimeError

def thread(number):
    try:
        asyncio.run(thread_work(number))
    except RuntimeError:
        pass

async def main():
    await start()
    await asyncio.gather(*(asyncio.to_thread(thread, n) for n in range(6)))
    print(await numbers())
asyncio.run(main())
"""
    )
    assert _run(script, database_target) == "[0, 2, 4]\n"


def test_block_of_one_loop_is_refused_in_a_second_loop(database_target: Database):
    script = _SCRIPT.format(
        body="""
from covet.exceptions import TransactionError
held = []

async def first():
    await start()
    async with transaction():
        held.append(contextvars.copy_context())

async def second():
    async def inside():
        await adapter.execute("INSERT INTO scripted VALUES (1, 'x')")
    try:
        await asyncio.get_running_loop().create_task(inside(), context=held[0])
    except TransactionError as error:
        print("is over" in str(error))
    async with transaction():
        await adapter.execute("INSERT INTO scripted VALUES (2, 'x')")
    print(await numbers())

asyncio.run(first())
asyncio.run(second())
"""
    )
    assert _run(script, database_target) == "True\n[2]\n"


def test_child_of_a_fork_refuses_the_block_and_opens_connections_of_its_own(database_target: Database):
    script = _SCRIPT.format(
        body="""
import os
from covet.exceptions import TransactionError

async def child_inside():
    try:
        await adapter.execute("INSERT INTO scripted VALUES (7, 'child')")
    except TransactionError as error:
        print("child:", "another event loop" in str(error), flush=True)

async def child_outside():
    print("child sees", await numbers(), flush=True)

async def main():
    await start()
    async with transaction():
        await adapter.execute("INSERT INTO scripted VALUES (1, 'parent')")
        pid = os.fork()
        if pid == 0:
            asyncio.run(child_inside())
            contextvars.Context().run(asyncio.run, child_outside())
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(pid, 0)
        await adapter.execute("INSERT INTO scripted VALUES (2, 'parent')")
    print("parent sees", await numbers())
asyncio.run(main())
"""
    )
    assert _run(script, database_target) == "child: True\nchild sees []\nparent sees [1, 2]\n"


_SCRIPT = """
import asyncio, contextvars, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of os.fork() beside threads
from covet.database import DatabaseConfig, get_adapter
from covet.database.transaction import transaction

DatabaseConfig(sys.argv[1])
adapter = get_adapter()

async def start():
    asyncio.get_running_loop().slow_callback_duration = 60
    await adapter.execute("DROP TABLE IF EXISTS scripted")
    await adapter.execute("CREATE TABLE scripted (id integer PRIMARY KEY, name text)")

async def numbers():
    return [row.id for row in await adapter.fetch_all("SELECT id FROM scripted ORDER BY id")]
{body}
"""


def _run(script: str, database: Database) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", script, database.url],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


async def test_gather_whose_member_fails_leaves_the_decision_to_the_block(
    tables: Adapter, configure: Callable[..., Adapter]
):
    async def fail() -> None:
        await insert(tables, 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        async with transaction():
            await asyncio.gather(fail(), insert(tables, 2), insert(tables, 3))
    assert await numbers(tables) == []
    async with transaction():
        with pytest.raises(RuntimeError):
            await asyncio.gather(fail(), insert(tables, 2))
    assert await numbers(tables) == [1, 2]
