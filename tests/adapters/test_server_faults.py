"""Faults of the server: it is stopped, crashes, kills sessions, is full. Twenty tasks write meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from covet.database import Adapter, DatabaseConfig, close_all, get_adapter
from covet.database.transaction import transaction
from covet.exceptions import CommitUnknown, ConnectionLost, OperationalError, SchemaChanged
from tests.adapters.own_server import OwnServer, own_server
from tests.adapters.workload import CREATE, check, under_load
from tests.soak import rounds

END_SESSIONS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'covet' AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture
async def adapter(server: OwnServer) -> AsyncIterator[Adapter]:
    await server.execute("DROP TABLE IF EXISTS work", CREATE)
    DatabaseConfig(server.url, pool_size=8, max_overflow=0, pool_timeout=5)
    yield get_adapter()
    await close_all()


async def test_sessions_killed_under_load_lose_nothing(server: OwnServer, adapter: Adapter):
    async with under_load("default") as account:
        for _ in rounds(5, seconds=30):
            await asyncio.sleep(0.1)
            await server.execute(END_SESSIONS)
            account.faults += 1
    assert account.errors["ConnectionLost"] > 0
    assert len(account.acknowledged) > 100
    await check(account, server.url, "default")


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_server_that_is_stopped_under_load_loses_nothing(server: OwnServer, adapter: Adapter, mode: str):
    async with under_load("default") as account:
        for _ in rounds(1, seconds=30):
            await asyncio.to_thread(server.stop, mode)
            await asyncio.sleep(0.1)
            await asyncio.to_thread(server.start)
            await account.goes_on(20, within=2)
            account.faults += 1
    assert account.errors["ConnectionLost"] > 0
    await check(account, server.url, "default")


async def test_backend_killed_hard_under_load_loses_nothing(server: OwnServer, adapter: Adapter):
    async with under_load("default") as account:
        for _ in rounds(1, seconds=30):
            connection = await asyncpg.connect(server.url)
            pid = await connection.fetchval("SELECT pid FROM pg_stat_activity WHERE application_name = 'covet' LIMIT 1")
            await connection.close()
            os.kill(pid, signal.SIGKILL)  # the server ends all sessions and recovers by itself
            await account.goes_on(20, within=5)
            account.faults += 1
    await check(account, server.url, "default")


async def test_retries_of_the_connection_bridge_a_restart_of_the_server(server: OwnServer):
    DatabaseConfig(server.url, retry_attempts=30, retry_delay=0.1, retry_max_delay=0.3, pool_size=2)
    adapter = get_adapter()
    assert await adapter.fetch("SELECT 1", ()) != []
    await asyncio.to_thread(server.stop)
    reading = [asyncio.create_task(adapter.fetch("SELECT 1", ())) for _ in range(5)]
    await asyncio.sleep(0.3)
    await asyncio.to_thread(server.start)
    assert [len(rows) for rows in await asyncio.gather(*reading)] == [1] * 5
    await close_all()


async def test_server_that_is_full_is_a_typed_error_and_leaks_nothing(server: OwnServer):
    await server.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 2")
    DatabaseConfig(server.url.replace("postgres@", "few@"), pool_size=6, max_overflow=0)
    adapter = get_adapter()
    answers = await asyncio.gather(
        *(adapter.fetch_value("SELECT pg_sleep(0.2)") for _ in range(6)), return_exceptions=True
    )
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(errors) == 4
    assert all(isinstance(error, ConnectionLost) and error.sqlstate == "53300" for error in errors)
    assert adapter.pool_status() == (2, 0, 2, 0, 0)
    assert await adapter.fetch_value("SELECT current_user") == "few"
    await close_all()


async def test_session_that_idled_in_its_transaction_for_too_long_is_a_lost_connection(server: OwnServer):
    DatabaseConfig(server.url, idle_in_transaction_timeout=0.1)
    adapter = get_adapter()
    with pytest.raises(ConnectionLost) as caught:
        async with transaction():
            await adapter.fetch_value("SELECT 1")
            await asyncio.sleep(0.3)
            await adapter.fetch_value("SELECT 1")
    assert caught.value.retryable
    assert await adapter.fetch_value("SELECT 1") == 1
    await close_all()


async def test_table_that_changes_under_a_prepared_statement_goes_on_working(server: OwnServer, adapter: Adapter):
    await adapter.execute("CREATE TABLE IF NOT EXISTS shape (a integer)")
    await adapter.execute("INSERT INTO shape VALUES (1)")
    assert [tuple(row) for row in await adapter.fetch_all("SELECT * FROM shape")] == [(1,)]
    await server.execute("ALTER TABLE shape ADD COLUMN b integer DEFAULT 2")
    assert [tuple(row) for row in await adapter.fetch_all("SELECT * FROM shape")] == [(1, 2)]
    await server.execute("ALTER TABLE shape ALTER COLUMN a TYPE text")
    assert [tuple(row) for row in await adapter.fetch_all("SELECT * FROM shape")] == [("1", 2)]
    await server.execute("DROP TABLE shape")


@pytest.fixture
async def pair(server: OwnServer, adapter: Adapter) -> AsyncIterator[Adapter]:
    """Give a column of a composite type and one of an enumeration, known to all connections of a pool of three."""
    await server.execute("CREATE TYPE pair AS (x integer, y integer)")
    await server.execute("CREATE TYPE mood AS ENUM ('good')")
    await server.execute("CREATE TABLE pairs (id integer PRIMARY KEY, value pair, mood mood)")
    await server.execute("INSERT INTO pairs VALUES (1, (1, 2), 'good')")
    yield adapter
    await server.execute("DROP TABLE IF EXISTS pairs")
    await server.execute("DROP TYPE IF EXISTS pair, mood")


async def known_to_all(adapter: Adapter, sql: str, args: list[object]) -> None:
    async def ask() -> None:
        async with transaction():
            await adapter.fetch(sql, args)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(ask() for _ in range(3)))
    assert adapter.pool_status().size >= 3


async def test_type_that_changes_under_a_read_goes_on_working(server: OwnServer, pair: Adapter):
    sql = "SELECT value FROM pairs"
    await known_to_all(pair, sql, [])
    await server.execute("ALTER TYPE pair ADD ATTRIBUTE z integer")
    found = await asyncio.gather(*(pair.fetch(sql, []) for _ in range(6)))
    assert [tuple(rows[0][0]) for rows in found] == [(1, 2, None)] * 6
    assert pair.pool_status().in_use == 0


async def test_write_whose_answer_cannot_be_read_is_in_doubt_and_is_not_done_twice(server: OwnServer, pair: Adapter):
    sql = "INSERT INTO pairs SELECT $1, value FROM pairs WHERE id = 1 RETURNING value"
    await pair.fetch_write(sql, [2])
    await server.execute("ALTER TYPE pair ADD ATTRIBUTE z integer")
    with pytest.raises(CommitUnknown, match=r"A type was changed under the statement.* Look before doing it again"):
        await pair.fetch_write(sql, [3])
    assert await pair.fetch_value("SELECT count(*) FROM pairs WHERE id = 3") == 1
    assert tuple((await pair.fetch_write(sql, [4]))[0][0]) == (1, 2, None)


async def test_type_that_is_dropped_and_made_again_goes_on_working(server: OwnServer, pair: Adapter):
    read, write = "SELECT id FROM pairs WHERE mood = $1", "UPDATE pairs SET mood = $1"
    await known_to_all(pair, read, ["good"])
    await pair.run(write, ["good"])
    await server.execute("ALTER TABLE pairs DROP COLUMN mood")
    await server.execute("DROP TYPE mood")
    await server.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
    await server.execute("ALTER TABLE pairs ADD COLUMN mood mood")
    found = await asyncio.gather(*(pair.fetch(read, ["good"]) for _ in range(6)))
    assert found == [[]] * 6
    assert await pair.run(write, ["bad"]) == 1
    assert pair.pool_status().in_use == 0


async def test_change_inside_a_transaction_is_a_typed_error_and_a_retry_helps(server: OwnServer, pair: Adapter):
    sql = "SELECT * FROM pairs"
    attempts = 0

    @transaction(retry=2)
    async def read() -> int:
        nonlocal attempts
        attempts += 1
        rows = await pair.fetch(sql, [])
        return len(rows[0])

    assert await read() == 3
    await server.execute("ALTER TABLE pairs ADD COLUMN more integer")
    with pytest.raises(SchemaChanged, match="a table was changed under the statement"):
        async with transaction():
            await pair.fetch(sql, [])
    async with transaction():
        assert len((await pair.fetch(sql, []))[0]) == 4
    await server.execute("ALTER TABLE pairs ADD COLUMN still_more integer")
    attempts = 0
    assert await read() == 5
    assert attempts == 2


async def test_stream_over_a_table_that_has_changed_goes_on_working(server: OwnServer, pair: Adapter):
    async def widths() -> list[int]:
        return [len(rows[0]) async for rows in pair.stream("SELECT * FROM pairs", [], 10)]

    assert await widths() == [3]
    await server.execute("ALTER TABLE pairs ADD COLUMN more integer")
    assert await widths() == [4]
    await server.execute("ALTER TYPE pair ADD ATTRIBUTE z integer")
    assert await widths() == [4]
    await asyncio.sleep(0.05)
    assert pair.pool_status().in_use == 0


async def test_database_that_is_dropped_is_an_error_of_ours(server: OwnServer):
    await server.execute("CREATE DATABASE gone")
    DatabaseConfig(urlsplit(server.url)._replace(path="/gone").geturl())
    adapter = get_adapter()
    assert await adapter.fetch_value("SELECT 1") == 1
    await server.execute("DROP DATABASE gone WITH (FORCE)")
    with pytest.raises(OperationalError):
        await adapter.fetch("SELECT 1", ())
    assert adapter.pool_status().size == 0
    await close_all()
