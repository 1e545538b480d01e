"""The rows of the archive: NULLs, unicode, moments about midnight, decimals exact in binary, JSON of all kinds."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from decimal import Decimal
from typing import Any

TEXTS = [
    "Ann",
    "ann",
    "ANN",
    "Bob",
    "",
    "Ægir",
    "Émile",
    "émile",
    "straße",
    "日本",
    "a_b",
    "100%",
    "O'Neil",
    "b\\s",
    "aXb",
]
NUMBERS = [-3, -1, 0, 1, 2, 3, 5, 7]
#: All of them have few binary digits: Django keeps decimals on SQLite as floats.
DECIMALS = [Decimal(text) for text in ("-2.50", "0.00", "0.25", "1.50", "1.75", "10.00", "12.50", "99.75")]
FLOATS = [-1.5, 0.0, 0.5, 1.0, 2.25, 3.75]
DATES = [dt.date(2023, 12, 31), dt.date(2024, 1, 1), dt.date(2024, 2, 29), dt.date(2024, 12, 30), dt.date(2025, 6, 15)]
MOMENTS = [
    dt.datetime(2023, 12, 31, 23, 30, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 1, 0, 0, tzinfo=dt.UTC),
    dt.datetime(2024, 3, 31, 0, 59, 59, tzinfo=dt.UTC),
    dt.datetime(2024, 3, 31, 1, 30, 0, 250000, tzinfo=dt.UTC),
    dt.datetime(2024, 10, 27, 2, 15, tzinfo=dt.UTC),
    dt.datetime(2024, 12, 30, 23, 45, 6, 789000, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
    dt.datetime(2025, 6, 15, 12, 0, tzinfo=dt.UTC),
]
TIMES = [dt.time(0, 0), dt.time(6, 30), dt.time(12, 0, 1), dt.time(23, 59, 59)]
SPANS = [dt.timedelta(0), dt.timedelta(minutes=-90), dt.timedelta(hours=8), dt.timedelta(days=2, seconds=1)]
UUIDS = [uuid.UUID(int=number << 64) for number in (1, 2, 3)]
DOCUMENTS: list[Any] = [
    {"a": 1, "b": {"c": "x"}, "l": [1, 2, "q"]},
    {"a": 2.5, "b": {"c": None}, "s": "Ann"},
    {"a": None, "t": True, "l": []},
    {"a": "1", "b": {}, "s": "émile", "t": False},
    {"b": {"c": "x", "d": [{"e": 5}]}, "a": 7},
    [1, "a", None],
    [],
    {},
    "a",
    3,
]

_COLUMNS: dict[str, dict[str, list[Any]]] = {
    "Tag": {"weight": NUMBERS},
    "Author": {
        "nick": TEXTS, "age": NUMBERS, "rating": DECIMALS, "score": FLOATS, "active": [True, False], "born": DATES,
        "joined": MOMENTS, "wakes": TIMES, "rest": SPANS, "uid": UUIDS, "data": DOCUMENTS,
    },
    "Profile": {"bio": TEXTS, "points": NUMBERS},
    "Book": {"pages": NUMBERS, "price": DECIMALS, "published": DATES, "sold": MOMENTS, "data": DOCUMENTS},
    "Review": {"stars": NUMBERS, "text": TEXTS},
}  # fmt: skip


def _rows() -> tuple[dict[str, list[dict[str, Any]]], dict[int, list[int]]]:
    draw = random.Random("archive")

    def fill(model: str, number: int) -> dict[str, Any]:
        values = {name: None if draw.random() < 0.2 else draw.choice(of) for name, of in _COLUMNS[model].items()}
        return {"id": number, **values}

    def one(size: int) -> int | None:
        return None if draw.random() < 0.25 else draw.randint(1, size)

    rows: dict[str, list[dict[str, Any]]] = {model: [] for model in _COLUMNS}
    for number in range(1, 7):
        rows["Tag"].append({**fill("Tag", number), "name": TEXTS[number]})
    for number in range(1, 16):
        more = {"name": TEXTS[number % len(TEXTS)], "level": draw.choice(NUMBERS)}
        more["mentor_id"] = draw.randint(1, number - 1) if number > 1 and draw.random() < 0.7 else None
        rows["Author"].append({**fill("Author", number), **more})
    for number in range(1, 10):
        rows["Profile"].append({**fill("Profile", number), "author_id": 16 - number})
    for number in range(1, 21):
        more = {"title": draw.choice(TEXTS), "author_id": one(12), "editor_id": one(12)}
        rows["Book"].append({**fill("Book", number), **more})
    for number in range(1, 31):
        more = {"written": draw.choice(MOMENTS), "book_id": draw.randint(1, 16)}
        rows["Review"].append({**fill("Review", number), **more})
    links = {number: sorted(draw.sample(range(1, 6), draw.choice([0, 1, 1, 2, 3]))) for number in range(1, 19)}
    return rows, links


#: The values of the columns, and the tags of each book.
ROWS, LINKS = _rows()
