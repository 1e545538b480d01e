"""Positions in the order of a query: after, before, cursors, pages and batches."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import (
    CharField,
    Count,
    DateTimeField,
    DecimalField,
    F,
    FieldError,
    ForeignKey,
    IntegerField,
    Model,
    UniqueConstraint,
    ValidationError,
    create_all,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.orders import ALL, Order, Tenant

NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)


class Shelf(Model):
    name = CharField(max_length=20, unique=True)


class Book(Model):
    title = CharField(max_length=20)
    pages = IntegerField(nullable=True)
    price = DecimalField(max_digits=6, decimal_places=2)
    printed = DateTimeField()
    shelf = ForeignKey(Shelf, related_name="books")
    place = IntegerField()

    class Meta:
        constraints = (UniqueConstraint(fields=["shelf", "place"]),)


@pytest.fixture
async def books(database: Database) -> Database:
    """Store ten books on two shelves; some have no pages, many are equal in something."""
    await create_all([Shelf, Book])
    shelves = [await Shelf.create(name=name) for name in ("low", "high")]
    await Book.objects.bulk_create(
        Book(
            title="abc"[i % 3],
            pages=None if i % 4 == 0 else i % 3,
            price=Decimal(i % 2) + Decimal("0.5"),
            printed=NOON + dt.timedelta(microseconds=i % 5),
            shelf=shelves[i % 2],
            place=i,
        )
        for i in range(10)
    )
    return database


ORDERS: list[tuple[Any, ...]] = [
    ("id",),
    ("-id",),
    ("title", "id"),
    ("-title", "id"),
    ("pages", "id"),
    ("-pages", "-id"),
    (F("pages").asc(nulls_first=True), "-id"),
    (F("pages").desc(nulls_last=True), "title", "id"),
    ("price", "-printed", "id"),
    ("-printed", "-price", "pages", "-id"),
    ("shelf", "place"),
    ("shelf__name", "-place", "id"),
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
async def test_after_and_before_part_the_rows_at_every_position(books: Database, order: tuple[Any, ...]) -> None:
    ordered = Book.objects.select_related("shelf").order_by(*order)
    rows = await ordered
    for at, row in enumerate(rows):
        position = ordered.cursor(row)
        assert await ordered.after(position) == rows[at + 1 :]
        assert await ordered.before(position) == rows[:at]
    assert await ordered.after(rows[3]) == rows[4:]


@pytest.mark.parametrize("order", ORDERS[:8], ids=str)
async def test_pages_lead_through_all_rows_and_back(books: Database, order: tuple[Any, ...]) -> None:
    ordered = Book.objects.order_by(*order)
    rows, seen = await ordered, []
    page = await ordered.page(3)
    assert page.previous is None
    while True:
        seen += page.rows
        if page.next is None:
            break
        page = await ordered.page(3, after=page.next)
    assert seen == rows
    back = list(page.rows)
    while page.previous is not None:
        page = await ordered.page(3, before=page.previous)
        back = page.rows + back
    assert back == rows


async def test_the_condition_lets_an_index_begin_at_the_position(books: Database) -> None:
    ordered = Book.objects.order_by("-printed", "id")
    with capture_queries() as queries:
        await ordered.after((NOON, 3)).limit(2)
    where = queries.sql[0].replace("$", "?").partition(" WHERE ")[2].partition(" ORDER BY ")[0]
    printed, key = '"books"."printed"', '"books"."id"'
    expected = f"{printed} <= ?1 AND ({printed} < ?2 OR ({printed} = ?3 AND {key} > ?4))"
    assert where == expected
    same = ordered.after((NOON, 4)).state, ordered.after((NOON, 5)).state
    assert same[0] == same[1]


async def test_an_order_that_is_not_total_is_refused(books: Database) -> None:
    for order in (("title",), ("pages", "title"), ("shelf",)):
        queryset = Book.objects.order_by(*order)
        assert queryset.ordered
        assert not queryset.totally_ordered
        with pytest.raises(FieldError, match=r"no two rows are equal, or rows would be lost: add 'id' to order_by\(\)"):
            queryset.after((1,))
    assert Book.objects.order_by("title", "id").totally_ordered
    assert Book.objects.order_by("shelf", "place").totally_ordered
    assert Shelf.objects.order_by("name").totally_ordered
    assert not Shelf.objects.filter(books__pages__gt=0).order_by("name").totally_ordered
    assert not Book.objects.all().ordered


async def test_a_cursor_of_another_order_or_of_nobody_is_refused(books: Database) -> None:
    first = await Book.objects.order_by("id").first()
    assert first is not None
    by_id = Book.objects.order_by("id").cursor(first)
    for text in (by_id, "", "!", "bm9uc2Vuc2U", "W10", "[" * 5000, "é"):
        with pytest.raises(ValidationError, match="this is no cursor of this query and its order"):
            Book.objects.order_by("title", "id").after(text)
    with pytest.raises(ValueError, match="a value for each of the 2 sort keys, not 1"):
        Book.objects.order_by("title", "id").after(("a",))


@given(text=st.text(max_size=40))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_makes_another_error_than_the_one_for_cursors(text: str) -> None:
    with pytest.raises(ValidationError):
        Book.objects.order_by("title", "id").after(text)


async def test_positions_of_annotated_rows(books: Database) -> None:
    counted = Shelf.objects.annotate(n=Count("books"), twice=F("id") * 2).order_by("-n", "twice", "id")
    rows = await counted
    assert await counted.after(rows[0]) == rows[1:]
    dicts = Book.objects.values("title", "id").order_by("title", "id")
    found = await dicts
    assert await dicts.after(dicts.cursor(found[4])) == found[5:]


async def test_misuse_of_pages_is_refused(books: Database) -> None:
    ordered = Book.objects.order_by("id")
    with pytest.raises(TypeError, match="after and before exclude each other"):
        await ordered.page(3, after=(1,), before=(2,))
    with pytest.raises(ValueError, match="at least one row, not 0"):
        await ordered.page(0)
    with pytest.raises(TypeError, match="takes its size itself"):
        await ordered[:5].page(3)
    with pytest.raises(TypeError, match=r"after\(\) after limit\(\)"):
        ordered[:5].after((1,))


async def test_batches_hold_every_row_once(books: Database) -> None:
    sizes, keys = [], []
    async for batch in Book.objects.filter(place__lt=9).in_batches(4):
        rows = await batch
        sizes.append(len(rows))
        keys += [row.id for row in rows]
    assert sizes == [4, 4, 1]
    assert len(set(keys)) == 9
    changed = 0
    async for batch in Book.objects.order_by("-title").in_batches(5):
        changed += await batch.update(title="z")
    assert changed == 10
    with pytest.raises(TypeError, match="without slices"):
        _ = [batch async for batch in Book.objects.all()[:3].in_batches(2)]


async def test_batches_of_rows_that_a_filter_finds_several_times(books: Database) -> None:
    shelves = Shelf.objects.filter(books__pages__gte=0)
    assert len(await shelves) > 2
    found = [await batch.values_list("name", flat=True).distinct() async for batch in shelves.in_batches(1)]
    assert found == [["low"], ["high"]]
    combined = Book.objects.filter(place=1).union(Book.objects.filter(place=2))
    with pytest.raises(FieldError, match=r"in_batches\(\) needs an order"):
        _ = [batch async for batch in combined.in_batches(2)]


async def test_a_random_order_has_no_positions(books: Database) -> None:
    shuffled = Book.objects.order_by("?", "id")
    assert not shuffled.totally_ordered
    with pytest.raises(FieldError, match=r"after\(\) needs an order in which no two rows are equal"):
        shuffled.after((0.5, 1))


class Keyring(Model):
    keys = IntegerField(unique=True)


async def test_a_field_named_keys_is_a_position(database: Database) -> None:
    await create_all([Keyring])
    rings = await Keyring.objects.bulk_create(Keyring(keys=number) for number in (3, 1, 2))
    ordered = Keyring.objects.order_by("keys")
    assert await ordered.after(rings[1]) == [rings[2], rings[0]]
    assert await ordered.values("keys").after({"keys": 2}) == [{"keys": 3}]


async def test_a_key_of_several_columns_is_a_position_too(database: Database) -> None:
    await create_all(ALL)
    tenants = [await Tenant.create(name=name) for name in ("a", "b")]
    for tenant in tenants:
        for number in (1, 2, 3):
            await Order.create(tenant=tenant, number=number)
    ordered = Order.objects.order_by("pk")
    rows = await ordered
    assert ordered.totally_ordered
    assert await ordered.after(rows[2]) == rows[3:]
    assert await ordered.before(ordered.cursor(rows[4])) == rows[:4]
    assert [len(await batch) async for batch in Order.objects.in_batches(4)] == [4, 2]
