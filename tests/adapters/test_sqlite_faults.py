"""SQLite: several processes, killed writers, locks, cancelled statements, full disks, files that cannot be written."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from covet.database import Adapter, DatabaseConfig, close_all, get_adapter
from covet.database.transaction import transaction
from covet.exceptions import DatabaseError, DatabaseLocked, DiskFull, QueryTimeout, ReadOnly
from tests.soak import long, rounds

ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"

COUNTER = """
import asyncio, sys, time
from covet.database import DatabaseConfig, get_adapter
from covet.database.transaction import transaction

DatabaseConfig(sys.argv[1], busy_timeout=5)

async def main():
    adapter = get_adapter()
    commits, longest, end = 0, 0.0, time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        started = time.monotonic()
        async with transaction():
            value = await adapter.fetch_value("SELECT value FROM counter")
            await adapter.execute("UPDATE counter SET value = $1", [value + 1])
        commits += 1
        longest = max(longest, time.monotonic() - started)
    print(commits, longest)

asyncio.run(main())
"""
WRITER = """
import asyncio, sys
from covet.database import DatabaseConfig, get_adapter
from covet.database.transaction import transaction

DatabaseConfig(sys.argv[1])

async def main():
    adapter = get_adapter()
    number = int(sys.argv[2])
    while True:
        number += 1
        async with transaction():
            await adapter.execute("INSERT INTO pair VALUES ($1, 1)", [number])
            await adapter.execute("INSERT INTO pair VALUES ($1, 2)", [number])
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faults.db"


@pytest.fixture
async def adapter(file: Path) -> AsyncIterator[Adapter]:
    DatabaseConfig(f"sqlite:///{file}", busy_timeout=2)
    adapter = get_adapter()
    await adapter.run_script(["CREATE TABLE counter (value integer)", "INSERT INTO counter VALUES (0)"])
    yield adapter
    await close_all()


def intact(file: Path) -> bool:
    connection = sqlite3.connect(file)
    try:
        return list(connection.execute("PRAGMA integrity_check")) == [("ok",)]
    finally:
        connection.close()


# -------------------------------------------------------------------------------------------- processes


async def test_four_processes_that_write_lose_no_update_and_never_fail(adapter: Adapter, file: Path):
    seconds = long(30, short=1.5)
    command = [sys.executable, "-c", COUNTER, f"sqlite:///{file}", f"{seconds}"]
    programs = [
        await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)
    ]
    answers = await asyncio.gather(*(program.communicate() for program in programs))
    assert [errors for _, errors in answers] == [b""] * 4
    told = [answer.split() for answer, _ in answers]
    commits = sum(int(count) for count, _ in told)
    longest = max(float(wait) for _, wait in told)
    counted = await adapter.fetch_value("SELECT value FROM counter")
    lost = commits - int(str(counted))
    print(f"{commits} commits of 4 processes, lost {lost}, longest wait {longest:.2f} s")  # noqa: T201 - the figures
    assert lost == 0
    assert commits > 50
    assert longest <= 2


async def write_until_killed(file: Path, start: int, seconds: float) -> int:
    """Let a process write and kill it; return the last number that it said was committed."""
    command = [sys.executable, "-c", WRITER, f"sqlite:///{file}", str(start)]
    program = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert program.stdout is not None
    first = await program.stdout.readline()
    await asyncio.sleep(seconds)
    program.kill()
    more, _ = await program.communicate()
    return int((first + more).split()[-1])


async def test_writers_killed_at_any_moment_lose_no_row_and_leave_no_half(adapter: Adapter, file: Path):
    await adapter.execute("CREATE TABLE pair (number integer, half integer)")
    told = 0
    for round_ in rounds(5, seconds=30):
        told = await write_until_killed(file, told + 1000, 0.02 + 0.003 * (round_ % 10))
        rows = await adapter.fetch_all("SELECT number, COUNT(*) FROM pair GROUP BY number")
        assert told in {row[0] for row in rows}
        assert {row[1] for row in rows} == {2}
        assert intact(file)


# -------------------------------------------------------------------------------------------- locks


async def test_wait_for_another_writer_blocks_nobody_and_ends_when_the_lock_is_free(adapter: Adapter, file: Path):
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(adapter.execute("UPDATE counter SET value = 1"))
    started, longest = time.monotonic(), 0.0
    while time.monotonic() - started < 0.5:
        before = time.monotonic()
        await asyncio.sleep(0.001)
        longest = max(longest, time.monotonic() - before)
        assert await adapter.fetch_value("SELECT value FROM counter") == 0
    assert longest < 0.2
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    assert (await waiting).rowcount == 1


