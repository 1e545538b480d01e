"""A table for properties: every combination of a few values and NULL."""

from __future__ import annotations

import itertools
from typing import Any

from covet import BooleanField, CharField, IntegerField, Model

TEXTS = [None, "", "a", "A", "ab", "aB%", "a_b", "\\", "b", "%"]


class Sample(Model):
    a = IntegerField(nullable=True)
    b = IntegerField(nullable=True)
    c = IntegerField(default=0)
    flag = BooleanField(nullable=True)
    text = CharField(max_length=5, nullable=True)

    class Meta:
        db_table = "samples"


def sample_rows() -> list[dict[str, Any]]:
    """Return the rows, each with its key."""
    combinations = itertools.product([None, 0, 1, 2], [None, 0, 1, 3], [None, True, False])
    return [
        {"id": number + 1, "a": a, "b": b, "c": number % 5, "flag": flag, "text": TEXTS[number % len(TEXTS)]}
        for number, (a, b, flag) in enumerate(combinations)
    ]


async def store_samples(using: str = "default") -> None:
    """Store the rows of ``sample_rows``."""
    await Sample.objects.using(using).bulk_create([Sample(**row) for row in sample_rows()])
