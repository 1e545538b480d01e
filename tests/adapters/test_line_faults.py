"""Faults of the line to the server: it is cut, goes silent, is slow, or says nonsense."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest

from covet.database import Adapter, DatabaseConfig, close_all, get_adapter
from covet.database.transaction import transaction
from covet.exceptions import CommitUnknown, ConnectionLost, DatabaseError, OperationalError, QueryTimeout
from tests.adapters.proxy import Line, Proxy
from tests.adapters.workload import CREATE, check, under_load
from tests.conftest import Database
from tests.soak import rounds


@pytest.fixture
async def proxy(database_target: Database) -> AsyncIterator[Proxy]:
    async with Proxy(database_target.url) as proxy:
        yield proxy
        proxy.cut()
        await close_all()


@pytest.fixture(params=["postgresql"])
def database_target(request: pytest.FixtureRequest, postgresql_url: str) -> Database:
    return Database(request.param, postgresql_url)


@pytest.fixture
async def adapter(database: Database, proxy: Proxy) -> Adapter:
    DatabaseConfig(proxy.url, alias="line", pool_size=8, max_overflow=0, statement_timeout=5)
    await get_adapter().execute(CREATE)
    return get_adapter("line")


def on_commit(action: str) -> object:
    """Return a watcher that cuts the line when it sees COMMIT: after it was passed on, or instead."""

    def watch(line: Line, data: bytes) -> bool:
        if b"COMMIT" not in data:
            return True
        if action == "after":
            line.server.write(data)
        asyncio.get_running_loop().call_later(0.05, line.reset)
        return False

    return watch


async def count() -> int:
    return int(str(await get_adapter().fetch_value("SELECT count(*) FROM work")))


async def write_one(adapter: Adapter) -> None:
    async with transaction(using="line"):
        await adapter.execute("INSERT INTO work VALUES (1, 1, 1)")


@pytest.mark.parametrize(("action", "rows"), [("after", 1), ("instead", 0)])
async def test_line_cut_at_commit_is_commit_unknown(adapter: Adapter, proxy: Proxy, action: str, rows: int):
    proxy.watch_client = on_commit(action)  # type: ignore[assignment]
    proxy.to_client_is_black = False
    if action == "after":  # the answer must not win the race
        await adapter.connect()
        proxy.change_answer = lambda _, data: b"" if b"COMMIT" in data else data
    with pytest.raises(CommitUnknown) as caught:
        await write_one(adapter)
    assert not caught.value.retryable
    proxy.watch_client = proxy.change_answer = None
    await asyncio.sleep(0.1)
    assert await count() == rows
    assert adapter.pool_status().in_use == 0
    await write_one(adapter)


async def test_line_cut_before_commit_is_a_lost_connection_and_nothing_is_there(adapter: Adapter, proxy: Proxy):
    with pytest.raises(ConnectionLost) as caught:
        async with transaction(using="line"):
            await adapter.execute("INSERT INTO work VALUES (1, 1, 1)")
            proxy.cut()
            await asyncio.sleep(0.05)
    assert caught.value.retryable
    assert await count() == 0
    await write_one(adapter)


async def test_statement_that_commits_by_itself_and_gets_no_answer_is_in_doubt(adapter: Adapter, proxy: Proxy):
    await adapter.connect()
    proxy.to_client_is_black = True
    asyncio.get_running_loop().call_later(0.2, proxy.cut)
    with pytest.raises(CommitUnknown, match="may be done or not") as caught:
        await adapter.execute("INSERT INTO work SELECT 1, 1, 1 FROM (SELECT pg_sleep(0.1)) AS s")
    assert not caught.value.retryable
    assert caught.value.__cause__ is not None
    proxy.to_client_is_black = False
    assert await adapter.fetch_value("SELECT 1") == 1


async def test_idle_connections_that_were_cut_are_replaced_without_an_error(adapter: Adapter, proxy: Proxy):
    await asyncio.gather(*(adapter.fetch_value("SELECT pg_sleep(0.02)") for _ in range(4)))
    proxy.cut()
    await asyncio.sleep(0.05)
    assert await adapter.fetch_value("SELECT 1") == 1
    await write_one(adapter)
    assert await count() == 1


@pytest.mark.parametrize("both", [True, False])
async def test_silent_line_ends_at_the_statement_timeout(adapter: Adapter, proxy: Proxy, both: bool):
    DatabaseConfig(proxy.url, alias="short", statement_timeout=0.3, pool_size=1, max_overflow=0)
    short = get_adapter("short")
    await short.connect()
    proxy.to_client_is_black = True
    proxy.to_server_is_black = both
    started = time.monotonic()
    with pytest.raises(QueryTimeout):
        await short.fetch_value("SELECT 1")
    assert time.monotonic() - started < 1.3
    proxy.to_client_is_black = proxy.to_server_is_black = False
    assert await short.fetch_value("SELECT 1") == 1
    assert time.monotonic() - started < 4
    await asyncio.sleep(0.1)
    assert short.pool_status().in_use == 0


async def test_commit_that_is_not_answered_in_time_is_commit_unknown(adapter: Adapter, proxy: Proxy):
    DatabaseConfig(proxy.url, alias="short", statement_timeout=0.3)
    with pytest.raises(CommitUnknown):
        async with transaction(using="short"):
            await get_adapter("short").execute("INSERT INTO work VALUES (1, 1, 1)")
            proxy.to_client_is_black = True
    proxy.to_client_is_black = False
    assert await count() == 1


async def test_task_that_is_cancelled_on_a_silent_line_ends_soon(adapter: Adapter, proxy: Proxy):
    await adapter.connect()
    proxy.to_client_is_black = proxy.to_server_is_black = True
    task = asyncio.create_task(adapter.fetch_value("SELECT 1"))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 1
    await asyncio.sleep(2.2)
    assert adapter.pool_status().in_use == 0


async def test_transaction_that_is_cancelled_on_a_silent_line_ends_soon(adapter: Adapter, proxy: Proxy):
    async def work() -> None:
        async with transaction(using="line"):
            await adapter.execute("INSERT INTO work VALUES (1, 1, 1)")
            proxy.to_client_is_black = proxy.to_server_is_black = True
            await adapter.fetch_value("SELECT 1")

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 3
    await asyncio.sleep(2.2)
    assert adapter.pool_status().in_use == 0


async def test_commit_that_is_cancelled_on_a_slow_line_happens_and_then_the_task_is_cancelled(
    adapter: Adapter, proxy: Proxy
):
    called: list[str] = []
    inside = asyncio.Event()

    async def work() -> None:
        async with transaction(using="line") as tx:
            await adapter.execute("INSERT INTO work VALUES (1, 1, 1)")
            tx.on_commit(lambda: called.append("committed"))
            proxy.delay = 0.2
            inside.set()

    task = asyncio.create_task(work())
    await inside.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert called == ["committed"]
    assert await count() == 1


@pytest.mark.parametrize(("piece", "delay"), [(1, 0.0), (65536, 0.05), (700, 0.001)])
async def test_slow_line_gives_the_same_rows(adapter: Adapter, proxy: Proxy, piece: int, delay: float):
    proxy.piece, proxy.delay = piece, delay
    rows = await adapter.fetch_all("SELECT n, repeat('x', 20) FROM generate_series(1, $1) AS n", [200])
    assert [row[0] for row in rows] == list(range(1, 201))


async def test_line_cut_in_the_middle_of_a_result_is_an_error_and_no_short_list(adapter: Adapter, proxy: Proxy):
    passed = 0

    def cut_later(line: Line, data: bytes) -> bytes:
        nonlocal passed
        passed += len(data)
        if passed > 500_000:
            line.reset()
        return data

    await adapter.connect()
    proxy.change_answer = cut_later
    with pytest.raises(ConnectionLost):
        await adapter.fetch_all("SELECT n, repeat('x', 50) FROM generate_series(1, 100000) AS n")
    proxy.change_answer = None
    assert await adapter.fetch_value("SELECT 1") == 1


@pytest.mark.parametrize(
    "nonsense",
    [b"Z\x00\x00\x00\x05I" * 3, b"D\x7f\xff\xff\xff", b"q\x00\x00\x00\x08abcd", b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    ids=["ready too often", "oversize", "unknown message", "another protocol"],
)
async def test_nonsense_of_the_server_is_an_error_and_its_connection_is_not_used_again(
    adapter: Adapter, proxy: Proxy, nonsense: bytes
):
    DatabaseConfig(proxy.url, alias="short", statement_timeout=0.5, pool_size=1, max_overflow=0)
    short = get_adapter("short")
    await short.connect()
    proxy.change_answer = lambda *_: nonsense
    with pytest.raises(DatabaseError):
        await short.fetch_all("SELECT 1, 'two'")
    proxy.change_answer = None
    assert await short.fetch_value("SELECT 3") == 3
    assert [tuple(row) for row in await short.fetch_all("SELECT 1, 'two'")] == [(1, "two")]


async def test_lines_cut_at_random_under_load_lose_nothing(adapter: Adapter, proxy: Proxy, database: Database):
    async with under_load("line") as account:
        for _ in rounds(30, seconds=30):
            await asyncio.sleep(0.03)
            if proxy.lines:
                random.choice(list(proxy.lines)).reset()
                account.faults += 1
    assert account.errors.total() > 0
    assert len(account.acknowledged) > 100
    await check(account, database.url, "line")


async def test_line_that_stalls_under_load_loses_nothing(adapter: Adapter, proxy: Proxy, database: Database):
    DatabaseConfig(proxy.url, alias="stalling", pool_size=8, max_overflow=0, statement_timeout=0.3, connect_timeout=0.5)
    async with under_load("stalling") as account:
        for _ in rounds(2, seconds=30):
            account.faults += 1
            proxy.to_client_is_black = True
            await asyncio.sleep(0.5)
            proxy.to_client_is_black = False
            proxy.cut()
            await asyncio.sleep(0.3)
    assert account.errors.total() > 0
    await check(account, database.url, "stalling")


async def test_server_that_accepts_and_hangs_up_is_a_typed_error(postgresql_url: str):
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    DatabaseConfig(f"postgresql://ann:geheim@127.0.0.1:{port}/shop", alias="rude")
    with pytest.raises(OperationalError) as caught:
        await get_adapter("rude").connect()
    assert "geheim" not in f"{caught.value!r}{caught.value.__cause__!r}"
    server.close()
    await server.wait_closed()
