"""insert_many of more rows than should be in memory at once; a million in the long form."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from covet import CharField, IntegerField, Model, create_all
from tests.conftest import Database
from tests.soak import long


class Measured(Model):
    number = IntegerField()
    text = CharField(max_length=200)

    class Meta:
        db_table = "measured"


ROWS = int(long(1_000_000, short=20_000))
LIMIT = 100 << 20


def resident() -> int:
    """Return the bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def test_million_rows_from_a_generator_stay_below_a_hundred_megabytes(database: Database) -> None:
    await create_all(models=[Measured])
    most = start = resident()

    def rows() -> Iterator[Measured]:
        nonlocal most
        for number in range(ROWS):
            if not number % 1000:
                most = max(most, resident())
            yield Measured(number=number, text=f"{number:0200}")

    told: list[int] = []
    assert await Measured.objects.insert_many(rows(), progress=told.append) == ROWS
    assert told[-1] == ROWS
    assert await Measured.objects.count() == ROWS
    sys.stdout.write(f"{database.name}: {ROWS} rows, {(most - start) >> 20} MB above the start\n")
    assert most - start < LIMIT
