"""The ten questions. Each is the docstring of the function that answers it; the program prints the source that ran."""

# ruff: noqa: D400, D401 - questions, not statements

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from covet import Avg, Count, F, Max, Q, transaction
from covet.database import get_adapter
from demo.models import Airline, Flight, Plane

__all__ = ["QUESTIONS", "Answer", "Question"]

Answer: TypeAlias = list[dict[str, Any]]
Question: TypeAlias = Callable[[], Awaitable[Answer]]


async def late_but_on_time() -> Answer:
    """How many flights left more than an hour late and still arrived on time?"""
    late = Flight.objects.filter(Flight.dep_delay > 60)
    return [
        {
            "left late": await late.count(),
            "arrived on time": await late.filter(arr_delay__lte=0).count(),
            "arrived on time, or was diverted": await late.filter(Q(arr_delay__lte=0) | Q(arr_delay=None)).count(),
        }
    ]


async def latest_departures() -> Answer:
    """Which flights left latest?"""
    flights = Flight.objects.select_related("carrier", "destination").order_by(
        Flight.dep_delay.desc(nulls_last=True), "id"
    )
    return [
        {
            "date": flight.date,
            "airline": flight.carrier.name,
            "to": flight.destination.name if flight.destination else flight.dest,
            "hours late": (flight.dep_delay or 0) / 60,
        }
        for flight in await flights[:5]
    ]


async def oldest_planes() -> Answer:
    """Which models of plane from before 1970 were still flying, and how fast?"""
    return await (
        Flight.objects.filter(plane__year__lt=1970)
        .values("plane__manufacturer", "plane__model")
        .annotate(
            flights=Count("id"),
            planes=Count("plane", distinct=True),
            newest=Max("plane__year"),
            mph=Avg(F("distance") * 60.0 / F("air_time")),
        )
        .order_by("-flights", "plane__model")
    )


async def punctual_airlines() -> Answer:
    """Which airlines arrive most punctually?"""
    return await (
        Airline.objects.annotate(arrivals=Count("flights__arr_delay"), minutes_late=Avg("flights__arr_delay"))
        .filter(arrivals__gt=0)
        .order_by("minutes_late", "carrier")
        .values("name", "arrivals", "minutes_late")[:5]
    )


async def cancelled_by_airport() -> Answer:
    """How many flights of each airport never left?"""
    return await (
        Flight.objects.values("origin__name")
        .annotate(
            flights=Count("id"), cancelled=Count("id", filter=Q(dep_time=None)), days=Count("date", distinct=True)
        )
        .order_by("-cancelled", "origin__name")
    )


async def airlines_of_unknown_planes() -> Answer:
    """Who flies the planes that nobody registered?"""
    return await (
        Flight.objects.filter(plane=None)
        .exclude(tailnum=None)
        .values("carrier__name")
        .annotate(flights=Count("id"), tail_numbers=Count("tailnum", distinct=True))
        .order_by("-flights", "carrier__name")[:5]
    )


async def time_made_up() -> Answer:
    """Which flights made up most time in the air?"""
    return await (
        Flight.objects.filter(arr_delay__lt=F("dep_delay"))
        .annotate(made_up=F("dep_delay") - F("arr_delay"), mph=F("distance") * 60.0 / F("air_time"))
        .order_by("-made_up", "id")
        .values("date", "carrier__name", "dest", "dep_delay", "arr_delay", "made_up", "mph")[:5]
    )


async def journeys_of_the_oldest() -> Answer:
    """Where did the five oldest planes go?"""
    planes = Plane.objects.filter(year__isnull=False).order_by("year", "tailnum").prefetch_related("flights")
    return [
        {
            "plane": plane.tailnum,
            "built": plane.year,
            "model": f"{plane.manufacturer} {plane.model}",
            "flights": len(plane.flights),
            "miles": sum(flight.distance for flight in plane.flights),
            "to": ", ".join(sorted({flight.dest for flight in plane.flights})),
        }
        for plane in await planes[:5]
    ]


async def what_if() -> Answer:
    """What if every flight of United had arrived a quarter of an hour earlier?"""
    united = Flight.objects.filter(carrier="UA", arr_delay__isnull=False)
    late = united.filter(arr_delay__gt=0)
    before = await late.count()
    async with transaction() as tx:
        changed = await united.update(arr_delay=F("arr_delay") - 15)
        then = await late.count()
        await tx.rollback()
    return [{"changed": changed, "late": before, "late then": then, "late after all": await late.count()}]


async def cost_of_fog() -> Answer:
    """What does fog cost?"""
    # The weather of an hour is found by two columns, which is no foreign key.
    rows = await get_adapter().fetch_all(
        """
        SELECT weather.visib AS miles, COUNT(*) AS flights,
               CAST(AVG(flights.dep_delay) AS double precision) AS minutes_late
        FROM demo_flights AS flights
        JOIN demo_weather AS weather ON weather.origin_id = flights.origin_id AND weather.time_hour = flights.time_hour
        WHERE weather.visib <= $1 AND flights.dep_delay IS NOT NULL
        GROUP BY weather.visib
        ORDER BY weather.visib
        """,
        [0.5],
    )
    return [dict(row) for row in rows]


QUESTIONS: tuple[Question, ...] = (
    late_but_on_time,
    latest_departures,
    oldest_planes,
    punctual_airlines,
    cancelled_by_airport,
    airlines_of_unknown_planes,
    time_made_up,
    journeys_of_the_oldest,
    what_if,
    cost_of_fog,
)
