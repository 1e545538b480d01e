"""Fields of ranges: the values between two bounds. PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.conditions import Q
from covet.database.orm.expressions.base import Expression
from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.integers import BigIntegerField, IntegerField
from covet.database.orm.fields.numeric import DecimalField
from covet.database.orm.fields.range_lookups import RANGE_LOOKUPS, RANGE_TRANSFORMS
from covet.database.orm.fields.temporal import DateField, DateTimeField
from covet.database.orm.lookups import LOOKUPS, Lookup
from covet.database.schema.ranges import BOUNDS, Bounds, Range, half_open
from covet.database.schema.types import RangeOf
from covet.exceptions import ModelDefinitionError, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.expressions.functions import Transform

_T = TypeVar("_T")
_Ints = TypeVar("_Ints", default=Range[int])
_Decimals = TypeVar("_Decimals", default=Range[Decimal])
_Dates = TypeVar("_Dates", default=Range[dt.date])
_Moments = TypeVar("_Moments", default=Range[dt.datetime])

#: The lookups of every field that ask something of a range, too.
_GENERAL: Final = frozenset(
    {"exact", "gt", "gte", "lt", "lte", "in", "isnull", "is_distinct_from", "is_not_distinct_from"}
)
_PAIR: Final = 2


class BoundsOptions(FieldOptions[_T], total=False):
    """The options of DecimalRangeField: which bounds of a plain pair belong to the range."""

    default_bounds: Bounds


class DateTimeRangeOptions(BoundsOptions[_T], total=False):
    """The options of DateTimeRangeField."""

    timezone: bool


class RangeField(Field[_T]):
    """What the fields of ranges share: a ``Range``, or a pair of bounds, None being no bound.

    The field of the values checks the bounds. Of discrete values every range is kept in the form ``[)``, which is what
    PostgreSQL gives back.
    """

    own_lookups: ClassVar[dict[str, Lookup]] = RANGE_LOOKUPS
    own_transforms: ClassVar[dict[str, type[Transform[Any]]]] = RANGE_TRANSFORMS
    #: Every value has a next one.
    discrete: ClassVar[bool] = False
    #: Checks the bounds.
    base_field: Field[Any]
    #: Which bounds of a plain pair belong to the range.
    default_bounds: Bounds = "[)"

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.base_field = self.make_base()
        if self.primary_key:
            raise ModelDefinitionError(f"{type(self).__name__}(): a range is no primary key.")
        self.default_bounds = options.get("default_bounds", "[)")
        if self.default_bounds not in BOUNDS:
            raise ModelDefinitionError(
                f"{type(self).__name__}(): default_bounds is one of {', '.join(map(repr, BOUNDS))}."
            )

    def make_base(self) -> Field[Any]:
        """Return the field that checks the bounds."""
        raise NotImplementedError

    def after(self, value: Any) -> Any:
        """Return the value after one, where the values are discrete."""
        raise NotImplementedError

    @property
    @override
    def logical_type(self) -> RangeOf:
        return RangeOf(self.base_field.logical_type)

    # -- conditions ------------------------------------------------------------------------

    @override
    def contained_by(self, values: _T | Expression[_T], /) -> Q:  # type: ignore[override]  # of a range, not of a number
        """Match ranges that are all in ``values``: ``seats <@ $1``."""
        return self._condition("contained_by", values)

    def overlap(self, other: _T | Expression[_T]) -> Q:
        """Match ranges that have a value in common with ``other``: ``seats && $1``."""
        return self._condition("overlap", other)

    def fully_lt(self, other: _T | Expression[_T]) -> Q:
        """Match ranges that end before ``other`` begins: ``seats << $1``."""
        return self._condition("fully_lt", other)

    def fully_gt(self, other: _T | Expression[_T]) -> Q:
        """Match ranges that begin after ``other`` ends: ``seats >> $1``."""
        return self._condition("fully_gt", other)

    def not_lt(self, other: _T | Expression[_T]) -> Q:
        """Match ranges that do not begin before ``other``: ``seats &> $1``."""
        return self._condition("not_lt", other)

    def not_gt(self, other: _T | Expression[_T]) -> Q:
        """Match ranges that do not end after ``other``: ``seats &< $1``."""
        return self._condition("not_gt", other)

    def adjacent_to(self, other: _T | Expression[_T]) -> Q:
        """Match ranges that touch ``other`` and share nothing with it: ``seats -|- $1``."""
        return self._condition("adjacent_to", other)

    # -- lookups ---------------------------------------------------------------------------

    @override
    def find_lookup(self, name: str) -> Lookup | None:
        """Return the lookup of that name: those of texts ask nothing of a range."""
        found = super().find_lookup(name)
        return found if name in _GENERAL or found is not LOOKUPS.get(name) else None

    @override
    def lookup_names(self) -> list[str]:
        """Return the names of all lookups and transforms."""
        return [name for name in super().lookup_names() if self.find_lookup(name) or self.find_transform(name)]

    # -- values ----------------------------------------------------------------------------

    @override
    def coerce(self, value: Any) -> Any:
        given = cast("Range[Any]", value) if issubclass(type_of(value), Range) else self._pair(value)
        lower = self._bound("lower", given.lower)
        upper = self._bound("upper", given.upper)
        made = self._made(lower, upper, given.bounds, empty=given.isempty)
        if self.discrete:
            made = half_open(made, self.after)
            self._bound("upper", made.upper)
        return made

    def _pair(self, value: object) -> Range[Any]:
        items = tuple(cast("Sequence[object]", value)) if issubclass(type_of(value), list | tuple) else ()
        if len(items) != _PAIR:
            raise self.refused(value, "a Range or a pair of bounds")
        lower, upper = self._bound("lower", items[0]), self._bound("upper", items[1])
        return self._made(lower, upper, self.default_bounds)

    def _made(self, lower: Any, upper: Any, bounds: Bounds, *, empty: bool = False) -> Range[Any]:
        try:
            return Range(lower, upper, bounds, empty=empty)
        except (ValueError, TypeError) as error:
            raise self.invalid(str(error), "bounds") from error

    def _bound(self, which: str, value: object) -> Any:
        if value is None:
            return None
        try:
            return self.base_field.clean(value)
        except ValidationError as error:
            messages = "; ".join(message for texts in error.errors.values() for message in texts)
            raise self.invalid(f"the {which} bound: {messages}") from error


class IntegerRangeField(RangeField[_Ints]):
    """``Range`` of ``int``, 32 bits.

    >>> seats = IntegerRangeField()

    ``seats int4range NOT NULL``. ``Range(1, 5)`` holds 1 to 4, ``Range(1, 5, "[]")`` 1 to 5, and is read as
    ``Range(1, 6)``.
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: IntegerRangeField[Range[int]],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[FieldOptions[Range[int]]],
        ) -> None: ...
        @overload
        def __init__(
            self: IntegerRangeField[Range[int] | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[FieldOptions[Range[int] | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: IntegerRangeField[Range[int] | None], *, null: Yes, **options: Unpack[FieldOptions[Range[int] | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Ints, /) -> None: ...

    discrete = True

    @override
    def make_base(self) -> Field[Any]:
        return IntegerField()

    @override
    def after(self, value: int) -> int:
        return value + 1


class BigIntegerRangeField(RangeField[_Ints]):
    """``Range`` of ``int``, 64 bits.

    >>> numbers = BigIntegerRangeField()

    ``numbers int8range NOT NULL``. See IntegerRangeField.
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: BigIntegerRangeField[Range[int]],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[FieldOptions[Range[int]]],
        ) -> None: ...
        @overload
        def __init__(
            self: BigIntegerRangeField[Range[int] | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[FieldOptions[Range[int] | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: BigIntegerRangeField[Range[int] | None],
            *,
            null: Yes,
            **options: Unpack[FieldOptions[Range[int] | None]],
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Ints, /) -> None: ...

    discrete = True

    @override
    def make_base(self) -> Field[Any]:
        return BigIntegerField()

    @override
    def after(self, value: int) -> int:
        return value + 1


class DecimalRangeField(RangeField[_Decimals]):
    """``Range`` of ``Decimal``, exact.

    >>> price = DecimalRangeField(default_bounds="[]")

    ``price numrange NOT NULL``. Decimals have no next value: ``Range(1, 2, "[]")`` stays what it is.
    """

    extra_options = frozenset(BoundsOptions.__annotations__)
    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DecimalRangeField[Range[Decimal]],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[BoundsOptions[Range[Decimal]]],
        ) -> None: ...
        @overload
        def __init__(
            self: DecimalRangeField[Range[Decimal] | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[BoundsOptions[Range[Decimal] | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: DecimalRangeField[Range[Decimal] | None],
            *,
            null: Yes,
            **options: Unpack[BoundsOptions[Range[Decimal] | None]],
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Decimals, /) -> None: ...

    @override
    def make_base(self) -> Field[Any]:
        return DecimalField()


class DateRangeField(RangeField[_Dates]):
    """``Range`` of ``datetime.date``.

    >>> stay = DateRangeField(nullable=True)

    ``stay daterange NULL``. Read in the form ``[)``: the upper bound is the day after the last one.
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DateRangeField[Range[dt.date]],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[FieldOptions[Range[dt.date]]],
        ) -> None: ...
        @overload
        def __init__(
            self: DateRangeField[Range[dt.date] | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[FieldOptions[Range[dt.date] | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: DateRangeField[Range[dt.date] | None],
            *,
            null: Yes,
            **options: Unpack[FieldOptions[Range[dt.date] | None]],
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Dates, /) -> None: ...

    discrete = True

    @override
    def make_base(self) -> Field[Any]:
        return DateField()

    @override
    def after(self, value: dt.date) -> dt.date:
        try:
            return value + dt.timedelta(days=1)
        except OverflowError as error:
            raise self.invalid("the range ends after the last date of Python; None is no bound.", "bounds") from error


class DateTimeRangeField(RangeField[_Moments]):
    """``Range`` of ``datetime.datetime``: aware and in UTC; naive and in UTC with ``timezone=False``.

    >>> open = DateTimeRangeField(default_bounds="[]")

    ``open tstzrange NOT NULL``. Naive bounds are taken as UTC, as in DateTimeField.
    """

    extra_options = frozenset(DateTimeRangeOptions.__annotations__)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DateTimeRangeField[Range[dt.datetime]],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[DateTimeRangeOptions[Range[dt.datetime]]],
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeRangeField[Range[dt.datetime] | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[DateTimeRangeOptions[Range[dt.datetime] | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeRangeField[Range[dt.datetime] | None],
            *,
            null: Yes,
            **options: Unpack[DateTimeRangeOptions[Range[dt.datetime] | None]],
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Moments, /) -> None: ...

    @override
    def make_base(self) -> Field[Any]:
        return DateTimeField(timezone=bool(self.options.get("timezone", True)))
