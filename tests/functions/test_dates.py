"""Dates, times and their zones; years that an index serves; dates() and datetimes()."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from covet import (
    F,
    FieldError,
    Q,
    ValidationError,
    create_all,
    get_adapter,
    transaction,
)
from covet.database import capture_queries
from covet.functions import (
    ExtractHour,
    Now,
    TruncDate,
    TruncDay,
    TruncHour,
    TruncMonth,
)
from tests.conftest import Database
from tests.functions.things import ALL, BERLIN, Maker, Thing, value_of


@pytest.fixture
async def things(database: Database) -> Database:
    await create_all(ALL)
    return database


# -- years and indexes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition", [Q(made__year=2024), Q(made__date=dt.date(2024, 5, 1)), Q(day__iso_year__gte=2024)]
)
async def test_an_index_serves_comparisons_of_years_and_dates(things: Database, condition: Q) -> None:
    query = Thing.objects.filter(condition).values_list("id", flat=True)
    with capture_queries() as queries:
        await query
    column = "day" if "day" in repr(condition) else "made"
    sql = queries.sql[0]
    if things.name == "sqlite":
        plan = str(
            [
                tuple(row)
                for row in await get_adapter().fetch_all(f"EXPLAIN QUERY PLAN {sql.replace('?', '$')}", *query.params)
            ]
        )
        assert f"USING INDEX things_{column}" in plan or f"USING COVERING INDEX things_{column}" in plan
    else:
        async with transaction():
            await get_adapter().execute("SET LOCAL enable_seqscan = off")
            rows = await get_adapter().fetch_all(f"EXPLAIN {sql}", *query.params)
        plan = "\n".join(str(tuple(row)) for row in rows)
        assert f"Index Cond: ({column} " in plan.replace("((", "("), plan


@pytest.mark.parametrize(
    ("lookup", "value", "count"),
    [
        ("year", 10_000, 0),
        ("year", -5, 0),
        ("year__gt", 10_000, 0),
        ("year__lte", 2**40, 1),
        ("year__lt", 0, 0),
        ("year__gte", 0, 1),
        ("year__gt", 2023.5, 1),
        ("year", 2024.5, 0),
        ("year__range", (0, 99_999), 1),
        ("year__range", (10_000, 20_000), 0),
        ("year__range", (-5, -1), 0),
        ("year__gte", 9999, 0),
        ("year__lte", 9999, 1),
        ("iso_year__lte", 9999, 1),
        ("iso_year__gte", 1, 1),
        ("year__not", 2023, 2),
        ("year", None, 1),
        ("year__isnull", False, 1),
        ("date__gt", "2024-05-01", 0),
        ("date__lt", "2024-05-02", 1),
        ("date__isnull", True, 1),
    ],
)
async def test_years_beyond_the_calendar_have_an_answer(things: Database, lookup: str, value: Any, count: int) -> None:
    await Thing.create(made="2024-05-01T23:59:59.999999Z")
    await Thing.create()
    assert await Thing.objects.filter(**{f"made__{lookup}": value}).count() == count


async def test_the_last_microsecond_of_a_year_belongs_to_it(things: Database) -> None:
    moments = [
        "2023-12-31T23:59:59.999999Z",
        "2024-01-01T00:00:00Z",
        "2024-12-31T23:59:59.999999Z",
        "2025-01-01T00:00:00Z",
    ]
    for number, moment in enumerate(moments):
        await Thing.create(number=number, made=moment, day=moment[:10])
    for column in ("made", "day"):

        async def numbers(lookup: str, value: object, column: str = column) -> list[int]:
            found = Thing.objects.filter(**{f"{column}__{lookup}": value}).order_by("number")
            return await found.values_list("number", flat=True)

        assert await numbers("year", 2024) == [1, 2]
        assert await numbers("year__gt", 2024) == [3]
        assert await numbers("year__gte", 2024) == [1, 2, 3]
        assert await numbers("year__lt", 2024) == [0]
        assert await numbers("year__lte", 2024) == [0, 1, 2]
        assert await numbers("year__range", (2023, 2024)) == [0, 1, 2]
        assert await numbers("iso_year", 2024) == [1]


async def test_a_year_is_checked_where_it_is_written(things: Database) -> None:
    with pytest.raises(ValidationError, match="an integer is wanted"):
        Thing.objects.filter(made__year=cast("Any", object()))
    with pytest.raises(FieldError, match="has no lookup 'hour'"):
        Thing.objects.filter(day__hour=3)
    with pytest.raises(FieldError, match="has no lookup 'yeer'"):
        Thing.objects.filter(made__yeer=3)


# -- time zones --------------------------------------------------------------------------------


async def test_days_of_a_zone_that_changes_its_clock(things: Database) -> None:
    # In Berlin the clock is put forward on 2024-03-31 at 2 and back on 2024-10-27 at 3.
    await Thing.create(made="2024-10-27T00:30:00Z")  # 2:30 for the first time
    await Thing.create(made="2024-10-27T01:30:00Z")  # 2:30 for the second time
    await Thing.create(made="2024-03-31T21:00:00Z")
    ordered = Thing.objects.order_by("id")
    hours = await ordered.annotate(value=TruncHour("made", tzinfo=BERLIN)).values_list("value", flat=True)
    assert hours == [
        dt.datetime(2024, 10, 27, 0, tzinfo=dt.UTC),
        dt.datetime(2024, 10, 27, 1, tzinfo=dt.UTC),
        dt.datetime(2024, 3, 31, 21, tzinfo=dt.UTC),
    ]
    days = await ordered.annotate(value=TruncDay("made", tzinfo=BERLIN)).values_list("value", flat=True)
    assert days == [
        dt.datetime(2024, 10, 26, 22, tzinfo=dt.UTC),
        dt.datetime(2024, 10, 26, 22, tzinfo=dt.UTC),
        dt.datetime(2024, 3, 30, 23, tzinfo=dt.UTC),
    ]
    assert await ordered.annotate(value=ExtractHour("made", tzinfo=BERLIN)).values_list("value", flat=True) == [
        2,
        2,
        23,
    ]


async def test_a_midnight_that_is_skipped_or_shown_twice_is_standard_time(things: Database) -> None:
    # In Havana the clock goes from 0 to 1 in spring, and from 1 back to 0 in autumn.
    havana = ZoneInfo("America/Havana")
    await Thing.create(made="2024-03-10T12:00:00Z")
    await Thing.create(made="2024-11-03T12:00:00Z")
    days = await Thing.objects.order_by("id").annotate(v=TruncDay("made", tzinfo=havana)).values_list("v", flat=True)
    assert days == [dt.datetime(2024, 3, 10, 5, tzinfo=dt.UTC), dt.datetime(2024, 11, 3, 5, tzinfo=dt.UTC)]


async def test_a_zone_may_be_an_offset(things: Database) -> None:
    await Thing.create(made="2024-05-01T20:00:00Z")
    india = dt.timezone(dt.timedelta(hours=5, minutes=30))
    assert await value_of(TruncDate("made", tzinfo=india)) == dt.date(2024, 5, 2)
    assert await value_of(TruncDay("made", tzinfo=india)) == dt.datetime(2024, 5, 1, 18, 30, tzinfo=dt.UTC)
    assert await value_of(ExtractHour("made", tzinfo=dt.timezone(dt.timedelta(hours=-4)))) == 16
    assert await value_of(ExtractHour("made", tzinfo=dt.UTC)) == 20


async def test_zones_share_a_plan(things: Database) -> None:
    first = Thing.objects.annotate(value=TruncMonth("made", tzinfo=BERLIN))
    second = Thing.objects.annotate(value=TruncMonth("made", tzinfo=ZoneInfo("Asia/Tokyo")))
    assert first.state == second.state
    assert first.params == ("Europe/Berlin",)


@pytest.mark.parametrize("zone", ["Europe/Berlin", 3, dt.timezone(dt.timedelta(seconds=5))])
def test_a_zone_without_a_name_is_refused(zone: Any) -> None:
    with pytest.raises(TypeError, match=r"tzinfo= takes a zoneinfo.ZoneInfo with a name or a datetime.timezone"):
        TruncMonth("made", tzinfo=zone)


async def test_the_time_zone_of_the_session_changes_nothing(things: Database) -> None:
    await Thing.create(made="2024-05-01T20:00:00Z", local="2024-05-01T20:00:00", day="2024-05-01")
    same = Thing.objects.filter(made=F("local"), local=F("made"), made__gt=F("day"), day__lt=F("made"))
    past = Thing.objects.filter(local__lte=Now(), day__lte=Now(), made__range=(F("local"), F("local")))
    cut = Thing.objects.annotate(cut=TruncDay("day"), date=TruncDate("made"), hour=ExtractHour("made"))
    assert await same.count() == await past.count() == 1
    async with transaction():
        if things.name == "postgresql":
            await get_adapter().execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
        assert await same.count() == 1
        assert await past.count() == 1
        assert await past.filter(local__gt=Now()).count() == 0
        day = dt.date(2024, 5, 1)
        assert await cut.values_list("cut", "date", "hour") == [(day, day, 20)]


# -- dates() and datetimes() -------------------------------------------------------------------


async def test_dates_gives_each_date_once_and_no_null(things: Database) -> None:
    for moment in ("2024-05-03T10:00:00Z", "2024-05-09T10:00:00Z", "2023-01-31T23:30:00Z", None):
        await Thing.create(made=moment, day=moment and moment[:10], number=5)
    for field in ("made", "day"):
        assert await Thing.objects.dates(field, "month") == [dt.date(2023, 1, 1), dt.date(2024, 5, 1)]
        assert await Thing.objects.dates(field, "year", order="DESC") == [dt.date(2024, 1, 1), dt.date(2023, 1, 1)]
    assert await Thing.objects.filter(number=6).dates("made", "day") == []
    assert await Thing.objects.dates(Thing.made, "week") == [
        dt.date(2023, 1, 30),
        dt.date(2024, 4, 29),
        dt.date(2024, 5, 6),
    ]
    assert await Thing.objects.dates("made", "quarter")[:1] == [dt.date(2023, 1, 1)]


async def test_datetimes_gives_moments_of_a_zone(things: Database) -> None:
    for moment in ("2024-05-31T22:30:10Z", "2024-06-01T10:00:00Z", None):
        await Thing.create(made=moment)
    assert await Thing.objects.datetimes("made", "month", tzinfo=BERLIN) == [
        dt.datetime(2024, 5, 31, 22, tzinfo=dt.UTC)
    ]
    assert await Thing.objects.datetimes("made", "minute", order="DESC") == [
        dt.datetime(2024, 6, 1, 10, tzinfo=dt.UTC),
        dt.datetime(2024, 5, 31, 22, 30, tzinfo=dt.UTC),
    ]


async def test_dates_of_related_rows(things: Database) -> None:
    maker = await Maker.create(name="ann")
    await Maker.create(name="bob")
    await Thing.create(made="2024-05-03T10:00:00Z", maker=maker)
    await Thing.create(made="2023-05-03T10:00:00Z", maker=maker)
    await Thing.create(maker=maker)
    assert await Maker.objects.dates("things__made", "year") == [dt.date(2023, 1, 1), dt.date(2024, 1, 1)]


def test_dates_refuses_what_is_none() -> None:
    with pytest.raises(ValueError, match=r"dates\(\) cuts to no 'hour'"):
        Thing.objects.dates("made", cast("Any", "hour"))
    with pytest.raises(ValueError, match="'ASC' or 'DESC'"):
        Thing.objects.datetimes("made", "hour", order=cast("Any", "asc"))
    with pytest.raises(FieldError, match=r"dates\(\) takes the path of a date or a datetime; 'name' is none"):
        Thing.objects.dates("name", "year")
    with pytest.raises(FieldError, match=r"datetimes\(\) takes the path of a datetime; 'day' is none"):
        Thing.objects.datetimes("day", "year")
    with pytest.raises(TypeError, match=r"dates\(\) after limit"):
        Thing.objects.all()[:3].dates("made", "year")
