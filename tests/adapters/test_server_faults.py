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
from covet.exceptions import ConnectionLost, OperationalError
from tests.adapters.own_server import OwnServer, own_server
from tests.adapters.workload import CREATE, check, under_load

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
        for _ in range(5):
            await asyncio.sleep(0.1)
            await server.execute(END_SESSIONS)
    assert account.errors["ConnectionLost"] > 0
    assert len(account.acknowledged) > 100
    await check(account, server.url, "default")


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_server_that_is_stopped_under_load_loses_nothing(server: OwnServer, adapter: Adapter, mode: str):
    async with under_load("default") as account:
        await asyncio.to_thread(server.stop, mode)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(server.start)
        await account.goes_on(20, within=2)
    assert account.errors["ConnectionLost"] > 0
    await check(account, server.url, "default")


async def test_backend_killed_hard_under_load_loses_nothing(server: OwnServer, adapter: Adapter):
    async with under_load("default") as account:
        connection = await asyncpg.connect(server.url)
        pid = await connection.fetchval("SELECT pid FROM pg_stat_activity WHERE application_name = 'covet' LIMIT 1")
        await connection.close()
        os.kill(pid, signal.SIGKILL)  # the server ends all sessions and recovers by itself
        await account.goes_on(20, within=5)
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
