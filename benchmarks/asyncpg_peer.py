"""asyncpg by hand: through its pool, the usual way and the measure of every ratio, and on one connection kept."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, ClassVar

import asyncpg

from benchmarks import postgresql_statements as sql
from benchmarks.data import new_post, new_posts, some_post, some_posts
from benchmarks.operations import POOL_SIZE
from benchmarks.peer import Peer, Row, Work, columns
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

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Connections = AbstractAsyncContextManager[Connection]
    Records = Sequence[asyncpg.Record]


class _Asyncpg(Peer):
    @abstractmethod
    def acquire(self) -> Connections: ...

    def works(self) -> Mapping[str, Work]:
        return {
            "get_pk": self.get_pk,
            "filter_100": self.filter_100,
            "filter_10000": self.filter_10000,
            "values_10000": self.filter_10000,
            "values_10000_tuples": self.filter_10000,
            "fk_join_1000": self.fk_join_1000,
            "fk_prefetch_1000": self.fk_prefetch_1000,
            "fk_awaited_1000": self.fk_prefetch_1000,
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
        if not isinstance(answer, list):
            return [] if answer is None else [(answer,)]
        if operation == "prefetch":
            return [
                (*post, *author, *sorted(tag["id"] for tag in tags)) for author, posts in answer for post, tags in posts
            ]
        if operation in {"fk_prefetch_1000", "fk_awaited_1000"}:
            return [(*post, *author) for post, author in answer]
        return [tuple(record) for record in answer]

    async def get_pk(self, turn: int) -> Records:
        async with self.acquire() as connection:
            record = await connection.fetchrow(sql.ONE_POST, some_post(turn))
        if record is None:
            raise LookupError(some_post(turn))
        _ = record["title"]
        return [record]

    async def filter_100(self, _turn: int) -> Records:
        return await self._titled(sql.SOME_POSTS, STATUS, LIMIT_100)

    async def filter_10000(self, _turn: int) -> Records:
        return await self._titled(sql.ALL_POSTS)

    async def fk_join_1000(self, _turn: int) -> Records:
        async with self.acquire() as connection:
            records = await connection.fetch(sql.POSTS_WITH_AUTHOR, JOINED_POSTS)
        for record in records:
            _ = record["author_name"]
        return records

    async def fk_prefetch_1000(self, _turn: int) -> list[tuple[asyncpg.Record, asyncpg.Record]]:
        async with self.acquire() as connection:
            posts = await connection.fetch(sql.POSTS_ALONE, JOINED_POSTS)
            keys = list(dict.fromkeys(post["author_id"] for post in posts))
            authors = {author["id"]: author for author in await connection.fetch(sql.AUTHORS_OF, keys)}
        answer = [(post, authors[post["author_id"]]) for post in posts]
        for _post, author in answer:
            _ = author["name"]
        return answer

    async def prefetch(
        self, _turn: int
    ) -> list[tuple[asyncpg.Record, list[tuple[asyncpg.Record, list[asyncpg.Record]]]]]:
        async with self.acquire() as connection:
            authors = await connection.fetch(sql.SOME_AUTHORS, PREFETCHED_AUTHORS)
            posts = await connection.fetch(sql.THEIR_POSTS, [author["id"] for author in authors])
            tags = await connection.fetch(sql.TAGS_OF, [post["id"] for post in posts])
        by_post: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
        for tag in tags:
            by_post[tag["post_id"]].append(tag)
        by_author: defaultdict[int, list[tuple[asyncpg.Record, list[asyncpg.Record]]]] = defaultdict(list)
        for post in posts:
            by_author[post["author_id"]].append((post, by_post[post["id"]]))
        answer = [(author, by_author[author["id"]]) for author in authors]
        for _author, theirs in answer:
            for post, its in theirs:
                _ = post["title"]
                for tag in its:
                    _ = tag["name"]
        return answer

    async def insert_one(self, turn: int) -> object:
        async with self.acquire() as connection:
            return await connection.fetchval(sql.INSERT_RETURNING_ID, *columns(new_post(turn)))

    async def update_one(self, turn: int) -> None:
        async with self.acquire() as connection:
            record = await connection.fetchrow(sql.ONE_POST, some_post(turn))
            if record is None:
                raise LookupError(some_post(turn))
            await connection.execute(sql.SAVE_TITLE, self.title(turn), record["id"])

    async def bulk_insert_1000(self, _turn: int) -> None:
        await self._bulk_insert(1_000)

    async def bulk_insert_10000(self, _turn: int) -> None:
        await self._bulk_insert(10_000)

    async def bulk_update_1000(self, turn: int) -> None:
        keys = some_posts(turn, 1_000)
        async with self.acquire() as connection:
            await connection.execute(sql.SAVE_TITLES, keys, [self.title(turn)] * len(keys))

    async def tx(self, turn: int) -> None:
        async with self.acquire() as connection, connection.transaction():
            await connection.fetchval(sql.INSERT_RETURNING_ID, *columns(new_post(turn)))
            await connection.execute(sql.SAVE_TITLE, self.title(turn), some_post(turn))

    async def aggregate(self, _turn: int) -> Records:
        async with self.acquire() as connection:
            records = await connection.fetch(sql.AGES, MORE_POSTS_THAN)
        for record in records:
            _ = record["n"]
        return records

    async def complex(self, _turn: int) -> Records:
        return await self._titled(sql.COMPLEX, MANY_VIEWS, YOUNG, UNWANTED_STATUS, COMPLEX_LIMIT)

    async def _titled(self, statement: str, *arguments: object) -> Records:
        async with self.acquire() as connection:
            records = await connection.fetch(statement, *arguments)
        for record in records:
            _ = record["title"]
        return records

    async def _bulk_insert(self, count: int) -> None:
        rows = [columns(post) for post in new_posts(count)]
        async with self.acquire() as connection:
            await connection.executemany(sql.INSERT, rows)


class AsyncpgPool(_Asyncpg):
    """Through asyncpg's pool, one ``acquire`` an operation."""

    name: ClassVar[str] = "asyncpg"

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str) -> AsyncpgPool:
        return cls(await asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE))

    def works(self) -> Mapping[str, Work]:
        return {**super().works(), "get_pk_concurrent": self.get_pk}

    def acquire(self) -> Connections:
        return self._pool.acquire()

    async def close(self) -> None:
        await self._pool.close()


class AsyncpgConnection(_Asyncpg):
    """On one connection that is never given back."""

    name: ClassVar[str] = "asyncpg held"
    connections: ClassVar[int] = 1

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, url: str) -> AsyncpgConnection:
        return cls(await asyncpg.connect(url))

    def acquire(self) -> Connections:
        return nullcontext(self._connection)

    async def close(self) -> None:
        await self._connection.close()
