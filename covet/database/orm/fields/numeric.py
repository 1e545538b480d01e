"""FloatField and DecimalField."""

from __future__ import annotations

import decimal
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.limits import Limits
from covet.database.schema.types import Float, Numeric
from covet.exceptions import ModelDefinitionError, ValidationError

_T = TypeVar("_T")
_Float = TypeVar("_Float", default=float)
_Decimal = TypeVar("_Decimal", default=Decimal)

_LITERAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?", re.ASCII)
#: The longest text that is read as a number: more than the digits of any double or of most numerics.
_MAX_TEXT: Final = 20_000

#: What a numeric of PostgreSQL without precision holds: digits before and after the point.
_MAX_WHOLE: Final = 131_072
_MAX_FRACTION: Final = 16_383
#: The greatest precision that numeric(p, s) of PostgreSQL may name.
_MAX_PRECISION: Final = 1000

_WIDE: Final = decimal.Context(prec=_MAX_WHOLE + _MAX_FRACTION, traps=[decimal.InvalidOperation, decimal.Inexact])
_ONE: Final = Decimal(1)
_SMALLEST: Final = Decimal((0, (1,), -_MAX_FRACTION))


class FloatOptions(FieldOptions[_T], total=False):
    """The options of FloatField."""

    min_value: float
    max_value: float


class DecimalOptions(FieldOptions[_T], total=False):
    """The options of DecimalField. ``max_digits`` and ``decimal_places``: both or none."""

    min_value: Decimal | int
    max_value: Decimal | int
    max_digits: int
    decimal_places: int


def is_number(value: object) -> bool:
    """Whether this is an int and no bool."""
    return issubclass(type(value), int) and type(value) is not bool


