"""Random conditions against an oracle in Python, on both databases, and between the two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings

import covet.database
from covet import F, create_all
from covet.database import DatabaseConfig
from tests import postgresql_server
from tests.conftest import Database
from tests.models.samples import Sample, sample_rows, store_samples
from tests.properties.conditions import Condition, Joined, Test, conditions

ROWS = sample_rows()

# The table is filled once and only read: the examples of one test may share it.
reading = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def samples(database: Database) -> None:
    await create_all(models=[Sample])
    await store_samples()


def expected(condition: Condition, *, excluded: bool = False) -> list[int]:
    """Return the keys of the rows for which the condition is true, or the rows that ``exclude`` keeps."""
    return [row["id"] for row in ROWS if condition.holds(row) is not excluded]


NESTED = Joined("OR", True, (Test("b", "gt", 0), Test("flag", "", True)))


@given(condition=conditions)
@example(condition=Joined("AND", True, (Test("a", "", 1), NESTED)))
@example(condition=Joined("XOR", True, (Test("a", "", 1), Test("b", "", 1), Test("flag", "", None))))
@example(condition=Joined("AND", True, (Test("a", "in", ()),)))
@example(condition=Joined("OR", True, (Test("a", "in", (None,)), Test("a", "lte", "b", column=True))))
@reading
async def test_filter_and_exclude_share_the_rows_as_the_oracle_says(samples: None, condition: Condition) -> None:
    ids = Sample.objects.order_by("id").values_list("id", flat=True)
    assert await ids.filter(condition.q()) == expected(condition)
    assert await ids.exclude(condition.q()) == expected(condition, excluded=True)
    assert await ids.filter(~condition.q()) == expected(condition, excluded=True)


@given(first=conditions, second=conditions)
@reading
async def test_chained_filters_are_joined_by_and(samples: None, first: Condition, second: Condition) -> None:
    ids = Sample.objects.order_by("id").values_list("id", flat=True)
    both = [key for key in expected(first) if key in expected(second)]
    assert await ids.filter(first.q()).filter(second.q()) == both
    assert await ids.filter(first.q(), second.q()) == both
    assert await ids.filter(first.q() & second.q()) == both
    assert await ids.filter(first.q()).filter(second.q()).count() == len(both)
    assert await ids.filter(first.q()).filter(second.q()).exists() is bool(both)


@given(condition=conditions)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_condition_as_a_value_is_true_for_the_rows_that_a_filter_finds(
    samples: None, condition: Condition
) -> None:
    rows = await Sample.objects.annotate(held=condition.q()).order_by("id").values_list("id", "held")
    assert [key for key, held in rows if held] == expected(condition)


@pytest.fixture
async def two_databases(postgresql_url: str, tmp_path: Path) -> AsyncIterator[None]:
    await postgresql_server.empty(postgresql_url)
    DatabaseConfig(url=f"sqlite:///{tmp_path / 'one.sqlite3'}", alias="one", replace=True)
    DatabaseConfig(url=postgresql_url, alias="two", replace=True)
    for alias in ("one", "two"):
        await create_all(models=[Sample], using=alias)
        await store_samples(alias)
    yield
    await covet.database.close_all()


@given(condition=conditions)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_both_databases_give_the_same_rows_in_the_same_order(two_databases: None, condition: Condition) -> None:
    query = Sample.objects.filter(condition.q()).order_by("-text", "flag", F("a") + F("b"), "b", "id")
    one, two = await query.using("one").values(), await query.using("two").values()
    assert one == two
