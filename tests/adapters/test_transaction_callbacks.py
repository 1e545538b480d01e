"""Callbacks of transactions: what is called, when, in which order, on every database."""

from __future__ import annotations

import asyncio
import logging

import pytest

from covet.database import Adapter
from covet.database.transaction import on_commit, on_rollback, transaction
from covet.exceptions import ForeignKeyViolation, TransactionError, UniqueViolation


async def insert(adapter: Adapter, number: int) -> None:
    await adapter.execute("INSERT INTO parent VALUES ($1, $2)", [number, f"name {number}"])


async def numbers(adapter: Adapter) -> list[int]:
    return [row.id for row in await adapter.fetch_all("SELECT id FROM parent ORDER BY id")]


class Calls(list[str]):
    """Names of callbacks in the order in which they ran."""

    def noting(self, name: str):
        return lambda: self.append(name)


async def test_callback_asked_for_on_the_outer_handle_goes_with_the_savepoint_that_was_open(tables: Adapter):
    calls = Calls()
    async with transaction() as tx:
        tx.on_commit(calls.noting("before"))
        with pytest.raises(RuntimeError):
            async with tx.savepoint():
                tx.on_commit(calls.noting("in the savepoint that fails"))
                raise RuntimeError
        async with tx.savepoint():
            tx.on_commit(calls.noting("in the savepoint that stays"))
        tx.on_commit(calls.noting("after"))
    assert calls == ["before", "in the savepoint that stays", "after"]


async def test_order_is_that_of_asking_across_nested_blocks(tables: Adapter):
    calls = Calls()
    async with transaction() as tx:
        on_commit(calls.noting("1"))
        async with transaction():
            on_commit(calls.noting("2"))
            async with transaction() as inner:
                inner.on_commit(calls.noting("3"))
            on_commit(calls.noting("4"))
        tx.on_commit(calls.noting("5"))
        assert calls == []
    assert calls == ["1", "2", "3", "4", "5"]


async def test_inner_callbacks_are_dropped_when_an_outer_block_is_undone(tables: Adapter):
    calls = Calls()
    async with transaction() as tx:
        with pytest.raises(RuntimeError):
            async with tx.savepoint():
                async with transaction():
                    on_commit(calls.noting("never"))
                raise RuntimeError
    with pytest.raises(RuntimeError):
        async with transaction():
            async with transaction():
                on_commit(calls.noting("never"))
            raise RuntimeError
    assert calls == []


async def test_savepoint_by_hand_takes_its_callbacks_along(tables: Adapter):
    calls = Calls()
    async with transaction() as tx:
        tx.on_commit(calls.noting("kept"))
        handle = await tx.savepoint()
        tx.on_commit(calls.noting("dropped"))
        tx.on_rollback(calls.noting("undone"))
        await tx.rollback_to_savepoint(handle)
        assert calls == ["undone"]
        tx.on_commit(calls.noting("kept too"))
        await tx.release_savepoint(handle)
    assert calls == ["undone", "kept", "kept too"]


async def test_callback_that_raises_ends_the_row_and_the_commit_stays(tables: Adapter):
    calls = Calls()

    def fail() -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        async with transaction() as tx:
            await insert(tables, 1)
            tx.on_commit(calls.noting("first"))
            tx.on_commit(fail)
            tx.on_commit(calls.noting("never"))
    assert calls == ["first"]
    assert await numbers(tables) == [1]
    assert tables.pool_status().in_use == 0


async def test_robust_callback_that_raises_is_logged_and_the_next_one_runs(
    tables: Adapter, caplog: pytest.LogCaptureFixture
):
    calls = Calls()

    def fail() -> None:
        raise RuntimeError("plain")

    async def fail_later() -> None:
        raise RuntimeError("awaited")

    with caplog.at_level(logging.ERROR, "covet.transaction"):
        async with transaction() as tx:
            tx.on_commit(fail, robust=True)
            on_commit(fail_later, robust=True)
            tx.on_commit(calls.noting("next"))
        on_commit(fail, robust=True)
    assert calls == ["next"]
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["plain", "awaited", "plain"]
    assert "fail, called by on_commit(), failed." in caplog.text


