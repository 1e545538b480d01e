"""Each aggregate: the SQL that it makes on each database, and what it gives."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from covet import (
    Aggregate,
    AnyValue,
    ArrayAgg,
    BitAnd,
    BitOr,
    BitXor,
    BoolAnd,
    BoolOr,
    Case,
    Cast,
    Collate,
    Count,
    F,
    FieldError,
    JSONBAgg,
    Max,
    Q,
    StdDev,
    StringAgg,
    Sum,
    TextField,
    Value,
    Variance,
    When,
    create_all,
)
from covet.database import capture_queries
from covet.database.schema.types import Float, Integer
from covet.exceptions import NotSupportedError
from tests.conftest import Database
from tests.models.shelf import Book, Shelf, fill_shelves


class Spread(Aggregate[int]):
    """An aggregate of a user's own: the same arithmetic on both databases."""

    forms: ClassVar = {"": "MAX({0}) - MIN({0}) + {1}"}
    returns = Integer(64)


class Total(Aggregate[float]):
    """An aggregate that the database has under this name."""

    function = "sum"
    returns = Float()


class OnlyPostgreSQL(Aggregate[float]):
    forms: ClassVar = {"postgresql": "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY {0})"}
    returns = Float()


class Nameless(Aggregate[int]):
    """Has no SQL."""


@pytest.fixture
async def shelves(database: Database) -> Database:
    await create_all([Shelf, Book])
    await fill_shelves()
    return database


async def asked(**expressions: Any) -> tuple[str, dict[str, Any]]:
    """Return the statement of an aggregate over all books, its placeholders alike on both databases, and the result."""
    with capture_queries() as queries:
        found = await Book.objects.aggregate(**expressions)
    return queries.sql[0].replace("$", "?"), found


@pytest.mark.parametrize(
    ("aggregate", "postgresql", "sqlite", "result"),
    [
        (StdDev("price"), 'STDDEV_POP("books"."price")', "covet_decimal_stddev", Decimal("0.3535533905932738")),
        (Variance("price"), 'VAR_POP("books"."price")', "covet_decimal_variance", Decimal("0.125")),
        (Variance("price", sample=True), "VAR_SAMP", "covet_decimal_variance_sample", Decimal("0.1875")),
        (Variance("price", distinct=True), "VAR_POP(DISTINCT", "covet_decimal_variance(DISTINCT", Decimal("0.140625")),
        (StdDev("pages"), "STDDEV_POP", "covet_stddev(", 23.570226039551585),
        (StdDev("pages", sample=True), "STDDEV_SAMP", "covet_stddev_sample(", 28.867513459481287),
        (Variance("rating", sample=True), "VAR_SAMP", "covet_variance_sample(", 10.645833333333334),
        (StdDev("rating", filter=Q(title="a")), "FILTER (WHERE", "FILTER (WHERE", 0.0),
        (StdDev("rating", sample=True, filter=Q(title="a")), "FILTER (WHERE", "FILTER (WHERE", None),
        (BitAnd("pages"), 'BIT_AND("books"."pages")', 'covet_bit_and("books"."pages")', 32),
        (BitOr("pages"), 'BIT_OR("books"."pages")', 'covet_bit_or("books"."pages")', 118),
        (BitXor("pages"), 'BIT_XOR("books"."pages")', 'covet_bit_xor("books"."pages")', 50),
        (BitXor("pages", default=7, filter=Q(pages=0)), "COALESCE(BIT_XOR", "COALESCE(covet_bit_xor", 7),
        (BoolAnd("sold"), 'BOOL_AND("books"."sold")', 'MIN("books"."sold")', False),
        (BoolOr("sold"), 'BOOL_OR("books"."sold")', 'MAX("books"."sold")', True),
        (BoolAnd(Q(rating__lt=9)), 'BOOL_AND("books"."rating" < ?1)', 'MIN("books"."rating" < ?1)', True),
        (BoolOr("sold", filter=Q(pages=0), default=False), "COALESCE(BOOL_OR", "COALESCE(MAX", False),
        (AnyValue("title", filter=Q(pages=50)), 'ANY_VALUE("books"."title")', 'MIN("books"."title")', "b"),
        (AnyValue("price", filter=Q(pages=50)), "ANY_VALUE", 'MIN("books"."price" COLLATE', Decimal("2.25")),
        (Sum("pages", default=Value(3) + 4, filter=Q(pages=0)), "COALESCE(CAST(SUM", "COALESCE(CAST(SUM", 7),
        (Sum(Case(When(sold=True, then=F("pages")), default=1)), "SUM(CASE", "SUM(CASE", 102),
    ],
    ids=repr,
)
async def test_aggregates_of_numbers_and_truth_values(
    shelves: Database, aggregate: Aggregate[Any], postgresql: str, sqlite: str, result: object
) -> None:
    sql, found = await asked(value=aggregate)
    assert (postgresql if shelves.name == "postgresql" else sqlite) in sql
    if isinstance(result, Decimal):
        assert round(found["value"], 16) == result
    else:
        assert found["value"] == (pytest.approx(result) if isinstance(result, float) else result)
        assert type(found["value"]) is type(result)


