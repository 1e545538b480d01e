"""Dates, times and durations: order, arithmetic and casts on both databases."""

from __future__ import annotations

import datetime as dt

import pytest

from covet.database.schema.table import Column, Table
from covet.database.schema.types import Date, Float, Integer, Interval, Time, Timestamp
from covet.database.sql.ddl import CreateTable
from covet.database.sql.nodes import (
    AggregateCall,
    Arithmetic,
    Cast,
    ColumnRef,
    Comparison,
    Constant,
    Function,
    Param,
)
from covet.database.sql.statements import InsertRows, Order, Select, Selected, TableRef
from covet.exceptions import NotSupportedError

UTC = dt.UTC
AWARE, NAIVE = Timestamp(), Timestamp(timezone=False)
MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 500_000, tzinfo=UTC)
DAY = dt.timedelta(days=1, microseconds=1)


async def compute(session, operator, left, right, result=None):
    """Left and right are pairs of type and value."""
    node = Arithmetic(operator, Param(0, left[0]), Param(1, right[0]), result)
    return await session.value(node, left[1], right[1])


async def test_timestamps_and_durations(session):
    for logical, moment in ((AWARE, MOMENT), (NAIVE, MOMENT.replace(tzinfo=None))):
        at, step = (logical, moment), (Interval(), DAY)
        assert await compute(session, "+", at, step) == moment + DAY
        assert await compute(session, "+", step, at) == moment + DAY
        assert await compute(session, "-", at, step) == moment - DAY
        assert await compute(session, "-", (logical, moment + DAY), at) == DAY
        assert await compute(session, "-", at, (logical, moment + DAY)) == -DAY
        for pair in ((at, (Interval(), None)), ((logical, None), step), ((logical, None), at)):
            assert await compute(session, "-", *pair) is None


async def test_dates_and_durations(session):
    date = dt.date(2024, 2, 28)
    at, step = (Date(), date), (Interval(), dt.timedelta(days=1, hours=12))
    assert await compute(session, "+", at, step) == dt.datetime(2024, 2, 29, 12, tzinfo=UTC).replace(tzinfo=None)
    assert await compute(session, "+", at, step, Date()) == dt.date(2024, 2, 29)
    assert await compute(session, "-", at, step, Date()) == dt.date(2024, 2, 26)
    assert await compute(session, "+", at, (Integer(), 2)) == dt.date(2024, 3, 1)
    assert await compute(session, "-", at, (Integer(), 28)) == dt.date(2024, 1, 31)
    assert await compute(session, "-", at, (Date(), dt.date(2024, 1, 1))) == dt.timedelta(days=58)
    assert await compute(session, "-", at, (Date(), dt.date(2024, 1, 1)), Integer()) == 58
    assert await compute(session, "-", at, (Date(), None)) is None
    assert await compute(session, "+", at, (Integer(), None)) is None


async def test_times_and_durations(session):
    at = (Time(), dt.time(23, 30))
    assert await compute(session, "+", at, (Interval(), dt.timedelta(hours=1))) == dt.time(0, 30)
    assert await compute(session, "-", at, (Interval(), dt.timedelta(hours=1))) == dt.time(22, 30)
    assert await compute(session, "-", at, (Time(), dt.time(23, 31))) == dt.timedelta(minutes=-1)
    assert await compute(session, "-", at, (Time(), None)) is None
    assert await compute(session, "+", at, (Interval(), None)) is None


async def test_durations_are_numbers(session):
    hour, minute = (Interval(), dt.timedelta(hours=1)), (Interval(), dt.timedelta(minutes=1))
    assert await compute(session, "+", hour, minute) == dt.timedelta(minutes=61)
    assert await compute(session, "-", minute, hour) == dt.timedelta(minutes=-59)
    assert await compute(session, "*", hour, (Integer(), 3)) == dt.timedelta(hours=3)
    assert await compute(session, "*", (Integer(), 3), hour) == dt.timedelta(hours=3)
    assert await compute(session, "*", hour, (Float(), 0.5)) == dt.timedelta(minutes=30)
    assert await compute(session, "/", hour, (Integer(), 7)) == pytest.approx(
        dt.timedelta(hours=1) / 7, abs=dt.timedelta(microseconds=1)
    )


async def test_what_makes_no_sense_is_refused_on_sqlite(dialects):
    sqlite, _ = dialects
    left, right = Param(0, AWARE), Param(1, Integer())
    for node in (
        Arithmetic("*", left, right),
        Arithmetic("%", Param(0, Interval()), right),
        Arithmetic("+", right, left),
    ):
        with pytest.raises(NotSupportedError, match="SQLite cannot compute"):
            sqlite.compile(Select((Selected(node),)))


