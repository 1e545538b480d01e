"""Loading: rows of text -> instances -> the database, in batches, so that memory does not grow with the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import TypeAlias

from covet import AnyModel
from demo.conversion import Conversion, Converter
from demo.dataset import Dataset, DatasetError
from demo.models import Airline, Airport, Flight, Plane, Weather

__all__ = ["BATCH", "TABLES", "Loaded", "Progress", "Table", "load"]

BATCH = 5_000

Progress: TypeAlias = Callable[[str, int], None]
"""Is told the name of the table and how many rows more have been inserted."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file, its model, and how a row of the one becomes an instance of the other."""

    name: str
    model: type[AnyModel]
    convert: Converter


# In the order of the foreign keys: what a key points at comes first.
TABLES = (
    Table("airlines", Airline, Conversion.airline),
    Table("airports", Airport, Conversion.airport),
    Table("planes", Plane, Conversion.plane),
    Table("weather", Weather, Conversion.weather),
    Table("flights", Flight, Conversion.flight),
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one table."""

    table: str
    lines: int
    inserted: int
    stored: int
    seconds: float


async def load(dataset: Dataset, progress: Progress, batch: int = BATCH) -> tuple[list[Loaded], Counter[str]]:
    """Load every table; return what became of each, and what was dirty."""
    conversion = Conversion()
    report: list[Loaded] = []
    for table in TABLES:
        report.append(await _load_table(dataset, table, conversion, progress, batch))
        if table.model is Airport:
            conversion.airports = set(await Airport.objects.values_list(Airport.faa, flat=True))
        if table.model is Plane:
            conversion.planes = set(await Plane.objects.values_list(Plane.tailnum, flat=True))
    return report, conversion.dirt


async def _load_table(dataset: Dataset, table: Table, conversion: Conversion, progress: Progress, batch: int) -> Loaded:
    started = perf_counter()
    inserted = 0
    instances = _instances(dataset, table, conversion)
    while rows := list(islice(instances, batch)):
        await table.model.objects.bulk_create(rows)
        inserted += len(rows)
        progress(table.name, len(rows))
    seconds = perf_counter() - started
    stored = await table.model.objects.count()
    return Loaded(table.name, dataset.count(table.name), inserted, stored, seconds)


def _instances(dataset: Dataset, table: Table, conversion: Conversion) -> Iterator[AnyModel]:
    for number, row in enumerate(dataset.rows(table.name), start=1):
        try:
            yield table.convert(conversion, row)
        except (KeyError, ValueError) as error:
            raise DatasetError(f"Row {number} of {table.name}.csv cannot be read: {error}") from error
