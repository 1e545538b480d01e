"""The pool: bounds, fairness, exhaustion, renewal."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import asyncpg
import pytest

from covet.database import Adapter, DatabaseConfig, get_adapter
from covet.database.transaction import transaction
from covet.exceptions import ConnectionLost, OperationalError, PoolTimeout


async def test_hundred_tasks_on_a_pool_of_five(tables: Adapter, configure: Callable[..., Adapter]):
    adapter = configure(pool_size=5, max_overflow=0)

    async def insert(number: int) -> None:
        await adapter.execute("INSERT INTO parent VALUES ($1, $2)", [number, f"{number}"])

    await asyncio.gather(*(insert(number) for number in range(100)))
    assert await adapter.fetch_value("SELECT COUNT(*) FROM parent") == 100
    status = adapter.pool_status()
    assert status.in_use == 0
    assert status.size <= 6  # SQLite: five readers and the writer


async def test_exhausted_pool_names_the_holders(adapter: Adapter, configure: Callable[..., Adapter]):
    other = configure(pool_size=1, max_overflow=0, pool_timeout=0.1)
    go = asyncio.Event()

    async def hold() -> None:
        async with transaction(using="other"):
            await other.execute("CREATE TABLE held (id integer)")
            await go.wait()

    task = asyncio.create_task(hold(), name="the holder")
    await asyncio.sleep(0.05)
    with pytest.raises(PoolTimeout, match=r"within 0\.1 s.*the holder for 0\.\d s") as caught:
        await other.run("SELECT 1", ())
    assert caught.value.retryable
    go.set()
    await task
    assert await other.fetch_value("SELECT 1") == 1


async def test_waiters_are_served_in_order(adapter: Adapter, configure: Callable[..., Adapter]):
    other = configure(pool_size=1, max_overflow=0)
    order: list[int] = []

    async def work(number: int) -> None:
        async with transaction(using="other"):
            order.append(number)
            await other.fetch_value("SELECT 1")

    await asyncio.gather(*(work(number) for number in range(20)))
    assert order == list(range(20))


async def test_cancelled_waiters_lose_no_place(adapter: Adapter, configure: Callable[..., Adapter]):
    other = configure(pool_size=1, max_overflow=0)

    async def work() -> None:
        async with transaction(using="other"):
            await other.fetch_value("SELECT 1")

    tasks = [asyncio.create_task(work()) for _ in range(300)]
    for turn in range(300):
        await asyncio.sleep(0)
        tasks[turn].cancel() if turn % 3 else None
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in range(100):
        if not other.pool_status().in_use:
            break
        await asyncio.sleep(0.01)
    status = other.pool_status()
    assert (status.in_use, status.waiting) == (0, 0)
    await work()


async def test_pool_status_counts(postgresql_url: str):
    DatabaseConfig(postgresql_url, alias="counted", pool_size=2, max_overflow=3)
    adapter = get_adapter("counted")
    go = asyncio.Event()

    async def hold() -> None:
        async with transaction(using="counted"):
            await go.wait()

    tasks = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0.2)
    assert adapter.pool_status() == (3, 3, 0, 1, 0)
    stats = await adapter.get_pool_stats()
    assert {name: stats[name] for name in ("min_size", "max_size", "size", "used_size", "free_size")} == {
        "min_size": 2,
        "max_size": 5,
        "size": 4,
        "used_size": 3,
        "free_size": 1,
    }
    assert int(str(stats["pid"])) > 0
    go.set()
    await asyncio.gather(*tasks)
    assert adapter.pool_status() == (4, 0, 4, 2, 0)
    await adapter.close()


async def test_overflow_is_closed_when_it_was_idle(postgresql_url: str):
    DatabaseConfig(postgresql_url, alias="shrinks", pool_size=1, max_overflow=3, pool_idle_timeout=0.1)
    adapter = get_adapter("shrinks")
    await asyncio.gather(*(adapter.fetch_value("SELECT pg_sleep(0.05)") for _ in range(4)))
    assert adapter.pool_status().size == 4
    await asyncio.sleep(0.4)
    assert adapter.pool_status().size == 1
    await adapter.close()


async def test_connections_are_renewed_by_age(postgresql_url: str):
    DatabaseConfig(postgresql_url, alias="renews", pool_recycle=0.1)
    adapter = get_adapter("renews")
    first = await adapter.fetch_value("SELECT pg_backend_pid()")
    assert await adapter.fetch_value("SELECT pg_backend_pid()") == first
    await asyncio.sleep(0.15)
    assert await adapter.fetch_value("SELECT pg_backend_pid()") != first
    await adapter.close()


async def kill_others(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    await connection.close()


@pytest.mark.parametrize("ping", [False, True])
async def test_idle_connections_that_were_killed_are_replaced(postgresql_url: str, ping: bool):
    DatabaseConfig(postgresql_url, alias="killed", pool_pre_ping=ping)
    adapter = get_adapter("killed")
    await asyncio.gather(*(adapter.fetch_value("SELECT pg_sleep(0.05)") for _ in range(3)))
    await kill_others(postgresql_url)
    assert [tuple(row) for row in await adapter.fetch("SELECT 1", ())] == [(1,)]
    async with transaction(using="killed"):
        assert await adapter.fetch_value("SELECT 1") == 1
    await adapter.close()


async def test_connection_killed_inside_a_block_is_a_typed_error(postgresql_url: str):
    DatabaseConfig(postgresql_url, alias="killed")
    adapter = get_adapter("killed")
    with pytest.raises(ConnectionLost) as caught:
        async with transaction(using="killed"):
            await adapter.fetch_value("SELECT 1")
            await kill_others(postgresql_url)
            await adapter.fetch_value("SELECT 1")
    assert caught.value.retryable
    assert await adapter.fetch_value("SELECT 1") == 1
    await adapter.close()


async def test_session_changes_do_not_reach_the_next_user(postgresql_url: str):
    DatabaseConfig(postgresql_url, alias="clean", pool_size=1, max_overflow=0)
    adapter = get_adapter("clean")
    pid = await adapter.fetch_value("SELECT pg_backend_pid()")
    await adapter.execute("SET search_path TO pg_catalog")
    await adapter.execute("SELECT set_config('work_mem', '123kB', false)")
    await adapter.execute("SELECT pg_advisory_lock(1)")
    await adapter.execute("CREATE TEMP TABLE leftover (id integer)")
    assert await adapter.fetch_value("SHOW search_path") == '"$user", public'
    assert await adapter.fetch_value("SELECT current_setting('work_mem')") != "123kB"
    assert await adapter.fetch_value("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    assert await adapter.fetch_value("SELECT to_regclass('leftover')") is None
    async with transaction(using="clean"):
        await adapter.execute("SET TIME ZONE 'Asia/Tokyo'")
    assert await adapter.fetch_value("SHOW timezone") != "Asia/Tokyo"
    assert await adapter.fetch_value("SELECT pg_backend_pid()") == pid
    await adapter.close()


async def test_server_down_names_host_and_port_and_no_password():
    DatabaseConfig("postgresql://ann:geheim@127.0.0.1:1/shop", alias="down", connect_timeout=2)
    with pytest.raises(ConnectionLost, match=r"127\.0\.0\.1:1, database 'shop': Connect") as caught:
        await get_adapter("down").fetch("SELECT 1", ())
    assert "geheim" not in f"{caught.value!r} {caught.value.__cause__!r} {get_adapter('down')!r}"
    assert get_adapter("down").pool_status().size == 0


async def test_silent_server_ends_at_the_connect_timeout():
    with socket.create_server(("127.0.0.1", 0)) as server:  # it takes the connection and says nothing
        port = server.getsockname()[1]
        DatabaseConfig(f"postgresql://ann:geheim@127.0.0.1:{port}/shop", alias="silent", connect_timeout=0.2)
        with pytest.raises(ConnectionLost, match=rf"127\.0\.0\.1:{port}.*no answer within 0\.2 s") as caught:
            await get_adapter("silent").connect()
    assert "geheim" not in repr(caught.value)


async def test_unknown_database_is_a_typed_error(postgresql_url: str):
    DatabaseConfig(postgresql_url.replace("/covet_test_", "/no_such_"), alias="unknown")
    with pytest.raises(OperationalError, match="does not exist"):
        await get_adapter("unknown").connect()


async def test_file_that_cannot_be_opened_is_a_typed_error(tmp_path):
    DatabaseConfig(database=str(tmp_path / "no" / "such.db"), engine="sqlite", alias="nofile")
    with pytest.raises(OperationalError, match="Cannot open the SQLite database"):
        await get_adapter("nofile").fetch("SELECT 1", ())
