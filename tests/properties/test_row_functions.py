"""Aggregates and windows over random rows with NULLs against an oracle in Python, and the two databases together."""

from __future__ import annotations

import functools
import statistics
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import (
    Aggregate,
    ArrayAgg,
    Avg,
    BitAnd,
    BitOr,
    BitXor,
    BoolAnd,
    BooleanField,
    BoolOr,
    Count,
    DecimalField,
    IntegerField,
    JSONBAgg,
    Lag,
    Max,
    Min,
    Model,
    Rank,
    RowRange,
    StdDev,
    StringAgg,
    Sum,
    Variance,
    Window,
    create_all,
)
from covet.database import DatabaseConfig, close_all
from tests import postgresql_server


class Draw(Model):
    group = IntegerField(nullable=True)
    number = IntegerField(nullable=True)
    price = DecimalField(max_digits=6, decimal_places=2, nullable=True)
    flag = BooleanField(nullable=True)

    class Meta:
        db_table = "draws"


Row = tuple[int | None, int | None, Decimal | None, bool | None]

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 2),
        st.none() | st.integers(-40, 40),
        st.none() | st.integers(-999, 999).map(lambda cents: Decimal(cents).scaleb(-2)),
        st.none() | st.booleans(),
    ),
    max_size=12,
)

playing = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def two_databases(postgresql_url: str, tmp_path: Path) -> AsyncIterator[None]:
    await postgresql_server.empty(postgresql_url)
    DatabaseConfig(url=f"sqlite:///{tmp_path / 'one.sqlite3'}", alias="one", replace=True)
    DatabaseConfig(url=postgresql_url, alias="two", replace=True)
    for alias in ("one", "two"):
        await create_all(models=[Draw], using=alias)
    yield
    await close_all()


async def on_both(rows: list[Row], ask: Callable[[Any], Any]) -> Any:
    """Store the rows, numbered from 1, and return what both databases answer, which must be the same."""
    answers: list[Any] = []
    for alias in ("one", "two"):
        draws = Draw.objects.using(alias)
        await draws.delete()
        items = [
            Draw(id=at, group=group, number=number, price=price, flag=flag)
            for at, (group, number, price, flag) in enumerate(rows, 1)
        ]
        await draws.bulk_create(items)
        answers.append(await ask(draws))
    assert answers[0] == answers[1]
    return answers[0]


