"""Who holds connections: the message of a full pool, the report of connections that do not come back, the numbers."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from covet.database import Adapter, DatabaseConfig, get_adapter
from covet.database.adapters.callers import calling_line, standing_line
from covet.database.transaction import transaction
from covet.exceptions import PoolTimeout


def line_of(mark: str) -> int:
    """Return the number of the line of this file that ends with ``# mark``."""
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {mark}"))


async def hold(alias: str, go: asyncio.Event) -> None:
    async with transaction(using=alias):  # taken
        await get_adapter(alias).fetch_value("SELECT 1")
        await wait_for(go)


async def wait_for(go: asyncio.Event) -> None:
    await go.wait()  # stands


async def test_full_pool_names_task_seconds_and_the_line_at_which_it_stands(configure: Callable[..., Adapter]):
    other = configure(pool_size=1, max_overflow=0, pool_timeout=0.1)
    go = asyncio.Event()
    task = asyncio.create_task(hold("other", go), name="the holder")
    await asyncio.sleep(0.05)
    with pytest.raises(PoolTimeout) as caught:
        await other.run("SELECT 1", ())
    assert "All 1 are in use: the holder for 0." in str(caught.value)
    assert f" s, now at {__file__}:{line_of('stands')}." in str(caught.value)
    assert "taken at" not in str(caught.value)
    go.set()
    await task
    assert other.pool.counters.timeouts == 1
    await other.close()


async def test_full_pool_names_the_line_that_took_the_connection_when_that_is_recorded(
    configure: Callable[..., Adapter],
):
    other = configure(pool_size=1, max_overflow=0, pool_timeout=0.1, pool_leak_timeout=60)
    go = asyncio.Event()
    task = asyncio.create_task(hold("other", go), name="the holder")
    await asyncio.sleep(0.05)
    with pytest.raises(PoolTimeout) as caught:
        await other.run("SELECT 1", ())
    assert f"taken at {__file__}:{line_of('taken')}, now at {__file__}:{line_of('stands')}." in str(caught.value)
    go.set()
    await task
    await other.close()


async def test_debug_mode_of_asyncio_records_where_connections_are_taken(configure: Callable[..., Adapter]):
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 60
    try:
        other = configure(pool_size=1, max_overflow=0)
        go = asyncio.Event()
        task = asyncio.create_task(hold("other", go))
        await asyncio.sleep(0.05)
        (session,) = other.pool._sessions
        assert session.taken_at[0] == f"{__file__}:{line_of('taken')}"
        go.set()
        await task
        await other.close()
    finally:
        loop.set_debug(False)


async def test_connection_that_does_not_come_back_is_reported_once(
    configure: Callable[..., Adapter], caplog: pytest.LogCaptureFixture
):
    other = configure(pool_leak_timeout=0.1)
    go = asyncio.Event()
    task = asyncio.create_task(hold("other", go), name="forgetful")
    await asyncio.sleep(0.45)
    reports = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(reports) == 1
    assert "a connection is still in use: forgetful for 0." in reports[0]
    assert f"It was taken at\n    {__file__}:{line_of('taken')}" in reports[0]
    go.set()
    await task
    await other.close()


async def test_connections_that_come_back_in_time_are_not_reported(
    configure: Callable[..., Adapter], caplog: pytest.LogCaptureFixture
):
    other = configure(pool_leak_timeout=0.1)
    for _ in range(20):
        await other.fetch_value("SELECT 1")
        await asyncio.sleep(0.01)
    await other.close()
    assert caplog.records == []


async def test_pool_that_is_closed_while_in_use_reports_who_uses_it(
    configure: Callable[..., Adapter], caplog: pytest.LogCaptureFixture
):
    other = configure(pool_leak_timeout=60)
    go = asyncio.Event()
    task = asyncio.create_task(hold("other", go), name="late")
    await asyncio.sleep(0.05)
    await other.close()
    assert [record.getMessage().partition(" for ")[0] for record in caplog.records] == [
        "[other] closed while in use: late"
    ]
    go.set()
    await task
    await asyncio.sleep(0.1)  # the connection is closed as it comes back


async def test_numbers_of_the_pool_tell_of_waiting_opening_and_closing(postgresql_url: str):
    DatabaseConfig(postgresql_url, pool_size=1, max_overflow=1, pool_idle_timeout=0.05)
    adapter = get_adapter()
    await asyncio.gather(*(adapter.fetch_value("SELECT pg_sleep(0.05)") for _ in range(4)))
    await asyncio.sleep(0.2)
    stats = await adapter.get_pool_stats()
    assert {name: stats[name] for name in ("opened", "closed", "waits", "timeouts", "waiting", "size")} == {
        "opened": 2,
        "closed": 1,
        "waits": 2,
        "timeouts": 0,
        "waiting": 0,
        "size": 1,
    }
    assert 0.05 < float(str(stats["wait_seconds"])) < 5
    await adapter.close()


async def test_connections_are_renewed_after_their_uses(postgresql_url: str):
    DatabaseConfig(postgresql_url, max_queries=3, pool_size=1, max_overflow=0)
    adapter = get_adapter()
    pids = [await adapter.fetch_value("SELECT pg_backend_pid()") for _ in range(7)]
    assert [pids.index(pid) for pid in pids] == [0, 0, 0, 3, 3, 3, 6]
    await adapter.close()


async def test_database_in_memory_is_never_renewed():
    DatabaseConfig("sqlite://", pool_recycle=0.01, max_queries=1)
    adapter = get_adapter()
    await adapter.execute("CREATE TABLE t (id integer)")
    await asyncio.sleep(0.03)
    assert await adapter.fetch_value("SELECT COUNT(*) FROM t") == 0
    await adapter.close()


async def test_way_of_an_idle_connection_to_a_task_and_back_is_six_calls(adapter: Adapter):
    await adapter.connect()
    pool = adapter.pool
    calls: list[str] = []

    def hook(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "/covet/" in frame.f_code.co_filename:
            calls.append(frame.f_code.co_qualname)

    sys.setprofile(hook)
    try:
        session = pool.take()
        assert session is not None
        pool.give(session)
    finally:
        sys.setprofile(None)
    assert calls[:2] == ["Pool.take", "Pool._pop"]
    assert len(calls) == 6, calls


async def test_places_are_those_of_the_program():
    async def inner() -> str | None:
        return calling_line()

    assert await inner() == f"{__file__}:{sys._getframe().f_lineno - 2}"
    event = asyncio.Event()
    task: asyncio.Task[None] = asyncio.create_task(wait_for(event))
    await asyncio.sleep(0)
    assert standing_line(task) == f"{__file__}:{line_of('stands')}"
    event.set()
    await task
    assert standing_line(task) is None
