"""Short reads of SQLite in the event loop: when they run there, when they are given up, and that nobody notices."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from covet import CharField, IntegerField, Model, create_all, transaction
from covet.database import DatabaseConfig, capture_queries, close_all, get_adapter
from covet.database.adapters.sqlite_inline import Inline, NotDone, Record, is_bounded
from covet.database.adapters.sqlite_session import SQLiteSession
from covet.exceptions import ConfigurationError, DatabaseLocked

#: Nothing here takes longer, however busy the machine is.
GENEROUS = 30.0


class Reading(Model):
    number = IntegerField()
    text = CharField(max_length=2_000_000, default="")


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "inline.db"
    DatabaseConfig(url=f"sqlite:///{path}", inline_budget=GENEROUS, replace=True)
    await create_all([Reading])
    await Reading.objects.bulk_create(Reading(number=number) for number in range(20))
    yield path
    await close_all()


@contextmanager
def hops() -> Iterator[list[None]]:
    """Collect the hops to a connection's thread."""
    found: list[None] = []
    original = SQLiteSession.hop

    def hop(self: SQLiteSession, work: Any) -> Any:
        found.append(None)
        return original(self, work)

    SQLiteSession.hop = hop  # type: ignore[method-assign]  # counts, and does what it did
    try:
        yield found
    finally:
        SQLiteSession.hop = original  # type: ignore[method-assign]  # as above


async def test_a_statement_that_was_quick_needs_no_hop(file: Path) -> None:
    with hops() as found, capture_queries() as queries:
        rows = [(await Reading.objects.filter(number__lt=3).order_by("number"))[0].number for _ in range(5)]
    assert rows == [0] * 5
    assert len(queries) == 5
    assert len(found) == 2


async def test_errors_and_values_are_the_same_here_and_there(file: Path) -> None:
    await Reading.create(number=-1, text="äβ")
    for _ in range(4):
        assert (await Reading.objects.get(number=-1)).text == "äβ"
        assert await Reading.objects.filter(number__in=[1, 2, 99]).count() == 2
        with pytest.raises(Reading.DoesNotExist):
            await Reading.objects.get(number=100)


async def test_rows_that_others_wrote_are_seen(file: Path) -> None:
    for count in range(20, 25):
        assert await Reading.objects.count() == count
        await Reading.create(number=count)


async def test_reads_of_a_transaction_stay_on_its_connection(file: Path) -> None:
    for _ in range(3):
        await Reading.objects.count()
    async with transaction():
        await Reading.create(number=20)
        with hops() as found:
            assert await Reading.objects.count() == 21
        assert len(found) == 1
    async with transaction(read_only=True):
        with hops() as found:
            assert [await Reading.objects.count() for _ in range(3)] == [21] * 3
        assert len(found) == 3


async def test_what_takes_longer_than_the_budget_runs_on_the_thread(tmp_path: Path) -> None:
    DatabaseConfig(url=f"sqlite:///{tmp_path / 'slow.db'}", inline_budget=0.001, replace=True)
    await create_all([Reading])
    pairs = Reading.objects.filter(number__in=Reading.objects.filter(number__gte=0).values("number"))
    for _ in range(3):
        assert await pairs.count() == 0
    await Reading.objects.bulk_create(Reading(number=number) for number in range(30_000))
    with hops() as found:
        assert await pairs.count() == 30_000
    assert len(found) == 1
    with hops() as found:
        assert [await pairs.count() for _ in range(3)] == [30_000] * 3
    assert len(found) == 3
    await close_all()


async def test_a_large_value_is_read_on_the_thread(file: Path) -> None:
    query = Reading.objects.filter(number=7)
    for _ in range(3):
        await query
    await query.update(text="x" * 1_000_000)
    with hops() as found:
        assert len((await query)[0].text) == 1_000_000
    assert len(found) == 1


