"""Counts beside filters that go deeper into the counted relation: never multiplied, or refused."""

from __future__ import annotations

import pytest

from covet import Count, FieldError, create_all
from tests.conftest import Database
from tests.models.community import ALL, Comment, Post, User


@pytest.fixture
async def talk(database: Database) -> None:
    await create_all(ALL)
    alice = await User.create(username="alice", email="a@example.com", age=30)
    posts = await Post.objects.bulk_create([Post(title=f"p{i}", author=alice) for i in range(3)])
    await Comment.objects.bulk_create([Comment(text=text, post=post) for post in posts[:2] for text in ("c", "d")])


async def test_a_deeper_filter_chooses_what_is_counted_and_does_not_multiply_it(talk: None) -> None:
    found = User.objects.filter(posts__comments__text__in=["c", "d"]).annotate(n=Count("posts"))
    assert await found.values_list("username", "n") == [("alice", 2)]


async def test_a_deeper_filter_before_an_aggregate_over_all_rows_is_refused(talk: None) -> None:
    with pytest.raises(FieldError, match="deeper"):
        await User.objects.filter(posts__comments__text="c").aggregate(n=Count("posts"))


async def test_a_limit_narrows_a_slice_and_never_widens_it(talk: None) -> None:
    titles = Post.objects.order_by("title").values_list("title", flat=True)
    assert await titles[1:2].limit(100) == ["p1"]
    assert await titles.limit(2).limit(1) == ["p0"]