async def test_decimals_have_the_same_digits_on_both_databases(shelves: Database) -> None:
    found = await Book.objects.aggregate(a=StdDev("price"), b=Variance("price", sample=True))
    assert {key: str(value) for key, value in found.items()} == {
        "a": "0.35355339059327376220",
        "b": "0.18750000000000000000",
    }


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("title", ["a", "b", "c", "d"]),
        ("pages", [100, 50, 100, None]),
        ("price", [Decimal("1.50"), Decimal("2.25"), Decimal("1.50"), None]),
        ("rating", [1.0, 2.5, None, 7.25]),
        ("sold", [True, False, None, True]),
        ("bought", [dt.date(2024, 1, 1), dt.date(2024, 1, 8), None, dt.date(2024, 1, 1)]),
        ("took", [dt.timedelta(hours=1), dt.timedelta(hours=2), None, dt.timedelta(hours=5)]),
        ("notes", [{"k": [1]}, [1, None], None, "text"]),
        ("cover", [b"\x00a", b"", None, b"d"]),
        ("shelf", [1, 1, 2, 2]),
    ],
)
async def test_array_agg_gives_a_list_of_any_type(shelves: Database, field: str, values: list[Any]) -> None:
    sql, found = await asked(up=ArrayAgg(field, order_by="id"), down=ArrayAgg(field, order_by=["shelf_id", "-id"]))
    assert found == {"up": values, "down": [values[1], values[0], values[3], values[2]]}
    if shelves.name == "postgresql":
        column = "shelf_id" if field == "shelf" else field
        assert f'ARRAY_AGG("books"."{column}" ORDER BY "books"."shelf_id", "books"."id" DESC)' in sql


async def test_array_agg_of_moments_gives_aware_datetimes(shelves: Database) -> None:
    found = await Book.objects.filter(title__in=["a", "c"]).aggregate(value=ArrayAgg("printed", order_by="id"))
    assert found == {"value": [dt.datetime(2024, 1, 2, 12, 0, 0, 120_000, dt.UTC), None]}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("title", ["a", "b", "c", "d"]),
        ("price", [1.5, 2.25, 1.5, None]),
        ("rating", [1, 2.5, None, 7.25]),
        ("sold", [True, False, None, True]),
        ("printed", [day and f"{day}T12:00:00.12+00:00" for day in ("2024-01-02", "2023-12-26", None, "2024-01-09")]),
        ("bought", ["2024-01-01", "2024-01-08", None, "2024-01-01"]),
        ("notes", [{"k": [1]}, [1, None], None, "text"]),
        ("cover", ["\\x0061", "\\x", None, "\\x64"]),
    ],
)  # fmt: skip
async def test_jsonb_agg_gives_a_list_in_the_form_of_json(shelves: Database, field: str, values: list[Any]) -> None:
    sql, found = await asked(value=JSONBAgg(field, order_by="id"))
    assert found == {"value": values}
    assert ("JSONB_AGG(" if shelves.name == "postgresql" else "covet_json_agg(") in sql


