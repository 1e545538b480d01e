"""Acquire and release of a pooled connection, in microseconds, without a statement and without a waiter.

``python -m benchmarks.pool_use`` prints the table of docs/performance.md: covet's pools beside asyncpg's, whose release
asks the server to reset the connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

import asyncpg

from benchmarks.sqlite import sqlite_file
from covet import DatabaseConfig, close_all, get_adapter
from covet.database import Adapter
from covet.database.adapters.pool import Pool
from tests.postgresql_server import test_database

ROUNDS = 11
USES = 20_000
USES_WITH_A_ROUND_TRIP = 500

Use = Callable[[int], Awaitable[None]]


def _of_pool(pool: Pool) -> Use:
    async def use(times: int) -> None:
        for _ in range(times):
            session = pool.take()
            if session is None:
                session = await pool.acquire()
            pool.give(session)

    return use


def _of_adapter(adapter: Adapter) -> Use:
    async def use(times: int) -> None:
        for _ in range(times):
            session, pool = await adapter.checkout(write=True)
            pool.give(session)

    return use


def _of_asyncpg(pool: asyncpg.Pool) -> Use:
    async def use(times: int) -> None:
        for _ in range(times):
            await pool.release(await pool.acquire())

    return use


async def _measure(name: str, use: Use, times: int) -> None:
    await use(10)
    taken: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await use(times)
        taken.append((time.perf_counter() - begun) / times)
    print(f"| {name} | {median(taken) * 1e6:.2f} |")


async def _postgresql(url: str) -> None:
    DatabaseConfig(url=url)
    adapter = get_adapter()
    await _measure("PostgreSQL: the pool, `take` and `give`", _of_pool(adapter.pool), USES)
    await _measure("PostgreSQL: `checkout` and `give`, as a transaction does", _of_adapter(adapter), USES)
    pool = await asyncpg.create_pool(url, min_size=1, max_size=5)
    await _measure("asyncpg: `acquire` and `release`", _of_asyncpg(pool), USES_WITH_A_ROUND_TRIP)
    await pool.close()
    await close_all()


async def _sqlite(url: str) -> None:
    DatabaseConfig(url=url, replace=True)
    adapter = get_adapter()
    await _measure("SQLite: the pool, `take` and `give`", _of_pool(adapter.pool), USES)
    await close_all()


def main() -> None:
    """Print the table."""
    print("| pool | us a use |\n| --- | ---: |")
    with test_database() as url:
        asyncio.run(_postgresql(url))
    with sqlite_file() as path:
        asyncio.run(_sqlite(f"sqlite:///{path}"))


if __name__ == "__main__":
    main()
