"""The answers to the demonstration's questions, computed from the CSV files by plain Python. No covet here."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

Row = dict[str, str]
Answer = list[dict[str, Any]]

DATA = Path(__file__).parent / "data"


def read(table: str) -> list[Row]:
    with (DATA / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


FLIGHTS = read("flights")
PLANES = {row["tailnum"]: row for row in read("planes")}
AIRPORTS = {row["faa"]: row for row in read("airports")}
AIRLINES = {row["carrier"]: row["name"] for row in read("airlines")}
VISIBILITY = {(row["origin"], row["time_hour"]): float(row["visib"]) for row in read("weather")}


def known(rows: Iterable[Row], *columns: str) -> list[Row]:
    return [row for row in rows if all(row[column] != "NA" for column in columns)]


def grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[column] for column in columns)].append(row)
    return groups


def day(row: Row) -> date:
    return date(int(row["year"]), int(row["month"]), int(row["day"]))


def late_but_on_time() -> Answer:
    late = [row for row in known(FLIGHTS, "dep_delay") if int(row["dep_delay"]) > 60]
    on_time = [row for row in known(late, "arr_delay") if int(row["arr_delay"]) <= 0]
    diverted = [row for row in late if row["arr_delay"] == "NA"]
    return [
        {
            "left late": len(late),
            "arrived on time": len(on_time),
            "arrived on time, or was diverted": len(on_time) + len(diverted),
        }
    ]


def latest_departures() -> Answer:
    # sorted() keeps the order of the file where delays are equal, as the ids do.
    flights = sorted(known(FLIGHTS, "dep_delay"), key=lambda row: -int(row["dep_delay"]))[:5]
    return [
        {
            "date": day(row),
            "airline": AIRLINES[row["carrier"]],
            "to": AIRPORTS[row["dest"]]["name"] if row["dest"] in AIRPORTS else row["dest"],
            "hours late": int(row["dep_delay"]) / 60,
        }
        for row in flights
    ]


def oldest_planes() -> Answer:
    flown = [{**row, **PLANES[row["tailnum"]]} for row in FLIGHTS if row["tailnum"] in PLANES]
    old = [row for row in known(flown, "year") if int(row["year"]) < 1970]
    answer: Answer = [
        {
            "plane__manufacturer": manufacturer,
            "plane__model": model,
            "flights": len(rows),
            "planes": len({row["tailnum"] for row in rows}),
            "newest": max(int(row["year"]) for row in rows),
            "mph": fmean(int(row["distance"]) * 60 / int(row["air_time"]) for row in known(rows, "air_time")),
        }
        for (manufacturer, model), rows in grouped(old, "manufacturer", "model").items()
    ]
    return sorted(answer, key=lambda row: (-row["flights"], row["plane__model"]))


def punctual_airlines() -> Answer:
    answer = [
        (fmean(int(row["arr_delay"]) for row in rows), carrier, len(rows))
        for (carrier,), rows in grouped(known(FLIGHTS, "arr_delay"), "carrier").items()
    ]
    return [
        {"name": AIRLINES[carrier], "arrivals": arrivals, "minutes_late": minutes}
        for minutes, carrier, arrivals in sorted(answer)[:5]
    ]


def cancelled_by_airport() -> Answer:
    answer: Answer = [
        {
            "origin__name": AIRPORTS[origin]["name"],
            "flights": len(rows),
            "cancelled": len(rows) - len(known(rows, "dep_time")),
            "days": len({day(row) for row in rows}),
        }
        for (origin,), rows in grouped(FLIGHTS, "origin").items()
    ]
    return sorted(answer, key=lambda row: (-row["cancelled"], row["origin__name"]))


def airlines_of_unknown_planes() -> Answer:
    unknown = [row for row in known(FLIGHTS, "tailnum") if row["tailnum"] not in PLANES]
    answer: Answer = [
        {
            "carrier__name": AIRLINES[carrier],
            "flights": len(rows),
            "tail_numbers": len({row["tailnum"] for row in rows}),
        }
        for (carrier,), rows in grouped(unknown, "carrier").items()
    ]
    return sorted(answer, key=lambda row: (-row["flights"], row["carrier__name"]))[:5]


def time_made_up() -> Answer:
    answer: Answer = []
    for row in known(FLIGHTS, "dep_delay", "arr_delay"):
        dep_delay, arr_delay = int(row["dep_delay"]), int(row["arr_delay"])
        if arr_delay < dep_delay:
            answer.append(
                {
                    "date": day(row),
                    "carrier__name": AIRLINES[row["carrier"]],
                    "dest": row["dest"],
                    "dep_delay": dep_delay,
                    "arr_delay": arr_delay,
                    "made_up": dep_delay - arr_delay,
                    "mph": int(row["distance"]) * 60.0 / int(row["air_time"]),
                }
            )
    return sorted(answer, key=lambda row: -row["made_up"])[:5]


def journeys_of_the_oldest() -> Answer:
    planes = sorted(known(PLANES.values(), "year"), key=lambda row: (int(row["year"]), row["tailnum"]))[:5]
    flights = grouped(FLIGHTS, "tailnum")
    return [
        {
            "plane": plane["tailnum"],
            "built": int(plane["year"]),
            "model": f"{plane['manufacturer']} {plane['model']}",
            "flights": len(flights[plane["tailnum"],]),
            "miles": sum(int(row["distance"]) for row in flights[plane["tailnum"],]),
            "to": ", ".join(sorted({row["dest"] for row in flights[plane["tailnum"],]})),
        }
        for plane in planes
    ]


def what_if() -> Answer:
    delays = [int(row["arr_delay"]) for row in known(FLIGHTS, "arr_delay") if row["carrier"] == "UA"]
    late = len([delay for delay in delays if delay > 0])
    then = len([delay for delay in delays if delay - 15 > 0])
    return [{"changed": len(delays), "late": late, "late then": then, "late after all": late}]


def cost_of_fog() -> Answer:
    delays: dict[float, list[int]] = defaultdict(list)
    for row in known(FLIGHTS, "dep_delay"):
        miles = VISIBILITY.get((row["origin"], row["time_hour"]))
        if miles is not None and miles <= 0.5:
            delays[miles].append(int(row["dep_delay"]))
    return [
        {"miles": miles, "flights": len(minutes), "minutes_late": fmean(minutes)}
        for miles, minutes in sorted(delays.items())
    ]


def dirt() -> dict[str, int]:
    tailnums = [row["tailnum"] for row in FLIGHTS]
    return {
        "flight without tail number": tailnums.count("NA"),
        "flight by unknown plane": len([t for t in tailnums if t != "NA" and t not in PLANES]),
        "flight to unknown airport": len([row for row in FLIGHTS if row["dest"] not in AIRPORTS]),
        "flight that never left": len(FLIGHTS) - len(known(FLIGHTS, "dep_time")),
        "flight at 24:00": len([row for row in FLIGHTS if "2400" in (row["dep_time"], row["arr_time"])]),
        "airport without time zone": len(AIRPORTS) - len(known(AIRPORTS.values(), "tzone")),
        "plane without year": len(PLANES) - len(known(PLANES.values(), "year")),
        "weather without pressure": len([row for row in read("weather") if row["pressure"] == "NA"]),
    }