async def test_string_agg_joins_texts_in_order(shelves: Database) -> None:
    sql, found = await asked(
        titles=StringAgg("title", ", ", order_by=[F("pages").desc(nulls_last=True), "-title"]),
        prices=StringAgg("price", Value("|"), order_by="price"),
        own=StringAgg("title", Cast("pages", TextField()), order_by="title"),
    )
    assert found == {"titles": "c, a, b, d", "prices": "1.50|1.50|2.25", "own": "a50b100cd"}
    if shelves.name == "postgresql":
        assert (
            'STRING_AGG("books"."title", ?1::text ORDER BY "books"."pages" DESC NULLS LAST, "books"."title" DESC)'
            in sql
        )
    else:
        # The numbers: a plain value; keys that sort downwards, NULL last, and downwards, NULL first.
        assert 'covet_string_agg(0, "books"."title", ?1, 1, "books"."pages", 3, "books"."title")' in sql


async def test_equal_values_are_collected_once_in_their_own_order(shelves: Database) -> None:
    _, found = await asked(
        prices=ArrayAgg("price", distinct=True),
        pages=ArrayAgg("pages", distinct=True, order_by="-pages"),
        texts=StringAgg("pages", "-", distinct=True, order_by="-pages"),
        titles=StringAgg("title", "", distinct=True, order_by=F("title").desc()),
        json=JSONBAgg("pages", distinct=True, order_by=F("pages").asc(nulls_first=True)),
    )
    assert found == {
        "prices": [Decimal("1.50"), Decimal("2.25"), None],
        "pages": [None, 100, 50],
        "texts": "50-100",
        "titles": "dcba",
        "json": [None, 50, 100],
    }
    with pytest.raises(FieldError, match="with distinct=True it can be ordered by the values themselves only"):
        await Book.objects.aggregate(value=ArrayAgg("title", distinct=True, order_by="pages"))


async def test_nothing_collected_is_none_or_the_default(shelves: Database) -> None:
    none = Book.objects.filter(pages=0)
    collected = {"a": ArrayAgg("pages"), "b": JSONBAgg("pages"), "c": StringAgg("title", ",")}
    assert await none.aggregate(**collected) == {"a": None, "b": None, "c": None}
    assert await Book.objects.none().aggregate(**collected) == {"a": None, "b": None, "c": None}
    filled = {
        "a": ArrayAgg("pages", default=[1]),
        "b": JSONBAgg("pages", default=[]),
        "c": StringAgg("title", ",", default="-"),
        "d": Sum("pages", default=Value(2) * 2),
    }
    assert await none.aggregate(**filled) == {"a": [1], "b": [], "c": "-", "d": 4}
    assert await Book.objects.none().aggregate(**filled) == {"a": [1], "b": [], "c": "-", "d": 4}


async def test_a_shelf_without_books_has_none_and_not_a_list_of_none(shelves: Database) -> None:
    titles = ArrayAgg("books__title", order_by="books__title")
    one = Shelf.objects.annotate(titles=titles).order_by("id").values_list("name", "titles")
    with capture_queries() as queries:
        assert await one == [("one", ["a", "b"]), ("two", ["c", "d"]), ("three", None)]
    assert 'FILTER (WHERE "t1"."id" IS NOT NULL)' in queries.sql[0]
    two = Shelf.objects.annotate(titles=titles, sizes=JSONBAgg("lent__pages", order_by="-lent__id", default=[]))
    assert await two.order_by("id").values_list("titles", "sizes") == [
        (["a", "b"], [None]),
        (["c", "d"], [100, 100]),
        (None, []),
    ]


async def test_the_default_of_an_annotation_may_be_a_field(shelves: Database) -> None:
    titles = StringAgg("books__title", "", order_by="books__title", default=F("name"))
    found = Shelf.objects.annotate(titles=titles).order_by("id").values_list("titles", flat=True)
    assert await found == ["ab", "cd", "three"]
    with pytest.raises(FieldError, match="the default stands for no rows, so it has no field"):
        await Shelf.objects.aggregate(value=Max("id", default=F("id")))