async def test_wait_for_another_writer_ends_with_database_locked(file: Path, adapter: Adapter):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    DatabaseConfig(f"sqlite:///{file}", alias="hasty", busy_timeout=0.3)
    started = time.monotonic()
    with pytest.raises(DatabaseLocked) as caught:
        await get_adapter("hasty").execute("UPDATE counter SET value = 1")
    assert 0.25 < time.monotonic() - started < 1.5
    assert caught.value.retryable
    other.close()
    assert (await get_adapter("hasty").execute("UPDATE counter SET value = 1")).rowcount == 1


async def test_wait_for_another_writer_is_cancelled_at_once(file: Path, adapter: Adapter):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits: list[float] = []
    for delay in (0.01, 0.05, 0.1, 0.2):
        task = asyncio.create_task(adapter.execute("UPDATE counter SET value = 1"))
        await asyncio.sleep(delay)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        waits.append(time.monotonic() - started)
    other.close()
    assert max(waits) < 0.15, waits
    assert (await adapter.execute("UPDATE counter SET value = value + 1")).rowcount == 1
    assert await adapter.fetch_value("SELECT value FROM counter") == 1


# -------------------------------------------------------------------------------------------- interrupting


async def test_cancelled_statement_is_interrupted_and_no_other_one(adapter: Adapter):
    other = asyncio.create_task(adapter.fetch_value(ENDLESS.replace("FROM n)", "FROM n WHERE i < 3000000)")))
    await asyncio.sleep(0.02)
    for _ in range(5):
        task = asyncio.create_task(adapter.fetch_value(ENDLESS))
        await asyncio.sleep(0.03)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        started = time.monotonic()
        assert await adapter.fetch_value("SELECT 1") == 1
        assert time.monotonic() - started < 0.15
    assert await other == 3000000


async def test_time_out_beside_an_open_stream_spoils_neither_the_stream_nor_the_block(adapter: Adapter, file: Path):
    DatabaseConfig(f"sqlite:///{file}", alias="short", statement_timeout=0.2)
    short = get_adapter("short")
    numbers = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 50) SELECT i FROM n"
    await short.execute(f"CREATE TABLE many AS {numbers}")
    async with transaction(using="short"):
        rows = short.stream("SELECT i FROM many", (), 10)
        assert len(await anext(rows)) == 10
        with pytest.raises(QueryTimeout):
            await short.fetch_value(ENDLESS)
        task = asyncio.create_task(short.fetch_value(ENDLESS))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await short.fetch_value("SELECT COUNT(*) FROM many") == 50
        assert len(await anext(rows)) == 10
        await rows.aclose()
        await short.execute("UPDATE counter SET value = 7")
    assert await adapter.fetch_value("SELECT value FROM counter") == 7


# -------------------------------------------------------------------------------------------- memory


async def test_database_in_memory_is_one_for_all_tasks_of_a_pool():
    DatabaseConfig("sqlite://", pool_size=5)
    adapter = get_adapter()
    await adapter.execute("CREATE TABLE note (id integer)")

    async def work(number: int) -> None:
        async with transaction():
            await adapter.execute("INSERT INTO note VALUES ($1)", [number])
            await asyncio.sleep(0)
            await adapter.execute("INSERT INTO note VALUES ($1)", [number])
        await adapter.fetch_all("SELECT id FROM note")

    tasks = [asyncio.create_task(work(number)) for number in range(50)]
    await asyncio.sleep(0.005)
    for task in tasks[::3]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    counts = [row[1] for row in await adapter.fetch_all("SELECT id, COUNT(*) FROM note GROUP BY id")]
    assert set(counts) == {2}
    assert len(counts) >= 33
    assert adapter.pool_status().in_use == 0
    await close_all()


# -------------------------------------------------------------------------------------------- files


async def test_file_opened_for_reading_refuses_writes(adapter: Adapter, file: Path):
    DatabaseConfig(f"sqlite:///{file}?mode=ro", alias="reader")
    reader = get_adapter("reader")
    assert await reader.fetch_value("SELECT value FROM counter") == 0
    with pytest.raises(ReadOnly):
        await reader.execute("UPDATE counter SET value = 1")
    with pytest.raises(ReadOnly):
        async with transaction(using="reader"):
            await reader.execute("UPDATE counter SET value = 1")
    async with transaction(using="reader", read_only=True):
        assert await reader.fetch_value("SELECT value FROM counter") == 0
    await adapter.execute("UPDATE counter SET value = 2")
    assert await reader.fetch_value("SELECT value FROM counter") == 2


async def test_immutable_file_is_read_without_a_file_beside_it(tmp_path: Path):
    file = tmp_path / "shipped.db"
    connection = sqlite3.connect(file)
    connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (5)")
    connection.close()
    DatabaseConfig(f"sqlite:///{file}?immutable=1")
    assert get_adapter().config.mode == "ro"
    assert await get_adapter().fetch_value("SELECT a FROM t") == 5
    assert [entry.name for entry in os.scandir(tmp_path)] == ["shipped.db"]
    with pytest.raises(ReadOnly):
        await get_adapter().execute("DELETE FROM t")
    await close_all()


