"""What PostgreSQL makes of aggregates over two relations on 100,000 rows: the plan is asked for, not guessed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

import covet.database
from covet import Count, QuerySet, Sum, create_all
from covet.database import capture_queries
from covet.database.config import forget
from tests import postgresql_server
from tests.models.community import ALL, User

USERS, POSTS, ORDERS = 100_000, 200_000, 100_000

_ROWS = f"""
    INSERT INTO users (username, is_staff, is_superuser, first_name, last_name, created_at)
        SELECT 'user' || n, false, false, '', '', now() FROM generate_series(1, {USERS}) AS n;
    INSERT INTO posts (title, status, views, author_id)
        SELECT 'post', 'draft', n % 100, 1 + (n * 7919) % {USERS} FROM generate_series(1::bigint, {POSTS}) AS n;
    INSERT INTO orders (user_id, total) SELECT n, 1 FROM generate_series(1, {ORDERS}, 2) AS n;
    ANALYZE;
"""


@pytest.fixture(scope="module")
def filled(postgresql_url: str) -> str:
    """Store many users, posts and orders, once for the tests of this module; they change nothing."""
    with asyncio.Runner() as runner:
        runner.run(_fill(postgresql_url))
    return postgresql_url


async def _fill(url: str) -> None:
    await postgresql_server.empty(url)
    covet.database.DatabaseConfig(url=url, alias="default", replace=True)
    await create_all(ALL)
    await covet.database.close_all()
    forget()
    connection = await asyncpg.connect(url)
    await connection.execute(_ROWS)
    await connection.close()


@pytest.fixture
async def server(filled: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Yield a connection of the driver; covet has one, too."""
    covet.database.DatabaseConfig(url=filled, alias="default", replace=True)
    connection = await asyncpg.connect(filled)
    yield connection
    await connection.close()
    await covet.database.close_all()
    forget()


def counted() -> QuerySet[User]:
    return User.objects.annotate(n=Count("posts"), views=Sum("posts__views"), m=Count("orders"))


async def plan_of(connection: asyncpg.Connection[Any], queryset: QuerySet[User]) -> list[dict[str, Any]]:
    """Return the nodes of the plan that a query was executed by."""
    with capture_queries() as queries:
        await queryset
    assert len(queries) == 1
    explained = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {queries[0].sql}", *queries[0].args)
    return list(_nodes(json.loads(explained)[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def scans(nodes: list[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    return [node for node in nodes if node.get("Relation Name") == table]


async def test_three_aggregates_over_two_relations_read_each_table_once(server: asyncpg.Connection[Any]) -> None:
    plan = await plan_of(server, counted())
    assert [node["Actual Loops"] for table in ("users", "posts", "orders") for node in scans(plan, table)] == [1, 1, 1]
    kinds = [node["Node Type"] for node in plan]
    assert kinds.count("Aggregate") == 2
    assert not [node for node in plan if node.get("Parent Relationship") == "SubPlan"]
    assert "Nested Loop" not in kinds
    assert max(node["Actual Loops"] for node in plan) == 1


async def test_a_limit_asks_for_the_limited_rows_only(server: asyncpg.Connection[Any]) -> None:
    plan = await plan_of(server, counted().order_by("id")[:20])
    subplans = [node for node in plan if node.get("Parent Relationship") == "SubPlan"]
    assert [node["Actual Loops"] for node in subplans] == [20, 20, 20]
    for table in ("posts", "orders"):
        for node in scans(plan, table):
            assert node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
            assert node["Actual Rows"] < 10
    assert sum(node["Actual Rows"] for node in scans(plan, "users")) == 20


async def test_a_filter_to_one_row_asks_for_that_row_only(server: asyncpg.Connection[Any]) -> None:
    plan = await plan_of(server, counted().filter(username="user500"))
    assert max(node["Actual Loops"] for node in plan) == 1
    assert not [node for node in plan if node["Node Type"] == "Seq Scan"]
    assert max(node["Actual Rows"] for node in plan) < 10


async def test_groups_over_two_relations_read_each_table_once(server: asyncpg.Connection[Any]) -> None:
    grouped: Any = User.objects.values("is_staff").annotate(n=Count("posts"), m=Count("orders"))
    plan = await plan_of(server, grouped)
    for table in ("posts", "orders"):
        assert sum(node["Actual Loops"] for node in scans(plan, table) if not node.get("Parallel Aware")) <= 1
    assert not [node for node in plan if node.get("Parent Relationship") == "SubPlan"]
    assert "Nested Loop" not in [node["Node Type"] for node in plan]
