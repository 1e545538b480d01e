"""Faults of the program itself: it is killed or interrupted, runs out of memory or connections, its clock jumps."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from covet import DateTimeField, Model, create_all
from covet.database import Adapter
from covet.exceptions import PoolTimeout
from tests.adapters.cancelling import pool_is_full
from tests.conftest import Database
from tests.soak import rounds

HEAD = """
import asyncio, resource, signal, sys
from covet.database import DatabaseConfig, get_adapter
from covet.database.transaction import transaction
from covet.exceptions import DatabaseError

DatabaseConfig(sys.argv[1])
adapter = get_adapter()
"""
WRITER = """
async def main():
    number = int(sys.argv[2])
    while True:
        number += 1
        async with transaction():
            await adapter.execute("INSERT INTO pair VALUES ($1, 1)", [number])
            await adapter.execute("INSERT INTO pair VALUES ($1, 2)", [number])
        print(number, flush=True)

asyncio.run(main())
"""
INTERRUPTED = """
async def main():
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with transaction():
        await adapter.execute("INSERT INTO pair VALUES (1, 1)")
        print("inside", flush=True)
        await asyncio.sleep(60)

try:
    asyncio.run(main())
except (KeyboardInterrupt, asyncio.CancelledError):
    print("interrupted")
"""
HUNGRY = """
GROW = {
    "postgresql": "SELECT repeat('x', 1000) || i FROM generate_series(1, 1000000) AS i",
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) "
              "SELECT printf('%.1000c', 'x') || i FROM n",
}

async def main():
    await adapter.fetch_value("SELECT 1")
    now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (100 << 20), resource.RLIM_INFINITY))
    try:
        await adapter.fetch_all(GROW[adapter.dialect.name])
    except (DatabaseError, MemoryError) as error:
        print(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(await adapter.fetch_value("SELECT 7"))

asyncio.run(main())
"""


class ClockNote(Model):
    at = DateTimeField()


def program(source: str, url: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", HEAD + source, url, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def write_until_killed(url: str, start: int, seconds: float) -> int:
    """Let a program write and kill it; return the last number that it said was committed."""
    process = program(WRITER, url, str(start))
    first = first_line(process)
    time.sleep(seconds)
    process.kill()
    more, _ = process.communicate()
    return int((first + more).split()[-1])


async def test_program_that_is_killed_at_any_moment_loses_no_row_and_leaves_no_half(
    adapter: Adapter, database_target: Database
):
    await adapter.execute("CREATE TABLE pair (number integer, half integer)")
    told, kills, acknowledged = 0, 0, 0
    for number in rounds(3, seconds=30):
        told = await asyncio.to_thread(
            write_until_killed, database_target.url, told + 1000, 0.02 + 0.003 * (number % 9)
        )
        rows = await adapter.fetch_all("SELECT number, COUNT(*) FROM pair GROUP BY number")
        assert told in {row[0] for row in rows}
        assert {row[1] for row in rows} == {2}
        kills, acknowledged = kills + 1, len(rows)
    print(f"{adapter.dialect.name}: {kills} programs killed, {acknowledged} acknowledged, lost 0, partial 0")  # noqa: T201 - the figures


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_interrupted_transaction_is_rolled_back_and_the_program_ends_soon_and_quietly(
    adapter: Adapter, database_target: Database, number: signal.Signals
):
    await adapter.execute("CREATE TABLE pair (number integer, half integer)")

    def interrupt() -> tuple[float, str, str]:
        process = program(INTERRUPTED, database_target.url)
        assert first_line(process) == "inside\n"
        started = time.monotonic()
        process.send_signal(number)
        out, errors = process.communicate(timeout=20)
        return time.monotonic() - started, out, errors

    seconds, out, errors = await asyncio.to_thread(interrupt)
    assert (out, errors) == ("interrupted\n", "")
    assert seconds < 2
    assert await adapter.fetch_value("SELECT count(*) FROM pair") == 0
    await adapter.execute("INSERT INTO pair VALUES (2, 2)")  # nothing holds a lock


async def test_program_without_memory_for_a_result_gets_an_error_and_goes_on(
    adapter: Adapter, database_target: Database
):
    process = program(HUNGRY, database_target.url)
    out, errors = await asyncio.to_thread(process.communicate, timeout=60)
    assert out.splitlines()[-1:] == ["7"], errors
    assert len(out.splitlines()) == 2  # the error, then the answer


async def test_tasks_that_each_hold_a_connection_and_want_another_get_an_error_and_do_not_hang(
    adapter: Adapter, configure: Callable[..., Adapter]
):
    other = configure(pool_size=3, max_overflow=0, pool_timeout=0.3)
    everybody = asyncio.Barrier(3)

    async def work() -> None:
        rows = other.stream("SELECT 1", (), 1)
        await anext(rows)  # holds a connection
        try:
            await everybody.wait()
            await other.fetch("SELECT 2", ())
        finally:
            await rows.aclose()

    started = time.monotonic()
    answers = await asyncio.gather(
        *(asyncio.create_task(work(), name=f"holder {n}") for n in range(3)), return_exceptions=True
    )
    errors = [answer for answer in answers if answer is not None]
    assert errors
    assert all(isinstance(error, PoolTimeout) and "holder" in str(error) for error in errors)
    assert time.monotonic() - started < 2
    await pool_is_full(other)
    assert await other.fetch_value("SELECT 3") == 3
    await other.close()


@pytest.fixture
def elsewhere() -> Iterator[Callable[[str], None]]:
    """Return a function that moves the machine to another time zone; it comes back afterwards."""
    before = os.environ.get("TZ")

    def move(zone: str | None) -> None:
        os.environ.pop("TZ", None)
        if zone is not None:
            os.environ["TZ"] = zone
        time.tzset()

    yield move
    move(before)


async def test_moments_are_the_same_in_every_time_zone_of_machine_and_session(
    adapter: Adapter, configure: Callable[..., Adapter], elsewhere: Callable[[str], None]
):
    await create_all([ClockNote])
    moment = datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=UTC)
    await ClockNote.create(at=moment)
    for zone in ("Asia/Kolkata", "America/New_York", "Europe/Berlin"):
        elsewhere(zone)
        options: dict[str, Any] = (
            {"server_settings": {"timezone": zone}} if adapter.dialect.name == "postgresql" else {}
        )
        other = configure(**options)
        assert (await ClockNote.objects.using("other").first()) is not None
        await ClockNote.objects.using("other").create(at=moment)
        for alias in ("default", "other"):
            assert set(await ClockNote.objects.using(alias).values_list("at", flat=True)) == {moment}
            assert await ClockNote.objects.using(alias).filter(at=moment + timedelta(hours=1)).count() == 0
        await other.close()


async def test_clock_that_jumps_ends_no_wait_and_no_connection(
    adapter: Adapter, configure: Callable[..., Adapter], monkeypatch: pytest.MonkeyPatch
):
    other = configure(pool_recycle=3600, statement_timeout=5, pool_timeout=5)
    await other.fetch_value("SELECT 1")
    opened = other.pool.counters.opened
    real = time.time
    for jump in (10**7, -(10**7)):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        assert await asyncio.gather(*(other.fetch_value("SELECT 2") for _ in range(3))) == [2] * 3
        assert await other.fetch_write("SELECT 3", ()) != []
    monkeypatch.undo()
    assert other.pool.counters.opened <= max(opened, 3)
    await other.close()