async def test_a_lock_is_waited_for_on_the_thread(file: Path) -> None:
    for _ in range(3):
        assert await Reading.objects.count() == 20
    await close_all()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    DatabaseConfig(url=f"sqlite:///{file}", mode="ro", busy_timeout=0.05, inline_budget=GENEROUS, replace=True)
    for _ in range(3):
        assert await Reading.objects.count() == 20
    other.execute("BEGIN EXCLUSIVE")
    with hops() as found, pytest.raises(DatabaseLocked):
        await Reading.objects.count()
    assert len(found) == 1
    other.execute("COMMIT")
    other.close()
    assert await Reading.objects.count() == 20


async def test_reads_that_never_wait_leave_others_their_turn(tmp_path: Path) -> None:
    DatabaseConfig(url=f"sqlite:///{tmp_path / 'turns.db'}", inline_budget=0.0005, replace=True)
    await create_all([Reading])
    for _ in range(3):
        await Reading.objects.count()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    for _ in range(500):
        await Reading.objects.count()
    task.cancel()
    assert turns > 5
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            while True:
                await Reading.objects.count()
    assert await Reading.objects.count() == 0
    await close_all()


async def test_without_a_budget_every_read_runs_on_the_thread(file: Path) -> None:
    await close_all()
    DatabaseConfig(url=f"sqlite:///{file}?inline_budget=0", replace=True)
    with hops() as found:
        for _ in range(4):
            await Reading.objects.count()
    assert len(found) == 4
    with pytest.raises(ConfigurationError, match="inline_budget"):
        DatabaseConfig(url="sqlite:///x.db", inline_budget=-1, register=False)
    with pytest.raises(ConfigurationError, match="The option 'inline_budget' means nothing to postgresql"):
        DatabaseConfig(url="postgresql://localhost/x", inline_budget=1, register=False)


@pytest.mark.parametrize(
    ("sql", "bounded"),
    [
        ('SELECT "a" FROM "t" WHERE "id" = ?1 LIMIT 2', True),
        ('SELECT COUNT(*) FROM "t" WHERE ("a" > ?1 OR "b" IN (?2, ?3)) AND NOT (EXISTS (SELECT 1 FROM "u"))', True),
        ('SELECT "a" FROM "t" WHERE "a" LIKE ?1 ESCAPE \'\\\'', False),
        ('SELECT "a" FROM "t" WHERE covet_regexp(?1, "a")', False),
        ('SELECT json_extract("a", ?1) FROM "t"', False),
        ('SELECT "a" FROM "t" ORDER BY "a" COLLATE covet_nocase', False),
        ('SELECT "users_own" (1)', False),
        ('SELECT "users_own"(1)', False),
        ("WITH RECURSIVE n (i) AS (SELECT 1) SELECT i FROM n", False),
        ("INSERT INTO t VALUES (1) RETURNING id", False),
    ],
)
def test_what_may_take_long_in_one_step_never_runs_in_the_loop(sql: str, bounded: bool) -> None:
    assert is_bounded(sql) is bounded


def test_a_slow_statement_has_to_prove_itself_more_often_each_time() -> None:
    connection = sqlite3.connect(":memory:")
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    inline, record = Inline(0.001), Record(0)
    waits: list[int] = []
    for _ in range(3):
        with pytest.raises(NotDone):
            inline.run(record, connection, lambda connection: connection.execute(endless).fetchall())
        waits.append(record.runs_left)
        for _ in range(record.runs_left):
            inline.timed(record, lambda connection: connection.execute("SELECT 1").fetchall())(connection)
        assert record.runs_left == 0
    assert waits == sorted({*waits})
    assert connection.execute("SELECT length(zeroblob(1000000))").fetchall() == [(1_000_000,)]
    connection.close()


def test_the_statements_that_are_remembered_are_bounded() -> None:
    inline = Inline(1)
    for number in range(5000):
        inline.record(f"SELECT {number}")
    assert inline.record("SELECT 1") is inline.record("SELECT 1")
    assert len(inline._records) <= 1000


async def test_a_busy_reader_does_not_hold_the_adapter(file: Path) -> None:
    async def read() -> int:
        return await Reading.objects.filter(number__gte=0).count()

    assert await asyncio.gather(*(read() for _ in range(200))) == [20] * 200
    assert get_adapter().pool_status().in_use == 0
