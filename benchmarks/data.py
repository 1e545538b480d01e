"""The rows of the workload: made by arithmetic, so they are the same in every run and a check can compute them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypedDict

AUTHORS = 1_000
POSTS = 10_000
TAGS = 50
TAGS_OF_A_POST = 3
STATUSES = ("live", "draft", "live", "archived")

AuthorRow = tuple[int, str, str, int, bool, datetime]
PostRow = tuple[int, str, str, int, str, datetime, int]

_NEW_POSTS = 10_000
_BEGINNING = datetime(2020, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
_SENTENCE = "A body of some length, as posts have, with nothing in it that a database could keep shorter than this. "


class NewPost(TypedDict):
    """The six columns of a post that has no key yet."""

    title: str
    body: str
    views: int
    status: str
    created_at: datetime
    author_id: int


def author_row(key: int) -> AuthorRow:
    return (
        key,
        f"Author {key}",
        f"author{key}@example.com",
        18 + key * key % 53,
        key % 10 != 0,
        _BEGINNING + timedelta(minutes=key),
    )


def post_row(key: int) -> PostRow:
    return (
        key,
        f"Post {key}",
        f"{key}: {_SENTENCE}{_SENTENCE}"[:180],
        key * 7919 % 10_007,
        STATUSES[key % len(STATUSES)],
        _BEGINNING + timedelta(seconds=key),
        1 + key % AUTHORS,
    )


@cache
def new_posts(count: int) -> list[NewPost]:
    """Return values of posts beyond those that are there; made once, for making them is nobody's work."""
    rows = [post_row(POSTS + 1 + number) for number in range(count)]
    return [
        NewPost(title=title, body=body, views=views, status=status, created_at=created_at, author_id=author_id)
        for _, title, body, views, status, created_at, author_id in rows
    ]


def new_post(turn: int) -> NewPost:
    """Return the values of the post that the ``turn``-th insert adds."""
    return new_posts(_NEW_POSTS)[turn % _NEW_POSTS]


def tag_rows() -> list[tuple[int, str]]:
    return [(key, f"tag {key}") for key in range(1, TAGS + 1)]


def tags_of(post: int) -> list[int]:
    """Return the keys of the tags of a post."""
    return [1 + (post * 7 + number * 17) % TAGS for number in range(TAGS_OF_A_POST)]


def post_tag_rows() -> list[tuple[int, int]]:
    return [(post, tag) for post in range(1, POSTS + 1) for tag in tags_of(post)]


def author_rows() -> list[AuthorRow]:
    return [author_row(key) for key in range(1, AUTHORS + 1)]


def post_rows() -> list[PostRow]:
    return [post_row(key) for key in range(1, POSTS + 1)]


def some_posts(turn: int, count: int) -> list[int]:
    """Return the keys of ``count`` posts, spread over the table; the first is ``some_post(turn)``."""
    return [some_post(turn + number) for number in range(count)]


def some_post(turn: int) -> int:
    """Return a key for the ``turn``-th look-up, spread over the table."""
    return 1 + turn * 97 % POSTS