async def test_an_aggregate_of_ones_own_has_a_name_or_forms(shelves: Database) -> None:
    sql, found = await asked(a=Spread("pages", 2), b=Total("pages", distinct=True, filter=Q(pages__gt=1)))
    assert 'MAX("books"."pages") - MIN("books"."pages") + ?1' in sql
    assert 'sum(DISTINCT "books"."pages") FILTER (WHERE "books"."pages" > ?2)' in sql
    assert found["a"] == 52
    assert found["b"] == 150
    grouped = Book.objects.order_by().values("shelf").annotate(spread=Spread("pages", 0)).order_by("shelf")
    assert await grouped == [{"shelf": 1, "spread": 50}, {"shelf": 2, "spread": 0}]
    if shelves.name == "postgresql":
        assert await Book.objects.aggregate(value=OnlyPostgreSQL("pages")) == {"value": 100.0}
    else:
        with pytest.raises(NotSupportedError, match="SQLite has no form of 'OnlyPostgreSQL'"):
            await Book.objects.aggregate(value=OnlyPostgreSQL("pages"))


async def test_default_names_are_those_of_django(shelves: Database) -> None:
    found = await Book.objects.aggregate(StdDev("pages"), BoolAnd("sold"), ArrayAgg("title"), StringAgg("title", ","))
    assert list(found) == ["pages__stddev", "sold__booland", "title__arrayagg", "title__stringagg"]


@pytest.mark.parametrize(
    ("aggregate", "message"),
    [
        (BitAnd("title"), r"BitAnd\('title'\): the values are of type Varchar, and it takes Integer"),
        (BoolOr("pages"), "the values are of type Integer, and it takes Boolean"),
        (StdDev("took"), "the values are of type Interval, and it takes Integer, Float, Numeric"),
        (StringAgg("printed", ","), r"the values are of type Timestamp, .* Cast\(\) makes one of another"),
        (JSONBAgg("took"), "the values are of type Interval"),
        (Max("*"), r"'\*' is for Count only"),
        (Spread("pages", 1, distinct=True), "its form says what distinct= and order_by= would"),
    ],
    ids=repr,
)
async def test_an_aggregate_of_the_wrong_type_is_refused(
    shelves: Database, aggregate: Aggregate[Any], message: str
) -> None:
    with pytest.raises(FieldError, match=message):
        await Book.objects.aggregate(value=aggregate)


async def test_what_cannot_be_an_aggregate_is_refused_where_it_is_written(shelves: Database) -> None:
    with pytest.raises(TypeError, match=r"StringAgg\(delimiter=\) takes a text or an expression, not int"):
        StringAgg("title", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # what it is about
    with pytest.raises(TypeError, match="Nameless has neither 'function' nor 'forms'"):
        await Book.objects.aggregate(value=Nameless("pages"))
    with pytest.raises(FieldError, match="cannot be computed from another aggregate"):
        Shelf.objects.annotate(n=Count("books")).annotate(most=Max("n"))
    with pytest.raises(FieldError, match="an aggregate here is over related rows"):
        await Book.objects.update(pages=Sum("pages"))
    if shelves.name == "sqlite":
        with pytest.raises(NotSupportedError, match="SQLite cannot sort by a collation inside an aggregate"):
            await Book.objects.aggregate(value=ArrayAgg("title", order_by=Collate("title", "NOCASE")))


async def test_infinite_numbers_have_no_spread(shelves: Database) -> None:
    await Book.objects.filter(title="a").update(rating=math.inf)
    found = await Book.objects.aggregate(value=Variance("rating"))
    # NaN is NULL in SQLite.
    assert found["value"] is None if shelves.name == "sqlite" else math.isnan(found["value"])


async def test_aggregates_over_a_limited_query_see_its_rows_only(shelves: Database) -> None:
    first = Book.objects.order_by("-title")[:2]
    found = await first.aggregate(a=ArrayAgg("title", order_by="title"), b=StringAgg("title", "+", order_by="-title"))
    assert found == {"a": ["c", "d"], "b": "d+c"}
