"""Models with documents and arrays."""

from __future__ import annotations

from typing import Any

from covet import ArrayField, BooleanField, CharField, DecimalField, ForeignKey, IntegerField, JSONField, Model


class Kennel(Model):
    name = CharField(max_length=20)
    facts: JSONField[Any] = JSONField(nullable=True)


class Dog(Model):
    name = CharField(max_length=20)
    age = IntegerField(default=3)
    data: JSONField[Any] = JSONField(nullable=True)
    #: An existing column of type json.
    old: JSONField[Any] = JSONField(nullable=True, binary=False)
    tags = ArrayField(CharField(max_length=10, nullable=True), default=list, nullable=True)
    grid = ArrayField(ArrayField(IntegerField()), nullable=True)
    flags = ArrayField(BooleanField(), default=list)
    prices = ArrayField(DecimalField(max_digits=6, decimal_places=2), default=list)
    kennel: ForeignKey[Kennel | None] = ForeignKey(Kennel, nullable=True, related_name="dogs")


ALL = [Kennel, Dog]
