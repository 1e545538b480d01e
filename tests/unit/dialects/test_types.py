"""Every logical type: what goes in comes out, as a column and as a parameter."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from covet.database.schema.table import Column, DefaultValue, Table
from covet.database.schema.types import (
    Array,
    Binary,
    Boolean,
    Date,
    Float,
    Inet,
    Integer,
    Interval,
    Json,
    LogicalType,
    Numeric,
    Text,
    Time,
    Timestamp,
    Uuid,
    Varchar,
)
from covet.database.sql.ddl import CreateTable
from covet.database.sql.nodes import ColumnRef, Comparison, In, Param, ParamList
from covet.database.sql.statements import Insert, InsertColumns, InsertRows, Select, Selected, TableRef

UTC = dt.UTC
NAIVE = dt.datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
VALUES: list[tuple[LogicalType, list[object]]] = [
    (Boolean(), [True, False]),
    (Integer(16), [0, -32768, 32767]),
    (Integer(32), [0, -(2**31), 2**31 - 1]),
    (Integer(64), [0, -(2**63), 2**63 - 1]),
    (Float(), [0.0, 0.1, -1e308, 5e-324, float("inf"), float("-inf"), 1.0]),
    (Numeric(), [Decimal("1.50"), Decimal(0), Decimal("1E-20"), Decimal("-12345678901234567890.123456789")]),
    (Numeric(10, 2), [Decimal("1.50"), Decimal("-99999999.99"), Decimal("0.00"), Decimal("0.01")]),
    (Numeric(5, 0), [Decimal(12345), Decimal(-1)]),
    (Varchar(5), ["", "ééééé", "a'b\"c"]),
    (Text(), ["", "\\ % _ ' \" [ ] * ? É 🎉 \n\t", "12", " x "]),
    (Binary(), [b"", b"\x00\xff'", bytes(range(256))]),
    (Date(), [dt.date.min, dt.date.max, dt.date(2024, 2, 29)]),
    (Time(), [dt.time.min, dt.time.max, dt.time(12, 30)]),
    # asyncpg means minus infinity by the first moment and infinity by the last one, and reads them without a zone.
    (Timestamp(), [dt.datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC), dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]),
    (Timestamp(timezone=False), [NAIVE.replace(year=1), NAIVE.replace(year=9999), NAIVE]),
    (Interval(), [dt.timedelta(0), dt.timedelta(days=-3, microseconds=7), dt.timedelta(days=100_000, seconds=1)]),
    (Uuid(), [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)]),
    (Json(), [{"b": [1, 2.5, None, "É\\"], "a": {}}, [], "text", 1, False, "1"]),
    (Json(binary=False), [{"b": 1, "a": 2}, [None]]),
    (Inet(), ["127.0.0.1", "::1", "10.0.0.0/8"]),
    (Array(Integer()), [[], [1, None, -3]]),
    (Array(Text()), [[], ["a", None, "", "{,}'\""]]),
    (Array(Numeric()), [[Decimal("1.50"), None, Decimal("0.1000")]]),
    (Array(Timestamp()), [[dt.datetime(2024, 1, 1, 5, tzinfo=UTC), None]]),
    (Array(Uuid()), [[uuid.UUID(int=5)]]),
    (Array(Binary()), [[b"\x00\xff", None, b""]]),
    (Array(Boolean()), [[True, None, False]]),
    (Array(Float()), [[0.1, float("inf"), None]]),
    (Array(Interval()), [[dt.timedelta(seconds=1)]]),
    (Array(Json()), [[{"a": [1]}, "x", 5]]),
    (Array(Inet()), [["::1", None]]),
    (Array(Array(Date())), [[[dt.date(2024, 1, 1)], [dt.date(2024, 1, 2)]]]),
    (Array(Array(Inet())), [[["::1"], ["::2"]]]),
]
IDS = [str(logical) for logical, _ in VALUES]


def same(found: object, expected: object) -> bool:
    """Equal and of the same kind, down to the digits of a decimal."""
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, Decimal):
        return isinstance(found, Decimal) and format(found, "f") == format(expected, "f")
    return found == expected and isinstance(found, type(expected))


def table_of(logical: LogicalType) -> tuple[CreateTable, ColumnRef]:
    columns = (Column("id", Integer(64)), Column("v", logical, nullable=True))
    return CreateTable(Table("t", columns)), ColumnRef(None, "v", logical)


@pytest.mark.parametrize(("logical", "values"), VALUES, ids=IDS)
async def test_a_value_comes_back_as_it_went_in(session, logical, values):
    create, column = table_of(logical)
    await session.create(create)
    insert = Insert(TableRef("t"), ("id", "v"), ((Param(0, Integer(64)), Param(1, logical)),), (Selected(column),))
    for number, value in enumerate([*values, None]):
        rows = await session.run(insert, number, value)
        assert same(rows[0][0], value), rows
        query = Select((Selected(column),), TableRef("t"), where=Comparison("=", ColumnRef(None, "id"), Param(0)))
        rows = await session.run(query, number)
        assert same(rows[0][0], value), rows


@pytest.mark.parametrize(("logical", "values"), VALUES, ids=IDS)
async def test_many_values_come_back_as_they_went_in(session, logical, values):
    create, column = table_of(logical)
    await session.create(create)
    params = [each for pair in enumerate([*values, None]) for each in pair]
    insert = InsertRows(
        TableRef("t"), ("id", "v"), (Integer(64), logical), len(values) + 1, (Selected(ColumnRef(None, "id")),)
    )
    assert await session.run(insert, *params) == [(number,) for number in range(len(values) + 1)]
    rows = await session.run(Select((Selected(column),), TableRef("t")))
    assert all(same(found, value) for (found,), value in zip(rows, [*values, None], strict=True)), rows


@pytest.mark.parametrize(("logical", "values"), VALUES, ids=IDS)
async def test_a_parameter_in_the_result_keeps_its_type(session, logical, values):
    for value in [*values, None]:
        assert same(await session.value(Param(0, logical), value), value)


@pytest.mark.parametrize(
    ("logical", "values"), [each for each in VALUES if each[0] != Json(binary=False)], ids=lambda each: str(each)[:40]
)
async def test_a_stored_value_equals_its_parameter(session, logical, values):
    create, column = table_of(logical)
    await session.create(create)
    insert = Insert(TableRef("t"), ("id", "v"), ((Param(0, Integer(64)), Param(1, logical)),))
    for number, value in enumerate(values):
        await session.run(insert, number, value)
        query = Select(
            (Selected(ColumnRef(None, "id")),), TableRef("t"), where=Comparison("=", column, Param(0, logical))
        )
        assert await session.run(query, value) == [(number,)]
    if not isinstance(logical, Array):
        query = Select((Selected(column),), TableRef("t"), where=In(column, ParamList(0, logical)))
        assert len(await session.run(query, values)) == len(values)


@pytest.mark.parametrize(("logical", "values"), VALUES, ids=IDS)
async def test_a_default_is_the_value(session, logical, values):
    for number, value in enumerate(values):
        column = Column("v", logical, default=DefaultValue(value))
        await session.create(CreateTable(Table(f"t{number}", (column,))))
        insert = Insert(TableRef(f"t{number}"), (), ((),), (Selected(ColumnRef(None, "v", logical)),))
        (row,) = await session.run(insert)
        assert same(row[0], value), row


@pytest.mark.parametrize(("logical", "values"), [each for each in VALUES if not isinstance(each[0], Array)])
async def test_columns_of_values_come_back_as_they_went_in(session, logical, values):
    if not session.dialect.supports_unnest:
        return
    create, column = table_of(logical)
    await session.create(create)
    insert = InsertColumns(TableRef("t"), ("id", "v"), (Integer(64), logical), (Selected(column),))
    rows = await session.run(insert, list(range(len(values) + 1)), [*values, None])
    assert all(same(found, value) for (found,), value in zip(rows, [*values, None], strict=True)), rows