async def test_a_chain_of_durations_keeps_its_type(session):
    step = Param(1, Interval())
    node = Arithmetic("-", Arithmetic("+", Param(0, AWARE), step), Arithmetic("+", step, step))
    assert await session.value(node, MOMENT, DAY) == MOMENT - DAY
    difference = Arithmetic("-", Arithmetic("+", Param(0, AWARE), step), Param(0, AWARE))
    assert await session.value(difference, MOMENT, DAY) == DAY


async def test_casts_are_in_utc_whatever_the_session_says(session):
    if session.dialect.name == "postgresql":
        await session.execute("SET TIME ZONE 'Asia/Tokyo'")
    naive = MOMENT.replace(tzinfo=None)

    async def cast(source, target, value):
        return await session.value(Cast(Param(0, source), target), value)

    assert await cast(AWARE, Date(), MOMENT) == naive.date()
    assert await cast(AWARE, NAIVE, MOMENT) == naive
    assert await cast(AWARE, Time(), MOMENT) == naive.time()
    assert await cast(NAIVE, AWARE, naive) == MOMENT
    assert await cast(NAIVE, Date(), naive) == naive.date()
    assert await cast(NAIVE, Time(), naive) == naive.time()
    assert await cast(Date(), NAIVE, naive.date()) == dt.datetime(2024, 2, 29, tzinfo=UTC).replace(tzinfo=None)
    assert await cast(Date(), AWARE, naive.date()) == dt.datetime(2024, 2, 29, tzinfo=UTC)
    assert await cast(AWARE, AWARE, MOMENT) == MOMENT
    assert await cast(Time(), Time(), dt.time(1, 2)) == dt.time(1, 2)
    for target in (Date(), NAIVE, AWARE, Time()):
        assert await cast(AWARE, target, None) is None


async def test_stored_moments_sort_by_time(session):
    columns = (Column("at", AWARE), Column("day", Date()), Column("local", NAIVE), Column("took", Interval()))
    await session.create(CreateTable(Table("t", columns)))
    moments = [
        dt.datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        dt.datetime(2024, 1, 1, tzinfo=UTC),
        dt.datetime(2024, 1, 1, 2, 0, 0, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        dt.datetime(9999, 1, 1, tzinfo=UTC),
    ]
    params = [
        value
        for number, moment in enumerate(reversed(moments))
        for value in (moment, moment.date(), moment.replace(tzinfo=None), dt.timedelta(days=number - 2))
    ]
    types = tuple(column.type for column in columns)
    await session.run(InsertRows(TableRef("t"), tuple(c.name for c in columns), types, 5), *params)
    at = ColumnRef(None, "at", AWARE)
    rows = await session.run(Select((Selected(at),), TableRef("t"), order_by=(Order(at),)))
    assert [row[0] for row in rows] == moments
    assert all(row[0].tzinfo is UTC or row[0].utcoffset() == dt.timedelta(0) for row in rows)
    later = Select((Selected(AggregateCall("count")),), TableRef("t"), where=Comparison(">", at, Param(0, AWARE)))
    assert await session.run(later, moments[2]) == [(2,)]
    extremes = tuple(Selected(AggregateCall(name, at)) for name in ("min", "max"))
    assert await session.run(Select(extremes, TableRef("t"))) == [(moments[0], moments[-1])]
    took = ColumnRef(None, "took", Interval())
    sums = tuple(Selected(AggregateCall(name, took)) for name in ("sum", "avg", "min", "max"))
    expected = tuple(dt.timedelta(days=days) for days in (0, 0, -2, 2))
    assert await session.run(Select(sums, TableRef("t"))) == [expected]
    same_day = Comparison("=", ColumnRef(None, "day", Date()), ColumnRef(None, "local", NAIVE))
    counted = Select((Selected(AggregateCall("count")),), TableRef("t"), where=same_day)
    assert await session.run(counted) == [(2,)]


async def test_a_stored_moment_without_an_offset_is_read_as_utc(dialects):
    sqlite, _ = dialects
    inline = sqlite.result_processor(AWARE)
    for text in ("2024-02-29 23:59:59.500000", "2024-02-29 23:59:59.500000+00:00", "2024-02-29T23:59:59.500000Z"):
        found = eval(inline.template.replace("{v}", "text"), dict(inline.names), {"text": text})  # noqa: S307
        assert (found, found.tzinfo) == (MOMENT, UTC)


async def test_now_is_now(session):
    found = await session.value(Function("now", (), AWARE))
    assert abs(found - dt.datetime.now(UTC)) < dt.timedelta(minutes=1)
    passed = Arithmetic("-", Function("now", (), AWARE), Param(0, AWARE))
    assert await session.value(passed, MOMENT) > dt.timedelta(days=100)
    assert await session.value(Cast(Arithmetic("*", Param(0, Interval()), Constant(2)), Interval()), DAY) == 2 * DAY
