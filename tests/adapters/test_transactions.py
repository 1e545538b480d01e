"""Transactions: commit, rollback, savepoints, tasks, callbacks, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from covet.database import Adapter, DatabaseConfig, capture_queries, get_adapter
from covet.database.transaction import on_commit, transaction
from covet.exceptions import PoolTimeout, ReadOnly, TransactionError, UniqueViolation


async def insert(adapter: Adapter, number: int, name: str | None = None) -> None:
    await adapter.execute("INSERT INTO parent VALUES ($1, $2)", [number, name or f"name {number}"])


async def numbers(adapter: Adapter) -> list[int]:
    return [row.id for row in await adapter.fetch_all("SELECT id FROM parent ORDER BY id")]


async def test_block_commits_at_its_end(tables: Adapter):
    with capture_queries(transactions=True) as queries:
        async with transaction():
            await insert(tables, 1)
    assert queries.sql[0].startswith("BEGIN")
    assert queries.sql[-1] == "COMMIT"
    assert await numbers(tables) == [1]


async def test_exception_rolls_back_and_goes_on_unchanged(tables: Adapter):
    error = RuntimeError("mine")
    with capture_queries(transactions=True) as queries, pytest.raises(RuntimeError) as caught:
        async with transaction():
            await insert(tables, 1)
            raise error
    assert caught.value is error
    assert queries.sql[-1] == "ROLLBACK"
    assert await numbers(tables) == []


async def test_decorator_commits_and_gives_the_value(tables: Adapter):
    @transaction
    async def bare(number: int) -> int:
        """Insert."""
        await insert(tables, number)
        return number

    @transaction()
    async def called(number: int) -> None:
        await insert(tables, number)
        raise RuntimeError

    @transaction(isolation="serializable")
    async def configured(number: int) -> None:
        await insert(tables, number)

    assert (bare.__name__, bare.__doc__) == ("bare", "Insert.")
    assert await bare(1) == 1
    with pytest.raises(RuntimeError):
        await called(2)
    await configured(3)
    assert await numbers(tables) == [1, 3]


async def test_concurrent_calls_are_separate_transactions(tables: Adapter):
    @transaction
    async def work(number: int) -> None:
        await insert(tables, number)
        if number % 2:
            raise RuntimeError

    await asyncio.gather(*(work(number) for number in range(20)), return_exceptions=True)
    assert await numbers(tables) == list(range(0, 20, 2))
    assert tables.pool_status().in_use == 0


async def test_savepoint_undoes_its_part_only(tables: Adapter):
    async with transaction() as tx:
        await insert(tables, 1)
        with pytest.raises(UniqueViolation):
            async with tx.savepoint():
                await insert(tables, 2)
                await insert(tables, 1)
        await insert(tables, 3)
        async with tx.savepoint():
            await insert(tables, 4)
    assert await numbers(tables) == [1, 3, 4]


async def test_nested_transaction_is_a_savepoint(tables: Adapter):
    with capture_queries(transactions=True) as queries:
        async with transaction(), transaction():
            await insert(tables, 1)
            async with transaction():
                await insert(tables, 2)
    assert [sql for sql in queries.sql if not sql.startswith(("BEGIN", "INSERT"))] == [
        "SAVEPOINT covet_1",
        "SAVEPOINT covet_2",
        "RELEASE SAVEPOINT covet_2",
        "RELEASE SAVEPOINT covet_1",
        "COMMIT",
    ]
    assert await numbers(tables) == [1, 2]


async def test_inner_success_is_undone_by_outer_failure(tables: Adapter):
    with pytest.raises(RuntimeError):
        async with transaction():
            async with transaction():
                await insert(tables, 1)
            raise RuntimeError
    assert await numbers(tables) == []


async def test_savepoint_of_the_outer_block_inside_the_inner_one_nests(tables: Adapter):
    async with transaction() as outer, transaction(), outer.savepoint():
        await insert(tables, 1)
    assert await numbers(tables) == [1]


async def test_savepoint_handles_roll_back_and_release(tables: Adapter):
    async with transaction() as tx:
        await insert(tables, 1)
        handle = await tx.savepoint()
        await insert(tables, 2)
        with pytest.raises(UniqueViolation):
            await insert(tables, 1)
        await tx.rollback_to_savepoint(handle)
        await insert(tables, 3)
        await tx.release_savepoint(handle)
    assert await numbers(tables) == [1, 3]


async def test_rollback_marks_the_block(tables: Adapter):
    async with transaction() as tx:
        await insert(tables, 1)
        async with tx.savepoint() as inner:
            await insert(tables, 2)
            await inner.rollback()
        assert await numbers(tables) == [1]
        await tx.rollback()
    assert await numbers(tables) == []


async def test_read_only_transaction_refuses_writes(tables: Adapter):
    with pytest.raises(ReadOnly):
        async with transaction(read_only=True):
            assert await numbers(tables) == []
            await insert(tables, 1)
    await insert(tables, 2)
    assert await numbers(tables) == [2]


async def test_isolation_and_read_only_are_for_the_outermost_block(tables: Adapter):
    async with transaction():
        with pytest.raises(TransactionError, match="outermost"):
            async with transaction(isolation="serializable"):
                pass
        with pytest.raises(TransactionError, match="outermost"):
            async with transaction(read_only=True):
                pass
        await insert(tables, 1)
    assert await numbers(tables) == [1]


async def test_unknown_isolation_level_lists_the_levels():
    with pytest.raises(TransactionError, match="read committed, repeatable read, serializable"):
        transaction(isolation="serialisable")  # type: ignore[call-overload]


async def test_synchronous_with_says_async_with(database):
    with pytest.raises(TypeError, match="async with"), transaction():  # type: ignore[attr-defined]
        pass
    with pytest.raises(TypeError, match="async def"):
        transaction(lambda: None)  # type: ignore[arg-type, return-value]


async def test_statements_go_on_after_an_error_as_the_database_allows(tables: Adapter):
    async def body() -> None:
        async with transaction():
            await insert(tables, 1)
            with pytest.raises(UniqueViolation):
                await insert(tables, 1)
            await insert(tables, 2)

    if tables.dialect.name == "sqlite":
        await body()
        assert await numbers(tables) == [1, 2]
    else:
        with pytest.raises(TransactionError, match=r"UniqueViolation.*savepoint"):
            await body()
        assert await numbers(tables) == []


async def test_swallowed_error_does_not_commit_half(tables: Adapter):
    if tables.dialect.name == "sqlite":
        return
    with pytest.raises(TransactionError, match="UniqueViolation"):
        async with transaction():
            await insert(tables, 1)
            with pytest.raises(UniqueViolation):
                await insert(tables, 1)
    assert await numbers(tables) == []
    assert tables.pool_status().in_use == 0


async def test_gather_inside_a_block_is_serialised_and_atomic(tables: Adapter):
    async with transaction():
        await asyncio.gather(*(insert(tables, number) for number in range(10)))
    assert await numbers(tables) == list(range(10))
    with pytest.raises(RuntimeError):
        async with transaction():
            await asyncio.gather(*(insert(tables, number) for number in range(10, 20)))
            raise RuntimeError
    assert await numbers(tables) == list(range(10))


async def test_gather_of_nested_blocks_keeps_savepoints_apart(tables: Adapter):
    async def nested(number: int) -> None:
        async with transaction():
            await insert(tables, number)
            await asyncio.sleep(0)
            await insert(tables, 100 + number)
            if number % 2:
                raise RuntimeError

    async with transaction():
        await asyncio.gather(*(nested(number) for number in range(6)), insert(tables, 50), return_exceptions=True)
    assert await numbers(tables) == [0, 2, 4, 50, 100, 102, 104]


async def test_task_group_failure_rolls_everything_back(tables: Adapter):
    async def fail() -> None:
        await asyncio.sleep(0)
        raise RuntimeError

    with pytest.raises(ExceptionGroup):
        async with transaction(), asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(insert(tables, number))
            group.create_task(fail())
    assert await numbers(tables) == []
    await insert(tables, 1)
    assert tables.pool_status().in_use == 0


async def test_task_that_outlives_its_block_gets_an_error_that_names_it(tables: Adapter):
    go = asyncio.Event()

    async def late() -> None:
        await go.wait()
        await insert(tables, 1)

    async with transaction():
        task = asyncio.create_task(late(), name="late one")
    go.set()
    with pytest.raises(TransactionError, match=r"test_transactions.py:\d+.* is over.*lives longer"):
        await task
    assert await numbers(tables) == []


async def test_task_that_was_started_before_the_block_is_outside_it(tables: Adapter):
    go = asyncio.Event()

    async def outside() -> list[int]:
        await go.wait()
        return await numbers(tables)

    task = asyncio.create_task(outside())
    async with transaction():
        await insert(tables, 1)
        go.set()
        assert await task == []


async def test_waiting_inside_a_nested_block_for_a_task_outside_it_ends_with_an_error(
    tables: Adapter, configure: Callable[..., Adapter]
):
    adapter = configure(pool_timeout=0.2)
    async with transaction(using="other"):

        async def child() -> None:
            await asyncio.sleep(0.05)
            await insert(adapter, 1)

        task = asyncio.create_task(child())
        async with transaction(using="other"):
            with pytest.raises(PoolTimeout, match=r"was not free within 0\.2 s"):
                await task


async def test_on_commit_runs_after_the_outermost_commit_in_order(tables: Adapter):
    seen: list[str] = []

    async def asynchronous() -> None:
        seen.append(f"async sees {await numbers(tables)}")

    async with transaction() as tx:
        tx.on_commit(lambda: seen.append("first"))
        async with tx.savepoint() as inner:
            inner.on_commit(lambda: seen.append("inner"))
        with pytest.raises(RuntimeError):
            async with tx.savepoint() as lost:
                lost.on_commit(lambda: seen.append("lost"))
                raise RuntimeError
        on_commit(asynchronous)
        await insert(tables, 1)
        assert seen == []
    assert seen == ["first", "inner", "async sees [1]"]


async def test_on_commit_is_dropped_by_rollback_and_runs_at_once_outside(tables: Adapter):
    seen: list[str] = []
    with pytest.raises(RuntimeError):
        async with transaction() as tx:
            tx.on_commit(lambda: seen.append("never"))
            raise RuntimeError
    async with transaction() as tx:
        tx.on_commit(lambda: seen.append("never"))
        await tx.rollback()
    assert seen == []
    on_commit(lambda: seen.append("now"))
    assert seen == ["now"]

    async def asynchronous() -> None: ...

    with pytest.raises(TransactionError, match="No transaction is open"):
        on_commit(asynchronous)


async def test_blocks_of_two_databases_are_independent(tables: Adapter):
    DatabaseConfig("sqlite://", alias="second")
    second = get_adapter("second")
    await second.execute("CREATE TABLE parent (id integer PRIMARY KEY, name text)")
    async with transaction():
        await insert(tables, 1)
        with pytest.raises(RuntimeError):
            async with transaction(using="second"):
                await insert(tables, 2)
                await insert(second, 3)
                raise RuntimeError
    assert await numbers(tables) == [1, 2]
    assert await numbers(second) == []


async def test_adapter_calls_join_the_block_of_their_database(tables: Adapter):
    assert not tables.in_transaction()
    async with transaction():
        assert tables.in_transaction()
        await tables.run("INSERT INTO parent VALUES (1, 'a')", ())
        await tables.run_script(["INSERT INTO parent VALUES (2, 'b')"])
        assert await numbers(tables) == [1, 2]
    assert not tables.in_transaction()


async def test_one_transaction_object_is_for_one_block(tables: Adapter):
    block = transaction()
    async with block:
        with pytest.raises(TransactionError, match="open already"):
            async with block:
                pass
    async with block:
        await insert(tables, 1)
    assert await numbers(tables) == [1]


async def test_block_is_not_used_from_the_event_loop_of_another_thread(tables: Adapter):
    async with transaction():
        with pytest.raises(TransactionError, match="another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(insert(tables, 1)))
        await insert(tables, 2)
    assert await numbers(tables) == [2]
