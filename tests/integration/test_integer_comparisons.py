"""Integers compared with numbers that their column cannot hold: answered by value, the same on both databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import IntegerField, Model, PositiveSmallIntegerField, SmallIntegerField, create_all
from covet.database import capture_queries
from tests.conftest import Database

VALUES = [-32768, -1, 0, 1, 2, 3, 4, 32767, None]


class Measure(Model):
    small = SmallIntegerField(null=True)
    usual = IntegerField(null=True)
    positive = PositiveSmallIntegerField(default=0)


@pytest.fixture
async def measures(database: Database) -> Database:
    await create_all([Measure])
    await Measure.objects.bulk_create(
        [Measure(small=value, usual=value, positive=max(value or 0, 0)) for value in VALUES]
    )
    return database


def expected(lookup: str, bound: Any) -> list[int]:
    """Say in Python which values match."""
    tests = {
        "exact": lambda value: value == bound,
        "gt": lambda value: value > bound,
        "gte": lambda value: value >= bound,
        "lt": lambda value: value < bound,
        "lte": lambda value: value <= bound,
    }
    return sorted(value for value in VALUES if value is not None and tests[lookup](value))


BOUNDS = [3.5, -0.5, Decimal("2.5"), 2**15, -(2**15) - 1, 2**31, 2**63, -(2**70), float("inf"), float("-inf")]


@pytest.mark.parametrize("lookup", ["exact", "gt", "gte", "lt", "lte"])
async def test_a_number_beyond_the_column_is_compared_by_value(measures: Database, lookup: str) -> None:
    for bound in BOUNDS:
        for field in ("small", "usual"):
            found = Measure.objects.filter(**{f"{field}__{lookup}": bound}).order_by(field)
            assert await found.values_list(field, flat=True) == expected(lookup, bound), (field, bound)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lookup=st.sampled_from(["exact", "gt", "gte", "lt", "lte"]),
    bound=st.one_of(
        st.integers(-(2**72), 2**72),
        st.integers(-5, 5),
        st.floats(allow_nan=False),
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**6), max_value=10**6),
    ),
)
async def test_any_number_is_compared_by_value(measures: Database, lookup: str, bound: Any) -> None:
    found = Measure.objects.filter(**{f"small__{lookup}": bound}).order_by("small")
    assert await found.values_list("small", flat=True) == expected(lookup, bound)


async def test_what_no_row_can_match_is_not_asked(measures: Database) -> None:
    with capture_queries() as queries:
        assert await Measure.objects.filter(usual=2**40) == []
        assert await Measure.objects.filter(usual__gt=2**31) == []
        assert await Measure.objects.filter(usual__in=[2**31, 1.5]) == []
        assert await Measure.objects.filter(usual__range=(2**33, 2**34)) == []
    assert len(queries) == 0


async def test_lists_and_ranges_keep_what_the_column_can_hold(measures: Database) -> None:
    assert await Measure.objects.filter(usual__in=[1, 2**40, 3, 2.5]).order_by("usual").values_list(
        "usual", flat=True
    ) == [1, 3]
    assert await Measure.objects.filter(usual__range=(-(2**70), 0.5)).order_by("usual").values_list(
        "usual", flat=True
    ) == [-32768, -1, 0]


async def test_exclude_keeps_rows_where_the_column_is_null(measures: Database) -> None:
    assert await Measure.objects.exclude(usual=2**40).count() == len(VALUES)
    assert await Measure.objects.exclude(usual__lt=2**40).values_list("usual", flat=True) == [None]


async def test_a_column_that_holds_no_negatives_is_compared_with_them(measures: Database) -> None:
    assert await Measure.objects.filter(positive__gte=-1).count() == len(VALUES)
    assert await Measure.objects.filter(positive=-1) == []
