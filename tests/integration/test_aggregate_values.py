"""Aggregates over parts of documents and over enums. The same answers on both databases."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Any

import pytest

from covet import (
    CTE,
    AnyValue,
    ArrayAgg,
    Avg,
    BoolAnd,
    BoolOr,
    CharField,
    Count,
    EnumField,
    ForeignKey,
    JSONField,
    Lag,
    Max,
    Min,
    Model,
    Q,
    StdDev,
    Sum,
    Variance,
    Window,
    create_all,
)
from covet.database import capture_queries
from covet.exceptions import DataError
from tests.conftest import Database


class Level(enum.Enum):
    LOW = "a"
    MIDDLE = "b"
    HIGH = "c"


class Shop(Model):
    name = CharField(max_length=10)


class Ware(Model):
    shop = ForeignKey(Shop, related_name="wares")
    data: JSONField[Any] = JSONField(nullable=True)
    old: JSONField[Any] = JSONField(nullable=True, binary=False)
    level = EnumField(Level, nullable=True)
    named = EnumField(Level, store="name", nullable=True)


WARES: list[tuple[str, Any, Level | None]] = [
    ("one", {"price": 1, "sold": True, "name": "z"}, Level.LOW),
    ("one", {"price": 2.5, "sold": False}, Level.HIGH),
    ("one", {"price": None, "sold": None}, None),
    ("two", {}, Level.MIDDLE),
    ("two", None, None),
    ("two", {"price": 0.1, "sold": True}, Level.LOW),
]


@pytest.fixture
async def wares(database: Database) -> Database:
    await create_all([Shop, Ware])
    shops = {name: await Shop.create(name=name) for name in ("one", "two", "none")}
    await Ware.objects.bulk_create(
        [Ware(shop=shops[shop], data=data, old=data, level=level, named=level) for shop, data, level in WARES]
    )
    return database


@pytest.mark.parametrize("column", ["data", "old"])
async def test_numbers_of_documents_are_decimals(wares: Database, column: str) -> None:
    part = f"{column}__price"
    found = await Ware.objects.aggregate(
        sum=Sum(part), avg=Avg(part), low=Min(part), high=Max(part), var=Variance(part), dev=StdDev(part)
    )
    assert found["sum"] == Decimal("3.6")
    assert found["avg"] == Decimal("1.2")
    assert (found["low"], found["high"]) == (Decimal("0.1"), Decimal("2.5"))
    assert {type(value) for value in found.values()} == {Decimal}
    assert found["var"] == pytest.approx(Decimal("0.98"))
    assert found["dev"] == pytest.approx(Decimal("0.98").sqrt())


async def test_numbers_of_documents_over_a_relation_and_over_no_rows(wares: Database) -> None:
    shops = Shop.objects.annotate(total=Sum("wares__data__price", default=0), n=Count("wares")).order_by("id")
    assert await shops.values_list("total", "n") == [(Decimal("3.5"), 3), (Decimal("0.1"), 3), (0, 0)]
    dear = Shop.objects.annotate(top=Max("wares__data__price")).filter(top__gt=1)
    assert [shop.name for shop in await dear] == ["one"]
    assert await Ware.objects.none().aggregate(s=Sum("data__price")) == {"s": None}
    sold = Sum("data__price", filter=Q(data__sold=True))
    assert await Ware.objects.aggregate(s=sold) == {"s": Decimal("1.1")}
    by_shop = Ware.objects.values("shop__name").annotate(s=Sum("data__price")).order_by("shop__name")
    found = [(row["shop__name"], row["s"]) for row in await by_shop]
    assert found == [
        ("one", Decimal("3.5")),
        ("two", Decimal("0.1")),
    ]


async def test_truths_of_documents(wares: Database) -> None:
    every, some = BoolAnd("data__sold"), BoolOr("data__sold")
    assert await Ware.objects.aggregate(every=every, some=some) == {"every": False, "some": True}
    assert await Ware.objects.filter(shop__name="two").aggregate(every=every) == {"every": True}


async def test_the_sql_of_sums_over_documents(wares: Database) -> None:
    with capture_queries() as queries:
        await Ware.objects.aggregate(s=Sum("data__price"))
    if wares.name == "sqlite":
        assert "covet_json_number(covet_json_at(" in queries[0].sql
    else:
        part = '("wares"."data" #> $1::text[])'
        # Before PostgreSQL 18 the cast of the document null was an error.
        assert f"SUM(CAST(NULLIF({part}, (JSONB_BUILD_ARRAY(NULL) -> 0)) AS numeric))" in queries[0].sql


async def test_a_text_in_a_document_is_no_number(wares: Database) -> None:
    with pytest.raises(DataError):
        await Ware.objects.aggregate(s=Sum("data__name"))


async def test_an_aggregate_of_an_enum_gives_members(wares: Database) -> None:
    for name in ("level", "named"):
        found = await Ware.objects.aggregate(
            low=Min(name), high=Max(name), every=ArrayAgg(name, order_by="id"), n=Count(name, distinct=True)
        )
        high = Level.HIGH if name == "level" else Level.MIDDLE  # the names are compared: MIDDLE is after LOW
        assert found["high"] is high
        assert found["low"] is (Level.LOW if name == "level" else Level.HIGH)
        assert found["every"] == [level for _, _, level in WARES]
        assert found["n"] == 3
    one = await Ware.objects.filter(shop__name="one", level=Level.HIGH).aggregate(AnyValue("level"))
    assert one == {"level__anyvalue": Level.HIGH}


async def test_annotations_groups_and_windows_give_members(wares: Database) -> None:
    shops = Shop.objects.annotate(top=Max("wares__level"), all=ArrayAgg("wares__level", default=[])).order_by("id")
    assert [shop.annotation("top", object) for shop in await shops] == [Level.HIGH, Level.MIDDLE, None]
    assert await shops.values_list("top", flat=True) == [Level.HIGH, Level.MIDDLE, None]
    assert await shops.filter(name="none").values_list("all", flat=True) == [[]]
    assert await shops.filter(top=Level.HIGH).values_list("name", flat=True) == ["one"]
    assert await shops.filter(top__in=[Level.MIDDLE]).values_list("name", flat=True) == ["two"]
    groups = Ware.objects.values("shop__name").annotate(top=Max("level")).order_by("shop__name")
    assert [row["top"] for row in await groups] == [Level.HIGH, Level.MIDDLE]
    before = Ware.objects.annotate(before=Window(Lag("level"), order_by="id")).order_by("id")
    assert await before.values_list("before", flat=True) == [None, *(level for _, _, level in WARES[:-1])]
    limited = Ware.objects.order_by("id")[:1]
    assert await limited.aggregate(m=Max("level")) == {"m": Level.LOW}
    default = Ware.objects.filter(id=-1)
    assert await default.aggregate(m=Max("level", default=Level.LOW)) == {"m": Level.LOW}
    assert await Ware.objects.none().aggregate(m=Max("level", default=Level.LOW)) == {"m": Level.LOW}


async def test_a_common_table_and_a_union_give_members(wares: Database) -> None:
    tops = CTE(Ware.objects.values("shop").annotate(top=Max("level")), name="tops")
    found = await tops.queryset().order_by("shop").values_list("top", flat=True)
    assert found == [Level.HIGH, Level.MIDDLE]
    low = Ware.objects.filter(level=Level.LOW).values_list("level", flat=True)
    both = low.union(Ware.objects.filter(level=Level.HIGH).values_list("level", flat=True))
    assert set(await both) == {Level.LOW, Level.HIGH}
