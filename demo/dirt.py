"""Dirt: what is wrong with the data, how the models take it, and the query that finds it again in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from covet import Q, QuerySet
from demo.models import Airport, Flight, Plane, Weather

__all__ = ["DIRT", "Dirt"]


@dataclass(frozen=True, slots=True)
class Dirt:
    """One kind of dirt: the name under which reading counts it, the answer of the models, the rows that have it."""

    what: str
    stored_as: str
    rows: QuerySet[Any, Any]


DIRT = (
    Dirt(
        "flight without tail number",
        "tailnum and plane are NULL",
        Flight.objects.filter(tailnum__isnull=True),
    ),
    Dirt(
        "flight by unknown plane",
        "tailnum kept, plane is NULL",
        Flight.objects.filter(tailnum__isnull=False, plane__isnull=True),
    ),
    Dirt(
        "flight to unknown airport",
        "dest kept, destination is NULL",
        Flight.objects.filter(destination__isnull=True),
    ),
    Dirt(
        "flight that never left",
        "dep_time and dep_delay are NULL",
        Flight.objects.filter(dep_time__isnull=True, dep_delay__isnull=True),
    ),
    Dirt(
        "flight at 24:00",
        "the number, as reported",
        Flight.objects.filter(Q(dep_time=2400) | Q(arr_time=2400)),
    ),
    Dirt("airport without time zone", "tzone is NULL", Airport.objects.filter(tzone__isnull=True)),
    Dirt("plane without year", "year is NULL", Plane.objects.filter(year__isnull=True)),
    Dirt("weather without pressure", "pressure is NULL", Weather.objects.filter(pressure__isnull=True)),
)
