"""aiosqlite by hand: one connection, one hop to its thread a statement, rows as the tuples it gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar, cast

import aiosqlite

from benchmarks import sqlite_statements as sql
from benchmarks.data import NewPost, new_post, new_posts, some_post, some_posts
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

# What covet sets as well: the peers have to ask the same of the database.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
)

_TITLE = 1
_AUTHOR_ID = 6
_AUTHOR_NAME = 8
_MOMENTS = (5, 12)  # created_at of a post or an author, and of the author that follows a post
_COUNT = 1
_TAG_NAME = 2

Tuples = list[tuple[object, ...]]


class Aiosqlite(Peer):
    """One connection in autocommit, ``execute_fetchall`` for every statement."""

    name: ClassVar[str] = "aiosqlite"
    connections: ClassVar[int] = 1

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, path: Path) -> Aiosqlite:
        connection = await aiosqlite.connect(path, isolation_level=None)
        for pragma in PRAGMAS:
            await connection.execute_fetchall(pragma)
        return cls(connection)

    async def close(self) -> None:
        await self._connection.close()

    def works(self) -> Mapping[str, Work]:
        return {
            "get_pk": self.get_pk,
            "get_pk_concurrent": self.get_pk,
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
                (*_plain(post + author), *sorted(tag[1] for tag in tags))
                for author, posts in answer
                for post, tags in posts
            ]
        if operation in {"fk_prefetch_1000", "fk_awaited_1000"}:
            return [_plain(post + author) for post, author in answer]
        return [_plain(row) for row in answer]

    async def get_pk(self, turn: int) -> Tuples:
        rows = await self._fetch(sql.ONE_POST, (some_post(turn),))
        _ = rows[0][_TITLE]
        return rows

    async def filter_100(self, _turn: int) -> Tuples:
        return await self._titled(sql.SOME_POSTS, (STATUS, LIMIT_100))

    async def filter_10000(self, _turn: int) -> Tuples:
        return await self._titled(sql.ALL_POSTS)

    async def fk_join_1000(self, _turn: int) -> Tuples:
        rows = await self._fetch(sql.POSTS_WITH_AUTHOR, (JOINED_POSTS,))
        for row in rows:
            _ = row[_AUTHOR_NAME]
        return rows

    async def fk_prefetch_1000(self, _turn: int) -> list[tuple[object, ...]]:
        posts = await self._fetch(sql.POSTS_ALONE, (JOINED_POSTS,))
        keys = list(dict.fromkeys(post[_AUTHOR_ID] for post in posts))
        authors = {author[0]: author for author in await self._fetch(sql.AUTHORS_OF.format(_marks(keys)), keys)}
        answer: list[tuple[object, ...]] = [(post, authors[post[_AUTHOR_ID]]) for post in posts]
        for _, author in answer:
            _ = author[_TITLE]  # type: ignore[index]  # a tuple of tuples
        return answer

    async def prefetch(self, _turn: int) -> list[tuple[tuple[object, ...], list[tuple[tuple[object, ...], Tuples]]]]:
        authors = await self._fetch(sql.SOME_AUTHORS, (PREFETCHED_AUTHORS,))
        posts = await self._fetch(sql.THEIR_POSTS, [author[0] for author in authors])
        keys = [post[0] for post in posts]
        by_post: defaultdict[object, Tuples] = defaultdict(list)
        for tag in await self._fetch(sql.TAGS_OF.format(_marks(keys)), keys):
            by_post[tag[0]].append(tag)
        by_author: defaultdict[object, list[tuple[tuple[object, ...], Tuples]]] = defaultdict(list)
        for post in posts:
            by_author[post[_AUTHOR_ID]].append((post, by_post[post[0]]))
        answer = [(author, by_author[author[0]]) for author in authors]
        for _author, theirs in answer:
            for post, tags in theirs:
                _ = post[_TITLE]
                for tag in tags:
                    _ = tag[_TAG_NAME]
        return answer

    async def insert_one(self, turn: int) -> object:
        rows = await self._fetch(sql.INSERT_RETURNING_ID, stored(new_post(turn)))
        return rows[0][0]

    async def update_one(self, turn: int) -> None:
        rows = await self._fetch(sql.ONE_POST, (some_post(turn),))
        await self._fetch(sql.SAVE_TITLE, (self.title(turn), rows[0][0]))

    async def bulk_insert_1000(self, _turn: int) -> None:
        await self._bulk_insert(1_000)

    async def bulk_insert_10000(self, _turn: int) -> None:
        await self._bulk_insert(10_000)

    async def bulk_update_1000(self, turn: int) -> None:
        await self._many(sql.SAVE_TITLE, [(self.title(turn), key) for key in some_posts(turn, 1_000)])

    async def tx(self, turn: int) -> None:
        await self._fetch("BEGIN IMMEDIATE")
        try:
            await self._fetch(sql.INSERT_RETURNING_ID, stored(new_post(turn)))
            await self._fetch(sql.SAVE_TITLE, (self.title(turn), some_post(turn)))
        except BaseException:
            await self._fetch("ROLLBACK")
            raise
        await self._fetch("COMMIT")

    async def aggregate(self, _turn: int) -> Tuples:
        rows = await self._fetch(sql.AGES, (MORE_POSTS_THAN,))
        for row in rows:
            _ = row[_COUNT]
        return rows

    async def complex(self, _turn: int) -> Tuples:
        return await self._titled(sql.COMPLEX, (MANY_VIEWS, YOUNG, UNWANTED_STATUS, COMPLEX_LIMIT))

    async def _fetch(self, statement: str, arguments: Iterable[object] = ()) -> Tuples:
        return cast("Tuples", await self._connection.execute_fetchall(statement, arguments))  # declared as an iterable

    async def _titled(self, statement: str, arguments: Iterable[object] = ()) -> Tuples:
        rows = await self._fetch(statement, arguments)
        for row in rows:
            _ = row[_TITLE]
        return rows

    async def _bulk_insert(self, count: int) -> None:
        await self._many(sql.INSERT, [stored(post) for post in new_posts(count)])

    async def _many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        await self._fetch("BEGIN IMMEDIATE")
        try:
            await self._connection.executemany(statement, rows)
        except BaseException:
            await self._fetch("ROLLBACK")
            raise
        await self._fetch("COMMIT")


def stored(post: NewPost) -> tuple[str, str, int, str, str, int]:
    """Order the values of a post for a statement, the date-time as text."""
    title, body, views, status, created_at, author_id = columns(post)
    return (title, body, views, status, moment_text(created_at), author_id)


def moment_text(value: datetime) -> str:
    """Write a date-time as covet's SQLite columns hold it."""
    return value.isoformat(" ", "microseconds")


def _plain(row: tuple[object, ...]) -> Row:
    return tuple(
        datetime.fromisoformat(value) if index in _MOMENTS and isinstance(value, str) else value
        for index, value in enumerate(row)
    )


def _marks(keys: Sequence[object]) -> str:
    return ", ".join("?" * len(keys))
