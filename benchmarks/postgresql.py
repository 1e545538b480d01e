"""The benchmarks' PostgreSQL: a server of their own from the wheel, or a database made on the one of DATABASE_URL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar
from urllib.parse import urlsplit

import asyncpg

from benchmarks import postgresql_statements as sql
from benchmarks.data import POSTS, author_rows, post_rows, post_tag_rows, tag_rows
from benchmarks.database import Database
from benchmarks.operations import POSTGRESQL
from benchmarks.peer import Row


class PostgreSQL(Database):
    """A PostgreSQL database with the workload's tables."""

    name: ClassVar[str] = POSTGRESQL

    def __init__(self, url: str, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.url = url
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator[PostgreSQL]:
        connection = await asyncpg.connect(url)
        try:
            yield cls(url, connection)
        finally:
            await connection.close()

    async def version(self) -> str:
        number = str(await self._connection.fetchval("SHOW server_version")).split()[0]
        fsync = await self._connection.fetchval("SHOW fsync")
        way = "TCP" if urlsplit(self.url).hostname else "a Unix socket"
        return f"PostgreSQL {number} over {way}, fsync {fsync}"

    async def load(self) -> None:
        await self._connection.execute(sql.TABLES)
        await self._connection.copy_records_to_table("author", records=author_rows())
        await self._connection.copy_records_to_table("post", records=post_rows())
        await self._connection.copy_records_to_table("tag", records=tag_rows())
        await self._connection.copy_records_to_table("post_tag", records=post_tag_rows())
        await self._connection.execute("SELECT setval('author_id_seq', (SELECT max(id) FROM author))")
        await self._connection.execute("SELECT setval('post_id_seq', (SELECT max(id) FROM post))")
        await self._connection.execute("VACUUM ANALYZE author")
        await self._connection.execute("VACUUM ANALYZE post")
        await self._connection.execute("VACUUM ANALYZE tag")
        await self._connection.execute("VACUUM ANALYZE post_tag")

    async def new_posts(self) -> list[Row]:
        return [tuple(record) for record in await self._connection.fetch(sql.NEW_POSTS, POSTS)]

    async def title(self, key: int) -> str:
        return str(await self._connection.fetchval("SELECT title FROM post WHERE id = $1", key))

    async def reset(self) -> None:
        await self._connection.execute(sql.REMOVE_NEW_POSTS, POSTS)
        await self._connection.execute("VACUUM post")  # dead rows would slow what is timed next
