"""Windows: each function and frame, and queries that filter, sort, count and group around them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from covet import (
    ArrayAgg,
    Avg,
    BitOr,
    Count,
    CumeDist,
    DenseRank,
    Exists,
    F,
    FieldError,
    FirstValue,
    FloatField,
    GroupRange,
    Lag,
    LastValue,
    Lead,
    Max,
    NthValue,
    Ntile,
    OuterRef,
    PercentRank,
    Prefetch,
    Q,
    Rank,
    RowNumber,
    RowRange,
    StdDev,
    StringAgg,
    Subquery,
    Sum,
    Value,
    ValueRange,
    Window,
    WindowFrameExclusion,
    WindowFunction,
    create_all,
    transaction,
)
from covet.database import capture_queries
from covet.database.schema.types import Integer
from covet.exceptions import NotSupportedError
from tests.conftest import Database
from tests.models.shelf import Book, Shelf, fill_shelves


class Place(WindowFunction[int]):
    """A window function of a user's own."""

    forms: ClassVar = {"": "ROW_NUMBER()"}
    returns = Integer(64)


PLACE = Window(RowNumber(), partition_by="shelf", order_by="title")


@pytest.fixture
async def shelves(database: Database) -> Database:
    await create_all([Shelf, Book])
    await fill_shelves()
    return database


async def asked(queryset: Any) -> tuple[str, Any]:
    """Return the statement, its placeholders alike on both databases, and the rows."""
    with capture_queries() as queries:
        rows = await queryset
    return queries.sql[0].replace("$", "?"), rows


def plain(sql: str) -> str:
    """Return a statement without what PostgreSQL says of types and SQLite of NULL."""
    for word in ("::bigint", "::integer", "::numeric", "::text", "::double precision", " NULLS LAST", " NULLS FIRST"):
        sql = sql.replace(word, "")
    return sql


@pytest.mark.parametrize(
    ("window", "sql", "values"),
    [
        (Window(RowNumber(), order_by="-id"), 'ROW_NUMBER() OVER (ORDER BY "books"."id" DESC)', [4, 3, 2, 1]),
        (Window(Rank(), order_by="-pages"), 'RANK() OVER (ORDER BY "books"."pages" DESC)', [2, 4, 2, 1]),
        (Window(DenseRank(), order_by="-pages"), "DENSE_RANK() OVER (", [2, 3, 2, 1]),
        (Window(PercentRank(), order_by="id"), "PERCENT_RANK() OVER (", [0.0, 1 / 3, 2 / 3, 1.0]),
        (Window(CumeDist(), order_by="pages"), "CUME_DIST() OVER (", [0.75, 0.25, 0.75, 1.0]),
        (Window(Ntile(3), order_by="id"), "NTILE(?1) OVER (", [1, 1, 2, 3]),
        (Window(FirstValue("price"), order_by="-id"), "FIRST_VALUE(", [None, None, None, None]),
        (Window(LastValue("title"), order_by="id"), "LAST_VALUE(", ["a", "b", "c", "d"]),
        (
            Window(LastValue("title"), order_by="id", frame=RowRange()),
            "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
            ["d", "d", "d", "d"],
        ),
        (Window(NthValue("title", 2), order_by="id"), "NTH_VALUE(", [None, "b", "b", "b"]),
        (Window(Lag("price"), order_by="id"), "LAG(", [None, Decimal("1.50"), Decimal("2.25"), Decimal("1.50")]),
        (Window(Lag("price", 2, default=0), order_by="id"), "LAG(", [0, 0, Decimal("1.50"), Decimal("2.25")]),
        (Window(Lead("title", 3, default=Value("-")), order_by="id"), "LEAD(", ["d", "-", "-", "-"]),
        (Window(Lead(F("pages") + 1), partition_by="shelf", order_by="id"), "LEAD(", [51, None, None, None]),
        (Window(Place(), order_by="-id"), "ROW_NUMBER() OVER (", [4, 3, 2, 1]),
        (
            Window(Count("*"), partition_by=["shelf", Q(sold=True)]),
            'COUNT(*) OVER (PARTITION BY "books"."shelf_id", "books"."sold" = ?1)',
            [1, 1, 1, 1],
        ),
    ],
    ids=repr,
)
async def test_window_functions(shelves: Database, window: Window[Any], sql: str, values: list[Any]) -> None:
    sent, rows = await asked(Book.objects.annotate(value=window).order_by("id").values_list("value", flat=True))
    assert sql in plain(sent)
    assert rows == pytest.approx(values)


