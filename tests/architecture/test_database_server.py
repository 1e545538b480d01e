"""The PostgreSQL server of the tests: empty before each test, the same on every machine, gone afterwards."""

from __future__ import annotations

import asyncpg
import pytest

from tests import postgresql_server


async def test_emptying_a_database_drops_everything_and_ends_other_sessions(postgresql_url: str) -> None:
    left_open = await asyncpg.connect(postgresql_url)
    await left_open.execute("CREATE SCHEMA other; CREATE TABLE other.a (id int); CREATE TABLE b (id int)")
    await left_open.execute("BEGIN; LOCK TABLE b")
    await postgresql_server.empty(postgresql_url)
    assert left_open.is_closed()
    connection = await asyncpg.connect(postgresql_url)
    try:
        schemas = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname IN ('public', 'other')")
        assert [row["nspname"] for row in schemas] == ["public"]
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await connection.close()


async def test_strings_compare_by_code_point_and_change_case_beyond_ascii(postgresql_url: str) -> None:
    connection = await asyncpg.connect(postgresql_url)
    try:
        assert await connection.fetchval("SELECT upper('é')") == "É"
        assert await connection.fetchval("SELECT 'B' < 'a'") is True
    finally:
        await connection.close()


def test_a_server_that_cannot_be_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgresql_server.URL_VARIABLE, "postgresql://nobody@127.0.0.1:9/postgres")
    with pytest.raises(OSError, match="9"), postgresql_server.test_database():
        pytest.fail("no server is there")