class FloatField(Field[_Float]):
    """``float``, double precision. NaN is refused: SQLite would make it NULL.

    >>> height = FloatField(min_value=0)

    ``height double precision NOT NULL``
    """

    extra_options = frozenset(FloatOptions.__annotations__)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: FloatField[float], *, nullable: No = ..., null: No = ..., **options: Unpack[FloatOptions[float]]
        ) -> None: ...
        @overload
        def __init__(
            self: FloatField[float | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[FloatOptions[float | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: FloatField[float | None], *, null: Yes, **options: Unpack[FloatOptions[float | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Float, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.limits = Limits.read(self, options)

    @property
    @override
    def logical_type(self) -> Float:
        return Float()

    @override
    def coerce(self, value: Any) -> Any:
        if type(value) is not float:
            value = self._to_float(value)
        if math.isnan(value):
            raise self.invalid("NaN cannot be stored.")
        return value or 0.0  # SQLite drops the sign of -0.0

    def _to_float(self, value: object) -> float:
        kind = type_of(value)
        if issubclass(kind, float) and isinstance(value, float):
            return float.__float__(value)
        if is_number(value) and isinstance(value, int):
            return self._from_int(int.__int__(value))
        if issubclass(kind, Decimal) and isinstance(value, Decimal):
            return self._from_text(str(Decimal(value)))
        if issubclass(kind, str) and isinstance(value, str):
            return self._from_text(str.__str__(value))
        raise self.refused(value, "a number")

    def _from_int(self, value: int) -> float:
        try:
            number = float(value)
        except OverflowError as error:
            raise self.invalid("the number is out of range of a double.", "bounds") from error
        if int(number) != value:
            raise self.invalid("the integer has no exact double.")
        return number

    def _from_text(self, text: str) -> float:
        if len(text) > _MAX_TEXT or _LITERAL.fullmatch(text) is None:
            raise self.invalid("a number such as '-1.5' or '2e3' is wanted, no NaN, no infinity in words.")
        number = float(text)
        if math.isinf(number) or (number == 0 and Decimal(text)):
            raise self.invalid("the number is out of range of a double.", "bounds")
        return number

    @override
    def validate(self, value: Any) -> None:
        if self.limits is not None:
            self.limits.check(self, value)
        super().validate(value)


class DecimalField(Field[_Decimal]):
    """``Decimal``, exact. Without digits it is a ``numeric`` of any size.

    >>> price = DecimalField(max_digits=10, decimal_places=2)

    ``price numeric(10, 2) NOT NULL``. A value with more decimals is refused, never rounded.
    """

    extra_options = frozenset(DecimalOptions.__annotations__)
    error_codes = Field.error_codes | {"digits"}

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DecimalField[Decimal],
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[DecimalOptions[Decimal]],
        ) -> None: ...
        @overload
        def __init__(
            self: DecimalField[Decimal | None],
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[DecimalOptions[Decimal | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: DecimalField[Decimal | None], *, null: Yes, **options: Unpack[DecimalOptions[Decimal | None]]
        ) -> None: ...
        def __init__(self, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _Decimal, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.limits = Limits.read(self, options)
        digits, places = options.get("max_digits"), options.get("decimal_places")
        if (digits is None) != (places is None):
            raise ModelDefinitionError(f"{type(self).__name__}(): give max_digits and decimal_places, or neither.")
        self.max_digits: int | None = digits
        self.decimal_places: int | None = places
        if digits is None or places is None:
            return
        if not (is_number(digits) and is_number(places) and 1 <= digits <= _MAX_PRECISION and 0 <= places <= digits):
            raise ModelDefinitionError(
                f"{type(self).__name__}(): max_digits must be 1 to {_MAX_PRECISION}, decimal_places 0 to max_digits."
            )
        self._quantum = Decimal((0, (1,), -places))
        self._context = decimal.Context(prec=digits, traps=[decimal.InvalidOperation, decimal.Inexact])

    @property
    @override
    def logical_type(self) -> Numeric:
        return Numeric(self.max_digits, self.decimal_places)

    @override
    def coerce(self, value: Any) -> Any:
        number = self._quantized(self._to_decimal(value))
        return number or number.copy_abs()  # PostgreSQL has no -0

    @override
    def prepare(self, value: Any) -> Any:
        """Return an exact Decimal of any number of digits."""
        return self._to_decimal(value)

    def _to_decimal(self, value: object) -> Decimal:
        kind = type_of(value)
        if issubclass(kind, Decimal) and isinstance(value, Decimal):
            number = value if kind is Decimal else Decimal(value)
        elif is_number(value) and isinstance(value, int):
            number = Decimal(int.__int__(value))
        elif issubclass(kind, float) and isinstance(value, float):
            number = Decimal(float.__repr__(value))  # 1.1 is 1.1, as it was written
        elif issubclass(kind, str) and isinstance(value, str):
            text = str.__str__(value)
            if len(text) > _MAX_TEXT or _LITERAL.fullmatch(text) is None:
                raise self.invalid("the text is not a number such as '-1.50'.")
            number = Decimal(text)
        else:
            raise self.refused(value, "a number")
        if not number.is_finite():
            raise self.invalid("NaN and infinity cannot be stored.")
        return number

    def _quantized(self, number: Decimal) -> Decimal:
        if self.max_digits is not None:
            try:
                return number.quantize(self._quantum, context=self._context)
            except decimal.Inexact as error:
                raise self.invalid(f"the number has more than {self.decimal_places} decimals.", "digits") from error
            except decimal.InvalidOperation as error:
                raise self.invalid(
                    f"the number has more digits than numeric({self.max_digits}, {self.decimal_places}) holds.",
                    "digits",
                ) from error
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or exponent > 0 or exponent < -_MAX_FRACTION:
            number = self._written_out(number)
        if number.adjusted() >= _MAX_WHOLE:
            raise self._too_wide()
        return number

    def _written_out(self, number: Decimal) -> Decimal:
        """Return 1E+3 as 1000, and drop trailing zeros that no numeric has room for."""
        try:
            return number.quantize(_ONE if number == number.to_integral_value() else _SMALLEST, context=_WIDE)
        except decimal.DecimalException as error:
            raise self._too_wide() from error

    def _too_wide(self) -> ValidationError:
        return self.invalid(
            f"the number has more than {_MAX_WHOLE} digits before or {_MAX_FRACTION} after the point.", "digits"
        )

    @override
    def validate(self, value: Any) -> None:
        if self.limits is not None:
            self.limits.check(self, value)
        super().validate(value)
