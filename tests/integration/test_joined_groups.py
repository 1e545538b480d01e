"""What joins and groups must not change: rows of aggregates, counts of values, complements of conditions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from covet import Avg, BooleanField, Case, Count, F, OuterRef, Q, Subquery, Sum, Value, When, create_all
from tests.conftest import Database
from tests.models.archive import MODELS, Author, Book, Review, Tag


@pytest.fixture(autouse=True)
async def rows(database: Database) -> None:
    """Two tags, of two books and none; three authors, the first of two books, of which one has two reviews."""
    await create_all(MODELS)
    ann = await Author.create(name="Ann", nick="b", age=1, level=1, rating=Decimal("9.00"), data={"l": True})
    bob = await Author.create(name="Bob", nick="a", age=2, level=2, rating=Decimal("10.00"), data={"l": 1})
    await Author.create(name="Cid", nick="c", age=None, level=3, mentor=ann)
    first = await Book.create(title="one", pages=10, author=ann, editor=bob, data={"a": 1})
    second = await Book.create(title="two", pages=20, author=ann, data={})
    third = await Book.create(title="three", pages=None)
    for book in (first, first, second):
        await Review.create(book=book, stars=1, written="2024-01-01T00:00:00Z")
    tag = await Tag.create(name="old")
    await Tag.create(name="new")
    await tag.books.add(first, second)
    assert third.id == 3


async def test_aggregate_behind_a_table_of_links_has_one_row_for_each_model_row() -> None:
    tags = Tag.objects.annotate(total=Sum("books__pages"), mean=Avg("books__pages"), n=Count("books__title"))
    query = tags.order_by("id").values_list("name", "total", "mean", "n")
    assert 'GROUP BY "tags"."id" ORDER' in query.sql().text
    assert await query == [("old", 30, 15.0, 2), ("new", None, None, 0)]
    assert await tags.filter(total__gt=15).count() == 1


async def test_column_of_related_rows_beside_an_aggregate_is_grouped_by() -> None:
    query = Author.objects.annotate(n=Count("books")).order_by("id", "books__title")
    assert await query.values_list("name", "books__title", "n") == [
        ("Ann", "one", 1),
        ("Ann", "two", 1),
        ("Bob", None, 0),
        ("Cid", None, 0),
    ]


async def test_count_is_the_number_of_rows_that_values_of_related_rows_give() -> None:
    for query in (Author.objects.values("books__title"), Author.objects.annotate(title=F("books__title"))):
        assert await query.count() == len(await query) == 4


async def test_slice_with_annotations_among_its_values_is_counted() -> None:
    query = Author.objects.annotate(x=F("age") + 1).order_by("id").values("name", "x")[1:]
    assert await query.count() == 2
    assert await query.exists()


async def test_groups_by_an_expression_that_asks_a_query() -> None:
    latest = Subquery(Book.objects.filter(author=OuterRef("pk")).order_by("-id").values("pages")[:1])
    query = Author.objects.annotate(pages=latest).values("pages").annotate(n=Count("id")).order_by("pages")
    assert await query == [{"pages": 20, "n": 1}, {"pages": None, "n": 2}]
    known = Case(
        When(id__in=Book.objects.values("author"), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    query = Author.objects.annotate(known=known).values("known").annotate(n=Count("id")).order_by("n")
    assert await query == [{"known": True, "n": 1}, {"known": False, "n": 2}]


async def test_groups_by_a_condition_on_a_list_of_documents() -> None:
    listed = Case(When(data__l__in=[True, 5], then=Value(1)), default=Value(0))
    query = Author.objects.annotate(listed=listed).values("listed").annotate(n=Count("id")).order_by("listed")
    assert await query == [{"listed": 0, "n": 2}, {"listed": 1, "n": 1}]


async def test_aggregate_over_a_slice_is_over_all_that_is_related_to_its_rows() -> None:
    counts = {"books": Count("books"), "reviews": Count("books__reviews__stars")}
    assert await Author.objects.order_by("id")[:1].aggregate(**counts) == {"books": 2, "reviews": 3}
    assert await Author.objects.distinct().aggregate(**counts) == {"books": 2, "reviews": 3}


async def test_exclude_by_isnull_of_a_transform_of_related_rows_leaves_each_row_once() -> None:
    query = Author.objects.exclude(books__data__a__isnull=True).order_by("id")
    assert "NOT EXISTS" in query.sql().text
    assert await query == []
    assert [author.name for author in await Author.objects.filter(~Q(books__pages__abs__isnull=True))] == ["Ann"]


async def test_exclude_of_a_query_that_gives_null_is_the_complement_of_filter() -> None:
    chosen = Author.objects.filter(id__in=Book.objects.values("author")).order_by("id")
    others = Author.objects.exclude(id__in=Book.objects.values("author")).order_by("id")
    assert [author.name for author in await chosen] == ["Ann"]
    assert [author.name for author in await others] == ["Bob", "Cid"]
    assert "WHERE NOT COALESCE(" in others.sql().text
    assert "COALESCE" not in Author.objects.exclude(id__in=Book.objects.values("id")).sql().text


async def test_order_by_a_case_is_that_of_its_values_whatever_its_conditions_compare() -> None:
    by_name = Case(When(rating__gt=Decimal(1), then=F("nick")), default=F("nick"))
    assert await Author.objects.order_by(by_name).values_list("nick", flat=True) == ["a", "b", "c"]
    by_part = Case(When(data__l=5, then=F("name")), default=F("nick"))
    grouped = Author.objects.annotate(part=by_part).values("part").annotate(n=Count("id")).order_by("part")
    assert await grouped == [{"part": "a", "n": 1}, {"part": "b", "n": 1}, {"part": "c", "n": 1}]


async def test_combining_with_nothing_leaves_equal_rows_out_as_combining_with_something_does() -> None:
    pages = Review.objects.values_list("stars", flat=True)
    nothing = Review.objects.filter(id__in=[]).values_list("stars", flat=True)
    assert await pages.difference(nothing) == await pages.union(nothing) == [1]
    assert await pages.difference(nothing).count() == 1
    assert await pages.union(nothing, all=True) == [1, 1, 1]
