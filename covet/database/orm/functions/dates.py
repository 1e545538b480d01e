"""Functions of dates and times: Extract, Trunc, Now.

A timestamp is taken in UTC, or in the zone that ``tzinfo=`` gives; the zone's name is a parameter. What a timestamp is
cut to is a moment again, and moments are read in UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from typing_extensions import TypeVar, override

from covet.database.orm.expressions import Func, Transform
from covet.database.orm.expressions.base import OutputField
from covet.database.orm.fields import DateField, DateTimeField, TimeField
from covet.database.orm.functions.years import date_lookups, iso_year_days, year_days, year_lookups
from covet.database.orm.functions.zones import zone_value
from covet.database.orm.suggestions import choices
from covet.database.schema.types import Date, Integer, LogicalType, Time, Timestamp
from covet.exceptions import FieldError

__all__ = [
    "Extract",
    "ExtractDay",
    "ExtractHour",
    "ExtractIsoWeekDay",
    "ExtractIsoYear",
    "ExtractMinute",
    "ExtractMonth",
    "ExtractQuarter",
    "ExtractSecond",
    "ExtractWeek",
    "ExtractWeekDay",
    "ExtractYear",
    "Now",
    "TransactionNow",
    "Trunc",
    "TruncDate",
    "TruncDay",
    "TruncHour",
    "TruncMinute",
    "TruncMonth",
    "TruncQuarter",
    "TruncSecond",
    "TruncTime",
    "TruncWeek",
    "TruncYear",
]

_T = TypeVar("_T", default=Any)

_OF_TIMES = ("hour", "minute", "second")
_EXTRACTED = ("year", "iso_year", "quarter", "month", "week", "week_day", "iso_week_day", "day", *_OF_TIMES)
_TRUNCATED = ("year", "quarter", "month", "week", "day", *_OF_TIMES)


class _OfMoment(Transform[_T]):
    """A function of a date, a time or a timestamp, maybe in a time zone."""

    built_in = True

    def __init__(
        self, expression: object, *, kind: str, tzinfo: dt.tzinfo | None, output_field: OutputField | None
    ) -> None:
        zone = () if tzinfo is None else (zone_value(tzinfo),)
        self.kind = kind
        self.has_zone = tzinfo is not None
        self.arguments = (expression, *zone)
        self.name = self.function_name(kind)
        self.output_field = output_field

    def function_name(self, kind: str) -> str:
        """Return the dialect-neutral name of the function."""
        raise NotImplementedError

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.arguments[0]!r}, {self.kind!r})"

    def source_type(self, types: Sequence[LogicalType | None]) -> Date | Time | Timestamp:
        """Return the type of the first argument, which must have the parts that are asked for."""
        source = types[0]
        if not isinstance(source, Date | Time | Timestamp):
            what = "something of unknown type" if source is None else f"a value of type {type(source).__name__}"
            raise FieldError(f"{self!r}: {what} has no {self.kind!r}; a date, a time or a datetime is wanted.")
        timely = self.kind in _OF_TIMES
        if (isinstance(source, Date) and timely) or (isinstance(source, Time) and not timely):
            raise FieldError(f"{self!r}: a {type(source).__name__.lower()} has no {self.kind!r}.")
        if self.has_zone and not isinstance(source, Timestamp):
            raise FieldError(f"{self!r}: tzinfo= is for datetimes; a {type(source).__name__.lower()} is in no zone.")
        return source


def _known(kind: object, kinds: tuple[str, ...], what: str) -> str:
    if not isinstance(kind, str) or kind not in kinds:
        shown = kind[:80] if isinstance(kind, str) else type(kind).__name__
        raise ValueError(f"{what} has no part {shown!r}. {choices(shown, kinds)}")
    return kind


class Extract(_OfMoment[int]):
    """A part of a date or time, as an integer.

    >>> Post.objects.annotate(hour=Extract("created", "hour", tzinfo=ZoneInfo("Europe/Rome")))

    ``CAST(EXTRACT(HOUR FROM created AT TIME ZONE $1) AS integer)``. Parts: year, iso_year, quarter, month, week (of ISO
    8601), week_day (Sunday is 1), iso_week_day (Monday is 1), day, hour, minute, second. In paths: ``created__hour``.
    """

    returns = Integer(32)

    def __init__(
        self,
        expression: object,
        lookup_name: str | None = None,
        tzinfo: dt.tzinfo | None = None,
        *,
        output_field: OutputField | None = None,
    ) -> None:
        kind = _known(lookup_name or self.lookup_name, _EXTRACTED, "Extract()")
        super().__init__(expression, kind=kind, tzinfo=tzinfo, output_field=output_field)

    @override
    def function_name(self, kind: str) -> str:
        return f"extract__{kind}"

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType:
        self.source_type(types)
        return Integer(32)


@DateField.register_lookup
@DateTimeField.register_lookup
class ExtractYear(Extract):
    """The year; in paths ``created__year``, whose comparisons are those of the column, so that an index serves them.

    >>> Post.objects.filter(created__year=2024)  # WHERE created BETWEEN $1 AND $2
    """

    lookup_name = "year"


@DateField.register_lookup
@DateTimeField.register_lookup
class ExtractIsoYear(Extract):
    """The year that the week of the day belongs to, by ISO 8601; in paths ``created__iso_year``."""

    lookup_name = "iso_year"


@DateField.register_lookup
@DateTimeField.register_lookup
class ExtractQuarter(Extract):
    """The quarter of the year, 1 to 4; in paths ``created__quarter``."""

    lookup_name = "quarter"


@DateField.register_lookup
@DateTimeField.register_lookup
class ExtractMonth(Extract):
    """The month; in paths ``created__month``."""

    lookup_name = "month"


@DateField.register_lookup
@DateTimeField.register_lookup
class ExtractWeek(Extract):
    """The week of the year, by ISO 8601; in paths ``created__week``."""

    lookup_name = "week"


@DateField.register_lookup
@DateTimeField.register_lookup
class ExtractWeekDay(Extract):
    """The day of the week, Sunday is 1 and Saturday 7; in paths ``created__week_day``."""

    lookup_name = "week_day"


@DateField.register_lookup
@DateTimeField.register_lookup
class ExtractIsoWeekDay(Extract):
    """The day of the week, Monday is 1 and Sunday 7; in paths ``created__iso_week_day``."""

    lookup_name = "iso_week_day"


@DateField.register_lookup
@DateTimeField.register_lookup
class ExtractDay(Extract):
    """The day of the month; in paths ``created__day``."""

    lookup_name = "day"


@TimeField.register_lookup
@DateTimeField.register_lookup
class ExtractHour(Extract):
    """The hour; in paths ``created__hour``."""

    lookup_name = "hour"


@TimeField.register_lookup
@DateTimeField.register_lookup
class ExtractMinute(Extract):
    """The minute; in paths ``created__minute``."""

    lookup_name = "minute"


@TimeField.register_lookup
@DateTimeField.register_lookup
class ExtractSecond(Extract):
    """The whole second; in paths ``created__second``."""

    lookup_name = "second"


class _Trunc(_OfMoment[_T]):
    @override
    def function_name(self, kind: str) -> str:
        return f"trunc__{kind}"

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType:
        source = self.source_type(types)
        wanted = source if self.output_field is None else self.output_field.logical_type
        fits = wanted == source or (
            isinstance(source, Timestamp)
            and (isinstance(wanted, Time) if self.kind in _OF_TIMES else isinstance(wanted, Date))
        )
        if not fits:
            raise FieldError(
                f"{self!r}: cut to the {self.kind}, a {type(source).__name__.lower()} is no {type(wanted).__name__}."
            )
        return wanted


class Trunc(_Trunc[_T]):
    """A date or time with its smaller parts cut off.

    >>> Post.objects.annotate(month=Trunc("created", "month", tzinfo=ZoneInfo("Europe/Rome")))

    ``DATE_TRUNC('month', created, $1)``. Parts: year, quarter, month, week (to Monday), day, hour, minute, second. With
    ``output_field=DateField()`` (from hour on ``TimeField()``) a datetime gives the date or time that the zone's clock
    shows.
    """

    def __init__(
        self,
        expression: object,
        kind: str,
        output_field: OutputField | None = None,
        tzinfo: dt.tzinfo | None = None,
    ) -> None:
        super().__init__(expression, kind=_known(kind, _TRUNCATED, "Trunc()"), tzinfo=tzinfo, output_field=output_field)


class _TruncTo(_Trunc[_T]):
    to: ClassVar[str] = ""

    def __init__(
        self,
        expression: object,
        output_field: OutputField | None = None,
        tzinfo: dt.tzinfo | None = None,
    ) -> None:
        super().__init__(expression, kind=self.to, tzinfo=tzinfo, output_field=output_field)


class TruncYear(_TruncTo[_T]):
    """The first moment of the year: ``DATE_TRUNC('year', created)``."""

    to = "year"


class TruncQuarter(_TruncTo[_T]):
    """The first moment of the quarter: ``DATE_TRUNC('quarter', created)``."""

    to = "quarter"


class TruncMonth(_TruncTo[_T]):
    """The first moment of the month.

    >>> Order.objects.values(month=TruncMonth("created")).annotate(total=Sum("total"))  # GROUP BY DATE_TRUNC(..)
    """

    to = "month"


class TruncWeek(_TruncTo[_T]):
    """The first moment of the week, which begins on Monday: ``DATE_TRUNC('week', created)``."""

    to = "week"


class TruncDay(_TruncTo[_T]):
    """The first moment of the day: ``DATE_TRUNC('day', created)``."""

    to = "day"


class TruncHour(_TruncTo[_T]):
    """The first moment of the hour: ``DATE_TRUNC('hour', created)``."""

    to = "hour"


class TruncMinute(_TruncTo[_T]):
    """The first moment of the minute: ``DATE_TRUNC('minute', created)``."""

    to = "minute"


class TruncSecond(_TruncTo[_T]):
    """The first moment of the second: ``DATE_TRUNC('second', created)``."""

    to = "second"


class _Clock(_OfMoment[_T]):
    """The date or the time that the clock shows."""

    def __init__(self, expression: object, tzinfo: dt.tzinfo | None = None) -> None:
        super().__init__(expression, kind=self.lookup_name, tzinfo=tzinfo, output_field=None)

    @override
    def function_name(self, kind: str) -> str:
        return f"trunc__{kind}"

    @override
    def source_type(self, types: Sequence[LogicalType | None]) -> Timestamp:
        source = types[0]
        if not isinstance(source, Timestamp):
            what = "an unknown type" if source is None else f"type {type(source).__name__}"
            raise FieldError(f"{self!r}: a datetime is wanted, not a value of {what}.")
        return source

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        self.source_type(types)
        return self.returns


@DateTimeField.register_lookup
class TruncDate(_Clock[dt.date]):
    """The date of a datetime; in paths ``created__date``, whose comparisons are those of the column.

    >>> Post.objects.filter(created__date__gte=date(2024, 5, 1))  # WHERE created >= $1
    """

    lookup_name = "date"
    returns = Date()


@DateTimeField.register_lookup
class TruncTime(_Clock[dt.time]):
    """The time of a datetime; in paths ``created__time``: ``CAST((created AT TIME ZONE ..) AS time)``."""

    lookup_name = "time"
    returns = Time()


class Now(Func[dt.datetime]):
    """The present moment, on the database's clock: ``STATEMENT_TIMESTAMP()``.

    >>> Post.objects.filter(published__lte=Now())
    """

    function = "statement_now"
    built_in = True
    arity = (0, 0)
    returns = Timestamp()


class TransactionNow(Func[dt.datetime]):
    """The moment at which the transaction began: ``NOW()``. PostgreSQL."""

    function = "transaction_now"
    built_in = True
    arity = (0, 0)
    returns = Timestamp()


# A class of its own stands in each of these, so they come after the classes.
ExtractYear.direct = year_lookups(ExtractYear, year_days)
ExtractIsoYear.direct = year_lookups(ExtractIsoYear, iso_year_days)
TruncDate.direct = date_lookups(TruncDate)