async def test_callback_may_query_and_open_a_transaction_of_its_own(tables: Adapter):
    seen: list[object] = []

    async def follow_up() -> None:
        seen.append(tables.in_transaction())
        async with transaction() as tx:
            await insert(tables, 2)
            tx.on_commit(lambda: seen.append("nested callback"))
        on_commit(lambda: seen.append("at once"))
        seen.append(await numbers(tables))

    async with transaction() as tx:
        await insert(tables, 1)
        tx.on_commit(follow_up)
    assert seen == [False, "nested callback", "at once", [1, 2]]


async def test_what_is_no_function_is_refused_when_it_is_asked_for(tables: Adapter):
    async with transaction() as tx:
        for ask in (tx.on_commit, tx.on_rollback, on_commit, on_rollback):
            with pytest.raises(TypeError, match=r"takes a function to call, not str"):
                ask("send mail")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        on_rollback(None)  # type: ignore[arg-type]


async def test_callback_of_a_task_that_outlives_its_block_is_refused(tables: Adapter):
    go = asyncio.Event()

    async def late() -> None:
        await go.wait()
        on_commit(lambda: None)

    async with transaction():
        task = asyncio.create_task(late())
    go.set()
    with pytest.raises(TransactionError, match="is over"):
        await task


async def test_cancelled_task_runs_every_callback_of_its_commit_to_the_end(tables: Adapter):
    calls = Calls()
    begun = asyncio.Event()

    async def slow() -> None:
        calls.append("begun")
        begun.set()
        await asyncio.sleep(0.05)
        calls.append("done")

    async def work() -> None:
        async with transaction() as tx:
            await insert(tables, 1)
            tx.on_commit(slow)
            tx.on_commit(calls.noting("next"))

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert calls == ["begun", "done", "next"]


# -- on_rollback -----------------------------------------------------------------------------


async def test_on_rollback_runs_after_the_rollback_and_not_after_a_commit(tables: Adapter):
    calls = Calls()

    async def look() -> None:
        calls.append(f"async sees {await numbers(tables)}")

    with pytest.raises(RuntimeError, match="mine"):
        async with transaction() as tx:
            await insert(tables, 1)
            tx.on_rollback(look)
            on_rollback(calls.noting("plain"))
            tx.on_commit(calls.noting("never"))
            raise RuntimeError("mine")
    assert calls == ["async sees []", "plain"]
    calls.clear()
    async with transaction() as tx:
        await insert(tables, 1)
        tx.on_rollback(calls.noting("never"))
    on_rollback(calls.noting("never"))
    assert calls == []


async def test_on_rollback_of_a_savepoint_runs_when_it_or_what_is_around_it_is_undone(tables: Adapter):
    calls = Calls()
    with pytest.raises(RuntimeError):
        async with transaction() as tx:
            with pytest.raises(UniqueViolation):
                async with tx.savepoint():
                    on_rollback(calls.noting("savepoint"))
                    await insert(tables, 1)
                    await insert(tables, 1)
            assert calls == ["savepoint"]
            async with tx.savepoint():
                on_rollback(calls.noting("released before"))
            assert calls == ["savepoint"]
            raise RuntimeError
    assert calls == ["savepoint", "released before"]


async def test_on_rollback_runs_when_commit_is_refused(adapter: Adapter, tables: Adapter):
    calls = Calls()
    reference = "REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED"
    await adapter.run_script([f"CREATE TABLE late (id integer PRIMARY KEY, parent_id integer {reference})"])
    with pytest.raises(ForeignKeyViolation):
        async with transaction() as tx:
            await adapter.execute("INSERT INTO late VALUES (1, 99)")
            tx.on_rollback(calls.noting("undone"))
            tx.on_commit(calls.noting("never"))
    assert calls == ["undone"]


async def test_on_rollback_runs_when_the_task_is_cancelled(tables: Adapter):
    calls = Calls()

    async def work() -> None:
        async with transaction() as tx:
            tx.on_rollback(calls.noting("undone"))
            await insert(tables, 1)
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert calls == ["undone"]
    assert await numbers(tables) == []
