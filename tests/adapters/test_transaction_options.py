"""Options of ``transaction()``: what each of them sends and does, on every database."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from typing import Any

import pytest

from covet.database import Adapter, capture_queries, get_adapter
from covet.database.transaction import transaction
from covet.exceptions import (
    DatabaseLocked,
    DiskFull,
    LockTimeout,
    QueryTimeout,
    TransactionError,
    TransactionTimeout,
    UniqueViolation,
)

SLOW = {
    "postgresql": "SELECT pg_sleep(30)",
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
}


async def insert(adapter: Adapter, number: int) -> None:
    await adapter.execute("INSERT INTO parent VALUES ($1, $2)", [number, f"name {number}"])


async def numbers(adapter: Adapter) -> list[int]:
    return [row.id for row in await adapter.fetch_all("SELECT id FROM parent ORDER BY id")]


def commands(sql: list[str]) -> list[str]:
    return [text for text in sql if not text.startswith(("INSERT", "SELECT"))]


@pytest.mark.parametrize(
    ("options", "begin"),
    [
        ({}, "BEGIN"),
        ({"durable": True, "timeout": 5}, "BEGIN"),
        (
            {"isolation": "serializable", "read_only": True, "deferrable": True},
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
        ),
        ({"lock_timeout": 0.5}, "BEGIN; SET LOCAL lock_timeout = 500"),
        ({"lock_timeout": math.inf}, "BEGIN; SET LOCAL lock_timeout = 0"),
    ],
    ids=str,
)
async def test_options_are_part_of_begin(tables: Adapter, options: dict[str, Any], begin: str):
    with capture_queries(transactions=True) as queries:
        async with transaction(**options):
            assert await numbers(tables) == []
    if tables.dialect.name == "sqlite":
        begin = "BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE"
    assert commands(queries.sql) == [begin, "COMMIT"]


async def test_durable_block_is_never_a_savepoint(tables: Adapter):
    @transaction(durable=True)
    async def durable() -> None:
        await insert(tables, 1)

    async with transaction():
        with pytest.raises(
            TransactionError, match=r"durable=True is for the outermost block only; transaction at .* is"
        ):
            await durable()
    assert await numbers(tables) == []
    await durable()
    assert await numbers(tables) == [1]


async def test_deferrable_without_what_it_needs_is_refused_before_anything_is_sent():
    for options in ({}, {"read_only": True}, {"isolation": "serializable"}):
        with pytest.raises(TransactionError, match=r'isolation="serializable" and read_only=True'):
            transaction(deferrable=True, **options)


async def test_unknown_option_and_impossible_limits_are_refused():
    with pytest.raises(TransactionError, match=r"no option 'isolated'. Choices: using, isolation"):
        transaction(isolated=True)  # type: ignore[call-overload]
    for name in ("timeout", "statement_timeout", "lock_timeout"):
        with pytest.raises(TransactionError, match=rf"{name} is a number of seconds above 0.*not 0"):
            transaction(**{name: 0})  # type: ignore[call-overload]


async def test_rollback_makes_a_dry_run(tables: Adapter):
    with capture_queries(transactions=True) as queries:
        async with transaction(rollback=True):
            await insert(tables, 1)
            assert await numbers(tables) == [1]
    assert queries.sql[-1] == "ROLLBACK"
    assert await numbers(tables) == []


async def test_rollback_can_be_set_and_taken_back(tables: Adapter):
    async with transaction() as tx:
        assert not tx.get_rollback()
        await insert(tables, 1)
        await tx.rollback()
        assert tx.get_rollback()
        tx.set_rollback(False)
    async with transaction() as tx:
        await insert(tables, 2)
        tx.set_rollback()
    assert await numbers(tables) == [1]


# -- time limits -----------------------------------------------------------------------------


async def test_timeout_of_a_block_rolls_it_back(tables: Adapter):
    started = time.monotonic()
    with pytest.raises(TransactionTimeout, match=r"test_transaction_options.py:\d+ took longer than timeout=0\.1 s"):
        async with transaction(timeout=0.1):
            await insert(tables, 1)
            await tables.fetch_all(SLOW[tables.dialect.name])
    assert time.monotonic() - started < 2
    assert await numbers(tables) == []
    for _ in range(200):
        if tables.pool_status().in_use == 0:
            break
        await asyncio.sleep(0.01)
    assert tables.pool_status().in_use == 0
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_timeout_counts_the_wait_for_a_connection_and_the_body_and_not_what_follows(tables: Adapter):
    async with transaction(timeout=0.2):
        await insert(tables, 1)
    await asyncio.sleep(0.25)
    with pytest.raises(TransactionTimeout):
        async with transaction(timeout=0.1):
            await asyncio.sleep(5)
    assert await numbers(tables) == [1]


async def test_body_that_never_waits_is_rolled_back_when_its_time_is_up(tables: Adapter):
    with pytest.raises(TransactionTimeout):
        async with transaction(timeout=0.02):
            await insert(tables, 1)
            time.sleep(0.03)  # noqa: ASYNC251 - the loop cannot run the timer meanwhile
    assert await numbers(tables) == []


async def test_body_that_swallows_the_cancellation_is_rolled_back_all_the_same(tables: Adapter):
    with pytest.raises(TransactionTimeout):
        async with transaction(timeout=0.05):
            await insert(tables, 1)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(5)
    assert await numbers(tables) == []
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_timeout_of_a_savepoint_undoes_the_savepoint_only(tables: Adapter):
    async with transaction():
        await insert(tables, 1)
        with pytest.raises(TransactionTimeout):
            async with transaction(timeout=0.1):
                await insert(tables, 2)
                await tables.fetch_all(SLOW[tables.dialect.name])
        if tables.dialect.name == "postgresql":
            await insert(tables, 3)
    expected = [1, 3] if tables.dialect.name == "postgresql" else [1]
    assert await numbers(tables) == expected


async def test_cancellation_from_outside_stays_a_cancellation(tables: Adapter):
    async def work() -> None:
        async with transaction(timeout=60):
            await insert(tables, 1)
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await numbers(tables) == []


async def test_statement_timeout_of_a_block_is_for_each_statement_in_it(tables: Adapter):
    with pytest.raises(QueryTimeout, match=r"statement_timeout=0\.1 s"):
        async with transaction(statement_timeout=0.1):
            await insert(tables, 1)
            await tables.fetch_all(SLOW[tables.dialect.name])
    assert await numbers(tables) == []
    short = "SELECT pg_sleep(0.2)" if tables.dialect.name == "postgresql" else "SELECT 1"
    async with transaction():  # the limit is gone with its block
        await tables.fetch_all(short)
    async with transaction(), transaction(statement_timeout=5):
        await tables.fetch_all(short)


async def test_inner_statement_timeout_ends_with_its_savepoint(tables: Adapter):
    if tables.dialect.name == "sqlite":
        return  # there is no short slow statement
    async with transaction(statement_timeout=math.inf):
        with pytest.raises(QueryTimeout):
            async with transaction(statement_timeout=0.05):
                await tables.fetch_all("SELECT pg_sleep(1)")
        await tables.fetch_all("SELECT pg_sleep(0.1)")
        async with transaction(statement_timeout=0.05):
            await insert(tables, 1)
        await tables.fetch_all("SELECT pg_sleep(0.1)")
    assert await numbers(tables) == [1]


async def test_server_limit_of_a_statement_is_a_query_timeout(configure: Callable[..., Adapter], tables: Adapter):
    if tables.dialect.name == "sqlite":
        return  # no server
    adapter = configure(server_settings={"statement_timeout": "100"})
    with pytest.raises(QueryTimeout, match="statement timeout") as caught:
        await adapter.fetch_all("SELECT pg_sleep(5)")
    assert caught.value.sqlstate == "57014"
    assert await adapter.fetch_value("SELECT 1") == 1


async def test_lock_timeout_of_a_block_limits_the_wait_for_a_lock(tables: Adapter, configure: Callable[..., Adapter]):
    await insert(tables, 1)
    configure()
    started = time.monotonic()
    async with transaction():
        await tables.execute("UPDATE parent SET name = 'x' WHERE id = 1")
        with pytest.raises((LockTimeout, DatabaseLocked)) as caught:
            async with transaction(using="other", lock_timeout=0.1):
                await get_adapter("other").execute("UPDATE parent SET name = 'y' WHERE id = 1")
    assert caught.value.retryable
    assert time.monotonic() - started < 2
    assert await tables.fetch_value("SELECT name FROM parent") == "x"


async def test_lock_timeout_of_a_savepoint_ends_with_it(tables: Adapter):
    if tables.dialect.name == "sqlite":
        return  # a transaction has every lock there is
    async with transaction(lock_timeout=7):
        async with transaction(lock_timeout=3):
            assert await tables.fetch_value("SHOW lock_timeout") == "3s"
        assert await tables.fetch_value("SHOW lock_timeout") == "7s"
    async with transaction():
        async with transaction(lock_timeout=3):
            assert await tables.fetch_value("SHOW lock_timeout") == "3s"
        assert await tables.fetch_value("SHOW lock_timeout") == "0"
    assert await tables.fetch_value("SHOW lock_timeout") == "0"


# -- savepoints ------------------------------------------------------------------------------


async def test_savepoint_takes_the_name_that_it_is_given(tables: Adapter):
    with capture_queries(transactions=True) as queries:
        async with transaction() as tx:
            async with tx.savepoint("before_payment") as outer, outer.savepoint("select"):
                assert outer.name == "before_payment"
                await insert(tables, 1)
            handle = await tx.savepoint("mark")
            await tx.release_savepoint(handle)
    assert commands(queries.sql)[1:-1] == [
        'SAVEPOINT "before_payment"',
        'SAVEPOINT "select"',
        'RELEASE SAVEPOINT "select"',
        'RELEASE SAVEPOINT "before_payment"',
        'SAVEPOINT "mark"',
        'RELEASE SAVEPOINT "mark"',
    ]
    assert await numbers(tables) == [1]


@pytest.mark.parametrize(
    "name", ["", "a b", 'a"; DROP TABLE parent; --', "1a", "n\u0430me", "covet_1", "a" * 51, "a\x00"]
)
async def test_name_of_a_savepoint_that_is_no_plain_word_is_refused(tables: Adapter, name: str):
    async with transaction() as tx:
        with pytest.raises(TransactionError, match="is no name for a savepoint"):
            tx.savepoint(name)
        await insert(tables, 1)
    assert await numbers(tables) == [1]


async def test_handles_are_found_by_name_and_end_in_order(tables: Adapter):
    async with transaction() as tx:
        await tx.savepoint("a")
        await insert(tables, 1)
        b = await tx.savepoint("b")
        await insert(tables, 2)
        await tx.rollback_to_savepoint("a")
        with pytest.raises(TransactionError, match=r"no savepoint 'b' of its own that is open\. Open ones: a\."):
            await tx.rollback_to_savepoint(b)
        await insert(tables, 3)
        await tx.release_savepoint("a")
        with pytest.raises(TransactionError, match="It has none"):
            await tx.release_savepoint("a")
    assert await numbers(tables) == [3]


async def test_three_levels_undo_what_is_theirs(tables: Adapter):
    async with transaction() as tx:
        await insert(tables, 1)
        with pytest.raises(UniqueViolation):
            async with tx.savepoint() as middle:
                await insert(tables, 2)
                async with middle.savepoint() as inner:
                    await insert(tables, 3)
                    await inner.rollback()
                async with middle.savepoint():
                    await insert(tables, 2)
        await insert(tables, 4)
    assert await numbers(tables) == [1, 4]


# -- broken transactions ---------------------------------------------------------------------


async def test_transaction_that_the_database_itself_has_ended_names_the_failure_and_stores_nothing(
    tables: Adapter, configure: Callable[..., Adapter]
):
    """A full disk ends a transaction of SQLite; a statement after that would be stored by itself."""
    if tables.dialect.name != "sqlite":
        return
    pages = await tables.fetch_value("PRAGMA page_count")
    adapter = configure(init_commands=[f"PRAGMA max_page_count = {pages + 2}"])
    with pytest.raises(TransactionError, match=r"failed \(DiskFull: .*accepts nothing more.*savepoint") as caught:
        async with transaction(using="other"):
            await insert(adapter, 1)
            with pytest.raises(DiskFull):
                await adapter.execute("INSERT INTO parent VALUES (2, $1)", ["x" * 1_000_000])
            await insert(adapter, 3)
    assert caught.value.sqlstate == "SQLITE_FULL"
    assert await numbers(tables) == []
    await insert(adapter, 4)
    assert await numbers(tables) == [4]
    assert adapter.pool_status().in_use == 0


async def test_broken_transaction_names_the_first_failure_at_each_use_and_not_a_later_one(tables: Adapter):
    if tables.dialect.name != "postgresql":
        return
    async with transaction(rollback=True) as tx:
        await insert(tables, 1)
        handle = await tx.savepoint("before")
        with pytest.raises(UniqueViolation):
            await insert(tables, 1)
        for use in (insert(tables, 2), tables.fetch_value("SELECT 1"), tx.savepoint()._by_hand(), numbers(tables)):
            with pytest.raises(TransactionError, match=r"failed \(UniqueViolation.*tx\.savepoint\(\)") as caught:
                await use
            assert caught.value.sqlstate == "23505"
        with pytest.raises(TransactionError, match="UniqueViolation"):
            async with tx.savepoint():
                pass
        assert tx.get_rollback()
        await tx.rollback_to_savepoint(handle)
        await insert(tables, 2)
        assert await numbers(tables) == [1, 2]
    assert await numbers(tables) == []
