"""Raw SQL: the user's path through an adapter."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from covet.database import Adapter, Result, Row, capture_queries
from covet.exceptions import DataError, ProgrammingError, TransactionError


async def test_execute_gives_rows_rowcount_and_status(tables: Adapter):
    inserted = await tables.execute("INSERT INTO parent VALUES ($1, $2), ($3, $4)", [1, "ann", 2, "bob"])
    assert (list(inserted), inserted.rowcount, inserted.status) == ([], 2, "INSERT 0 2")
    found = await tables.execute("SELECT id, name FROM parent WHERE id > $1 ORDER BY id", [0])
    assert isinstance(found, Result)
    assert [tuple(row) for row in found] == [(1, "ann"), (2, "bob")]
    assert (found.rowcount, found.status, found.columns) == (2, "SELECT 2", ("id", "name"))
    updated = await tables.execute("UPDATE parent SET name = $1 WHERE id = $2", "eve", 2)
    assert (updated.rowcount, updated.status) == (1, "UPDATE 1")
    deleted = await tables.execute("DELETE FROM parent RETURNING id, name")
    assert sorted(row.name for row in deleted) == ["ann", "eve"]
    assert deleted.status == "DELETE 2"


async def test_row_is_read_by_attribute_key_and_position(tables: Adapter):
    await tables.execute("INSERT INTO parent VALUES (1, 'ann')")
    row = await tables.fetch_one("SELECT id, name, 7 AS count FROM parent")
    assert isinstance(row, Row)
    assert (row.name, row["name"], row[1], row[-1], row.count) == ("ann", "ann", "ann", 7, 7)
    assert dict(row) == {"id": 1, "name": "ann", "count": 7}
    assert list(row) == [1, "ann", 7]
    assert row == (1, "ann", 7)
    assert row == {"id": 1, "name": "ann", "count": 7}
    assert "name" in row
    assert row.get("nothing", 3) == 3
    with pytest.raises(KeyError, match=r"no column 'age'\. Columns: id, name, count"):
        row["age"]
    with pytest.raises(AttributeError, match="no column 'age'"):
        row.age  # noqa: B018


async def test_fetch_one_and_fetch_value_give_none_without_rows(tables: Adapter):
    assert await tables.fetch_one("SELECT * FROM parent") is None
    assert await tables.fetch_value("SELECT id FROM parent") is None
    assert await tables.fetch_val("SELECT COUNT(*) FROM parent") == 0
    assert await tables.fetch_all("SELECT * FROM parent") == []


async def test_await_of_an_adapter_gives_the_adapter(adapter: Adapter):
    assert await adapter is adapter


async def test_execute_many_is_all_or_nothing(tables: Adapter):
    await tables.execute_many("INSERT INTO parent VALUES ($1, $2)", [[1, "ann"], (2, "bob")])
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent") == 2
    with pytest.raises(ProgrammingError, match="2 placeholders"):
        await tables.execute_many("INSERT INTO parent VALUES ($1, $2)", [[3, "eve"], [4]])
    with pytest.raises(Exception, match=r"parent_pkey|UNIQUE"):
        await tables.execute_many("INSERT INTO parent VALUES ($1, $2)", [[3, "eve"], [1, "dup"]])
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent") == 2


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ((), r"2 placeholders \(\$1 … \$2\) and was given 0"),
        (([1],), "was given 1"),
        ((1, 2, 3), "was given 3"),
        (([1, 2, 3],), "was given 3"),
    ],
)
async def test_wrong_number_of_parameters_is_an_error_before_sql(tables: Adapter, params: tuple[object, ...], message):
    with capture_queries() as queries, pytest.raises(ProgrammingError, match=message):
        await tables.execute("SELECT * FROM parent WHERE id = $1 OR id = $2", *params)
    assert queries == []


@pytest.mark.parametrize("mark", ["?", "%s", ":name", "@name"])
async def test_placeholders_of_another_style_get_a_hint(tables: Adapter, mark: str):
    with capture_queries() as queries, pytest.raises(ProgrammingError, match=r"write \$1, \$2"):
        await tables.execute(f"SELECT * FROM parent WHERE id = {mark}", [1])
    assert queries == []


async def test_literals_comments_and_quoted_names_stay_untouched(adapter: Adapter):
    sql = """SELECT '$1 %s ? :a' AS "a$1", $1 AS b -- $2 ?
             /* $3 '? */"""
    assert dict(await adapter.fetch_one(sql.replace("$1 AS b", "CAST($1 AS text) AS b"), ["x"]) or {}) == {
        "a$1": "$1 %s ? :a",
        "b": "x",
    }


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "DELETE FROM parent; DROP TABLE parent"])
async def test_two_statements_in_one_text_are_refused(tables: Adapter, sql: str):
    with pytest.raises(ProgrammingError, match="several statements"):
        await tables.execute(sql)
    assert (await tables.execute("SELECT 1;")).rowcount == 1


@pytest.mark.parametrize("sql", ["BEGIN", "commit", "ROLLBACK", "SAVEPOINT a", "/* x */ START TRANSACTION"])
async def test_transaction_commands_are_refused(adapter: Adapter, sql: str):
    with pytest.raises(TransactionError, match=r"async with transaction\(\)"):
        await adapter.execute(sql)


@pytest.mark.parametrize(
    ("sql_type", "value"),
    [
        ("text", "zoë 'quoted' $1"),
        ("integer", -5),
        ("double precision", 1.5),
        ("text", None),
    ],
)
async def test_values_come_back_as_they_went_in(adapter: Adapter, sql_type: str, value: object):
    await adapter.execute(f"CREATE TABLE v (x {sql_type})")
    await adapter.execute("INSERT INTO v VALUES ($1)", [value])
    assert await adapter.fetch_value("SELECT x FROM v") == value


@pytest.mark.parametrize(
    ("sql_type", "value"),
    [
        ("numeric", Decimal("12.50")),
        ("timestamptz", datetime(2024, 2, 29, 12, 30, 1, 5, tzinfo=UTC)),
        ("timestamp", datetime(2024, 2, 29, 12, 30)),
        ("date", date(2024, 2, 29)),
        ("time", time(1, 2, 3)),
        ("interval", timedelta(days=1, microseconds=3)),
        ("uuid", UUID("12345678-1234-5678-1234-567812345678")),
        ("jsonb", {"b": [1, None], "a": "x"}),
        ("bytea", b"\x00\xff"),
        ("boolean", True),
    ],
)
async def test_python_values_are_parameters_that_match_themselves(adapter: Adapter, sql_type: str, value: object):
    await adapter.execute(f"CREATE TABLE v (x {sql_type})")
    await adapter.execute("INSERT INTO v VALUES ($1)", [value])
    assert await adapter.fetch_value("SELECT COUNT(*) FROM v WHERE x = $1", [value]) == 1


async def test_value_that_the_database_cannot_hold_is_a_data_error_without_the_value(adapter: Adapter):
    await adapter.execute("CREATE TABLE v (x integer)")
    with pytest.raises(DataError) as caught:
        await adapter.execute("INSERT INTO v VALUES ($1)", [2**80])
    assert str(2**80) not in str(caught.value)
    with pytest.raises(DataError) as caught:
        await adapter.execute("INSERT INTO v VALUES ($1)", [object()])
    assert "object at" not in str(caught.value)


async def test_syntax_error_carries_the_statement_and_the_cause(adapter: Adapter):
    with pytest.raises(ProgrammingError) as caught:
        await adapter.execute("SELEC 1")
    assert caught.value.statement == "SELEC 1"
    assert caught.value.sqlstate
    assert caught.value.__cause__ is not None


async def test_unknown_table_hints_at_migrations(adapter: Adapter):
    with pytest.raises(ProgrammingError, match="create_all"):
        await adapter.fetch_all("SELECT * FROM nowhere")
