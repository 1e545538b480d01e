"""Numbers give the same results on both databases: order, equality, sums, every operator."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet.database.dialects.sqlite import decimals
from covet.database.schema.constraints import Unique
from covet.database.schema.table import Column, Table
from covet.database.schema.types import (
    Binary,
    Boolean,
    Float,
    Integer,
    Interval,
    Json,
    LogicalType,
    Numeric,
    Text,
    Uuid,
)
from covet.database.sql.ddl import CreateTable
from covet.database.sql.nodes import (
    AggregateCall,
    Arithmetic,
    Between,
    Case,
    Cast,
    ColumnRef,
    Comparison,
    Constant,
    Function,
    In,
    Param,
    ParamList,
)
from covet.database.sql.statements import Insert, InsertRows, Order, Select, Selected, TableRef, Update
from covet.exceptions import NotSupportedError

PRICE = ColumnRef(None, "price", Numeric())
COUNT = ColumnRef(None, "n", Integer())
RATIO = ColumnRef(None, "f", Float())
ITEMS = TableRef("items")
PRICES = [Decimal(10), Decimal("9.50"), Decimal("1.5"), Decimal("1.50"), Decimal(-2), None]
DECIMALS = [
    Decimal(text)
    for text in ("0", "1", "-1", "1.50", "-0.003", "9999.9999", "10000", "123456789012345678901234567890", "7E-15", "3")
]


@pytest.fixture
async def items(session):
    columns = (
        Column("id", Integer(64)),
        Column("price", Numeric(), nullable=True),
        Column("n", Integer()),
        Column("f", Float()),
    )
    await session.create(CreateTable(Table("items", columns)))
    types = tuple(column.type for column in columns)
    insert = InsertRows(ITEMS, ("id", "price", "n", "f"), types, len(PRICES))
    params = [value for number, price in enumerate(PRICES) for value in (number, price, number - 2, number / 2)]
    await session.run(insert, *params)
    return session


async def ids(session, where, *params, order=()):
    select = Select((Selected(ColumnRef(None, "id")),), ITEMS, where=where, order_by=order)
    return [row[0] for row in await session.run(select, *params)]


def test_decimals_are_compared_through_the_collation_on_sqlite(dialects):
    sqlite, postgresql = dialects
    select = Select((Selected(Constant(1)),), ITEMS, where=Comparison(">", PRICE, Param(0, Numeric())))
    assert sqlite.compile(select).bind((Decimal("1.50"),)) == (
        'SELECT 1 FROM "items" WHERE "price" COLLATE covet_decimal > ?1',
        ["1.50"],
    )
    assert postgresql.compile(select).bind((Decimal("1.50"),)) == (
        'SELECT 1 FROM "items" WHERE "price" > $1',
        (Decimal("1.50"),),
    )


async def test_decimals_sort_by_value(items):
    key = ColumnRef(None, "id")
    assert await ids(items, None, order=(Order(PRICE), Order(key))) == [4, 2, 3, 1, 0, 5]
    assert await ids(items, None, order=(Order(PRICE, descending=True), Order(key))) == [5, 0, 1, 2, 3, 4]


async def test_decimals_are_equal_by_value(items):
    value = Decimal("1.500")
    assert await ids(items, Comparison("=", PRICE, Param(0, Numeric())), value) == [2, 3]
    assert await ids(items, Comparison("=", Param(0, Numeric()), PRICE), value) == [2, 3]
    assert await ids(items, Comparison("<>", PRICE, Param(0, Numeric())), value) == [0, 1, 4]
    assert await ids(items, In(PRICE, ParamList(0, Numeric())), [value, Decimal("10.0")]) == [0, 2, 3]
    assert await ids(items, In(PRICE, (Param(0, Numeric()), Constant(10))), value) == [0, 2, 3]
    between = Between(PRICE, Param(0, Numeric()), Param(1, Numeric()))
    assert await ids(items, between, Decimal("1.5"), Decimal("9.5")) == [1, 2, 3]


async def test_decimals_compare_with_integers_and_floats(items):
    assert await ids(items, Comparison(">=", PRICE, Constant(2))) == [0, 1]
    assert await ids(items, Comparison(">=", PRICE, Param(0, Integer())), 10) == [0]
    assert await ids(items, Comparison("<", PRICE, COUNT)) == [4]
    assert await ids(items, Comparison("<", COUNT, PRICE)) == [0, 1, 2, 3]
    assert await ids(items, Comparison("=", PRICE, Param(0, Float())), 9.5) == [1]


async def test_decimals_are_grouped_and_distinct_by_value(items):
    grouped = Select((Selected(AggregateCall("count")),), ITEMS, group_by=(PRICE,), order_by=(Order(PRICE),))
    assert await items.run(grouped) == [(1,), (2,), (1,), (1,), (1,)]
    distinct = Select((Selected(PRICE, "p"),), ITEMS, distinct=True)
    assert len(await items.run(distinct)) == 5
    counted = Select((Selected(AggregateCall("count", PRICE, distinct=True)),), ITEMS)
    assert await items.run(counted) == [(4,)]


async def test_decimal_aggregates(items):
    names = ("sum", "avg", "min", "max")
    select = Select(tuple(Selected(AggregateCall(name, PRICE)) for name in names), ITEMS)
    assert await items.run(select) == [
        (Decimal("20.50"), Decimal("4.1000000000000000"), Decimal(-2), Decimal(10)),
    ]
    positive = Comparison(">", PRICE, Constant(0))
    select = Select(tuple(Selected(AggregateCall(name, PRICE, True, positive)) for name in names), ITEMS)
    ((total, mean, low, high),) = await items.run(select)
    assert (total, mean, low, high) == (Decimal(21), Decimal(7), Decimal("1.5"), Decimal(10))
    nothing = Select(tuple(Selected(AggregateCall(name, PRICE)) for name in names), ITEMS, where=Constant(value=False))
    assert await items.run(nothing) == [(None, None, None, None)]


async def test_a_decimal_can_be_computed_in_an_update(items):
    doubled = Arithmetic("*", PRICE, Param(0, Numeric()))
    update = Update(ITEMS, (("price", doubled),), Comparison("=", ColumnRef(None, "id"), Param(1)), (Selected(PRICE),))
    assert await items.run(update, Decimal(2), 1) == [(Decimal("19.00"),)]


async def test_a_unique_decimal_is_unique_by_value(session):
    table = Table("u", (Column("d", Numeric()),), uniques=(Unique("u_d", ("d",)),))
    await session.create(CreateTable(table))
    insert = Insert(TableRef("u"), ("d",), ((Param(0, Numeric()),),))
    await session.run(insert, Decimal("1.5"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await session.run(insert, Decimal("1.50"))


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "%"])
async def test_decimal_operators_give_the_same_digits(both, operator):
    sqlite, postgresql = both
    node = Arithmetic(operator, Param(0, Numeric()), Param(1, Numeric()))
    for left, right in itertools.product(DECIMALS, DECIMALS):
        if operator in "/%" and not right:
            continue
        found = await sqlite.value(node, left, right)
        expected = await postgresql.value(node, left, right)
        assert format(found, "f") == format(expected, "f"), (left, operator, right)


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "%"])
async def test_operators_on_null_give_null(session, operator):
    for logical in (Integer(), Numeric(), Float()):
        if operator != "%" or logical != Float():
            assert await session.value(Arithmetic(operator, Param(0, logical), Param(1, logical)), None, None) is None


#: PostgreSQL's quotient depends on the digits in front, in groups of four, and on the digits behind the point.
NUMBERS = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-(10**25), 10**25), st.integers(0, 30)
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=NUMBERS, right=NUMBERS.filter(bool))
def test_any_quotient_has_postgresqls_digits(quotients, left, right):
    found = decimals.divide(format(left, "f"), format(right, "f"))
    assert found == quotients(left, right)


async def test_a_division_by_a_decimal_zero_is_an_error(session):
    with pytest.raises(Exception, match=r"division by zero|user-defined function raised exception"):
        await session.value(Arithmetic("/", Param(0, Numeric()), Param(1, Numeric())), Decimal(1), Decimal(0))


@pytest.mark.parametrize(("left", "right"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (0, 5)])
async def test_integer_operators(session, left, right):
    async def result(operator):
        return await session.value(Arithmetic(operator, Param(0, Integer()), Param(1, Integer())), left, right)

    quotient = abs(left) // abs(right) * (1 if left * right >= 0 else -1)
    assert await result("/") == quotient
    assert await result("%") == left - quotient * right
    assert (await result("+"), await result("-"), await result("*")) == (left + right, left - right, left * right)


async def test_power_has_the_type_that_was_asked_for(session):
    async def power(logical, base, exponent):
        node = Arithmetic("**", Param(0, logical), Param(1, logical), logical)
        return await session.value(node, base, exponent)

    assert await power(Integer(64), 3, 39) == 3**39
    assert await power(Integer(64), 2, -1) == 1
    assert await power(Float(), 2.0, 0.5) == pytest.approx(2**0.5)
    assert isinstance(await power(Float(), 2.0, 3.0), float)
    assert format(await power(Numeric(), Decimal("1.5"), Decimal(2)), "f") == "2.2500000000000000"
    assert format(await power(Numeric(), Decimal(2), Decimal("0.5")), "f") == "1.4142135623730950"
    assert await power(Numeric(), None, Decimal(2)) is None
    assert await power(Integer(64), None, 2) is None


async def test_numbers_of_different_types_are_computed_as_the_wider_one(session):
    assert await session.value(
        Arithmetic("+", Param(0, Integer()), Param(1, Numeric())), 2, Decimal("1.50")
    ) == Decimal("3.50")
    assert await session.value(Arithmetic("*", Param(0, Float()), Param(1, Numeric())), 0.5, Decimal("1.50")) == 0.75
    assert await session.value(Arithmetic("/", Param(0, Integer()), Param(1, Float())), 1, 4.0) == 0.25


async def test_a_remainder_of_floats_is_refused(session):
    with pytest.raises(NotSupportedError, match="has no % of floating-point numbers"):
        await session.value(Arithmetic("%", Param(0, Float()), Constant(2)), 0.5)


async def test_casts(session):
    async def cast(source, target, value):
        return await session.value(Cast(Param(0, source), target), value)

    assert [await cast(Float(), Integer(64), value) for value in (0.5, 1.5, 2.5, -1.5, 1.4)] == [0, 2, 2, -2, 1]
    assert [await cast(Numeric(), Integer(64), Decimal(text)) for text in ("0.5", "2.5", "-2.5", "1.4")] == [
        1,
        3,
        -3,
        1,
    ]
    assert format(await cast(Integer(), Numeric(10, 2), 5), "f") == "5.00"
    assert format(await cast(Numeric(), Numeric(10, 1), Decimal("0.25")), "f") == "0.3"
    assert format(await cast(Float(), Numeric(), 0.25), "f") == "0.25"
    assert await cast(Integer(), Float(), 5) == 5.0
    assert isinstance(await cast(Integer(), Float(), 5), float)
    assert await cast(Numeric(), Float(), Decimal("0.1")) == 0.1
    assert await cast(Integer(), Text(), 5) == "5"
    assert await cast(Text(), Integer(), "12") == 12
    assert await cast(Text(), Numeric(), "1.50") == Decimal("1.50")
    with pytest.raises(Exception, match=r"overflow|user-defined function raised exception"):
        await cast(Numeric(), Numeric(3, 1), Decimal(100))
    for target in (Integer(), Float(), Numeric(), Numeric(3, 1)):
        assert await cast(Numeric(), target, None) is None


async def test_casts_to_what_is_no_number(session):
    async def cast(source, target, value):
        return await session.value(Cast(Param(0, source), target), value)

    identifier = uuid.UUID(int=0xABC)
    assert await cast(Integer(), Boolean(), 5) is True
    assert await cast(Integer(), Boolean(), 0) is False
    assert await cast(Text(), Uuid(), str(identifier).upper()) == identifier
    assert await cast(Json(), Json(), {"a": 1}) == {"a": 1}
    assert await cast(Interval(), Interval(), dt.timedelta(1)) == dt.timedelta(1)


def test_a_cast_that_sqlite_cannot_do_is_refused(dialects):
    with pytest.raises(NotSupportedError, match="SQLite cannot cast Text to Binary"):
        dialects[0].compile(Select((Selected(Cast(Param(0, Text()), Binary())),)))


async def test_a_comparison_of_a_decimal_with_null_is_null(items):
    assert await ids(items, Comparison("=", PRICE, Constant(None))) == []


async def test_special_decimals_sort_as_on_postgresql(session):
    await session.create(CreateTable(Table("t", (Column("d", Numeric()),))))
    values = [Decimal(text) for text in ("NaN", "Infinity", "1E+30", "0", "-1", "-Infinity")]
    await session.run(InsertRows(TableRef("t"), ("d",), (Numeric(),), len(values)), *values)
    column = ColumnRef(None, "d", Numeric())
    rows = await session.run(Select((Selected(column),), TableRef("t"), order_by=(Order(column, descending=True),)))
    assert str(rows[0][0]) == "NaN"
    assert [row[0] for row in rows[1:]] == values[1:]
    assert str(await session.value(Function("round", (Param(0, Numeric()),)), Decimal("NaN"))) == "NaN"
    assert await session.value(Arithmetic("/", Param(0, Numeric()), Param(1, Numeric())), Decimal(1), values[1]) == 0


def test_text_that_is_no_number_sorts_behind_numbers():
    assert decimals.collate("x", "NaN") == 1
    assert decimals.collate("5", "x") == -1
    assert decimals.collate("x", "x") == 0


async def test_rounding_left_of_the_point(session):
    node = Function("round", (Param(0, Numeric()), Constant(-2)), Numeric())
    assert format(await session.value(node, Decimal("1250.5")), "f") == "1300"


async def test_a_zero_to_a_power(session):
    node = Arithmetic("**", Param(0, Numeric()), Param(1, Numeric()), Numeric())
    assert await session.value(node, Decimal(0), Decimal(2)) == 0


def test_a_type_without_a_column_is_refused(dialects):
    @dataclass(frozen=True)
    class Money(LogicalType):
        pass

    for dialect in dialects:
        with pytest.raises(NotSupportedError, match=f"{dialect.title} has no column type for Money"):
            dialect.column_type(Money())


async def test_an_average_of_integers_can_be_cast(items):
    average = Cast(AggregateCall("avg", COUNT), Float())
    total = Cast(AggregateCall("sum", COUNT), Integer(64))
    assert await items.run(Select((Selected(average), Selected(total)), ITEMS)) == [(0.5, 3)]


async def test_rounding_is_half_away_from_zero(session):
    async def rounded(logical, value, *digits):
        return await session.value(Function("round", (Param(0, logical), *map(Constant, digits)), logical), value)

    assert [await rounded(Float(), value) for value in (0.5, 1.5, 2.5, -2.5)] == [1.0, 2.0, 3.0, -3.0]
    assert await rounded(Float(), 2.345, 2) == 2.35
    assert format(await rounded(Numeric(), Decimal("2.345"), 2), "f") == "2.35"
    assert format(await rounded(Numeric(), Decimal("-2.5")), "f") == "-3"


async def test_number_functions(session):
    async def call(name, logical, value):
        return await session.value(Function(name, (Param(0, logical),)), value)

    for logical, value in ((Numeric(), Decimal("-1.50")), (Float(), -1.5)):
        assert await call("abs", logical, value) == Decimal("1.5")
        assert await call("ceil", logical, value) == -1
        assert await call("floor", logical, value) == -2
        for name in ("abs", "ceil", "floor"):
            assert await call(name, logical, None) is None
    assert await call("sqrt", Float(), 2.25) == 1.5


async def test_greatest_and_least_pass_null_over(session):
    node = [Param(0, Numeric()), Param(1, Numeric()), Param(2, Numeric())]
    values = (None, Decimal(9), Decimal(10))
    assert await session.value(Function("greatest", tuple(node)), *values) == 10
    assert await session.value(Function("least", tuple(node)), *values) == 9
    assert await session.value(Function("least", (node[0],)), Decimal(1)) == 1
    assert await session.value(Function("greatest", tuple(node)), None, None, None) is None


async def test_choices_between_numbers_have_one_form(items):
    cased = Case(((Comparison("=", ColumnRef(None, "id"), Constant(0)), Constant(100)),), PRICE, Numeric())
    rows = await items.run(Select((Selected(cased),), ITEMS, order_by=(Order(cased),)))
    assert [row[0] for row in rows] == [Decimal(text) for text in ("-2", "1.5", "1.5", "9.5", "100")] + [None]
    filled = Function("coalesce", (PRICE, Param(0, Integer())), Numeric())
    assert (await items.run(Select((Selected(AggregateCall("max", filled)),), ITEMS), 99)) == [(Decimal(99),)]
    assert await ids(items, Comparison("=", Function("nullif", (PRICE, Constant(10))), PRICE)) == [1, 2, 3, 4]
