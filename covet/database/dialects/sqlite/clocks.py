"""Parts of stored dates and times, and what is left of them when the smaller parts are cut off. Pure; SQLite calls it.

A moment is text in one of the forms of ``types.py``; results have the form that they were made from. A zone is the name
of one in the zone database or an offset such as ``+05:30``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from zoneinfo import ZoneInfo

from covet.database.dialects.sqlite.types import timestamptz_text

Text = str | None

_DATE_LENGTH, _TIME_LENGTH = 10, 15
_OFFSETS = ("+", "-")
_MONTHS_OF_QUARTER = 3


@lru_cache(maxsize=256)
def zone(name: str) -> dt.tzinfo:
    """Return the zone of that name."""
    if name.startswith(_OFFSETS):
        moment = dt.datetime.fromisoformat(f"2000-01-01T00:00:00{name}")
        return moment.tzinfo or dt.UTC
    return ZoneInfo(name)


def _utc(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def local(text: Text, name: Text) -> Text:
    """``covet_local(timestamp, zone)``: what the clock of the zone shows, without an offset."""
    if text is None or name is None:
        return None
    return _utc(text).astimezone(zone(name)).replace(tzinfo=None).isoformat(" ", "microseconds")


def _iso(text: Text) -> tuple[int, int, int] | None:
    return None if text is None else dt.date.fromisoformat(text[:_DATE_LENGTH]).isocalendar()


def iso_year(text: Text) -> int | None:
    """``covet_iso_year``: the year that the week of the day belongs to."""
    found = _iso(text)
    return None if found is None else found[0]


def week(text: Text) -> int | None:
    """``covet_week``: of ISO 8601."""
    found = _iso(text)
    return None if found is None else found[1]


def iso_week_day(text: Text) -> int | None:
    """``covet_iso_week_day``: Monday is 1."""
    found = _iso(text)
    return None if found is None else found[2]


def week_day(text: Text) -> int | None:
    """``covet_week_day``: Sunday is 1."""
    found = _iso(text)
    return None if found is None else found[2] % 7 + 1


def _year(moment: dt.datetime) -> dt.datetime:
    return _day(moment).replace(month=1, day=1)


def _quarter(moment: dt.datetime) -> dt.datetime:
    return _day(moment).replace(month=(moment.month - 1) // _MONTHS_OF_QUARTER * _MONTHS_OF_QUARTER + 1, day=1)


def _month(moment: dt.datetime) -> dt.datetime:
    return _day(moment).replace(day=1)


def _week(moment: dt.datetime) -> dt.datetime:
    return _day(moment) - dt.timedelta(days=moment.weekday())


def _day(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _hour(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _minute(moment: dt.datetime) -> dt.datetime:
    return moment.replace(second=0, microsecond=0)


def _second(moment: dt.datetime) -> dt.datetime:
    return moment.replace(microsecond=0)


_SMALL = frozenset({_hour, _minute, _second})


def truncation(cut: Callable[[dt.datetime], dt.datetime]) -> Callable[[Text, Text], Text]:
    """Return ``covet_trunc_..(moment, zone)``: the moment, date or time with its smaller parts cut off."""

    def truncate(text: Text, name: Text) -> Text:
        if text is None:
            return None
        if len(text) == _DATE_LENGTH:
            return cut(dt.datetime.fromisoformat(text)).date().isoformat()
        if len(text) == _TIME_LENGTH:
            moment = dt.datetime.combine(dt.date(2000, 1, 1), dt.time.fromisoformat(text))
            return cut(moment).time().isoformat("microseconds")
        moment = dt.datetime.fromisoformat(text)
        if name is not None:
            found = _cut_in_zone(cut, _utc(text), zone(name))
            return timestamptz_text(found if moment.tzinfo is not None else found.replace(tzinfo=None))[: len(text)]
        return cut(moment).isoformat(" ", "microseconds")

    return truncate


def _cut_in_zone(cut: Callable[[dt.datetime], dt.datetime], moment: dt.datetime, where: dt.tzinfo) -> dt.datetime:
    shown = moment.astimezone(where)
    offset = shown.utcoffset() or dt.timedelta()
    plain = cut(shown.replace(tzinfo=None, fold=0))
    if cut not in _SMALL:
        # The clock shows that moment twice or never where it is put forward or back: PostgreSQL takes standard time.
        offsets = [plain.replace(tzinfo=where, fold=fold).utcoffset() or dt.timedelta() for fold in (0, 1)]
        offset = min(offsets)
    return (plain - offset).replace(tzinfo=dt.UTC)


#: ``(name, number of arguments, function, deterministic)``.
FUNCTIONS: tuple[tuple[str, int, Callable[..., str | int | float | None], bool], ...] = (
    ("covet_iso_week_day", 1, iso_week_day, True),
    ("covet_iso_year", 1, iso_year, True),
    ("covet_local", 2, local, True),
    ("covet_trunc_day", 2, truncation(_day), True),
    ("covet_trunc_hour", 2, truncation(_hour), True),
    ("covet_trunc_minute", 2, truncation(_minute), True),
    ("covet_trunc_month", 2, truncation(_month), True),
    ("covet_trunc_quarter", 2, truncation(_quarter), True),
    ("covet_trunc_second", 2, truncation(_second), True),
    ("covet_trunc_week", 2, truncation(_week), True),
    ("covet_trunc_year", 2, truncation(_year), True),
    ("covet_week", 1, week, True),
    ("covet_week_day", 1, week_day, True),
)
