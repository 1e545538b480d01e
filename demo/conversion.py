"""Conversion: a row of text -> an instance of its model. What is dirty is counted, never dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from covet import AnyModel
from demo.dataset import Row
from demo.models import Airline, Airport, Flight, Plane, Weather

__all__ = ["Conversion", "Converter"]

NOT_RECORDED = "NA"


@dataclass(slots=True)
class Conversion:
    """The keys that a foreign key may hold, and how often the files said something else."""

    planes: AbstractSet[str] = frozenset()
    airports: AbstractSet[str] = frozenset()
    dirt: Counter[str] = field(default_factory=Counter)

    def airline(self, row: Row) -> Airline:
        return Airline(carrier=row["carrier"], name=row["name"])

    def airport(self, row: Row) -> Airport:
        tzone = _text(row["tzone"])
        if tzone is None:
            self.dirt["airport without time zone"] += 1
        return Airport(
            faa=row["faa"],
            name=row["name"],
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            alt=int(row["alt"]),
            tz=int(row["tz"]),
            dst=row["dst"],
            tzone=tzone,
        )

    def plane(self, row: Row) -> Plane:
        year = _integer(row["year"])
        if year is None:
            self.dirt["plane without year"] += 1
        return Plane(
            tailnum=row["tailnum"],
            year=year,
            type=row["type"],
            manufacturer=row["manufacturer"],
            model=row["model"],
            engines=int(row["engines"]),
            seats=int(row["seats"]),
            speed=_integer(row["speed"]),
            engine=row["engine"],
        )

    def weather(self, row: Row) -> Weather:
        pressure = _number(row["pressure"])
        if pressure is None:
            self.dirt["weather without pressure"] += 1
        return Weather(
            origin_id=row["origin"],
            time_hour=datetime.fromisoformat(row["time_hour"]),
            temp=_number(row["temp"]),
            dewp=_number(row["dewp"]),
            humid=_number(row["humid"]),
            wind_dir=_integer(row["wind_dir"]),
            wind_speed=_number(row["wind_speed"]),
            wind_gust=_number(row["wind_gust"]),
            precip=float(row["precip"]),
            pressure=pressure,
            visib=float(row["visib"]),
        )

    def flight(self, row: Row) -> Flight:
        dep_time = _integer(row["dep_time"])
        arr_time = _integer(row["arr_time"])
        if dep_time is None:
            self.dirt["flight that never left"] += 1
        if 2400 in (dep_time, arr_time):
            self.dirt["flight at 24:00"] += 1
        return Flight(
            date=date(int(row["year"]), int(row["month"]), int(row["day"])),
            sched_dep_time=int(row["sched_dep_time"]),
            sched_arr_time=int(row["sched_arr_time"]),
            time_hour=datetime.fromisoformat(row["time_hour"]),
            dep_time=dep_time,
            dep_delay=_integer(row["dep_delay"]),
            arr_time=arr_time,
            arr_delay=_integer(row["arr_delay"]),
            air_time=_integer(row["air_time"]),
            distance=int(row["distance"]),
            number=int(row["flight"]),
            carrier_id=row["carrier"],
            origin_id=row["origin"],
            tailnum=_text(row["tailnum"]),
            plane_id=self._known_plane(row["tailnum"]),
            dest=row["dest"],
            destination_id=self._known_airport(row["dest"]),
        )

    def _known_plane(self, tailnum: str) -> str | None:
        if tailnum in self.planes:
            return tailnum
        missing = "flight without tail number" if tailnum == NOT_RECORDED else "flight by unknown plane"
        self.dirt[missing] += 1
        return None

    def _known_airport(self, code: str) -> str | None:
        if code in self.airports:
            return code
        self.dirt["flight to unknown airport"] += 1
        return None


Converter: TypeAlias = Callable[[Conversion, Row], AnyModel]


def _text(value: str) -> str | None:
    return None if value == NOT_RECORDED else value


def _integer(value: str) -> int | None:
    return None if value == NOT_RECORDED else int(value)


def _number(value: str) -> float | None:
    return None if value == NOT_RECORDED else float(value)