@pytest.mark.parametrize(
    ("window", "sql", "values"),
    [
        (Window(Sum("pages"), order_by="id"), "SUM(", [100, 150, 250, 250]),
        (Window(Sum("price"), order_by="id"), "OVER (", [Decimal(n) for n in ("1.50", "3.75", "5.25", "5.25")]),
        (Window(Max("price")), "OVER ()", [Decimal("2.25")] * 4),
        (Window(Avg("took"), order_by="id"), "OVER (", [dt.timedelta(minutes=m) for m in (60, 90, 90, 160)]),
        (Window(Sum("pages", filter=Q(title="b"), default=0), order_by="id"), "FILTER (WHERE", [0, 50, 50, 50]),
        (
            Window(Avg("price"), order_by="id", frame=RowRange(-1, 0)),
            "ROWS BETWEEN ?1 PRECEDING AND CURRENT ROW",
            [Decimal("1.5"), Decimal("1.875"), Decimal("1.875"), Decimal("1.5")],
        ),
        (
            Window(ArrayAgg("title"), order_by="id", frame=RowRange(-1, 1)),
            "ROWS BETWEEN ?1 PRECEDING AND ?2 FOLLOWING",
            [["a", "b"], ["a", "b", "c"], ["b", "c", "d"], ["c", "d"]],
        ),
        (
            Window(BitOr("pages"), order_by="id", frame=RowRange(0, 1)),
            "CURRENT ROW AND ?1 FOLLOWING",
            [118, 118, 100, None],
        ),
        (
            Window(StdDev("price"), order_by="id", frame=RowRange(-1, 0)),
            "PRECEDING AND CURRENT ROW",
            [Decimal(n) for n in ("0", "0.375", "0.375", "0")],
        ),
        (
            Window(ArrayAgg("cover"), order_by="id", frame=RowRange(-2, -1)),
            "BETWEEN ?1 PRECEDING AND ?2 PRECEDING",
            [None, [b"\x00a"], [b"\x00a", b""], [b"", None]],
        ),
        (
            Window(Sum("price", filter=Q(title="z")), order_by="id"),
            "FILTER (WHERE",
            [None, None, None, None],
        ),
        (
            Window(StdDev("rating"), partition_by="id", frame=RowRange(exclusion=WindowFrameExclusion.CURRENT_ROW)),
            "EXCLUDE CURRENT ROW",
            [None, None, None, None],
        ),
        (
            Window(StringAgg("title", "+"), order_by="pages", frame=GroupRange(-1, 0)),
            "GROUPS BETWEEN ?",
            [{"a", "b", "c"}, {"b"}, {"a", "b", "c"}, {"a", "c", "d"}],
        ),
        (
            Window(Count("*"), order_by="pages", frame=ValueRange(-50, 0)),
            "RANGE BETWEEN ?1 PRECEDING AND CURRENT ROW",
            [3, 1, 3, 1],
        ),
        (
            Window(Count("*"), order_by="-rating", frame=ValueRange(-4.75, 1.5)),
            "RANGE BETWEEN ?1 PRECEDING AND ?2 FOLLOWING",
            [2, 3, 1, 1],
        ),
        (
            Window(Sum("pages"), order_by="id", frame=RowRange(exclusion=WindowFrameExclusion.CURRENT_ROW)),
            "UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW)",
            [150, 200, 150, 250],
        ),
        (
            Window(Count("*"), order_by="pages", frame=RowRange(exclusion=WindowFrameExclusion.GROUP)),
            "EXCLUDE GROUP)",
            [2, 3, 2, 3],
        ),
        (
            Window(Sum("price"), order_by="pages", frame=ValueRange(exclusion=WindowFrameExclusion.TIES)),
            "EXCLUDE TIES)",
            [Decimal("3.75"), Decimal("5.25"), Decimal("3.75"), Decimal("5.25")],
        ),
    ],
    ids=repr,
)  # fmt: skip
async def test_aggregates_over_a_window(shelves: Database, window: Window[Any], sql: str, values: list[Any]) -> None:
    sent, rows = await asked(Book.objects.annotate(value=window).order_by("id").values_list("value", flat=True))
    assert sql in plain(sent)
    if isinstance(values[0], set):
        rows = [set(row.split("+")) for row in rows]
    assert rows == values


