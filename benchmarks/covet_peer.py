"""covet, as its guide shows it: nothing is tuned for the benchmark but the size of the pool, which is everyone's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from benchmarks.data import new_post, new_posts, some_post, some_posts
from benchmarks.models import Author, Post
from benchmarks.operations import INLINE_BUDGET, OPERATIONS, POOL_SIZE
from benchmarks.peer import Peer, Row, Work
from benchmarks.questions import (
    COMPLEX_LIMIT,
    JOINED_POSTS,
    LIMIT_100,
    MANY_VIEWS,
    MORE_POSTS_THAN,
    PREFETCHED_AUTHORS,
    STATUS,
    UNWANTED_STATUS,
    YOUNG,
)
from covet import Avg, Count, Q, QuerySet, transaction
from covet.database import DatabaseConfig, close_all


class Covet(Peer):
    """The workload by models and querysets."""

    name: ClassVar[str] = "covet"

    @classmethod
    async def connect(cls, url: str) -> Covet:
        DatabaseConfig(url=url, pool_size=POOL_SIZE, max_overflow=0, replace=True)
        return cls(Post.objects.all(), Author.objects.all())

    def __init__(self, posts: QuerySet[Post], authors: QuerySet[Author]) -> None:
        self._posts = posts
        self._authors = authors

    async def close(self) -> None:
        await close_all()

    def works(self) -> Mapping[str, Work]:
        return {
            "get_pk": self.get_pk,
            "get_pk_concurrent": self.get_pk,
            "filter_100": self.filter_100,
            "filter_10000": self.filter_10000,
            "values_10000": self.values_10000,
            "values_10000_tuples": self.values_10000_tuples,
            "fk_join_1000": self.fk_join_1000,
            "fk_prefetch_1000": self.fk_prefetch_1000,
            "fk_awaited_1000": self.fk_awaited_1000,
            "prefetch": self.prefetch,
            "insert_one": self.insert_one,
            "update_one": self.update_one,
            "bulk_insert_1000": self.bulk_insert_1000,
            "bulk_insert_10000": self.bulk_insert_10000,
            "bulk_update_1000": self.bulk_update_1000,
            "tx": self.tx,
            "aggregate": self.aggregate,
            "complex": self.complex,
        }

    def rows(self, operation: str, answer: object) -> list[Row]:
        match operation, answer:
            case "prefetch", list():
                return [
                    (*_post(post), *_author(author), *sorted(tag.id for tag in post.tags))
                    for author in answer
                    for post in author.posts
                ]
            case "fk_join_1000" | "fk_prefetch_1000" | "fk_awaited_1000", list():
                return [_post(post) + _author(post.author) for post in answer]
            case "insert_one" | "tx" | "bulk_insert_1000" | "bulk_insert_10000", list():
                return [(post.id,) for post in answer]
            case _, list():
                return [_row(row) for row in answer]
            case _:
                return []

    async def get_pk(self, turn: int) -> list[Post]:
        post = await self._posts.get(id=some_post(turn))
        _ = post.title
        return [post]

    async def filter_100(self, _turn: int) -> list[Post]:
        posts = await self._posts.filter(status=STATUS).limit(LIMIT_100)
        for post in posts:
            _ = post.title
        return posts

    async def filter_10000(self, _turn: int) -> list[Post]:
        posts = await self._posts.all()
        for post in posts:
            _ = post.title
        return posts

    async def values_10000(self, _turn: int) -> object:
        rows = await self._posts.values()
        for row in rows:
            _ = row["title"]
        return rows

    async def values_10000_tuples(self, _turn: int) -> object:
        rows = await self._posts.values_list()
        for row in rows:
            _ = row[1]
        return rows

    async def fk_join_1000(self, _turn: int) -> list[Post]:
        posts = await self._posts.filter(id__lte=JOINED_POSTS).select_related("author")
        for post in posts:
            _ = post.author.name
        return posts

    async def fk_prefetch_1000(self, _turn: int) -> list[Post]:
        posts = await self._posts.filter(id__lte=JOINED_POSTS).prefetch_related("author")
        for post in posts:
            _ = post.author.name
        return posts

    async def fk_awaited_1000(self, _turn: int) -> list[Post]:
        posts = await self._posts.filter(id__lte=JOINED_POSTS)
        for post in posts:
            author = await post.author
            _ = author.name
        return posts

    async def prefetch(self, _turn: int) -> list[Author]:
        authors = await self._authors.filter(id__lte=PREFETCHED_AUTHORS).prefetch_related("posts__tags")
        for author in authors:
            for post in author.posts:
                _ = post.title
                for tag in post.tags:
                    _ = tag.name
        return authors

    async def insert_one(self, turn: int) -> list[Post]:
        return [await Post.create(**new_post(turn))]

    async def update_one(self, turn: int) -> Post:
        post = await Post.objects.get(id=some_post(turn))
        post.title = self.title(turn)
        return await post.save()

    async def bulk_insert_1000(self, _turn: int) -> list[Post]:
        return await Post.objects.bulk_create([Post(**post) for post in new_posts(1_000)])

    async def bulk_insert_10000(self, _turn: int) -> list[Post]:
        return await Post.objects.bulk_create([Post(**post) for post in new_posts(10_000)])

    async def bulk_update_1000(self, turn: int) -> int:
        posts = [Post(id=key, title=self.title(turn)) for key in some_posts(turn, 1_000)]
        return await Post.objects.bulk_update(posts, ["title"])

    async def tx(self, turn: int) -> list[Post]:
        async with transaction():
            post = await Post.create(**new_post(turn))
            await Post.objects.filter(id=some_post(turn)).update(title=self.title(turn))
        return [post]

    async def aggregate(self, _turn: int) -> object:
        question = self._authors.values("age").annotate(n=Count("posts"), v=Avg("posts__views"))
        rows = await question.filter(n__gt=MORE_POSTS_THAN)
        for row in rows:
            _ = row["n"]
        return rows

    async def complex(self, _turn: int) -> list[Post]:
        wanted = (Q(views__gt=MANY_VIEWS) | Q(author__age__lt=YOUNG)) & ~Q(status=UNWANTED_STATUS)
        posts = await self._posts.filter(wanted).order_by("-id").limit(COMPLEX_LIMIT)
        for post in posts:
            _ = post.title
        return posts


class CovetInline(Covet):
    """The reads of the workload with a budget for short ones in the event loop."""

    name: ClassVar[str] = "covet inline"

    @classmethod
    async def connect(cls, url: str) -> CovetInline:
        DatabaseConfig(url=url, alias="inline", pool_size=POOL_SIZE, inline_budget=INLINE_BUDGET, replace=True)
        return cls(Post.objects.using("inline"), Author.objects.using("inline"))

    def works(self) -> Mapping[str, Work]:
        works = super().works()
        return {operation.name: works[operation.name] for operation in OPERATIONS if not operation.writes}


def _post(post: Post) -> Row:
    return (post.id, post.title, post.body, post.views, post.status, post.created_at, post.author_id)


def _author(author: Author) -> Row:
    return (author.id, author.name, author.email, author.age, author.is_active, author.created_at)


def _row(row: object) -> Row:
    match row:
        case Post():
            return _post(row)
        case dict():
            return tuple(row.values())
        case tuple():
            return row
        case _:
            raise TypeError(f"No row: {row!r}")
