"""Opening connections: hosts, passwords, set-up functions, another try; and pools that somebody else made."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiosqlite
import asyncpg
import pytest

from covet import CharField, JSONField, Model, create_all
from covet.database import Adapter, DatabaseConfig, close_all, get_adapter, register_pool
from covet.database.transaction import advisory_lock, transaction
from covet.exceptions import (
    ConfigurationError,
    ConnectionLost,
    InterfaceError,
    OperationalError,
    PoolTimeout,
    QueryTimeout,
    ReadOnly,
)
from tests.adapters.own_server import OwnServer, own_server
from tests.adapters.proxy import Proxy


@pytest.fixture(scope="module")
def other_server() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture
async def proxy(postgresql_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(postgresql_url) as proxy:
        yield proxy
        await close_all()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class GivenNote(Model):
    text = CharField(max_length=50)
    data = JSONField(null=True)


# -------------------------------------------------------------------------------------------- hosts


async def test_hosts_are_tried_in_their_order(proxy: Proxy):
    ports = f"{closed_port()},{proxy.port}"
    DatabaseConfig(proxy.url.replace(f"127.0.0.1:{proxy.port}", f"127.0.0.1:{ports.replace(',', ',127.0.0.1:')}"))
    assert get_adapter().config.hosts[1] == ("127.0.0.1", proxy.port)
    assert await get_adapter().fetch_value("SELECT 1") == 1


async def test_dead_host_costs_its_own_connect_timeout_only(proxy: Proxy):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        DatabaseConfig(
            host=["127.0.0.1", "127.0.0.1"],
            port=[port, proxy.port],
            user="postgres",
            database=proxy.url.rpartition("/")[2],
            connect_timeout=0.5,
        )
        started = time.monotonic()
        assert await get_adapter().fetch_value("SELECT 1") == 1
        assert 0.4 < time.monotonic() - started < 3


async def test_error_of_the_last_host_is_raised_when_none_answers():
    first, second = closed_port(), closed_port()
    DatabaseConfig(f"postgresql://ann:geheim@127.0.0.1:{first},127.0.0.1:{second}/shop")
    with pytest.raises(ConnectionLost, match=f"127.0.0.1:{second}") as caught:
        await get_adapter().connect()
    assert "geheim" not in repr(caught.value)


async def test_read_write_target_passes_over_a_server_that_only_reads(proxy: Proxy, other_server: OwnServer):
    name = proxy.url.rpartition("/")[2]
    await other_server.execute(
        f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    )
    async with Proxy(other_server.url.replace("/postgres?", f"/{name}?")) as reader:
        hosts = f"127.0.0.1:{reader.port},127.0.0.1:{proxy.port}"
        url = f"postgresql://postgres@{hosts}/{name}?target_session_attrs="
        DatabaseConfig(f"{url}read-write", alias="writer")
        DatabaseConfig(f"{url}read-only", alias="reader")
        assert await get_adapter("writer").fetch_value("SHOW transaction_read_only") == "off"
        assert await get_adapter("reader").fetch_value("SHOW transaction_read_only") == "on"
        assert (reader.count, proxy.count) == (2, 1)
        DatabaseConfig(
            f"postgresql://postgres@127.0.0.1:{reader.port}/{name}?target_session_attrs=read-write", alias="no"
        )
        with pytest.raises(ConnectionLost, match="not what target_session_attrs='read-write' asks for"):
            await get_adapter("no").connect()
        await close_all()


async def test_server_that_became_a_reader_is_left_for_one_that_writes(proxy: Proxy, other_server: OwnServer):
    name = proxy.url.rpartition("/")[2]
    await other_server.execute(f"CREATE DATABASE fail_{name}")
    async with Proxy(other_server.url.replace("/postgres?", f"/fail_{name}?")) as old:
        DatabaseConfig(f"postgresql://postgres@127.0.0.1:{old.port}/fail_{name}", pool_size=1, max_overflow=0)
        adapter = get_adapter()
        await adapter.execute("CREATE TABLE t (id integer)")
        pid = await adapter.fetch_value("SELECT pg_backend_pid()")
        await other_server.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        try:
            with pytest.raises(ReadOnly):
                await insert_until_refused(adapter)
        finally:
            await other_server.execute("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
        assert await adapter.fetch_value("SELECT pg_backend_pid()") != pid
        await close_all()


async def insert_until_refused(adapter: Adapter) -> None:
    for _ in range(100):
        await adapter.execute("INSERT INTO t VALUES (1)")
        await asyncio.sleep(0.02)


# -------------------------------------------------------------------------------------------- passwords


@pytest.fixture(scope="module")
def ann(other_server: OwnServer) -> str:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(other_server.execute("CREATE ROLE ann LOGIN PASSWORD 'geheim'"))
        runner.run(other_server.demand_password("ann"))
    return other_server.url.replace("postgres@", "ann@")


async def test_password_function_is_asked_for_each_connection(ann: str):
    asked: list[int] = []

    def password() -> str:
        asked.append(1)
        return "geheim"

    DatabaseConfig(ann, password=password, pool_size=2, max_overflow=0)
    adapter = get_adapter()
    await asyncio.gather(*(adapter.fetch_value("SELECT pg_sleep(0.05)") for _ in range(4)))
    assert len(asked) == 2
    assert "geheim" not in repr(adapter.config)
    await close_all()


async def test_password_function_may_be_a_coroutine_function(ann: str):
    async def password() -> str:
        await asyncio.sleep(0.01)
        return "geheim"

    DatabaseConfig(ann, password=password)
    assert await get_adapter().fetch_value("SELECT current_user") == "ann"
    await close_all()


async def test_password_of_the_environment_is_used_when_none_is_given(ann: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DB_PASSWORD", "geheim")
    DatabaseConfig(ann)
    assert await get_adapter().fetch_value("SELECT current_user") == "ann"
    await close_all()


async def test_wrong_password_is_an_error_that_another_try_does_not_cure(ann: str):
    DatabaseConfig(ann, password="falsch", retry_attempts=3)
    with pytest.raises(OperationalError, match="password authentication failed") as caught:
        await get_adapter().connect()
    assert not caught.value.retryable
    assert "falsch" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_password_function_that_fails_is_named_without_what_it_said(ann: str):
    def password() -> str:
        raise ValueError("the secret is geheim")

    DatabaseConfig(ann, password=password)
    with pytest.raises(InterfaceError, match="gives the password of 'default' failed: ValueError") as caught:
        await get_adapter().connect()
    assert "geheim" not in str(caught.value)
    DatabaseConfig(ann, password=lambda: 7, replace=True)  # type: ignore[arg-type,return-value]  # that is the test
    with pytest.raises(InterfaceError, match="gave no text but int"):
        await get_adapter().connect()


# -------------------------------------------------------------------------------------------- cancelled


async def test_connection_whose_task_was_cancelled_is_opened_for_the_next_one(proxy: Proxy):
    proxy.delay = 0.05
    DatabaseConfig(proxy.url, pool_size=1, max_overflow=0)
    adapter = get_adapter()
    task = asyncio.create_task(adapter.fetch_value("SELECT 1"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert adapter.pool_status() == (1, 1, 0, 0, 0)
    assert await adapter.fetch_value("SELECT 1") == 1
    assert (proxy.count, adapter.pool_status()) == (1, (1, 0, 1, 0, 0))


async def test_tasks_cancelled_at_any_moment_of_connecting_leave_nothing_behind(proxy: Proxy):
    DatabaseConfig(proxy.url, pool_size=3, max_overflow=0, max_queries=1)  # so that each opens one
    adapter = get_adapter()
    for steps in range(60):
        task = asyncio.create_task(adapter.fetch_value("SELECT 1"))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.gather(*(adapter.fetch_value("SELECT 1") for _ in range(6))) == [1] * 6
    await close_all()
    assert adapter.pool_status().in_use == 0


async def test_pool_that_is_closed_while_it_connects_does_not_wait_for_a_silent_server():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        DatabaseConfig(f"postgresql://ann@127.0.0.1:{silent.getsockname()[1]}/shop")
        cancelled, waiting = (asyncio.create_task(get_adapter().connect()) for _ in range(2))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        started = time.monotonic()
        await close_all()
        with pytest.raises(InterfaceError, match="was closed"):
            await waiting
        assert time.monotonic() - started < 1


# -------------------------------------------------------------------------------------------- another try


async def test_server_that_comes_late_is_reached_by_another_try(postgresql_url: str):
    proxy = Proxy(postgresql_url)
    await proxy.open()
    await proxy.shut()
    DatabaseConfig(proxy.url, retry_attempts=20, retry_delay=0.05, retry_backoff=1)
    asking = asyncio.create_task(get_adapter().fetch_value("SELECT 1"))
    await asyncio.sleep(0.3)
    assert not asking.done()
    await proxy.open()
    assert await asking == 1
    await close_all()
    await proxy.shut()


async def test_without_another_try_the_error_comes_at_once():
    DatabaseConfig(f"postgresql://ann@127.0.0.1:{closed_port()}/shop")
    started = time.monotonic()
    with pytest.raises(ConnectionLost):
        await get_adapter().connect()
    assert time.monotonic() - started < 1


async def test_tries_end_with_the_error(monkeypatch: pytest.MonkeyPatch):
    DatabaseConfig(f"postgresql://ann@127.0.0.1:{closed_port()}/shop", retry_attempts=3, retry_delay=0.02)
    started = time.monotonic()
    with pytest.raises(ConnectionLost):
        await get_adapter().connect()
    assert 0.06 < time.monotonic() - started < 2  # at least half of 0.02, 0.04 and 0.08
    assert get_adapter().pool_status().size == 0


# -------------------------------------------------------------------------------------------- set-up


async def test_init_gets_every_new_connection_of_the_driver(configure: Callable[..., Adapter]):
    seen: list[Any] = []

    async def init(connection: Any) -> None:
        seen.append(connection)
        await connection.execute("SELECT 1")

    adapter = configure(init=init)
    assert await adapter.fetch_value("SELECT 1") == 1
    assert len(seen) == 1
    assert isinstance(seen[0], asyncpg.Connection | aiosqlite.Connection)
    await adapter.close()


async def test_settings_made_by_init_survive_the_reset_of_a_connection(postgresql_url: str):
    async def init(connection: Any) -> None:
        await connection.execute("SET search_path = pg_temp")

    DatabaseConfig(postgresql_url, init=init, server_settings={"work_mem": "8MB"}, pool_size=1, max_overflow=0)
    adapter = get_adapter()
    assert await adapter.fetch_value("SHOW work_mem") == "8MB"
    pid = await adapter.fetch_value("SELECT pg_backend_pid()")
    await adapter.execute("SET search_path = public")
    assert await adapter.fetch_value("SHOW search_path") == "pg_temp"
    assert await adapter.fetch_value("SELECT pg_backend_pid()") == pid
    await close_all()


async def test_sqlite_functions_are_added_by_init(tmp_path):
    async def init(connection: aiosqlite.Connection) -> None:
        await connection.create_function("twice", 1, lambda value: value * 2)

    DatabaseConfig(f"sqlite:///{tmp_path}/f.db", init=init)
    assert await get_adapter().fetch_value("SELECT twice($1)", [21]) == 42
    await close_all()


async def test_init_that_fails_leaves_no_connection(configure: Callable[..., Adapter]):
    async def init(connection: Any) -> None:
        raise RuntimeError

    adapter = configure(init=init)
    with pytest.raises(InterfaceError, match=r"init= of 'other' failed on a new connection: RuntimeError"):
        await adapter.connect()
    assert adapter.pool_status().size == 0
    await adapter.close()


# -------------------------------------------------------------------------------------------- a given pool


@pytest.fixture
async def given(postgresql_url: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    async with asyncpg.create_pool(postgresql_url, min_size=1, max_size=2) as pool:
        yield pool
        await close_all()


async def test_models_work_over_a_pool_of_somebody_else(given: asyncpg.Pool[Any]):
    adapter = register_pool(given)
    await create_all([GivenNote])
    await asyncio.gather(*(GivenNote.create(text=f"{number}", data={"n": number}) for number in range(20)))
    async with transaction():
        await GivenNote.create(text="in a block")
    with pytest.raises(RuntimeError):
        async with transaction():
            await GivenNote.create(text="undone")
            raise RuntimeError
    assert await GivenNote.objects.count() == 21
    assert (await GivenNote.objects.get(text="3")).data == {"n": 3}
    assert [len(rows) async for rows in adapter.stream("SELECT id FROM given_notes", (), 10)] == [10, 10, 1]
    await asyncio.sleep(0.05)
    assert adapter.pool_status().in_use == 0
    stats = await adapter.get_pool_stats()
    assert (stats["min_size"], stats["max_size"]) == (1, 2)
    await close_all()
    assert await given.fetchval("SELECT 1") == 1


async def test_given_pool_that_is_exhausted_names_the_holders(given: asyncpg.Pool[Any]):
    DatabaseConfig(pool=given, pool_timeout=0.2)
    adapter = get_adapter()
    go = asyncio.Event()

    async def hold() -> None:
        async with transaction():
            await go.wait()

    tasks = [asyncio.create_task(hold(), name=f"holder {number}") for number in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(PoolTimeout, match=r"All 2 are in use: holder \d for 0\.\d s, now at .*test_connecting.py"):
        await adapter.fetch_value("SELECT 1")
    go.set()
    await asyncio.gather(*tasks)
    assert await adapter.fetch_value("SELECT 1") == 1


async def test_given_pool_is_whole_after_cancellations(given: asyncpg.Pool[Any]):
    adapter = register_pool(given)

    async def work() -> None:
        async with transaction():
            await adapter.fetch_value("SELECT pg_sleep(0.01)")

    for number in range(40):
        task = asyncio.create_task(work())
        await asyncio.sleep(number * 0.0005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(asyncio.gather(work(), work()), 5)
    await close_all()
    assert given.get_idle_size() == given.get_size()


async def test_limits_and_locks_do_not_stay_on_connections_of_a_given_pool(given: asyncpg.Pool[Any]):
    adapter = register_pool(given)
    with pytest.raises(QueryTimeout, match=r"statement_timeout=0\.1 s"):
        async with transaction(statement_timeout=0.1):
            await adapter.fetch_value("SELECT pg_sleep(5)")
    async with advisory_lock("import"), transaction(lock_timeout=0.25):
        assert await adapter.fetch_value("SHOW lock_timeout") == "250ms"
    assert await adapter.fetch_value("SHOW lock_timeout") == "0"
    await adapter.fetch_value("SELECT pg_sleep(0.2)")
    assert await given.fetchval("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


async def test_what_is_no_pool_is_refused():
    with pytest.raises(ConfigurationError, match=r"pool= takes an asyncpg\.Pool, not object"):
        await register_pool(object()).connect()


async def test_given_pool_of_another_loop_is_refused(given: asyncpg.Pool[Any]):
    adapter = register_pool(given)
    assert await adapter.fetch_value("SELECT 1") == 1

    def elsewhere() -> None:
        asyncio.run(adapter.connect())

    with pytest.raises(InterfaceError, match="belongs to another event loop"):
        await asyncio.to_thread(elsewhere)
