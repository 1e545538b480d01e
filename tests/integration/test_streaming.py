"""iterator(): rows by portions, and the connection that comes back however the loop ends."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

import pytest

from covet import create_all, transaction
from covet.database import capture_queries, get_adapter
from tests.conftest import Database
from tests.models import library
from tests.models.library import Note, Post, Tag, Writer


@pytest.fixture
async def posts(database: Database) -> list[Post]:
    await create_all(models=library.ALL)
    ann = await Writer.create(name="ann")
    return await Post.objects.bulk_create([Post(title=f"p{n}", views=n, author=ann) for n in range(10)])


def stream(chunk_size: int) -> AsyncGenerator[Post, None]:
    """Return the iterator over all posts as what it is when it has to be closed."""
    return cast("AsyncGenerator[Post, None]", Post.objects.iterator(chunk_size=chunk_size))


def in_use() -> int:
    return get_adapter().pool_status().in_use


async def until_free() -> None:
    """Wait for what the event loop does of itself; a connection that is lost never comes back."""
    for _ in range(1000):
        if not in_use():
            return
        await asyncio.sleep(0.001)
    pytest.fail("The connection is still in use.")


async def test_rows_come_in_order_and_the_connection_is_back_afterwards(posts: list[Post]) -> None:
    seen: list[int] = []
    async for post in Post.objects.order_by("-views").iterator(chunk_size=3):
        assert in_use() == 1
        seen.append(post.views)
    assert seen == list(range(9, -1, -1))
    assert in_use() == 0


async def test_a_loop_that_is_left_gives_the_connection_back(posts: list[Post]) -> None:
    async for _ in Post.objects.iterator(chunk_size=2):
        break
    await until_free()
    async with aclosing(stream(2)) as rows:
        async for _ in rows:
            break
        assert in_use() == 1
    assert in_use() == 0


async def test_an_error_in_the_loop_gives_the_connection_back(posts: list[Post]) -> None:
    async def read() -> None:
        async for post in Post.objects.order_by("id").iterator(chunk_size=2):
            if post.views == 3:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read()
    await until_free()
    assert await Post.objects.count() == 10


async def test_a_cancelled_reader_gives_the_connection_back(posts: list[Post]) -> None:
    reading = asyncio.Event()

    async def read() -> None:
        async for _ in Post.objects.iterator(chunk_size=2):
            reading.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(read())
    await reading.wait()
    assert in_use() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    await until_free()
    assert await Post.objects.count() == 10


async def test_a_stream_that_nobody_holds_gives_the_connection_back(posts: list[Post]) -> None:
    rows: AsyncIterator[Post] | None = Post.objects.iterator(chunk_size=2)
    assert rows is not None
    await anext(rows)
    assert in_use() == 1
    rows = None
    gc.collect()
    await until_free()


async def test_relations_are_loaded_for_a_portion_at_a_time(database: Database, posts: list[Post]) -> None:
    red = await Tag.create(name="red")
    for post in posts[:4]:
        await post.tags.add(red)
    await Note.create(text="note", post=posts[9])
    rows = Post.objects.order_by("id").prefetch_related("tags", "notes").iterator(chunk_size=5)
    with capture_queries() as queries:
        found = [(len(post.tags), len(post.notes)) async for post in rows]
    assert found == [(1, 0)] * 4 + [(0, 0)] * 5 + [(0, 1)]
    related = [sql for sql in queries.sql if '"tags"' in sql or '"notes"' in sql]
    assert len(related) == 4
    assert in_use() == 0


async def test_a_stream_inside_a_transaction_takes_its_connection(posts: list[Post]) -> None:
    async with transaction():
        async for post in Post.objects.order_by("id").iterator(chunk_size=2):
            assert in_use() == 1
            await Post.objects.filter(id=post.id).update(views=post.views + 100)
            if post.views == 5:
                break
    assert in_use() == 0
    assert await Post.objects.filter(views__gte=100).count() == 6


async def test_nothing_is_taken_for_an_empty_query_or_a_wrong_size(posts: list[Post]) -> None:
    assert [post async for post in Post.objects.none().iterator()] == []
    with pytest.raises(ValueError, match="chunk_size must be at least 1, not 0"):
        await anext(Post.objects.iterator(chunk_size=0))
    assert in_use() == 0


async def test_the_server_keeps_the_rows_that_are_not_asked_for(database: Database) -> None:
    await create_all(models=library.ALL)
    if database.name == "sqlite":
        return
    ann = await Writer.create(name="ann")
    await Post.objects.bulk_create([Post(title="p", author=ann) for _ in range(5)])
    async with aclosing(stream(2)) as rows:
        await anext(rows)
        sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query ILIKE '%posts%'"
        assert await get_adapter().fetch_value(sql) == 1


async def test_memory_is_that_of_a_portion(posts: list[Post]) -> None:
    text = "x" * 90
    ann = await Writer.objects.get()
    await Post.objects.bulk_create([Post(title=text, author=ann) for _ in range(6000)])

    async def peak(chunk_size: int) -> int:
        tracemalloc.start()
        try:
            async for _ in Post.objects.iterator(chunk_size=chunk_size):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(100)
    assert await peak(100) * 5 < await peak(6010)
