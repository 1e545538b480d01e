"""The right side of a comparison: coerced like a value, but any size, and fractions stay fractions."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from covet.database.orm.fields import (
    AutoField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    FloatField,
    IntegerField,
    PositiveIntegerField,
    SmallIntegerField,
)
from covet.exceptions import ValidationError

Make = Callable[[], Field[Any]]


@pytest.mark.parametrize(
    ("make", "value", "expected"),
    [
        (IntegerField, 3, 3),
        (IntegerField, "3", 3),
        (SmallIntegerField, 2**70, 2**70),
        (PositiveIntegerField, -1, -1),
        (AutoField, 2**70, 2**70),
        (IntegerField, 3.0, 3),
        (IntegerField, 3.5, 3.5),
        (IntegerField, math.inf, math.inf),
        (IntegerField, Decimal("1.50"), Decimal("1.50")),
        (IntegerField, Decimal("-Infinity"), Decimal("-Infinity")),
        (IntegerField, Decimal("2.0"), 2),
        (lambda: IntegerField(max_value=3), 4, 4),
        (FloatField, 3, 3.0),
        (lambda: DecimalField(max_digits=4, decimal_places=2), Decimal("1.005"), Decimal("1.005")),
        (lambda: DecimalField(max_digits=4, decimal_places=2), 10**9, Decimal(10**9)),
        (lambda: CharField(max_length=2, blank=False), "abc", "abc"),
        (DateField, dt.date.max, dt.date.max),
        (DateTimeField, "2024-05-31T12:00", dt.datetime(2024, 5, 31, 12, tzinfo=dt.UTC)),
    ],
)
def test_a_comparison_takes_values_that_the_column_could_not_hold(make: Make, value: object, expected: object) -> None:
    result = make().prepare(value)
    assert type(result) is type(expected)
    assert result == expected


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (IntegerField, math.nan),
        (IntegerField, Decimal("NaN")),
        (IntegerField, Decimal("sNaN")),
        (IntegerField, "3.5"),
        (IntegerField, "abc"),
        (IntegerField, True),
        (IntegerField, [1]),
        (FloatField, math.nan),
        (DecimalField, Decimal("NaN")),
        (DecimalField, Decimal("Infinity")),
        (CharField, ["a"]),
        (CharField, "a\0"),
        (DateTimeField, dt.date(2024, 5, 31)),
        (DateField, dt.datetime(2024, 5, 31, tzinfo=dt.UTC)),
    ],
)
def test_what_cannot_be_compared_is_refused(make: Make, value: object) -> None:
    with pytest.raises(ValidationError):
        make().prepare(value)
