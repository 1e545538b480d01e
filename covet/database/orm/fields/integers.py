"""Integer fields: 16, 32 and 64 bits, signed and not below zero."""

from __future__ import annotations

import math
import operator
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.fast_check import FastCheck
from covet.database.orm.fields.limits import Limits
from covet.database.schema.types import Integer

_T = TypeVar("_T")
_Int = TypeVar("_Int", default=int)

_LITERAL = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
#: No column holds an integer of more digits; a Decimal of more is refused before Python expands it.
_MAX_DIGITS = 40


class IntegerOptions(FieldOptions[_T], total=False):
    """The options of integer fields."""

    min_value: int
    max_value: int


def to_integer(field: Field[Any], value: object) -> int:
    """Return an int of any size that equals ``value``, or raise ``ValidationError``."""
    kind = type_of(value)
    if kind is bool:
        raise field.refused(value, "an integer")
    if issubclass(kind, int) and isinstance(value, int):
        return int.__int__(value)
    if issubclass(kind, float) and isinstance(value, float):
        if not float.is_integer(value):
            raise field.invalid("an integer is wanted, not a fraction, NaN or infinity.")
        return float.__trunc__(value)
    if issubclass(kind, Decimal) and isinstance(value, Decimal):
        return _from_decimal(field, Decimal(value))
    if issubclass(kind, str) and isinstance(value, str):
        text = str.__str__(value)
        if _LITERAL.fullmatch(text) is None:
            raise field.invalid("the text is not a plain integer such as '-12'.")
        return int(text)
    return _from_index(field, value)


def _from_decimal(field: Field[Any], value: Decimal) -> int:
    if not value.is_finite() or value != value.to_integral_value():
        raise field.invalid("an integer is wanted, not a fraction, NaN or infinity.")
    if value.adjusted() >= _MAX_DIGITS:
        raise field.invalid("the number has more digits than any integer column holds.", "bounds")
    return int(value)


def _from_index(field: Field[Any], value: Any) -> int:
    """Take what Python takes as an index: the integers of numpy and the like."""
    try:
        return int.__int__(operator.index(value))
    except Exception as error:  # no __index__, or whatever a foreign one raises
        raise field.refused(value, "an integer") from error


def to_comparable(field: Field[Any], value: object) -> int | float | Decimal:
    """Return an int of any size; a fraction or an infinity as a plain float or Decimal, to compare by value."""
    kind = type_of(value)
    if issubclass(kind, float) and isinstance(value, float):
        number = float.__float__(value)
        if not number.is_integer() and not math.isnan(number):
            return number
    elif issubclass(kind, Decimal) and isinstance(value, Decimal):
        exact = Decimal(value)
        if exact.is_infinite() or (exact.is_finite() and exact != exact.to_integral_value()):
            return exact
    return to_integer(field, value)


class IntegerColumn(Field[_T]):
    """What all integer fields share: the width, and how a value becomes an int."""

    #: The width of the column.
    bits: ClassVar[int] = 32

    @property
    @override
    def logical_type(self) -> Integer:
        return Integer(self.bits)

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        #: What the column holds.
        self.lowest = -(1 << (self.bits - 1)) if self.min_bound is None else self.min_bound
        self.highest = (1 << (self.bits - 1)) - 1

    @override
    def coerce(self, value: Any) -> Any:
        if type(value) is int:
            return value
        return to_integer(self, value)

    @override
    def prepare(self, value: Any) -> Any:
        if type(value) is int:
            return value
        return to_comparable(self, value)

    @override
    def validate(self, value: Any) -> None:
        if not self.lowest <= value <= self.highest:
            raise self.invalid(
                f"the number is out of range: this column holds {self.lowest} to {self.highest}.", "bounds"
            )
        if self.choices or self.validators:
            super().validate(value)

    @override
    def fast_check(self) -> FastCheck | None:
        return None if self.checks_more else self._within(None)

    def _within(self, limits: Limits | None) -> FastCheck:
        low, high = Limits.narrowed(limits, cast("int", self.lowest), cast("int", self.highest))
        return FastCheck("type({v}) is int and {low} <= {v} <= {high}", {"low": low, "high": high})


class IntegerField(IntegerColumn[_Int]):
    """``int`` of 32 bits.

    >>> age = IntegerField(default=0, min_value=0)

    ``age integer NOT NULL``
    """

    extra_options = frozenset(IntegerOptions.__annotations__)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: IntegerField[int], *, nullable: No = ..., null: No = ..., **options: Unpack[IntegerOptions[int]]
        ) -> None: ...
        @overload
        def __init__(
            self: IntegerField[int | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[IntegerOptions[int | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: IntegerField[int | None], *, null: Yes, **options: Unpack[IntegerOptions[int | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Int, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.limits = Limits.read(self, options)

    @override
    def validate(self, value: Any) -> None:
        if self.limits is not None:
            self.limits.check(self, value)
        super().validate(value)

    @override
    def fast_check(self) -> FastCheck | None:
        return None if self.checks_more else self._within(self.limits)


class SmallIntegerField(IntegerField[_Int]):
    """``int`` of 16 bits: ``smallint``."""

    bits = 16

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: SmallIntegerField[int], *, nullable: No = ..., null: No = ..., **options: Unpack[IntegerOptions[int]]
        ) -> None: ...
        @overload
        def __init__(
            self: SmallIntegerField[int | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[IntegerOptions[int | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: SmallIntegerField[int | None], *, null: Yes, **options: Unpack[IntegerOptions[int | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Int, /) -> None: ...


class BigIntegerField(IntegerField[_Int]):
    """``int`` of 64 bits: ``bigint``."""

    bits = 64

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: BigIntegerField[int], *, nullable: No = ..., null: No = ..., **options: Unpack[IntegerOptions[int]]
        ) -> None: ...
        @overload
        def __init__(
            self: BigIntegerField[int | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[IntegerOptions[int | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: BigIntegerField[int | None], *, null: Yes, **options: Unpack[IntegerOptions[int | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Int, /) -> None: ...


class PositiveIntegerField(IntegerField[_Int]):
    """``int`` of 0 to 2147483647: ``integer`` with ``CHECK (column >= 0)``."""

    min_bound = 0

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: PositiveIntegerField[int],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[IntegerOptions[int]],
        ) -> None: ...
        @overload
        def __init__(
            self: PositiveIntegerField[int | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[IntegerOptions[int | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: PositiveIntegerField[int | None], *, null: Yes, **options: Unpack[IntegerOptions[int | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Int, /) -> None: ...


class PositiveSmallIntegerField(IntegerField[_Int]):
    """``int`` of 0 to 32767: ``smallint`` with ``CHECK (column >= 0)``."""

    bits = 16
    min_bound = 0

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: PositiveSmallIntegerField[int],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[IntegerOptions[int]],
        ) -> None: ...
        @overload
        def __init__(
            self: PositiveSmallIntegerField[int | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[IntegerOptions[int | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: PositiveSmallIntegerField[int | None], *, null: Yes, **options: Unpack[IntegerOptions[int | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Int, /) -> None: ...


class PositiveBigIntegerField(IntegerField[_Int]):
    """``int`` of 0 to 9223372036854775807: ``bigint`` with ``CHECK (column >= 0)``."""

    bits = 64
    min_bound = 0

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: PositiveBigIntegerField[int],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[IntegerOptions[int]],
        ) -> None: ...
        @overload
        def __init__(
            self: PositiveBigIntegerField[int | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[IntegerOptions[int | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: PositiveBigIntegerField[int | None], *, null: Yes, **options: Unpack[IntegerOptions[int | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Int, /) -> None: ...
