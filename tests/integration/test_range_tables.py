"""Ranges in the definition of a table (exclusion, defaults, checks), and aggregates over them. PostgreSQL."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from covet import (
    CheckConstraint,
    DateRangeField,
    DateTimeRangeField,
    DecimalRangeField,
    ExclusionConstraint,
    FieldError,
    ForeignKey,
    IntegerField,
    IntegerRangeField,
    Model,
    Q,
    Range,
    RangeAgg,
    RangeIntersectAgg,
    create_all,
    get_adapter,
)
from covet.database import capture_queries
from covet.database.dialects.postgresql import PostgreSQLDialect
from covet.database.orm.tables import table_of
from covet.database.sql.ddl import CreateTable
from covet.exceptions import CheckViolation, ModelDefinitionError, NotSupportedError, UniqueViolation
from tests.conftest import Database

UTC = dt.UTC
NOON = dt.datetime(2024, 5, 31, 12, tzinfo=UTC)
DAY = dt.date(2024, 5, 31)

on_postgresql = pytest.mark.parametrize("database_target", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_target", ["sqlite"], indirect=True)


class Booking(Model):
    room = IntegerField()
    during = DateTimeRangeField()
    cancelled = IntegerField(default=0)

    class Meta:
        db_table = "bookings"
        constraints = (
            ExclusionConstraint(
                name="booked_once", expressions=[("room", "="), ("during", "&&")], condition=Q(cancelled=0)
            ),
        )


@on_postgresql
async def test_an_exclusion_constraint_keeps_rows_apart(database: Database) -> None:
    await get_adapter().execute("CREATE EXTENSION btree_gist")
    await create_all([Booking])
    first = Range(NOON, NOON + dt.timedelta(hours=2))
    await Booking.create(room=1, during=first)
    await Booking.create(room=2, during=first)
    await Booking.create(room=1, during=Range(first.upper, None))
    await Booking.create(room=1, during=first, cancelled=1)
    with pytest.raises(UniqueViolation) as caught:
        await Booking.create(room=1, during=Range(NOON, NOON, "[]"))
    error = caught.value
    assert (error.constraint, error.fields, error.model) == ("booked_once", ("room", "during"), Booking)
    assert "2024" not in str(error)


def test_the_sql_of_an_exclusion_constraint() -> None:
    [table] = PostgreSQLDialect().ddl(CreateTable(table_of(Booking)))
    assert 'CONSTRAINT "booked_once" EXCLUDE USING "gist" ("room" WITH =, "during" WITH &&)' in table
    assert ' WHERE ("cancelled" = 0)' in table


@on_sqlite
async def test_sqlite_refuses_an_exclusion_constraint(database: Database) -> None:
    table = replace(table_of(Booking), columns=())
    with pytest.raises(NotSupportedError, match="SQLite has no exclusion constraints \\('booked_once'\\)"):
        get_adapter().dialect.ddl(CreateTable(table))


@pytest.mark.parametrize("operator", ["", "= ", "--", "=/*", "AND", "&&)", "=" * 64])
def test_an_operator_of_an_exclusion_constraint_is_an_operator(operator: str) -> None:
    with pytest.raises(ModelDefinitionError, match="is no operator"):
        ExclusionConstraint(name="x", expressions=[("during", operator)])
    with pytest.raises(ModelDefinitionError, match="expressions= is empty"):
        ExclusionConstraint(name="x", expressions=[])


class Tariff(Model):
    ages = IntegerRangeField(db_default=Range(18, None))
    prices = DecimalRangeField(db_default=Range(Decimal("1.5"), Decimal(2), "[]"))
    days = DateRangeField(db_default=Range(DAY, DAY, "[]"))
    hours = DateTimeRangeField(db_default=Range(NOON, None))
    none = IntegerRangeField(db_default=Range(empty=True))
    age = IntegerField(default=20)

    class Meta:
        constraints = (
            CheckConstraint(Q(ages__overlap=Range(0, 100)), name="of_people"),
            CheckConstraint(Q(age__contained_by=Range(0, 100)), name="age_of_people"),
        )


@on_postgresql
async def test_ranges_stand_in_defaults_and_checks_of_the_table(database: Database) -> None:
    await create_all([Tariff])
    tariff = await Tariff.create()
    assert tariff.ages == Range(18, None)
    assert tariff.prices == Range(Decimal("1.5"), Decimal(2), "[]")
    assert tariff.days == Range(DAY, DAY + dt.timedelta(days=1))
    assert tariff.hours == Range(NOON, None)
    assert tariff.none.isempty
    with pytest.raises(CheckViolation):
        await Tariff.create(ages=Range(100, None))
    with pytest.raises(CheckViolation):
        await Tariff.create(age=100)


class Hall(Model):
    name = IntegerField()

    class Meta:
        db_table = "halls"


class Event(Model):
    hall = ForeignKey(Hall, related_name="events")
    days = DateRangeField(nullable=True)
    seats = IntegerRangeField(nullable=True)

    class Meta:
        db_table = "events"


@on_postgresql
async def test_aggregates_of_ranges(database: Database) -> None:
    await create_all([Hall, Event])
    first, second, _ = [await Hall.create(name=name) for name in range(3)]
    for hall, seats in [(first, (1, 3)), (first, (2, 5)), (first, (7, 9)), (second, (1, 9)), (second, None)]:
        await Event.create(hall=hall, seats=seats)
    together = [Range(1, 5), Range(7, 9)]
    with capture_queries() as queries:
        found = await Event.objects.filter(hall=first).aggregate(RangeAgg("seats"), common=RangeIntersectAgg("seats"))
    assert found == {"seats__rangeagg": together, "common": Range(empty=True)}
    assert 'NULLIF(ARRAY(SELECT UNNEST(RANGE_AGG("events"."seats"))), CAST(ARRAY[] AS int4range[]))' in queries[0].sql
    halls = Hall.objects.annotate(
        all=RangeAgg("events__seats", default=[]),
        low=RangeAgg("events__seats", filter=Q(events__seats__startswith__lt=2)),
        common=RangeIntersectAgg("events__seats"),
    ).order_by("id")
    assert await halls.values_list("all", "low", "common") == [
        (together, [Range(1, 3)], Range(empty=True)),
        ([Range(1, 9)], [Range(1, 9)], Range(1, 9)),
        ([], None, None),
    ]
    assert await halls.filter(common__contains=3).values_list("name", flat=True) == [1]
    groups = Event.objects.values("hall").annotate(all=RangeAgg("seats")).order_by("hall")
    assert [row["all"] for row in await groups] == [together, [Range(1, 9)]]
    assert await Event.objects.none().aggregate(a=RangeAgg("seats")) == {"a": None}
    assert await Event.objects.filter(id=-1).aggregate(a=RangeAgg("seats")) == {"a": None}
    with pytest.raises(FieldError, match="it takes RangeOf"):
        await Event.objects.aggregate(RangeAgg("hall"))


@on_sqlite
async def test_sqlite_refuses_aggregates_of_ranges(database: Database) -> None:
    with pytest.raises(NotSupportedError, match="SQLite has no aggregate 'range_agg'"):
        await Event.objects.aggregate(RangeAgg("seats"))
