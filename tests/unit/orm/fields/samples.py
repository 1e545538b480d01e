"""What the tests of values share: enums, subclasses of everything, and a field that belongs to a model."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from covet.database.orm.fields import Field


class Model:
    """Stands for the model that owns the field."""


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "a lie"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Suit(enum.StrEnum):
    HEARTS = "h"
    SPADES = "s"


class Status(enum.Enum):
    DRAFT = "draft"
    LIVE = "live"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Open(enum.IntFlag):
    """An IntFlag keeps bits that it has no name for."""

    READ = 1


class Index:
    def __index__(self) -> int:
        return 7


class Moment(dt.datetime):
    """A subclass, as pandas and freezegun have."""


class Day(dt.date):
    pass


class Clock(dt.time):
    pass


class Span(dt.timedelta):
    pass


class Key(uuid.UUID):
    pass


class Blob(bytes):
    def __bytes__(self) -> bytes:
        return b"a lie"


class Money(Decimal):
    pass


class Real(float):
    def __float__(self) -> float:
        return 0.5


ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
PLUS_TWO = dt.timezone(dt.timedelta(hours=2))
NOON = dt.datetime(2024, 5, 31, 12, tzinfo=dt.UTC)
NAIVE_NOON = dt.datetime(2024, 5, 31, 12)

Make = Callable[[], Field[Any]]


def bound(make: Make) -> Field[Any]:
    field = make()
    field.contribute_to_class(Model, "it")
    return field


def ids(rows: Sequence[tuple[Make, object, object]]) -> list[str]:
    """Name a case by its row, field and type; pytest would print the value."""
    return [f"{row}-{type(make()).__name__}-{type(value).__name__}" for row, (make, value, _) in enumerate(rows)]
