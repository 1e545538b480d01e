"""Models of the tests of functions."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from covet import CharField, DateField, DateTimeField, ForeignKey, IntegerField, Model

BERLIN = ZoneInfo("Europe/Berlin")


class Maker(Model):
    name = CharField(max_length=40, nullable=True)


class Thing(Model):
    name = CharField(max_length=40, nullable=True)
    number = IntegerField(nullable=True)
    made = DateTimeField(nullable=True, db_index=True)
    local = DateTimeField(nullable=True, timezone=False)
    day = DateField(nullable=True, db_index=True)
    maker = ForeignKey(Maker, on_delete="CASCADE", nullable=True, related_name="things")


ALL = [Maker, Thing]


async def value_of(expression: Any) -> Any:
    """Return the value of an expression for the first row."""
    return (await Thing.objects.annotate(value=expression).values_list("value", flat=True))[0]