def there(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def unless_empty(of: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    return lambda values: of(there(values)) if there(values) else None


def variance(values: list[Any], *, sample: bool = False) -> float | None:
    found = there(values)
    if len(found) <= sample:
        return None
    return float(statistics.variance(found) if sample else statistics.pvariance(found))


def bits(operation: Callable[[int, int], int]) -> Callable[[list[Any]], Any]:
    return unless_empty(lambda values: functools.reduce(operation, values))


#: Name -> the aggregate, the column that it is over, and what it gives for a column of values in order.
AGGREGATES: dict[str, tuple[Aggregate[Any], int, Callable[[list[Any]], Any]]] = {
    "count": (Count("number"), 1, lambda values: len(there(values))),
    "distinct": (Count("price", distinct=True), 2, lambda values: len(set(there(values)))),
    "total": (Sum("number"), 1, unless_empty(sum)),
    "cost": (Sum("price"), 2, unless_empty(sum)),
    "low": (Min("price"), 2, unless_empty(min)),
    "high": (Max("number"), 1, unless_empty(max)),
    "both": (BitAnd("number"), 1, bits(lambda a, b: a & b)),
    "either": (BitOr("number"), 1, bits(lambda a, b: a | b)),
    "odd": (BitXor("number"), 1, bits(lambda a, b: a ^ b)),
    "every": (BoolAnd("flag"), 3, unless_empty(all)),
    "some": (BoolOr("flag"), 3, unless_empty(any)),
    "numbers": (ArrayAgg("number", order_by="id"), 1, lambda values: values or None),
    "prices": (ArrayAgg("price", order_by="-id"), 2, lambda values: values[::-1] or None),
    "flags": (JSONBAgg("flag", order_by="id"), 3, lambda values: values or None),
    "text": (StringAgg("number", "/", order_by="id"), 1, unless_empty(lambda found: "/".join(map(str, found)))),
}
ONCE = {
    "numbers_once": (ArrayAgg("number", distinct=True, order_by="number"), 1),
    "prices_once": (ArrayAgg("price", distinct=True), 2),
}


def wanted(rows: list[Row]) -> dict[str, Any]:
    found = {name: of([row[column] for row in rows]) for name, (_, column, of) in AGGREGATES.items()}
    for name, (_, column) in ONCE.items():
        values: list[Any] = [row[column] for row in rows]
        nulls = [None] if None in values else []
        found[name] = [*sorted(set(there(values))), *nulls] or None
    return found


ALL = {**{name: each[0] for name, each in AGGREGATES.items()}, **{name: each[0] for name, each in ONCE.items()}}


@given(rows=ROWS)
@playing
async def test_aggregates_give_what_python_gives(two_databases: None, rows: list[Row]) -> None:
    assert await on_both(rows, lambda draws: draws.aggregate(**ALL)) == wanted(rows)


@given(rows=ROWS)
@playing
async def test_groups_have_each_the_aggregates_of_their_rows(two_databases: None, rows: list[Row]) -> None:
    found = await on_both(rows, lambda draws: draws.group_by("group").annotate(**ALL).order_by("group"))
    assert {row.pop("group"): row for row in found} == {
        key: wanted([row for row in rows if row[0] == key]) for key in {row[0] for row in rows}
    }


@given(rows=ROWS)
@playing
async def test_the_spread_is_that_of_the_statistics_module(two_databases: None, rows: list[Row]) -> None:
    def ask(draws: Any) -> Any:
        return draws.aggregate(
            a=Variance("number"), b=Variance("number", sample=True), c=StdDev("price"), d=Variance("price", sample=True)
        )

    found = await on_both(rows, ask)
    numbers, prices = ([row[at] for row in rows] for at in (1, 2))
    deviation = variance(prices)
    expected = [
        variance(numbers),
        variance(numbers, sample=True),
        deviation and deviation**0.5,
        variance(prices, sample=True),
    ]
    for value, right in zip(found.values(), expected, strict=True):
        assert value == right or float(value) == pytest.approx(right)


@given(rows=ROWS, start=st.integers(-3, 1), width=st.integers(0, 3))
@playing
async def test_aggregates_over_a_sliding_frame_are_those_of_its_rows(
    two_databases: None, rows: list[Row], start: int, width: int
) -> None:
    frame = RowRange(start, start + width)
    names = ("count", "total", "cost", "low", "high", "both", "either", "odd", "every", "some")
    windows = {name: Window(AGGREGATES[name][0], order_by="id", frame=frame) for name in names}
    extra = {
        "mean": Window(Avg("price"), order_by="id", frame=frame),
        "spread": Window(Variance("number"), order_by="id", frame=frame),
        "values": Window(ArrayAgg("price"), order_by="id", frame=frame),
    }
    found = await on_both(rows, lambda draws: draws.order_by("id").values(**windows, **extra))
    for at, row in enumerate(found):
        inside = rows[max(at + start, 0) : max(at + start + width + 1, 0)]
        for name in names:
            _, column, of = AGGREGATES[name]
            assert row[name] == of([each[column] for each in inside]), name
        assert row["values"] == ([each[2] for each in inside] or None)
        spread = variance([each[1] for each in inside])
        assert row["spread"] == spread or row["spread"] == pytest.approx(spread)


@given(rows=ROWS, most=st.integers(0, 4))
@playing
async def test_filters_on_a_rank_keep_the_rows_that_it_says(two_databases: None, rows: list[Row], most: int) -> None:
    place = Window(Rank(), partition_by="group", order_by="-number")

    def ask(draws: Any) -> Any:
        ranked = draws.annotate(place=place, before=Window(Lag("id"), partition_by="group", order_by="id"))
        return ranked.filter(place__lte=most).order_by("id").values_list("id", "place", "before")

    expected: list[tuple[int, int, int | None]] = []
    for key, row in enumerate(rows, 1):
        # NULL is the largest.
        size = float("inf") if row[1] is None else row[1]
        beside = [(at, each) for at, each in enumerate(rows, 1) if each[0] == row[0]]
        rank = 1 + sum((float("inf") if each[1] is None else each[1]) > size for _, each in beside)
        earlier = [at for at, _ in beside if at < key]
        if rank <= most:
            expected.append((key, rank, earlier[-1] if earlier else None))
    assert await on_both(rows, ask) == expected
