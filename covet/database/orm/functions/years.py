"""Comparisons of the year, the ISO year or the date of a column, as comparisons of the column: an index serves them.

``created__year=2024`` is ``created BETWEEN 2024-01-01 AND 2024-12-31 23:59:59.999999``: a part that grows with the
column is that of all moments between its first and its last one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import override

from covet.database.orm.expressions import Expression
from covet.database.orm.fields import DateField, Field, IntegerField
from covet.database.orm.lookups import LOOKUPS, Decided, DirectLookup, LookupField
from covet.database.schema.types import Timestamp
from covet.database.sql import nodes

#: The first and the last day of a part: ``2024 -> 2024-01-01, 2024-12-31``.
Days = Callable[[Any], tuple[dt.date, dt.date]]

_YEAR: Field[Any] = IntegerField()
_DATE: Field[Any] = DateField()
_END = dt.time.max
_COMPARED = ("gt", "gte", "lt", "lte")


class _Bounds(DirectLookup):
    """A comparison of a part by the first and the last moment that have it."""

    def __init__(self, transform: Callable[[Any], Expression[Any]], name: str, days: Days, output: LookupField) -> None:
        super().__init__(transform, LOOKUPS[name])
        self.days = days
        self.output = output

    def bounds(self, field: LookupField, value: Any) -> tuple[Any, Any]:
        """Return the first and the last value of the column that have the part; ``Decided`` where none has."""
        try:
            first, last = self.days(value)
        except (ValueError, OverflowError):
            # Beyond the years 1 to 9999; every moment is before or after it.
            beyond = value > 1
            raise Decided(matches=self.name in (("lt", "lte") if beyond else ("gt", "gte"))) from None
        if not isinstance(field.logical_type, Timestamp):
            return first, last
        zone = dt.UTC if field.logical_type.timezone else None
        return dt.datetime.combine(first, dt.time(), zone), dt.datetime.combine(last, _END, zone)

    def checked(self, value: Any) -> Any:
        """Return the value of the part that a user gave."""
        return LOOKUPS["exact" if self.name == "range" else self.name].prepare(self.output, value)


class _Exact(_Bounds):
    arity = 2

    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        return self.bounds(field, self.checked(value))

    @override
    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.Between(operand, values[0], values[1])


class _Range(_Exact):
    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        low, high = self.on_output.prepare(self.output, value)
        if isinstance(low, int):
            if low > dt.MAXYEAR or high < dt.MINYEAR:
                raise Decided(matches=False)
            low, high = max(low, dt.MINYEAR), min(high, dt.MAXYEAR)
        return self.bounds(field, low)[0], self.bounds(field, high)[1]


class _Compare(_Bounds):
    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        first, last = self.bounds(field, self.checked(value))
        return last if self.name in ("gt", "lte") else first

    @override
    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return self.on_output.build(operand, *values)


def year_days(year: int) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of a year."""
    return dt.date(year, 1, 1), dt.date(year, 12, 31)


def iso_year_days(year: int) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of the weeks of a year."""
    first = dt.date.fromisocalendar(year, 1, 1)
    if year == dt.MAXYEAR:
        return first, dt.date.max
    return first, dt.date.fromisocalendar(year + 1, 1, 1) - dt.timedelta(days=1)


def one_day(day: dt.date) -> tuple[dt.date, dt.date]:
    """Return a date as the first and the last day of itself."""
    return day, day


def year_lookups(transform: Callable[[Any], Expression[Any]], days: Days) -> Mapping[str, DirectLookup]:
    """Return the comparisons of a year."""
    return _lookups(transform, days, _YEAR)


def date_lookups(transform: Callable[[Any], Expression[Any]]) -> Mapping[str, DirectLookup]:
    """Return the comparisons of the date of a timestamp."""
    return _lookups(transform, one_day, _DATE)


def _lookups(
    transform: Callable[[Any], Expression[Any]], days: Days, output: LookupField
) -> Mapping[str, DirectLookup]:
    kinds: dict[str, type[_Bounds]] = {"exact": _Exact, "range": _Range, **dict.fromkeys(_COMPARED, _Compare)}
    return {name: kind(transform, name, days, output) for name, kind in kinds.items()}
