"""IN: lists of any length, subqueries and tuples."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from covet.database.schema.table import Column, Table
from covet.database.schema.types import Array, Binary, Boolean, Float, Integer, Json, Numeric, Text, Timestamp, Uuid
from covet.database.sql.ddl import CreateTable
from covet.database.sql.nodes import And, ColumnRef, Comparison, Constant, In, Param, ParamList
from covet.database.sql.statements import InsertRows, Select, Selected, TableRef, Update
from covet.exceptions import NotSupportedError

ID = ColumnRef(None, "id", Integer(64))
T = TableRef("t")


def test_a_list_is_one_parameter_on_postgresql_and_spread_on_sqlite(dialects):
    sqlite, postgresql = dialects
    where = And((In(ID, ParamList(0, Integer(64))), Comparison(">", ID, Param(1, Integer(64)))))
    select = Select((), T, where=where, limit=Param(2))
    compiled = sqlite.compile(select)
    for items, text in (((), ""), ((7,), "?3"), ([7, 8], "?3, ?4")):
        sql = f'SELECT 1 FROM "t" WHERE "id" IN ({text}) AND "id" > ?1 LIMIT ?2'
        assert compiled.bind((items, 5, 9)) == (sql, [5, 9, *items])
    assert compiled.sql == 'SELECT 1 FROM "t" WHERE "id" IN ((...)) AND "id" > ?1 LIMIT ?2'
    sql = 'SELECT 1 FROM "t" WHERE "id" = ANY($1::bigint[]) AND "id" > $2 LIMIT $3'
    assert postgresql.compile(select).bind(((1, 2), 5, 9)) == (sql, ((1, 2), 5, 9))
    negated = Select((), T, where=In(ID, ParamList(0, Integer(64)), negated=True))
    assert sqlite.compile(negated).bind(((1,),))[0] == 'SELECT 1 FROM "t" WHERE "id" NOT IN (?1)'
    assert postgresql.compile(negated).bind(((1,),))[0] == 'SELECT 1 FROM "t" WHERE "id" <> ALL($1::bigint[])'


def test_items_are_converted_one_by_one(dialects):
    sqlite, postgresql = dialects
    moment = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    select = Select((), T, where=In(ColumnRef(None, "at", Timestamp()), ParamList(0, Timestamp())))
    assert sqlite.compile(select).bind(([moment, None],))[1] == ["2024-01-01 00:00:00.000000+00:00", None]
    assert list(postgresql.compile(select).bind(([moment, None],))[1]) == [[moment, None]]
    select = Select((), T, where=In(ColumnRef(None, "j", Json()), ParamList(0, Json())))
    assert list(postgresql.compile(select).bind(([{"a": 1}, None],))[1]) == [['{"a": 1}', None]]
    assert postgresql.compile(select).sql.endswith("= ANY($1::jsonb[])")


def test_two_long_lists_share_the_placeholders_that_there_are(dialects):
    sqlite, _ = dialects
    where = And((In(ID, ParamList(0, Integer(64))), In(ID, ParamList(1, Integer(64))), Comparison("=", ID, Param(2))))
    compiled = sqlite.compile(Select((), T, where=where))
    sql, arguments = compiled.bind((range(32_764), [1, 2], 5))
    assert sql.endswith('IN (SELECT value FROM json_each(?32766)) AND "id" = ?1')
    assert len(arguments) == sqlite.max_params
    sql, arguments = compiled.bind((range(32_765), [1, 2], 5))
    assert sql == (
        'SELECT 1 FROM "t" WHERE "id" IN (SELECT value FROM json_each(?2)) AND "id" IN (?3, ?4) AND "id" = ?1'
    )
    assert len(arguments) == 4


@pytest.fixture
async def numbers(session):
    await session.create(CreateTable(Table("t", (Column("id", Integer(64)),))))
    await session.run(InsertRows(T, ("id",), (Integer(64),), 1000), *range(1000))
    return session


async def found(session, where, *params):
    return [row[0] for row in await session.run(Select((Selected(ID),), T, where=where), *params)]


async def test_lists_of_every_length(numbers):
    inside, outside = In(ID, ParamList(0, Integer(64))), In(ID, ParamList(0, Integer(64)), negated=True)
    for items in ([], [5], [5, 7], [5, 5], range(990, 41_000), [5, None], range(2**62, 2**62 + 40_000)):
        expected = [number for number in range(1000) if number in items]
        assert await found(numbers, inside, items) == expected
        rest = [] if None in items else [number for number in range(1000) if number not in items]
        assert await found(numbers, outside, items) == rest


VALUES = [
    (Integer(64), [2**63 - 1, -(2**63), 0], range(1, 40_000)),
    (Float(), [0.1, float("inf"), float("-inf"), 1.7976931348623157e308, 5e-324, 9007199254740993.0], range(40_000)),
    (Text(), ["", "é🎉", '"\\', "\n\t\x01", "a'b"], map(str, range(40_000))),
    (Binary(), [b"", b"\x00\xff"], (number.to_bytes(4, "big") for number in range(40_000))),
    (Numeric(), [Decimal("1.50"), Decimal("0.1")], map(Decimal, range(2, 40_002))),
    (Boolean(), [True], [True] * 40_000),
    (Timestamp(), [dt.datetime(2024, 1, 1, tzinfo=dt.UTC)], [dt.datetime(2023, 1, 1, tzinfo=dt.UTC)] * 40_000),
    (Uuid(), [uuid.UUID(int=5)], (uuid.UUID(int=number) for number in range(10, 40_010))),
]


@pytest.mark.parametrize(("logical", "values", "filler"), VALUES, ids=[str(each[0]) for each in VALUES])
async def test_a_list_beyond_the_parameter_limit_finds_what_a_short_one_finds(session, logical, values, filler):
    await session.create(CreateTable(Table("t", (Column("id", Integer(64)), Column("v", logical)))))
    params = [each for pair in enumerate(values) for each in pair]
    await session.run(InsertRows(T, ("id", "v"), (Integer(64), logical), len(values)), *params)
    where = In(ColumnRef(None, "v", logical), ParamList(0, logical))
    everything = list(range(len(values)))
    assert await found(session, where, values) == everything
    assert await found(session, where, [*filler, *values, None]) == everything


def test_a_long_list_of_different_types_is_refused_on_sqlite(dialects):
    sqlite, _ = dialects
    compiled = sqlite.compile(Select((), T, where=In(ID, ParamList(0))))
    with pytest.raises(NotSupportedError, match="SQLite takes at most 32766 values in a list of values of different"):
        compiled.bind((["a", 1] * 20_000,))


def test_a_list_of_lists_is_refused(dialects):
    for dialect in dialects:
        with pytest.raises(NotSupportedError, match=f"{dialect.title} cannot look for a list in a list of lists"):
            dialect.compile(Select((), T, where=In(ID, ParamList(0, Array(Integer())))))


async def test_a_subquery_and_a_tuple_of_expressions(numbers):
    few = Select((Selected(ID),), T, where=Comparison("<", ID, Param(0, Integer(64))))
    assert await found(numbers, In(ID, few), 3) == [0, 1, 2]
    assert len(await found(numbers, In(ID, few, negated=True), 3)) == 997
    assert await found(numbers, In(ID, (Constant(4), Param(0, Integer(64)))), 5) == [4, 5]
    assert await found(numbers, In(ID, ())) == []
    assert len(await found(numbers, In(ID, (), negated=True))) == 1000


async def test_a_list_in_an_update_stands_behind_other_parameters(numbers):
    update = Update(T, (("id", Param(1, Integer(64))),), In(ID, ParamList(0, Integer(64))), (Selected(ID),))
    assert await numbers.run(update, [3], 5000) == [(5000,)]
