"""Aggregates over expressions: the mean of a quotient of two columns."""

from __future__ import annotations

from covet import Avg, Count, F, FloatField, Model, Sum, create_all
from tests.conftest import Database


class Trip(Model):
    miles = FloatField()
    hours = FloatField()


async def test_an_aggregate_takes_arithmetic_and_a_field(database: Database) -> None:
    await create_all([Trip])
    await Trip.objects.bulk_create([Trip(miles=100, hours=2), Trip(miles=90, hours=1)])
    assert await Trip.objects.aggregate(mph=Avg(F("miles") / F("hours")), far=Sum(Trip.miles), trips=Count()) == {
        "mph": 70.0,
        "far": 190.0,
        "trips": 2,
    }
    assert await Trip.objects.values("hours").annotate(mph=Avg(Trip.miles / Trip.hours)).order_by("hours") == [
        {"hours": 1.0, "mph": 90.0},
        {"hours": 2.0, "mph": 50.0},
    ]