async def test_a_range_of_time_needs_postgresql_where_sqlite_keeps_texts(shelves: Database) -> None:
    week = Window(Count("*"), order_by="bought", frame=ValueRange(dt.timedelta(days=-7), 0))
    books = Book.objects.filter(bought__isnull=False).annotate(value=week).order_by("id")
    if shelves.name == "postgresql":
        assert await books.values_list("value", flat=True) == [2, 3, 2]
    else:
        with pytest.raises(
            NotSupportedError, match="SQLite has no RANGE of an offset over Date, which it keeps as text"
        ):
            await books
    hours = Window(Count("*"), order_by="took", frame=ValueRange(dt.timedelta(hours=-1), 0))
    took = Book.objects.filter(took__isnull=False).annotate(value=hours).order_by("id")
    assert await took.values_list("value", flat=True) == [1, 2, 1]


# -- queries around windows ------------------------------------------------------------------


async def test_a_filter_on_a_window_is_asked_around_the_query(shelves: Database) -> None:
    books = (
        Book.objects.annotate(place=PLACE)
        .filter(place__lte=1, pages__gt=0)
        .order_by("-id")
        .values_list("title", "place")
    )
    sql, rows = await asked(books)
    assert plain(sql) == (
        'SELECT "t1"."c0", "t1"."c1" FROM (SELECT "books"."title" AS "c0", ROW_NUMBER() OVER (PARTITION BY '
        '"books"."shelf_id" ORDER BY "books"."title") AS "c1", "books"."id" AS "c2" FROM "books" '
        'WHERE "books"."pages" > ?1) AS "t1" WHERE "t1"."c1" <= ?2 ORDER BY "t1"."c2" DESC'
    )
    assert rows == [("c", 1), ("a", 1)]


async def test_instances_come_with_what_they_are_joined_with(shelves: Database) -> None:
    first = Book.objects.annotate(place=PLACE).filter(place=1).select_related("shelf", "owner").order_by("-shelf__name")
    with capture_queries() as queries:
        books: list[Any] = await first
        assert [(book.title, book.place, book.shelf.name) for book in books] == [("c", 1, "two"), ("a", 1, "one")]
        assert [book.owner.name for book in books] == ["two", "two"]
    assert len(queries.sql) == 1
    assert [book.title for book in await first.defer("pages")] == ["c", "a"]
    assert [book.title for book in await first.prefetch_related("shelf__books")] == ["c", "a"]


async def test_count_exists_slices_and_aggregates_see_the_filtered_rows(shelves: Database) -> None:
    first = Book.objects.annotate(place=PLACE).filter(place=1)
    assert await first.count() == 2
    assert await first.exists()
    assert not await first.filter(title="z").exists()
    # A plain condition chooses the rows that the window is over, in whichever call it stands.
    assert await first.filter(title="b").values_list("title", flat=True) == ["b"]
    assert [book.title for book in await first.order_by("-title")[:1]] == ["c"]
    assert (await first.get(shelf__name="two")).title == "c"
    last = await first.last()
    assert last is not None
    assert last.title == "c"
    assert await first.aggregate(Sum("pages"), Max("place"), n=Count("*")) == {
        "pages__sum": 200,
        "place__max": 1,
        "n": 2,
    }
    assert await first.order_by().values_list("pages", flat=True).distinct() == [100]
    assert await Book.objects.alias(place=PLACE).aggregate(Max("place")) == {"place__max": 2}


