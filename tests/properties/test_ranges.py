"""Ranges at random: PostgreSQL and Python agree on what is in them, and every value comes back as the field made it."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from covet import (
    BigIntegerRangeField,
    DateField,
    DateRangeField,
    DateTimeField,
    DateTimeRangeField,
    DecimalField,
    DecimalRangeField,
    IntegerField,
    IntegerRangeField,
    Model,
    Range,
    create_all,
)
from covet.database.schema.ranges import BOUNDS
from tests.conftest import Database

Make = Callable[[random.Random], Any]

DAY = dt.date(2024, 2, 27)
MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 999_990, tzinfo=dt.UTC)


class Span(Model):
    integer = IntegerRangeField()
    big = BigIntegerRangeField()
    decimal = DecimalRangeField()
    date = DateRangeField()
    moment = DateTimeRangeField()


class Point(Model):
    integer = IntegerField()
    decimal = DecimalField(max_digits=6, decimal_places=1)
    date = DateField()
    moment = DateTimeField()


#: Few values, so that bounds meet.
MAKERS: dict[str, Make] = {
    "integer": lambda rng: rng.randint(-3, 6),
    "big": lambda rng: 2**40 + rng.randint(-3, 6),
    "decimal": lambda rng: Decimal(rng.randint(-6, 6)) / 2,
    "date": lambda rng: DAY + dt.timedelta(days=rng.randint(-2, 4)),
    "moment": lambda rng: MOMENT + dt.timedelta(microseconds=rng.randint(0, 12)),
}


def a_range(make: Make, rng: random.Random) -> Range[Any]:
    if rng.random() < 0.05:
        return Range(empty=True)
    lower, upper = sorted((make(rng), make(rng)))
    return Range(None if rng.random() < 0.15 else lower, None if rng.random() < 0.15 else upper, rng.choice(BOUNDS))


@pytest.mark.parametrize("database_target", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seed", range(3))
async def test_the_database_and_python_agree_on_ranges(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    await create_all([Span])
    given = [Span(**{name: a_range(make, rng) for name, make in MAKERS.items()}) for _ in range(200)]
    await Span.objects.bulk_create(given)
    stored = {span.id: span for span in await Span.objects.all()}
    for name, make in MAKERS.items():
        field = Span._meta.find_field(name)
        assert field is not None
        for span in given:
            read, cleaned = getattr(stored[span.id], name), field.clean(getattr(span, name))
            assert read == cleaned, (name, getattr(span, name))
            assert hash(read) == hash(cleaned)
        for _ in range(10):
            value = make(rng)
            found = set(await Span.objects.filter(**{f"{name}__contains": value}).values_list("id", flat=True))
            assert found == {span.id for span in given if value in getattr(span, name)}, (name, value)
            other = a_range(make, rng)
            same = await Span.objects.filter(**{name: other}).values_list("id", flat=True)
            assert set(same) == {key for key, span in stored.items() if getattr(span, name) == field.clean(other)}


@pytest.mark.parametrize("seed", range(3))
async def test_the_values_in_a_range_are_those_that_python_says(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    await create_all([Point])
    names = [name for name in MAKERS if name != "big"]
    points = [Point(**{name: MAKERS[name](rng) for name in names}) for _ in range(60)]
    await Point.objects.bulk_create(points)
    for name in names:
        for _ in range(25):
            within = a_range(MAKERS[name], rng)
            query = Point.objects.filter(**{f"{name}__contained_by": within})
            found = set(await query.values_list("id", flat=True))
            assert found == {point.id for point in points if getattr(point, name) in within}, (name, within)
