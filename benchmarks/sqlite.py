"""The benchmarks' SQLite: a file in a folder of its own, in memory where the system has such a folder."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import aiosqlite

from benchmarks import sqlite_statements as sql
from benchmarks.aiosqlite_peer import PRAGMAS, moment_text
from benchmarks.data import POSTS, author_rows, post_rows, post_tag_rows, tag_rows
from benchmarks.database import Database
from benchmarks.operations import SQLITE
from benchmarks.peer import Row

_MEMORY = Path("/dev/shm")  # noqa: S108 - only a parent: the folder in it is made by tempfile, safely


@contextmanager
def sqlite_file() -> Iterator[Path]:
    """Yield the path of a database file that exists while the block runs."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        yield Path(folder) / "benchmark.sqlite3"


class SQLite(Database):
    """A SQLite file with the workload's tables."""

    name: ClassVar[str] = SQLITE

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self.url = f"sqlite:///{path}"
        self.path = path
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def opened(cls, path: Path) -> AsyncIterator[SQLite]:
        async with aiosqlite.connect(path, isolation_level=None) as connection:
            for pragma in PRAGMAS:
                await connection.execute_fetchall(pragma)
            yield cls(path, connection)

    async def version(self) -> str:
        place = "a file in memory" if _MEMORY in self.path.parents else "a file on disk"
        return f"SQLite {sqlite3.sqlite_version}, {place}, WAL, synchronous normal"

    async def load(self) -> None:
        await self._connection.executescript(sql.TABLES)
        await self._connection.execute_fetchall("BEGIN")
        await self._connection.executemany(
            "INSERT INTO author VALUES (?, ?, ?, ?, ?, ?)", [(*row[:5], moment_text(row[5])) for row in author_rows()]
        )
        await self._connection.executemany(
            "INSERT INTO post VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*row[:5], moment_text(row[5]), row[6]) for row in post_rows()],
        )
        await self._connection.executemany("INSERT INTO tag VALUES (?, ?)", tag_rows())
        await self._connection.executemany("INSERT INTO post_tag VALUES (?, ?)", post_tag_rows())
        await self._connection.execute_fetchall("COMMIT")
        await self._connection.execute_fetchall("ANALYZE")

    async def new_posts(self) -> list[Row]:
        rows = await self._connection.execute_fetchall(sql.NEW_POSTS, (POSTS,))
        return [(*row[:5], datetime.fromisoformat(row[5]), row[6]) for row in rows]

    async def title(self, key: int) -> str:
        rows = list(await self._connection.execute_fetchall("SELECT title FROM post WHERE id = ?", (key,)))
        return str(rows[0][0])

    async def reset(self) -> None:
        await self._connection.execute_fetchall(sql.REMOVE_NEW_POSTS, (POSTS,))
