"""Configuration and connections, statement by statement: construct it, use it, forget it."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import pytest

from covet import ConfigurationError, IntegrityError, create_all
from covet.database import DatabaseConfig, capture_queries, get_adapter
from covet.exceptions import ProgrammingError
from tests.conftest import Database
from tests.models.community import Post, User


async def rows_seen_by_another_connection(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """Ask through the driver alone, past covet."""
    if database.name == "sqlite":
        connection = sqlite3.connect(database.url.removeprefix("sqlite:///"))
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()
    server = await asyncpg.connect(database.url)
    try:
        return [tuple(row) for row in await server.fetch(sql)]
    finally:
        await server.close()


def keywords_for(database: Database) -> dict[str, Any]:
    """Return the parts of the URL as the keywords of the guide."""
    if database.name == "sqlite":
        return {"engine": "sqlite", "database": database.url.removeprefix("sqlite:///")}
    parts = urlsplit(database.url)
    socket = parse_qs(parts.query).get("host")
    keywords: dict[str, Any] = {"database": parts.path[1:], "user": unquote(parts.username or "")}
    keywords["host"] = socket[0] if socket else unquote(parts.hostname or "localhost")
    keywords["password"] = unquote(parts.password) if parts.password else ""
    if parts.port:
        keywords["port"] = parts.port
    return keywords


async def test_constructing_the_configuration_is_the_whole_setup(database: Database) -> None:
    DatabaseConfig(**keywords_for(database), replace=True)
    gc.collect()  # nobody holds the configuration: covet does not need a variable that is called DATABASE
    await create_all(models=[User, Post])
    assert await User.objects.count() == 0


async def test_constructing_sends_nothing(database: Database) -> None:
    with capture_queries(transactions=True) as queries:
        DatabaseConfig(url="postgresql://nobody:secret@127.0.0.1:1/none", alias="unused")
    assert queries == []


def test_port_is_that_of_the_server_unless_given() -> None:
    assert DatabaseConfig(host="h", database="d", user="u", password="p", register=False).port == 5432
    assert DatabaseConfig(host="h", database="d", user="u", port=6432, register=False).port == 6432


def test_username_is_another_name_of_user() -> None:
    assert DatabaseConfig(host="h", database="d", username="ann", register=False).user == "ann"
    with pytest.raises(ConfigurationError, match="user"):
        DatabaseConfig(host="h", database="d", username="ann", user="bob", register=False)


async def test_saved_row_is_visible_to_another_connection_at_once(database: Database) -> None:
    await create_all(models=[User])
    user = User(username="alice", email="alice@example.com")
    await user.save()
    assert type(user.id) is int
    assert user.id > 0
    rows = await rows_seen_by_another_connection(database, "SELECT id, username FROM users")
    assert rows == [(user.id, "alice")]


SCRIPT = """
import asyncio, sys, time
from covet import CharField, DatabaseConfig, Model, create_all

options = {"application_name": "covet-script"} if "postgresql" in sys.argv[1] else {}
DatabaseConfig(url=sys.argv[1], **options)

class User(Model):
    username = CharField(max_length=100)

    class Meta:
        db_table = "script_users"

async def main():
    await create_all(models=[User])
    user = User(username="alice")
    await user.save()
    print(user.id)

async def again():
    print(await User.objects.count())

asyncio.run(main())
if "twice" in sys.argv:
    asyncio.run(again())
