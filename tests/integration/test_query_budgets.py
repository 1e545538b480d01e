"""max_queries() and assert_num_queries(): what a block may send, and what the error says about what it sent."""

from __future__ import annotations

import asyncio

import pytest

from covet import create_all, transaction
from covet.database import get_adapter
from covet.exceptions import QueryCountError
from covet.testing import assert_num_queries, max_queries
from tests.conftest import Database
from tests.models.library import ALL, Post, Writer


@pytest.fixture
async def library(database: Database) -> Database:
    await create_all(ALL)
    for number in range(3):
        await Post.create(title=f"p{number}", author=await Writer.create(name=f"w{number}"))
    return database


async def titles() -> None:
    for writer in await Writer.objects.all():
        await writer.posts.filter(title="secret")


async def test_a_budget_that_is_kept_gives_the_queries(library: Database) -> None:
    async with max_queries(4) as queries:
        await titles()
    assert len(queries) == 4
    with max_queries(9):
        await titles()
    with assert_num_queries(4) as queries:
        await titles()
    assert queries.sql[0].startswith("SELECT ")


async def test_the_error_lists_shapes_counts_and_places(library: Database) -> None:
    with pytest.raises(QueryCountError) as caught:
        async with max_queries(5):
            await titles()
            await Post.objects.filter(id__in=[1]).count()
            await Post.objects.filter(id__in=[1, 2, 3]).count()
    assert isinstance(caught.value, AssertionError)
    lines = str(caught.value).splitlines()
    assert lines[0] == "6 queries were sent, at most 5 allowed:"
    assert lines[1].startswith('  3 x SELECT "posts"."id"')
    assert lines[2].startswith("      3 from tests/integration/test_query_budgets.py:")
    assert lines[2].endswith(" in titles")
    assert lines[3].startswith("  2 x SELECT COUNT(*)")  # lists of two lengths are one shape
    assert [line.split(" from ")[0].strip() for line in lines[4:6]] == ["1", "1"]
    assert lines[6].startswith('  1 x SELECT "writers"."id"')
    assert "secret" not in str(caught.value)


async def test_exact_counts_refuse_fewer_as_well(library: Database) -> None:
    with pytest.raises(QueryCountError, match=r"^1 query was sent, exactly 2 expected:\n  1 x SELECT COUNT"):
        async with assert_num_queries(2):
            await Post.objects.count()
    with pytest.raises(QueryCountError, match=r"^0 queries were sent, exactly 1 expected\.$"), assert_num_queries(1):
        pass


async def test_writes_and_raw_sql_count_and_transactions_where_they_are_asked_for(library: Database) -> None:
    async with assert_num_queries(2), transaction():
        await Writer.create(name="new")
        await get_adapter().fetch_all("SELECT 1")
    async with assert_num_queries(3, transactions=True), transaction():
        await Writer.objects.count()
    async with assert_num_queries(0, using="other"):
        await Writer.objects.count()


async def test_only_the_tasks_of_the_block_count(library: Database) -> None:
    async def count() -> None:
        await Writer.objects.count()

    before = asyncio.Event()

    async def apart() -> None:
        await before.wait()
        await count()

    task = asyncio.create_task(apart())
    async with assert_num_queries(3):
        before.set()
        await asyncio.gather(count(), count(), task)
        async with max_queries(1):
            await count()


async def test_an_error_of_the_block_is_not_covered_up(library: Database) -> None:
    with pytest.raises(LookupError):
        async with max_queries(0):
            await Writer.objects.count()
            raise LookupError
    with pytest.raises(ValueError, match="0 or more, not -1"):
        max_queries(-1)
