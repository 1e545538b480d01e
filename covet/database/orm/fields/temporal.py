"""Fields of time: DateField, TimeField, DateTimeField, DurationField."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.fast_check import FastCheck
from covet.database.schema.types import Date, Interval, LogicalType, Time, Timestamp

_T = TypeVar("_T")
_Date = TypeVar("_Date", default=dt.date)
_Time = TypeVar("_Time", default=dt.time)
_DateTime = TypeVar("_DateTime", default=dt.datetime)
_Duration = TypeVar("_Duration", default=dt.timedelta)

_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_DATE_TEXT: Final = re.compile(_DATE)
_TIME_TEXT: Final = re.compile(_CLOCK)
_DATETIME_TEXT: Final = re.compile(rf"{_DATE}[T ]{_CLOCK}(Z|[+-][0-9]{{2}}:?[0-9]{{2}}(:[0-9]{{2}})?)?")

# asyncpg writes the first and the last date and moment of Python as -infinity and infinity, which are other values.
_INFINITE_DATES: Final = (dt.date.min, dt.date.max)
_INFINITE_MOMENTS: Final = (dt.datetime.min, dt.datetime.max)  # noqa: DTZ901 - each field sets its zone
#: 64 bits of microseconds, which is how SQLite keeps a duration.
_LONGEST: Final = dt.timedelta(microseconds=2**63 - 1)


class AutoNowOptions(FieldOptions[_T], total=False):
    """The options of DateField and TimeField."""

    auto_now: bool
    auto_now_add: bool


class DateTimeOptions(AutoNowOptions[_T], total=False):
    """The options of DateTimeField."""

    timezone: bool


class MomentField(Field[_T]):
    """What the fields with ``auto_now`` and ``auto_now_add`` share."""

    extra_options = frozenset(AutoNowOptions.__annotations__)

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.auto_now = bool(options.get("auto_now", False))
        self.auto_now_add = bool(options.get("auto_now_add", False))
        given = [name for name in ("auto_now", "auto_now_add", "default") if options.get(name) not in (None, False)]
        if len(given) > 1:
            raise self.contradiction(" and ".join(given))

    def now(self) -> Any:
        """Return the present, in UTC, as this field keeps it."""
        raise NotImplementedError

    @override
    def pre_save(self, instance: Any, *, adding: bool) -> Any:
        values = instance.__dict__
        if self.auto_now or (self.auto_now_add and adding and values.get(self.attname) is None):
            values[self.attname] = self.now()
        return values.get(self.attname)

    @override
    def pre_save_test(self, *, adding: bool) -> FastCheck | None:
        if self.auto_now:
            return FastCheck("True")
        return FastCheck("{v} is None") if self.auto_now_add and adding else None


class DateField(MomentField[_Date]):
    """``datetime.date``.

    >>> born = DateField(null=True)

    ``born date NULL``
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DateField[dt.date], *, nullable: No = ..., null: No = ..., **options: Unpack[AutoNowOptions[dt.date]]
        ) -> None: ...
        @overload
        def __init__(
            self: DateField[dt.date | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[AutoNowOptions[dt.date | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: DateField[dt.date | None], *, null: Yes, **options: Unpack[AutoNowOptions[dt.date | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Date, /) -> None: ...

    @property
    @override
    def logical_type(self) -> Date:
        return Date()

    @override
    def now(self) -> dt.date:
        return dt.datetime.now(dt.UTC).date()

    @override
    def coerce(self, value: Any) -> Any:
        if type(value) is dt.date:
            return value
        kind = type_of(value)
        if issubclass(kind, dt.date) and not issubclass(kind, dt.datetime):
            return dt.date.fromordinal(dt.date.toordinal(value))
        if issubclass(kind, str):
            return self._parsed(str.__str__(value))
        raise self.refused(value, "a date")

    def _parsed(self, text: str) -> dt.date:
        if _DATE_TEXT.fullmatch(text) is not None:
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                pass
        raise self.invalid("the text is not a date such as '2024-05-31'.")

    @override
    def validate(self, value: Any) -> None:
        if value in _INFINITE_DATES:
            raise self.invalid(
                "the first and the last date of Python mean infinity to one database; "
                "0001-01-02 to 9999-12-30 can be stored.",
                "bounds",
            )
        super().validate(value)

    @override
    def fast_check(self) -> FastCheck | None:
        if self.checks_more:
            return None
        first, last = _INFINITE_DATES
        return FastCheck(
            "type({v}) is {date} and {first} < {v} < {last}", {"date": dt.date, "first": first, "last": last}
        )


class TimeField(MomentField[_Time]):
    """``datetime.time`` without a zone.

    >>> opens = TimeField()

    ``opens time NOT NULL``
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: TimeField[dt.time], *, nullable: No = ..., null: No = ..., **options: Unpack[AutoNowOptions[dt.time]]
        ) -> None: ...
        @overload
        def __init__(
            self: TimeField[dt.time | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[AutoNowOptions[dt.time | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: TimeField[dt.time | None], *, null: Yes, **options: Unpack[AutoNowOptions[dt.time | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Time, /) -> None: ...

    @property
    @override
    def logical_type(self) -> Time:
        return Time()

    @override
    def now(self) -> dt.time:
        return dt.datetime.now(dt.UTC).time()

    @override
    def coerce(self, value: Any) -> Any:
        kind = type_of(value)
        if kind is dt.time and value.tzinfo is None and not value.fold:
            return value
        if issubclass(kind, dt.time):
            return self._plain(value)
        if issubclass(kind, str):
            return self._parsed(str.__str__(value))
        raise self.refused(value, "a time")

    def _plain(self, value: dt.time) -> dt.time:
        try:
            zone = value.tzinfo
            plain = dt.time(value.hour, value.minute, value.second, value.microsecond)
        except Exception as error:  # whatever a foreign subclass raises
            raise self.refused(value, "a time") from error
        if zone is not None:
            raise self.invalid("a time with a zone cannot be stored; store a datetime, or the time without the zone.")
        return plain

    def _parsed(self, text: str) -> dt.time:
        if _TIME_TEXT.fullmatch(text) is not None:
            try:
                return dt.time.fromisoformat(text)
            except ValueError:
                pass
        raise self.invalid("the text is not a time such as '17:30:00'.")

    @override
    def fast_check(self) -> FastCheck | None:
        if self.checks_more:
            return None
        return FastCheck("type({v}) is {time} and {v}.tzinfo is None and not {v}.fold", {"time": dt.time})


class DateTimeField(MomentField[_DateTime]):
    """``datetime.datetime``: aware and in UTC; naive and in UTC with ``timezone=False``.

    >>> created_at = DateTimeField(auto_now_add=True)

    ``created_at timestamptz NOT NULL``. A naive value is taken as UTC, never as the machine's zone.
    """

    extra_options = frozenset(DateTimeOptions.__annotations__)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DateTimeField[dt.datetime],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[DateTimeOptions[dt.datetime]],
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeField[dt.datetime | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[DateTimeOptions[dt.datetime | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeField[dt.datetime | None],
            *,
            null: Yes,
            **options: Unpack[DateTimeOptions[dt.datetime | None]],
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _DateTime, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.timezone = bool(options.get("timezone", True))
        self._zone = dt.UTC if self.timezone else None
        self._infinite = tuple(moment.replace(tzinfo=self._zone) for moment in _INFINITE_MOMENTS)

    @property
    @override
    def logical_type(self) -> Timestamp:
        return Timestamp(self.timezone)

    @override
    def now(self) -> dt.datetime:
        now = dt.datetime.now(dt.UTC)
        return now if self.timezone else now.replace(tzinfo=None)

    @override
    def coerce(self, value: Any) -> Any:
        kind = type_of(value)
        if kind is dt.datetime and value.tzinfo is self._zone and not value.fold:
            return value
        if issubclass(kind, str):
            return self._in_utc(self._parsed(str.__str__(value)))
        if issubclass(kind, dt.datetime):
            return self._in_utc(value)
        raise self.refused(value, "a datetime")

    def _in_utc(self, value: dt.datetime) -> dt.datetime:
        try:
            offset = value.utcoffset()
            plain = dt.datetime(
                value.year,
                value.month,
                value.day,
                value.hour,
                value.minute,
                value.second,
                value.microsecond,
                tzinfo=dt.UTC,
            )
            if offset is not None:
                plain -= offset
        except OverflowError as error:
            raise self.invalid("in UTC the moment is outside the years 1 to 9999.", "bounds") from error
        except Exception as error:  # whatever a foreign tzinfo raises
            raise self.refused(value, "a datetime whose tzinfo gives an offset") from error
        return plain.replace(tzinfo=self._zone)

    def _parsed(self, text: str) -> dt.datetime:
        if _DATETIME_TEXT.fullmatch(text) is not None:
            try:
                return dt.datetime.fromisoformat(text)
            except ValueError:
                pass
        raise self.invalid("the text is not a moment such as '2024-05-31T17:30:00Z'.")

    @override
    def validate(self, value: Any) -> None:
        if value in self._infinite:
            raise self.invalid(
                "the first and the last moment of Python mean infinity to one database; "
                "0001-01-01T00:00:00.000001 to 9999-12-31T23:59:59.999998 can be stored.",
                "bounds",
            )
        super().validate(value)

    @override
    def fast_check(self) -> FastCheck | None:
        if self.checks_more:
            return None
        first, last = self._infinite
        test = "type({v}) is {datetime} and {v}.tzinfo is {zone} and not {v}.fold and {first} < {v} < {last}"
        return FastCheck(test, {"datetime": dt.datetime, "zone": self._zone, "first": first, "last": last})


class DurationField(Field[_Duration]):
    """``datetime.timedelta`` to the microsecond, up to 292,271 years either way.

    >>> took = DurationField()

    ``took interval NOT NULL``
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DurationField[dt.timedelta],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[FieldOptions[dt.timedelta]],
        ) -> None: ...
        @overload
        def __init__(
            self: DurationField[dt.timedelta | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[FieldOptions[dt.timedelta | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: DurationField[dt.timedelta | None], *, null: Yes, **options: Unpack[FieldOptions[dt.timedelta | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Duration, /) -> None: ...

    @property
    @override
    def logical_type(self) -> LogicalType:
        return Interval()

    @override
    def coerce(self, value: Any) -> Any:
        if type(value) is dt.timedelta:
            return value
        if issubclass(type_of(value), dt.timedelta):
            return dt.timedelta.__add__(value, dt.timedelta())
        raise self.refused(value, "a timedelta")

    @override
    def validate(self, value: Any) -> None:
        if not -_LONGEST <= value <= _LONGEST:
            raise self.invalid("the duration is longer than 64 bits of microseconds, about 292,271 years.", "bounds")
        super().validate(value)

    @override
    def fast_check(self) -> FastCheck | None:
        if self.checks_more:
            return None
        return FastCheck(
            "type({v}) is {timedelta} and {least} <= {v} <= {longest}",
            {"timedelta": dt.timedelta, "least": -_LONGEST, "longest": _LONGEST},
        )