print(time.monotonic())
"""


@pytest.mark.parametrize(("arguments", "output"), [((), ["1"]), (("twice",), ["1", "1"])])
async def test_script_that_never_closes_ends_at_once_and_silently(
    database: Database, tmp_path: Path, arguments: tuple[str, ...], output: list[str]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "error", str(script), database.url, *arguments]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, timeout=60, env={"PYTHONPATH": str(root)}
    )
    ended = time.monotonic()
    assert done.stderr == ""
    assert done.returncode == 0
    *lines, last = done.stdout.split()
    assert lines == output
    assert ended - float(last) < 1
    if database.name == "postgresql":
        sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'covet-script'"
        assert await rows_seen_by_another_connection(database, sql) == [(0,)]


async def test_connections_return_to_the_pool_after_each_statement(database: Database) -> None:
    DatabaseConfig(url=database.url, replace=True, pool_size=3, max_overflow=0)
    await create_all(models=[User])
    for number in range(20):
        await User(username=f"user{number}").save()
    stats: dict[str, Any] = dict(await get_adapter("default").get_pool_stats())
    assert stats["used_size"] == 0
    assert stats["size"] <= stats["max_size"]


async def test_each_statement_outside_a_transaction_commits_by_itself(database: Database) -> None:
    await create_all(models=[User])
    await User.create(username="alice")
    with pytest.raises(IntegrityError):
        await User.create(username="alice")
    await User.create(username="bob")
    rows = await rows_seen_by_another_connection(database, "SELECT username FROM users ORDER BY username")
    assert rows == [("alice",), ("bob",)]


def test_pool_has_the_documented_keywords_and_defaults() -> None:
    plain = DatabaseConfig(host="h", database="d", register=False)
    assert (plain.pool_size, plain.max_overflow, plain.pool_timeout, plain.pool_recycle) == (5, 10, 10, 3600)
    assert (plain.pool_pre_ping, plain.echo, plain.echo_pool) == (False, False, False)
    options: dict[str, Any] = {
        "pool_size": 2,
        "max_overflow": 1,
        "pool_timeout": 3.5,
        "pool_recycle": 60,
        "pool_pre_ping": True,
        "echo": True,
        "echo_pool": True,
    }
    given = DatabaseConfig(host="h", database="d", register=False, **options)
    assert {name: getattr(given, name) for name in options} == options


async def test_adapter_is_usable_directly_and_awaitable_to_itself(database: Database) -> None:
    adapter = get_adapter("default")
    assert await adapter is adapter
    assert await get_adapter() is adapter
    assert (await adapter.execute("SELECT 1 AS one"))[0].one == 1


async def test_execute_takes_one_list_and_gives_the_rows(database: Database) -> None:
    await create_all(models=[User])
    for username, age in (("young", 18), ("old", 19), ("older", 20)):
        await User.create(username=username, age=age)
    adapter = get_adapter("default")
    result = await adapter.execute("SELECT * FROM users WHERE age > $1 ORDER BY age", [18])
    assert [row["username"] for row in result] == ["old", "older"]
    assert [row.age for row in result] == [19, 20]
    assert (result.rowcount, result.status) == (2, "SELECT 2")
    assert [row.age for row in await adapter.execute("SELECT age FROM users WHERE age > $1", (19,))] == [20]
    assert [row.age for row in await adapter.execute("SELECT age FROM users WHERE age > $1 AND age < $2", 18, 20)] == [
        19
    ]


async def test_execute_of_a_write_gives_count_status_and_returned_rows(database: Database) -> None:
    await create_all(models=[User])
    await User.create(username="alice", age=1)
    adapter = get_adapter("default")
    changed = await adapter.execute("UPDATE users SET age = $1 WHERE username = $2", [2, "alice"])
    assert (list(changed), changed.rowcount, changed.status) == ([], 1, "UPDATE 1")
    returned = await adapter.execute("UPDATE users SET age = age + 1 RETURNING age")
    assert [row.age for row in returned] == [3]
    assert (await adapter.execute("DELETE FROM users")).status == "DELETE 1"


async def test_fetch_methods_give_one_row_all_rows_and_a_value(database: Database) -> None:
    await create_all(models=[User])
    adapter = get_adapter("default")
    insert = "INSERT INTO users (username, first_name, last_name, is_staff, is_superuser, created_at) VALUES "
    await adapter.execute_many(f"{insert} ($1, '', '', FALSE, FALSE, CURRENT_TIMESTAMP)", [["alice"], ["bob"]])
    all_rows = await adapter.fetch_all("SELECT username FROM users ORDER BY username")
    assert [row["username"] for row in all_rows] == ["alice", "bob"]
    one = await adapter.fetch_one("SELECT username FROM users WHERE username = $1", ["bob"])
    assert one is not None
    assert dict(one) == {"username": "bob"}
    assert await adapter.fetch_one("SELECT 1 FROM users WHERE username = $1", ["nobody"]) is None
    assert await adapter.fetch_value("SELECT count(*) FROM users") == 2
    assert await adapter.fetch_value("SELECT 1 FROM users WHERE 1 = 0") is None


@pytest.mark.parametrize("sql", ["SELECT * FROM users WHERE age > %s", "SELECT * FROM users WHERE age > ?"])
async def test_other_placeholders_are_refused_with_a_hint(database: Database, sql: str) -> None:
    await create_all(models=[User])
    with pytest.raises(ProgrammingError, match=r"\$1"):
        await get_adapter("default").execute(sql, [18])


async def test_a_hundred_tasks_share_a_pool_of_five(database: Database) -> None:
    DatabaseConfig(url=database.url, replace=True, pool_size=5, max_overflow=0)
    await create_all(models=[User])

    async def create_user(number: int) -> None:
        user = User(username=f"user{number}")
        await user.save()

    await asyncio.gather(*(create_user(number) for number in range(100)))
    assert await User.objects.count() == 100
    stats: dict[str, Any] = dict(await get_adapter("default").get_pool_stats())
    assert stats["used_size"] == 0
    assert stats["size"] <= 5 + (database.name == "sqlite")  # SQLite: the writer besides the readers


async def test_unknown_alias_is_refused_with_those_that_are_there(database: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere.*default"):
        await User.objects.using("nowhere").count()


def test_query_without_any_configuration_shows_what_to_write() -> None:
    root = Path(__file__).parents[2]
    script = "import asyncio, tests.models.community as c\nasyncio.run(c.User.objects.count())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60, cwd=root, env={}
    )
    assert "ConfigurationError" in done.stderr
    assert "DatabaseConfig(" in done.stderr