async def test_conditions_of_all_kinds_stand_beside_one_on_a_window(shelves: Database) -> None:
    books = Book.objects.annotate(place=Window(Rank(), order_by="id")).order_by("id").values_list("title", flat=True)
    assert await books.filter(Q(place=4) | Q(title="b") | Q(owner__name="two")) == ["a", "b", "c", "d"]
    assert await books.filter(Q(place=4) | Q(title="b")) == ["b", "d"]
    assert await books.exclude(place__in=[1, 2]) == ["c", "d"]
    assert await books.filter(place__gt=F("shelf_id") + 1) == ["d"]
    assert await books.filter(~Q(place__range=(2, 3)), sold=True) == ["a"]
    assert await books.filter(~Q(place__range=(2, 3)) | Q(sold=True)) == ["a", "d"]
    assert await books.filter(Window(Lag("title"), order_by="id") == "b") == ["c"]
    assert await books.exclude(Window(Lag("title"), order_by="id") == "b") == ["a", "b", "d"]
    assert await books.filter(Exists(Shelf.objects.filter(id=OuterRef("place"))), place__gt=1) == ["b", "c"]
    with pytest.raises(FieldError, match="cannot be combined with one across a relation to many rows"):
        await Shelf.objects.annotate(r=Window(Rank(), order_by="id")).filter(Q(r=1) | Q(books__title="a"))


async def test_the_value_of_a_window_can_be_sorted_by_and_computed_with(shelves: Database) -> None:
    share = Window(Sum("pages"), partition_by="shelf")
    books = Book.objects.filter(pages__isnull=False).annotate(
        share=Window(Avg("rating"), output_field=FloatField()), part=F("pages") * 100 / share, place=PLACE
    )
    assert await books.order_by("-place", "id").values_list("title", "part") == [("b", 33), ("a", 66), ("c", 100)]
    assert await books.order_by(Window(RowNumber(), order_by="-title")).values_list("title", flat=True) == [
        "c",
        "b",
        "a",
    ]


async def test_queries_with_a_filter_on_a_window_stand_in_others(shelves: Database) -> None:
    first = Book.objects.annotate(place=PLACE).filter(place=1)
    assert await Shelf.objects.filter(books__in=first.filter(title="c")).values_list("name", flat=True) == ["two"]
    place = Book.objects.annotate(place=PLACE).filter(place=2, shelf=OuterRef("pk")).values("title")
    found = Shelf.objects.annotate(second=Subquery(place)).order_by("id").values_list("name", "second")
    assert await found == [("one", "b"), ("two", "d"), ("three", None)]
    assert await first.update(pages=7) == 2
    assert await Book.objects.order_by("id").values_list("pages", flat=True) == [7, 50, 7, None]
    assert await first.delete() == (2, {"Book": 2})
    books = Prefetch("books", queryset=Book.objects.annotate(place=Window(Rank(), order_by="-id")).filter(place=1))
    shelves_of = await Shelf.objects.prefetch_related(books).order_by("id")
    assert [[book.title for book in shelf.books] for shelf in shelves_of] == [[], ["d"], []]


async def test_a_window_is_computed_over_groups(shelves: Database) -> None:
    groups = Book.objects.values("shelf").annotate(n=Sum("pages"))
    ranked = groups.annotate(place=Window(Rank(), order_by="-n"), all=Window(Sum("n")))
    sql, rows = await asked(ranked.order_by("place"))
    assert rows == [{"shelf": 1, "n": 150, "place": 1, "all": 250}, {"shelf": 2, "n": 100, "place": 2, "all": 250}]
    assert ' GROUP BY "books"."shelf_id" ORDER BY RANK()' in sql
    assert await ranked.filter(place=1).values_list("shelf", flat=True) == [1]
    assert await ranked.filter(place=1, n__gt=1000) == []
    two = Shelf.objects.annotate(n=Count("books"), lent_out=Count("lent"))
    placed = two.annotate(place=Window(DenseRank(), order_by=["-n", "-lent_out"])).order_by("id")
    assert await placed.values_list("place", "n", "lent_out") == [(2, 2, 1), (1, 2, 2), (3, 0, 0)]


async def test_an_aggregate_over_a_window_does_not_group(shelves: Database) -> None:
    books = Book.objects.annotate(total=Window(Sum("pages"))).order_by("id")
    sql, rows = await asked(books)
    assert "GROUP BY" not in sql
    assert [(book.title, book.total) for book in rows] == [(title, 250) for title in "abcd"]
    assert await books.count() == 4


