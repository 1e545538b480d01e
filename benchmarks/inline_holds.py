"""How long short reads of SQLite hold the event loop: ``python -m benchmarks.inline_holds [FOLDER]``.

Reads by key of a table larger than what SQLite keeps in memory, with ``inline_budget``: first with the file in the
system's memory, then while it is put out of it again and again. The folder should be on the disk in question.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from benchmarks.operations import INLINE_BUDGET
from covet import IntegerField, Model, TextField, create_all
from covet.database import DatabaseConfig, close_all
from covet.database.adapters import aiosqlite
from covet.database.adapters.sqlite_inline import Inline, NotDone, Record

R = TypeVar("R")
_ROWS = 100_000
_READS = 2_000
_READS_WARM = 5


class HeldPage(Model):
    """A row of about a kilobyte."""

    number = IntegerField()
    text = TextField()


class TimedInline(Inline):
    """Notes how long each statement held the loop."""

    holds: list[float] = []  # noqa: RUF012 - of the run
    given_up = 0

    def run(self, record: Record, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], R]) -> R:
        started = perf_counter()
        try:
            return super().run(record, connection, work)
        except NotDone:
            TimedInline.given_up += 1
            raise
        finally:
            TimedInline.holds.append(perf_counter() - started)


async def _read(path: Path, *, cold: bool) -> None:
    draw = random.Random(1)
    TimedInline.holds, TimedInline.given_up = [], 0
    for number in range(_READS):
        if cold and number % _READS_WARM == 0:
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)
        await HeldPage.objects.get(id=draw.randint(1, _ROWS))
    holds = sorted(TimedInline.holds)
    middle, high, longest = (holds[int((len(holds) - 1) * share)] * 1e6 for share in (0.5, 0.99, 1))
    print(
        f"{'cold' if cold else 'warm'}: {len(holds)} reads in the loop, microseconds: median {middle:.0f}, "
        f"99 of 100 {high:.0f}, longest {longest:.0f}; {TimedInline.given_up} given up"
    )


async def _measure(path: Path) -> None:
    DatabaseConfig(url=f"sqlite:///{path}", inline_budget=INLINE_BUDGET)
    await create_all([HeldPage])
    await HeldPage.objects.bulk_create(HeldPage(number=number, text="x" * 1000) for number in range(_ROWS))
    await close_all()  # what is written is in the file itself now
    os.sync()
    await _read(path, cold=False)
    await _read(path, cold=True)
    await close_all()


if __name__ == "__main__":
    vars(aiosqlite)["Inline"] = TimedInline  # the same, with a clock
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        asyncio.run(_measure(Path(folder) / "held.db"))
