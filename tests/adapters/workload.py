"""Many tasks that write while something breaks, and the account of what they were told.

Each transaction writes both halves of a row. Afterwards the database is asked directly: what was acknowledged must be
there (lost), no row may have one half (partial), and nothing may be there that nobody was told of (ghosts).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from covet.database import get_adapter
from covet.database.transaction import transaction
from covet.exceptions import CommitUnknown, OperationalError, TransactionError

CREATE = "CREATE TABLE IF NOT EXISTS work (worker integer, number integer, half integer)"


@dataclass
class Account:
    """What the tasks were told."""

    acknowledged: set[tuple[int, int]] = field(default_factory=set)
    unknown: set[tuple[int, int]] = field(default_factory=set)
    errors: Counter[str] = field(default_factory=Counter)
    #: How often something was broken meanwhile.
    faults: int = 0
    #: Errors of a kind that they should never see.
    untyped: list[BaseException] = field(default_factory=list)

    async def goes_on(self, count: int, *, within: float) -> None:
        """Wait until ``count`` more rows are acknowledged, for ``within`` seconds at most."""
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(within):
            while len(self.acknowledged) < wanted:  # noqa: ASYNC110 - it is a count, not an event
                await asyncio.sleep(0.01)

    def __str__(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in self.errors.most_common())
        counts = f"{self.faults} faults, {len(self.acknowledged)} acknowledged, {len(self.unknown)} in doubt"
        return f"{counts}, errors: {told or 'none'}"


async def write(alias: str, worker: int, number: int) -> None:
    adapter = get_adapter(alias)
    async with transaction(using=alias):
        await adapter.execute("INSERT INTO work VALUES ($1, $2, 1)", [worker, number])
        await adapter.execute("INSERT INTO work VALUES ($1, $2, 2)", [worker, number])


async def work(alias: str, worker: int, account: Account) -> None:
    number = 0
    while True:
        number += 1
        try:
            await write(alias, worker, number)
        except CommitUnknown as exc:
            account.unknown.add((worker, number))
            account.errors[type(exc).__name__] += 1
        except (OperationalError, TransactionError) as exc:
            account.errors[type(exc).__name__] += 1
        except asyncio.CancelledError:
            account.unknown.add((worker, number))  # it was stopped at the end of the test
            raise
        except BaseException as exc:
            account.untyped.append(exc)
            raise
        else:
            account.acknowledged.add((worker, number))
        await asyncio.sleep(0.002)


@asynccontextmanager
async def under_load(alias: str, *, workers: int = 20) -> AsyncIterator[Account]:
    """Let tasks write while the block runs."""
    account = Account()
    tasks = [asyncio.create_task(work(alias, worker, account)) for worker in range(workers)]
    await asyncio.sleep(0.2)
    try:
        yield account
        await asyncio.sleep(0.2)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def check(account: Account, url: str, alias: str) -> None:
    """Ask the database, and the pool, whether all is as it was told. Print the figures."""
    for _ in range(200):
        if not get_adapter(alias).pool_status().in_use:
            break
        await asyncio.sleep(0.01)
    assert get_adapter(alias).pool_status().in_use == 0
    await write(alias, -1, 1)
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT worker, number, count(*) FROM work WHERE worker >= 0 GROUP BY 1, 2")
        idle = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'")
    finally:
        await connection.close()
    there = {(row[0], row[1]) for row in rows}
    lost = account.acknowledged - there
    partial = [tuple(row) for row in rows if row[2] != 2]
    ghosts = there - account.acknowledged - account.unknown
    print(f"{account}; lost {len(lost)}, partial {len(partial)}, ghosts {len(ghosts)}")  # noqa: T201 - the figures
    assert (lost, partial, ghosts, account.untyped, idle) == (set(), [], set(), [], 0)