# -- what is refused -------------------------------------------------------------------------


def wrong(value: Any) -> Any:
    """Return a value that type checkers would refuse."""
    return value


async def test_windows_that_make_no_sense_are_refused_where_they_are_written(shelves: Database) -> None:
    books = Book.objects
    with pytest.raises(FieldError, match=r"Rank\(\) needs a window: Window\(Rank\(\), order_by=...\)"):
        books.annotate(place=Rank())
    with pytest.raises(FieldError, match="F is no aggregate and no window function"):
        books.annotate(place=Window(F("pages")))
    with pytest.raises(FieldError, match="takes neither distinct= nor order_by="):
        books.annotate(n=Window(Count("pages", distinct=True)))
    with pytest.raises(FieldError, match="a window cannot be computed from another window"):
        books.annotate(place=PLACE).annotate(n=Window(Sum("place")))
    with pytest.raises(FieldError, match="cannot be computed from another aggregate or a window"):
        books.annotate(place=PLACE).annotate(n=Sum("place"))
    with pytest.raises(FieldError, match=r"ValueRange\(start=-1, end=0\) measures one value"):
        books.annotate(n=Window(Count("*"), order_by=["id", "title"], frame=ValueRange(-1, 0)))
    with pytest.raises(FieldError, match="the rows are ordered by Varchar, where a distance is nothing"):
        books.annotate(n=Window(Count("*"), order_by="title", frame=ValueRange(-1, 0)))
    with pytest.raises(FieldError, match="the rows are ordered by Date, where a distance is timedelta"):
        books.annotate(n=Window(Count("*"), order_by="bought", frame=ValueRange(-1, 0)))
    with pytest.raises(FieldError, match=r"counts groups of equals: it needs order_by="):
        books.annotate(n=Window(Count("*"), frame=GroupRange(-1, 0)))
    with pytest.raises(TypeError, match=r"aggregate\(n=...\): Window\(Rank\(\)\) is not an aggregate"):
        await books.aggregate(n=Window(Rank()))
    async with transaction():
        with pytest.raises(FieldError, match="a filter on a window exclude each other: lock by primary key"):
            await books.annotate(place=PLACE).filter(place=1).select_for_update()
    limited = Prefetch("books", queryset=books.annotate(place=PLACE).filter(place=1)[:1])
    with pytest.raises(FieldError, match="a slice for each parent and a filter on a window exclude each other"):
        await Shelf.objects.prefetch_related(limited)
    with pytest.raises(FieldError, match="a window is over several rows"):
        await books.update(pages=PLACE)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Window(wrong("pages")), TypeError, r"Window\(\) takes an aggregate or a window function"),
        (
            lambda: Window(Rank(), frame=wrong(1)),
            TypeError,
            r"Window\(frame=\) takes RowRange, ValueRange or GroupRange",
        ),
        (lambda: RowRange(1.5), TypeError, r"RowRange\(start=\) takes int or None, not float"),
        (lambda: RowRange(end=True), TypeError, r"RowRange\(end=\) takes int or None, not bool"),
        (lambda: RowRange(exclusion=wrong("TIES")), TypeError, "takes a WindowFrameExclusion, not str"),
        (lambda: RowRange(2, 1), ValueError, "the start of a frame cannot be behind its end"),
        (lambda: RowRange(0, -1), ValueError, "the start of a frame cannot be behind its end"),
        (lambda: ValueRange(dt.timedelta(1), dt.timedelta(0)), ValueError, "the start of a frame cannot be behind"),
        (lambda: Lag("pages", 0), ValueError, r"Lag\(offset=\) takes 1 or more, not 0"),
        (lambda: NthValue("pages", -1), ValueError, r"NthValue\(nth=\) takes 1 or more"),
        (lambda: Ntile(wrong("x")), TypeError, r"Ntile\(num_buckets=\) takes an int, not str"),
        (lambda: Rank("pages"), TypeError, r"Rank\(\) takes 0 argument\(s\), not 1"),
    ],
)
def test_wrong_frames_and_counts_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
