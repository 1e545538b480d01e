"""select_for_update(): every lock and option on PostgreSQL, and what is said where there is none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from covet import create_all, transaction
from covet.database import capture_queries
from covet.exceptions import FieldError, LockTimeout, NotSupportedError, TransactionError
from tests.conftest import Database
from tests.models import library
from tests.models.library import Post, Writer


@pytest.fixture
async def posts(database: Database) -> list[Post]:
    await create_all(models=library.ALL)
    ann = await Writer.create(name="ann")
    return [await Post.create(title=title, author=ann) for title in ("one", "two", "three")]


@pytest.mark.parametrize(
    ("options", "clause"),
    [
        ({}, "FOR UPDATE"),
        ({"no_key": True}, "FOR NO KEY UPDATE"),
        ({"share": True}, "FOR SHARE"),
        ({"key_share": True}, "FOR KEY SHARE"),
        ({"nowait": True}, "FOR UPDATE NOWAIT"),
        ({"skip_locked": True, "share": True}, "FOR SHARE SKIP LOCKED"),
        ({"of": ("self",)}, 'FOR UPDATE OF "posts"'),
    ],
)
async def test_each_lock_is_said_or_refused(
    database: Database, posts: list[Post], options: dict[str, Any], clause: str
) -> None:
    locked = Post.objects.filter(id=posts[0].id).select_for_update(**options)
    async with transaction():
        if database.name == "sqlite":
            with pytest.raises(NotSupportedError, match=r"SQLite has no SELECT \.\.\. FOR "):
                await locked
            return
        with capture_queries() as queries:
            assert await locked == [posts[0]]
    assert queries.sql[0].endswith(clause)


async def test_arguments_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="nowait and skip_locked exclude"):
        Post.objects.select_for_update(nowait=True, skip_locked=True)
    with pytest.raises(ValueError, match="no_key, share and key_share exclude"):
        Post.objects.select_for_update(no_key=True, share=True)
    with pytest.raises(TypeError, match="takes names"):
        Post.objects.select_for_update(of="self")


async def test_a_lock_outside_a_transaction_is_refused(database: Database, posts: list[Post]) -> None:
    locked = Post.objects.select_for_update()
    if database.name == "sqlite":
        with pytest.raises(NotSupportedError, match="SELECT"):
            await locked
        return
    with pytest.raises(TransactionError, match=r"'async with transaction\(\):'"):
        await locked.first()
    with pytest.raises(TransactionError, match="locks nothing"):
        _ = [post async for post in locked.iterator()]
    assert await locked.count() == 3


async def test_related_rows_are_locked_by_name(database: Database, posts: list[Post]) -> None:
    related = Post.objects.select_related("author", "editor")
    async with transaction():
        with pytest.raises(FieldError, match=r"cannot lock 'editor': a row may have none of it.*of=\('self',\)"):
            await related.select_for_update()
        with pytest.raises(FieldError, match="cannot lock 'editor'"):
            await related.select_for_update(of=("self", "editor"))
        with pytest.raises(
            FieldError, match=r"'author' is nothing that this query joins; add select_related\('author'\)"
        ):
            await Post.objects.select_for_update(of=("author",))
        if database.name == "postgresql":
            with capture_queries() as queries:
                await related.select_for_update(of=("self", "author"))
            assert queries.sql[0].endswith('FOR UPDATE OF "posts", "t1"')


async def test_what_another_transaction_holds_is_skipped_or_an_error(database: Database, posts: list[Post]) -> None:
    if database.name == "sqlite":
        with pytest.raises(NotSupportedError, match="FOR UPDATE"):
            await Post.objects.order_by("id").select_for_update(skip_locked=True)[:1].returning("id").update(views=1)
        return
    held, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with transaction():
            await Post.objects.select_for_update().get(id=posts[0].id)
            held.set()
            await done.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hold())
        await held.wait()
        async with transaction():
            rest = await Post.objects.order_by("id").select_for_update(skip_locked=True)
            assert [post.title for post in rest] == ["two", "three"]
        with pytest.raises(LockTimeout):
            async with transaction():
                await Post.objects.select_for_update(nowait=True).get(id=posts[0].id)
        # One statement takes a row that nobody has.
        free = Post.objects.order_by("id").select_for_update(skip_locked=True)[:1]
        with capture_queries() as queries:
            assert await free.returning("title").update(views=9) == [("two",)]
        assert "FOR UPDATE SKIP LOCKED" in queries.sql[0]
        assert await free.returning("title").delete() == [("two",)]
        done.set()
