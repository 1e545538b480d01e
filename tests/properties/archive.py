"""Queries as source text, asked of Django and of covet over the same rows.

``Author.objects.filter(age__gt=3)`` is read twice: where the names are Django's, and where they are covet's. The rows
are in tables of both, in one database.
"""

from __future__ import annotations

import datetime as dt
import inspect
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import django.db
import django.db.models
import django.db.models.functions
import django.db.models.query
from django.apps import apps
from django.core import exceptions

import covet
import covet.functions
from covet import create_all
from tests.conftest import Database
from tests.models import archive
from tests.properties import django_oracle
from tests.properties.archive_rows import LINKS, ROWS

_COMMON: dict[str, Any] = {
    "D": Decimal,
    "UUID": uuid.UUID,
    "UTC": dt.UTC,
    "ZoneInfo": ZoneInfo,
    "date": dt.date,
    "datetime": dt.datetime,
    "time": dt.time,
    "timedelta": dt.timedelta,
}
COVET: Mapping[str, Any] = {
    **{name: getattr(covet, name) for name in covet.__all__},
    **{name: getattr(covet.functions, name) for name in covet.functions.__all__},
    **{model.__name__: model for model in archive.MODELS},
    **_COMMON,
}
DJANGO: Mapping[str, Any] = {
    **vars(django.db.models),
    **vars(django.db.models.functions),
    **{model.__name__: apps.get_model("oracle", model.__name__) for model in archive.MODELS},
    **_COMMON,
}

#: What says that a query cannot be: of Django and of covet.
REFUSALS = (
    exceptions.FieldError,
    exceptions.ObjectDoesNotExist,
    exceptions.MultipleObjectsReturned,
    exceptions.ValidationError,
    django.db.DatabaseError,
    covet.exceptions.CovetError,
    covet.exceptions.FieldError,
    covet.ObjectDoesNotExist,
    TypeError,
    ValueError,
    NotImplementedError,
)


@asynccontextmanager
async def stored(database: Database, folder: Path) -> AsyncIterator[None]:
    """Store the rows through both."""
    await create_all(archive.MODELS)
    for model in archive.MODELS:
        await model.objects.bulk_create([model(**row) for row in ROWS[model.__name__]])
    for book in await archive.Book.objects.all():
        await book.tags.add(*LINKS.get(book.id, []))
    if database.name == "sqlite":
        django_oracle.open_file(folder / "django.sqlite3")
    else:
        django_oracle.open_server(database.url)
    models = [apps.get_model("oracle", model.__name__) for model in archive.MODELS]
    with django_oracle.connection().schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    for model in models:
        model.objects.bulk_create([model(**row) for row in ROWS[model.__name__]])
    for book in DJANGO["Book"].objects.all():
        book.tags.add(*LINKS.get(book.id, []))
    try:
        yield
    finally:
        django_oracle.close()


@dataclass(frozen=True)
class Answer:
    """What came of a query: rows in order or as a multiset, or the error that refused it."""

    rows: tuple[str, ...] | Counter[str]
    error: Exception | None = None

    def __str__(self) -> str:
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error}"
        return "; ".join(self.rows.elements() if isinstance(self.rows, Counter) else self.rows) or "no rows"


async def of_covet(text: str, *, ordered: bool) -> Answer:
    """Ask covet."""
    try:
        found = eval(text, dict(COVET))  # noqa: S307 - the text was made here
        found = await found if inspect.isawaitable(found) else found
    except REFUSALS as error:
        return Answer((), error)
    return _answer(found, ordered=ordered)


def of_django(text: str, *, ordered: bool) -> Answer:
    """Ask Django."""
    try:
        found = eval(text, dict(DJANGO))  # noqa: S307 - the text was made here
        if isinstance(found, django.db.models.QuerySet):
            found = list(found)
    except REFUSALS as error:
        return Answer((), error)
    return _answer(found, ordered=ordered)


def _answer(found: Any, *, ordered: bool) -> Answer:
    rows = tuple(map(_normal, found)) if isinstance(found, list) else (_normal(found),)
    return Answer(rows if ordered else Counter(rows))


def _normal(value: Any) -> str:  # noqa: PLR0911 - one for each type
    """Return a text that is equal for equal values of equal types."""
    if isinstance(value, covet.Model | django.db.models.Model):
        names = [name for name in vars(value) if name[0] != "_" and not name.endswith("_id")]
        plain = sorted(name for name in names if not isinstance(vars(value)[name], covet.Model))
        return f"{type(value).__name__} {value.pk} " + ", ".join(
            f"{name}={_normal(vars(value)[name])}" for name in plain
        )
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_normal(of)}" for name, of in sorted(value.items(), key=str)) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_normal, value)) + ")"
    if isinstance(value, float):
        return f"{value:.9g}f"
    if isinstance(value, Decimal):
        return f"D{value.quantize(Decimal('1.00000')).normalize():f}"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat() if value.tzinfo else f"naive {value.isoformat()}"
    return repr(value) if not isinstance(value, str) else json.dumps(value)
