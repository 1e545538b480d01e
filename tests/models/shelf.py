"""The models of the tests of aggregates and windows: shelves of books with a column of every kind that they meet."""

from __future__ import annotations

import datetime as dt
from typing import Any

from covet import (
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    FloatField,
    ForeignKey,
    IntegerField,
    JSONField,
    Model,
    ReverseManager,
)


class Shelf(Model):
    name = CharField(max_length=20)
    room = CharField(max_length=20, nullable=True)

    books: ReverseManager[Book]
    lent: ReverseManager[Book]


class Book(Model):
    title = CharField(max_length=20)
    shelf = ForeignKey(Shelf, related_name="books")
    owner = ForeignKey(Shelf, related_name="lent", nullable=True)
    pages = IntegerField(nullable=True)
    price = DecimalField(max_digits=8, decimal_places=2, nullable=True)
    rating = FloatField(nullable=True)
    sold = BooleanField(nullable=True)
    printed = DateTimeField(nullable=True)
    bought = DateField(nullable=True)
    took = DurationField(nullable=True)
    notes = JSONField(nullable=True)
    cover = BinaryField(nullable=True)

    class Meta:
        ordering = ("title",)


_COLUMNS = (
    *("title", "shelf", "owner", "pages", "price", "rating"),
    *("sold", "printed", "bought", "took", "notes", "cover"),
)


async def fill_shelves() -> None:
    """Store a (100 pages) and b (50) on shelf one, c (100) and d (NULL) on two, nothing on three."""
    one, two, _ = [
        await Shelf.create(name=name, room=room) for name, room in (("one", "den"), ("two", None), ("three", "den"))
    ]
    noon = dt.datetime(2024, 1, 2, 12, 0, 0, 120_000, dt.UTC)
    day, hour = dt.date(2024, 1, 1), dt.timedelta(hours=1)
    week = dt.timedelta(days=7)
    rows: tuple[tuple[Any, ...], ...] = (
        ("a", one, two, 100, "1.50", 1.0, True, noon, day, hour, {"k": [1]}, b"\x00a"),
        ("b", one, None, 50, "2.25", 2.5, False, noon - week, day + week, 2 * hour, [1, None], b""),
        ("c", two, two, 100, "1.50", None, None, None, None, None, None, None),
        ("d", two, one, None, None, 7.25, True, noon + week, day, 5 * hour, "text", b"d"),
    )
    for row in rows:
        await Book.create(**dict(zip(_COLUMNS, row, strict=True)))
