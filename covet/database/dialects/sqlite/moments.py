"""Arithmetic on stored dates, times and durations: text and microseconds. Pure.

SQLite calls these for expressions such as ``created + interval``. An addition keeps the form of its timestamp, with or
without an offset.
"""

from __future__ import annotations

import datetime as dt

from covet.database.dialects.sqlite.types import microseconds, timestamptz_text

_MIDNIGHT = dt.time()


def _parse(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _text(moment: dt.datetime) -> str:
    return moment.isoformat(" ", "microseconds")


def now() -> str:
    """``covet_now()``: this moment in UTC."""
    return timestamptz_text(dt.datetime.now(dt.UTC))


def timestamp_add(text: str | None, micros: int | None) -> str | None:
    """``covet_timestamp_add(timestamp, microseconds)``."""
    if text is None or micros is None:
        return None
    return _text(_parse(text) + dt.timedelta(microseconds=micros))


def timestamp_diff(left: str | None, right: str | None) -> int | None:
    """``covet_timestamp_diff(a, b)``: ``a - b`` in microseconds."""
    if left is None or right is None:
        return None
    a, b = _parse(left), _parse(right)
    if a.tzinfo is None or b.tzinfo is None:
        a, b = a.replace(tzinfo=None), b.replace(tzinfo=None)
    return microseconds(a - b)


def date_add(text: str | None, days: int | None) -> str | None:
    """``covet_date_add(date, days)``."""
    if text is None or days is None:
        return None
    return (dt.date.fromisoformat(text) + dt.timedelta(days=days)).isoformat()


def date_diff(left: str | None, right: str | None) -> int | None:
    """``covet_date_diff(a, b)``: ``a - b`` in days."""
    if left is None or right is None:
        return None
    return (dt.date.fromisoformat(left) - dt.date.fromisoformat(right)).days


def time_add(text: str | None, micros: int | None) -> str | None:
    """``covet_time_add(time, microseconds)``: around midnight, as PostgreSQL."""
    if text is None or micros is None:
        return None
    moment = dt.datetime.combine(dt.date(2000, 1, 1), dt.time.fromisoformat(text))
    shift = dt.timedelta(microseconds=micros % 86_400_000_000)
    return (moment + shift).time().isoformat("microseconds")


def time_diff(left: str | None, right: str | None) -> int | None:
    """``covet_time_diff(a, b)``: ``a - b`` in microseconds."""
    if left is None or right is None:
        return None
    day = dt.date(2000, 1, 1)
    a, b = dt.time.fromisoformat(left), dt.time.fromisoformat(right)
    return microseconds(dt.datetime.combine(day, a) - dt.datetime.combine(day, b))


def to_timestamptz(text: str | None) -> str | None:
    """``covet_timestamptz(x)``: a date or a timestamp as an aware timestamp; what has no offset is UTC."""
    return None if text is None else timestamptz_text(_parse(text))


def to_timestamp(text: str | None) -> str | None:
    """``covet_timestamp(x)``: a date or a timestamp as a timestamp without an offset, in UTC."""
    if text is None:
        return None
    moment = _parse(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return _text(moment)


def to_date(text: str | None) -> str | None:
    """``covet_date(x)``: the UTC date of a timestamp."""
    full = to_timestamp(text)
    return None if full is None else full[:10]


def to_time(text: str | None) -> str | None:
    """``covet_time(x)``: the UTC time of a timestamp."""
    full = to_timestamp(text)
    return None if full is None else full[11:]
