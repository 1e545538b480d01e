"""Three aggregates over two relations of 100,000 users: a subquery a row, or each relation grouped once and joined.

``python -m benchmarks.aggregate_plans`` prints the table of docs/performance.md. Both statements are covet's own; the
planner takes the second for all rows of a model and the first for fewer. What narrows the rows is added here, to both.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import asyncpg

from covet import Count, DatabaseConfig, Sum, close_all, create_all, get_adapter
from covet.database.orm.query.planner import SelectPlanner
from tests.models.community import ALL, User
from tests.postgresql_server import test_database

ROUNDS = 5
_COUNTED = User.objects.annotate(n=Count("posts"), views=Sum("posts__views"), m=Count("orders"))
_ROWS = {
    "users": ("username, is_staff, is_superuser, first_name, last_name, created_at", 100_000),
    "posts": ("title, status, views, author_id", 300_000),
    "orders": ("user_id, total", 200_000),
}
_VALUES = {
    "users": "'user' || n, false, false, '', '', '2026-01-01 00:00:00'",
    "posts": "'post', 'draft', n % 100, 1 + (n * 7919) % 100000",
    "orders": "1 + (n * 104729) % 100000, '5.00'",
}
_CASES = {
    "all users": "",
    "10,000 users": " WHERE users.id <= 10000",
    "one user": " WHERE users.id = 5000",
    "20 users, ordered by key": " ORDER BY users.id LIMIT 20",
    "20 users, most posts first": " ORDER BY 13 DESC LIMIT 20",
}

Ask = Callable[[str], Awaitable[object]]


def _statements() -> tuple[str, str]:
    """Return the two statements as covet compiles them."""
    dialect = get_adapter().dialect
    plans = [SelectPlanner(User, _COUNTED.state, few=few).rows()[0] for few in (True, False)]
    one, other = (dialect.compile(select).sql for select in plans)
    return one, other


async def _timed(ask: Ask, sql: str) -> float:
    start = time.perf_counter()
    await ask(sql)
    return time.perf_counter() - start


async def _compare(ask: Ask) -> None:
    by_row, grouped = _statements()
    for name, tail in _CASES.items():
        times = [(await _timed(ask, by_row + tail), await _timed(ask, grouped + tail)) for _ in range(ROUNDS)]
        rows, ratio = median(one for one, _ in times), median(other / one for one, other in times)
        print(f"| {name} | {rows * 1000:,.1f} | {ratio:.2f} |")


def _fill(series: str) -> list[str]:
    return [
        f"INSERT INTO {table} ({columns}) SELECT {_VALUES[table]} FROM {series.format(count)}"
        for table, (columns, count) in _ROWS.items()
    ]


async def _postgresql(url: str) -> None:
    DatabaseConfig(url=url, alias="default", replace=True)
    await create_all(ALL)
    connection = await asyncpg.connect(url)
    for statement in _fill("generate_series(1::bigint, {}) AS n"):
        await connection.execute(statement.replace("'5.00'", "5").replace("00:00:00'", "00:00:00'::timestamptz"))
    await connection.execute("VACUUM ANALYZE")
    await _compare(connection.fetch)
    await connection.close()
    await close_all()


async def _sqlite(path: Path) -> None:
    DatabaseConfig(url=f"sqlite:///{path}", alias="default", replace=True)
    await create_all(ALL)
    connection = sqlite3.connect(path)
    series = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT n FROM s)"
    for statement in _fill(series):
        connection.execute(statement)
    connection.commit()
    connection.execute("ANALYZE")

    async def ask(sql: str) -> object:
        return connection.execute(sql).fetchall()

    await _compare(ask)
    connection.close()
    await close_all()


def main() -> None:
    """Print the tables."""
    head = "| rows | a subquery a row, ms | grouped and joined, ratio |\n| --- | ---: | ---: |"
    print(f"PostgreSQL\n\n{head}")
    with test_database() as url:
        asyncio.run(_postgresql(url))
    print(f"\nSQLite\n\n{head}")
    with TemporaryDirectory() as folder:
        asyncio.run(_sqlite(Path(folder) / "plans.sqlite3"))


if __name__ == "__main__":
    main()