async def test_full_disk_is_a_typed_error_and_undoes_its_transaction(file: Path):
    DatabaseConfig(f"sqlite:///{file}", init_commands=["PRAGMA max_page_count = 20"])
    adapter = get_adapter()
    await adapter.execute("CREATE TABLE t (a text)")
    with pytest.raises(DiskFull):
        async with transaction():
            await adapter.execute("INSERT INTO t VALUES ('first')")
            for _ in range(100):
                await adapter.execute("INSERT INTO t VALUES ($1)", ["x" * 4000])
    assert await adapter.fetch_value("SELECT COUNT(*) FROM t") == 0
    async with transaction():
        await adapter.execute("INSERT INTO t VALUES ('small')")
    assert await adapter.fetch_value("SELECT COUNT(*) FROM t") == 1
    assert adapter.pool_status().in_use == 0
    await close_all()
    assert intact(file)


@pytest.mark.parametrize("damage", ["header", "page"])
async def test_damaged_file_is_a_typed_error(file: Path, damage: str):
    make_damaged(file, damage)
    DatabaseConfig(f"sqlite:///{file}")
    with pytest.raises(DatabaseError) as caught:
        await get_adapter().fetch_all("SELECT a FROM t")
    assert caught.value.sqlstate in ("SQLITE_NOTADB", "SQLITE_CORRUPT")
    await close_all()


def make_damaged(file: Path, damage: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE t (a text)")
    connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(200)])
    connection.commit()
    connection.close()
    content = bytearray(file.read_bytes())
    if damage == "header":
        content[:16] = b"not a database!!"
    else:
        for page in range(2, len(content) // 4096):
            content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    file.write_bytes(content)


async def test_file_that_is_deleted_under_its_connections_is_an_error_and_takes_no_row_along(
    adapter: Adapter, file: Path
):
    await asyncio.gather(*(adapter.fetch_value("SELECT value FROM counter") for _ in range(5)))
    for name in (file, *file.parent.glob("faults.db-*")):
        name.unlink()
    await asyncio.sleep(0.11)  # a connection looks ten times a second
    for _ in range(5):
        with pytest.raises(DatabaseError, match="no such table"):
            await adapter.execute("UPDATE counter SET value = 5")
        with pytest.raises(DatabaseError, match="no such table"):
            await adapter.fetch_value("SELECT value FROM counter")


@pytest.mark.parametrize("left", [0.0, 0.3, 0.7, 0.95])
async def test_log_that_was_cut_off_gives_the_rows_up_to_there_and_no_wrong_one(
    adapter: Adapter, file: Path, tmp_path: Path, left: float
):
    for number in range(40):
        await adapter.execute("INSERT INTO counter VALUES ($1)", [number + 1])
    copy = tmp_path / "copy.db"
    copy_with_part_of_the_log(file, copy, left)
    DatabaseConfig(f"sqlite:///{copy}", alias="copy")
    if left == 0.0:  # the table itself was in the log
        with pytest.raises(DatabaseError, match="no such table"):
            await get_adapter("copy").fetch_all("SELECT value FROM counter")
    else:
        rows = [row[0] for row in await get_adapter("copy").fetch_all("SELECT value FROM counter ORDER BY value")]
        assert rows == list(range(len(rows)))
        assert 0 < len(rows) < 41
    await get_adapter("copy").close()
    assert intact(copy)


def copy_with_part_of_the_log(file: Path, copy: Path, left: float) -> None:
    log = Path(f"{file}-wal").read_bytes()
    copy.write_bytes(file.read_bytes())
    Path(f"{copy}-wal").write_bytes(log[: int(len(log) * left)])


async def test_log_that_grew_under_a_long_reader_is_given_back(adapter: Adapter, file: Path):
    def log_size() -> int:
        return Path(f"{file}-wal").stat().st_size

    await adapter.execute("CREATE TABLE large (content text)")
    reading = adapter.stream("SELECT value FROM counter UNION ALL SELECT 1", (), 1)
    await anext(reading)
    for _ in range(30):
        await adapter.execute("INSERT INTO large VALUES ($1)", ["x" * 1_000_000])
        await adapter.execute("DELETE FROM large")
    assert log_size() > 20_000_000
    await reading.aclose()
    for _ in range(3):
        await adapter.execute("INSERT INTO large VALUES ('small')")
    assert log_size() <= 16 * 1024 * 1024


async def test_every_connection_checks_foreign_keys(adapter: Adapter):
    states = await asyncio.gather(*(adapter.fetch_value("SELECT * FROM pragma_foreign_keys") for _ in range(10)))
    async with transaction():
        assert await adapter.fetch_value("SELECT * FROM pragma_foreign_keys") == 1
    assert states == [1] * 10
