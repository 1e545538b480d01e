"""Locks that a program asks for: advisory locks and LOCK TABLE; on SQLite a refusal that says what to do instead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from covet.database import Adapter, DatabaseConfig, capture_queries, get_adapter
from covet.database.transaction import advisory_lock, transaction
from covet.database.transaction.locks import lock_number
from covet.exceptions import ConnectionLost, LockTimeout, NotSupportedError, TransactionError

HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


@pytest.fixture
async def server(postgresql_url: str) -> AsyncIterator[Adapter]:
    DatabaseConfig(postgresql_url, replace=True)
    DatabaseConfig(postgresql_url, alias="other", replace=True)
    yield get_adapter()
    await get_adapter("other").close()
    await get_adapter().close()


async def test_database_without_advisory_locks_refuses_and_says_what_is_one(tables: Adapter):
    if tables.dialect.name != "sqlite":
        return
    with pytest.raises(NotSupportedError, match=r"SQLite has no advisory locks.*transaction\(\) is a lock"):
        async with advisory_lock("import"):
            pass
    async with transaction() as tx:
        with pytest.raises(NotSupportedError, match="SQLite has no advisory locks"):
            await tx.advisory_lock(1)
        await tables.execute("INSERT INTO parent VALUES (1, 'still usable')")
    assert tables.pool_status().in_use == 0


async def test_lock_excludes_others_until_its_block_ends(server: Adapter):
    with capture_queries() as queries:
        async with advisory_lock("import"):
            assert await get_adapter("other").fetch_value(HELD) == 1
            with pytest.raises(LockTimeout, match=r"'import' was not to be had: it is held by somebody else"):
                async with advisory_lock("import", timeout=0, using="other"):
                    pass
            with pytest.raises(LockTimeout, match=r"did not become free within 0\.1 s"):
                async with advisory_lock("import", timeout=0.1, using="other"):
                    pass
            async with advisory_lock("another", timeout=0, using="other"):
                pass
    assert [sql for sql in queries.sql if "advisory_" in sql] == [
        "SELECT pg_advisory_lock($1)",
        "SELECT pg_try_advisory_lock($1)",
        "SELECT pg_advisory_lock($1)",
        "SELECT pg_try_advisory_lock($1)",
        "SELECT pg_advisory_unlock($1)",
        "SELECT pg_advisory_unlock($1)",
    ]
    # At once: the wait that was given up has ended at the server, too.
    async with advisory_lock("import", timeout=0, using="other"):
        pass
    assert await server.fetch_value(HELD) == 0


async def test_shared_locks_share_and_an_exclusive_one_waits(server: Adapter):
    order: list[str] = []

    async def exclusive() -> None:
        async with advisory_lock(7, using="other"):
            order.append("exclusive")

    async with advisory_lock(7, shared=True), advisory_lock(7, shared=True, timeout=0, using="other"):
        task = asyncio.create_task(exclusive())
        await asyncio.sleep(0.05)
        order.append("shared")
    await task
    assert order == ["shared", "exclusive"]
    assert await server.fetch_value(HELD) == 0


async def test_cancelled_wait_and_failed_body_leave_no_lock_behind(server: Adapter):
    async def wait() -> None:
        async with advisory_lock("x", using="other"):
            pass

    with pytest.raises(RuntimeError):
        async with advisory_lock("x"):
            task = asyncio.create_task(wait())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            raise RuntimeError
    for adapter in (server, get_adapter("other")):
        assert adapter.pool_status().in_use == 0
    async with advisory_lock("x", timeout=0):
        pass
    assert await server.fetch_value(HELD) == 0


async def test_lock_whose_connection_is_lost_says_so_at_its_end(server: Adapter):
    find = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
    with pytest.raises(ConnectionLost):
        async with advisory_lock("x"):
            pid = await get_adapter("other").fetch_value(find)
            await get_adapter("other").fetch_value("SELECT pg_terminate_backend($1, 5000)", [pid])
    async with advisory_lock("x", timeout=0):
        pass


async def test_lock_of_a_transaction_ends_with_it(server: Adapter):
    async with transaction() as tx:
        await tx.advisory_lock("invoices")
        await tx.advisory_lock("invoices", timeout=1)
        async with transaction(using="other") as second:
            with pytest.raises(LockTimeout, match="held by somebody else"):
                await second.advisory_lock("invoices", timeout=0)
            assert await get_adapter("other").fetch_value("SELECT 1") == 1  # not to have it breaks nothing
            with pytest.raises(LockTimeout, match=r"within 0\.1 s"):
                async with second.savepoint() as savepoint:
                    await savepoint.advisory_lock("invoices", timeout=0.1)
            assert await get_adapter("other").fetch_value("SELECT 1") == 1
    async with transaction(using="other") as second:
        await second.advisory_lock("invoices", timeout=0)
    assert await server.fetch_value(HELD) == 0


def test_text_is_one_number_everywhere_and_other_keys_are_refused():
    assert lock_number("import") == lock_number("import") != lock_number("Import")
    assert lock_number("import") == -3453690058906639106
    assert lock_number(-5) == -5
    with pytest.raises(ValueError, match="64-bit"):
        lock_number(2**63)
    for wrong in (1.5, True, None):
        with pytest.raises(TypeError, match="a text or an integer"):
            lock_number(wrong)  # type: ignore[arg-type]


async def test_wait_for_a_lock_is_not_cut_by_the_statement_timeout(server: Adapter, postgresql_url: str):
    DatabaseConfig(postgresql_url, alias="hasty", statement_timeout=0.1)
    done = asyncio.Event()

    async def wait() -> None:
        async with advisory_lock("x", using="hasty"):
            done.set()

    async with advisory_lock("x"):
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.3)
        assert not done.is_set()
    await task
    await get_adapter("hasty").close()


async def test_mode_of_a_table_lock_is_one_of_eight(tables: Adapter):
    async with transaction() as tx:
        with pytest.raises(TypeError, match="at least one model"):
            await tx.lock_table()
        with pytest.raises(TransactionError, match=r"Unknown lock mode 'x; DROP'. Choices: access share, row share"):
            await tx.lock_table(object, mode="x; DROP")  # type: ignore[arg-type]
