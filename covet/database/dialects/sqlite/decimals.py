"""Decimal arithmetic on text, with PostgreSQL's results: the same digits, the same rounding. Pure.

SQLite calls these for columns of type Numeric. Additions and products are exact. A quotient has as many digits as
PostgreSQL's ``numeric`` gives it (``select_div_scale``: at least 16 significant ones), rounded half away from zero.
"""

from __future__ import annotations

import decimal
from collections import Counter
from decimal import Decimal
from typing import ClassVar

from covet.database.dialects.sqlite.types import decimal_text

#: Exact for everything that a column may hold; the traps turn what is not a number into an error.
_EXACT = decimal.Context(prec=100_000, rounding=decimal.ROUND_HALF_UP, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
_SIGNIFICANT_DIGITS = 16
_MAX_SCALE = 1000
#: PostgreSQL counts in digits of base 10,000.
_GROUP = 4

Stored = str | int | float | None


def parse(value: str | float) -> Decimal:
    """Return the decimal that a stored value is."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def canonical(value: Stored) -> str | None:
    """``covet_decimal(x)``: any number as decimal text."""
    return None if value is None else decimal_text(parse(value))


def cast(value: Stored, precision: int, scale: int) -> str | None:
    """``covet_decimal_cast(x, p, s)``: rounded to ``s`` digits; an error if it does not fit ``p``."""
    if value is None:
        return None
    number = round_to(parse(value), scale)
    if number and number.adjusted() >= precision - scale:
        raise ValueError("numeric field overflow")
    return decimal_text(number)


def add(left: Stored, right: Stored) -> str | None:
    """``covet_decimal_add``."""
    if left is None or right is None:
        return None
    return decimal_text(_EXACT.add(parse(left), parse(right)))


def subtract(left: Stored, right: Stored) -> str | None:
    """``covet_decimal_sub``."""
    if left is None or right is None:
        return None
    return decimal_text(_EXACT.subtract(parse(left), parse(right)))


def multiply(left: Stored, right: Stored) -> str | None:
    """``covet_decimal_mul``."""
    if left is None or right is None:
        return None
    return decimal_text(_EXACT.multiply(parse(left), parse(right)))


def divide(left: Stored, right: Stored) -> str | None:
    """``covet_decimal_div``."""
    if left is None or right is None:
        return None
    return decimal_text(quotient(parse(left), parse(right)))


def remainder(left: Stored, right: Stored) -> str | None:
    """``covet_decimal_mod``: the sign is that of ``left``."""
    if left is None or right is None:
        return None
    return decimal_text(_EXACT.remainder(parse(left), parse(right)))


def rounded(value: Stored, digits: int) -> str | None:
    """``covet_decimal_round``: half away from zero."""
    return None if value is None else decimal_text(round_to(parse(value), digits))


def absolute(value: Stored) -> str | None:
    """``covet_decimal_abs``."""
    return None if value is None else decimal_text(parse(value).copy_abs())


def ceil(value: Stored) -> str | None:
    """``covet_decimal_ceil``."""
    return None if value is None else decimal_text(parse(value).to_integral_value(decimal.ROUND_CEILING))


def floor(value: Stored) -> str | None:
    """``covet_decimal_floor``."""
    return None if value is None else decimal_text(parse(value).to_integral_value(decimal.ROUND_FLOOR))


def to_integer(value: Stored) -> int | None:
    """``covet_decimal_integer``: rounded half away from zero."""
    return None if value is None else int(round_to(parse(value), 0))


def sign(value: Stored) -> str | None:
    """``covet_decimal_sign``."""
    if value is None:
        return None
    number = parse(value)
    return str((number > 0) - (number < 0))


def quotient(left: Decimal, right: Decimal) -> Decimal:
    """Return ``left / right`` with PostgreSQL's number of digits."""
    if not right:
        raise ZeroDivisionError("division by zero")
    if not (left.is_finite() and right.is_finite()):
        return _EXACT.divide(left, right)
    scale = _quotient_scale(left, right)
    guarded = decimal.Context(prec=max(left.adjusted() - right.adjusted(), 0) + scale + 10, rounding=decimal.ROUND_DOWN)
    return round_to(guarded.divide(left, right), scale)


def collate(left: str, right: str) -> int:
    """``covet_decimal``, the collation: order by value; 1.5 and 1.50 are equal, NaN is the largest as on PostgreSQL.

    An exception here would silently mean "equal", so text that is no number goes by its characters, behind numbers.
    """
    if left == right:
        return 0
    x, y = sort_key(left), sort_key(right)
    return (x > y) - (x < y)


class _Total:
    """The exact sum of decimals, which rows enter and leave. What is not finite is counted apart."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = Decimal(0)
        self._special: Counter[str] = Counter()

    def step(self, value: Stored) -> None:
        """Take a row."""
        if value is not None:
            number = parse(value)
            self.count += 1
            if number.is_finite():
                self.add(number, 1)
            else:
                self._special[str(number)] += 1

    def inverse(self, value: Stored) -> None:
        """Let a row go."""
        if value is not None:
            number = parse(value)
            self.count -= 1
            if number.is_finite():
                self.add(number, -1)
            else:
                self._special[str(number)] -= 1

    def add(self, number: Decimal, sign: int) -> None:
        """Add a finite number, or take it away."""
        self._sum = (_EXACT.add if sign > 0 else _EXACT.subtract)(self._sum, number)

    @property
    def total(self) -> Decimal:
        """The sum."""
        special = [name for name, number in self._special.items() if number]
        if not special:
            return self._sum
        return Decimal(special[0] if len(special) == 1 else "NaN")

    def value(self) -> str | None:
        """Return the result; None of nothing."""
        return decimal_text(self.total) if self.count else None

    def finalize(self) -> str | None:
        """Return the result."""
        return self.value()


class Sum(_Total):
    """``covet_decimal_sum``."""


class Average(_Total):
    """``covet_decimal_avg``."""

    def value(self) -> str | None:
        return decimal_text(quotient(self.total, Decimal(self.count))) if self.count else None


class Variance(_Total):
    """``covet_decimal_variance``: as many digits as PostgreSQL gives."""

    sample: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._squares = Decimal(0)

    def add(self, number: Decimal, sign: int) -> None:
        super().add(number, sign)
        square = _EXACT.multiply(number, number)
        self._squares = (_EXACT.add if sign > 0 else _EXACT.subtract)(self._squares, square)

    def value(self) -> str | None:
        result = self.variance()
        return None if result is None else decimal_text(result)

    def variance(self) -> Decimal | None:
        """Return the variance; None of too few rows."""
        if self.count <= self.sample:
            return None
        if not self.total.is_finite():
            return Decimal("NaN")
        n = Decimal(self.count)
        spread = _EXACT.subtract(_EXACT.multiply(n, self._squares), _EXACT.multiply(self.total, self.total))
        return quotient(spread, n * (n - self.sample)) if spread > 0 else Decimal(0)


class SampleVariance(Variance):
    """``covet_decimal_variance_sample``."""

    sample = True


class StdDev(Variance):
    """``covet_decimal_stddev``."""

    def variance(self) -> Decimal | None:
        square = super().variance()
        if square is None or not square or square.is_nan():
            return square
        digits = scale_of(square)
        guarded = decimal.Context(prec=max(square.adjusted(), 0) + digits + 10, rounding=decimal.ROUND_DOWN)
        return round_to(guarded.sqrt(square), digits)


class SampleStdDev(StdDev):
    """``covet_decimal_stddev_sample``."""

    sample = True


def sort_key(text: str) -> tuple[int, Decimal, str]:
    """Return what sorts as decimals do: numbers by value, NaN as the largest, and behind it what is no number."""
    try:
        number = Decimal(text)
    except decimal.InvalidOperation:
        return (2, Decimal(0), text)
    return (1, Decimal(0), "") if number.is_nan() else (0, number, "")


def round_to(number: Decimal, digits: int) -> Decimal:
    """Return the number with so many digits behind the point, rounded half away from zero."""
    if not number.is_finite():
        return number
    return (
        number.quantize(Decimal((0, (1,), -digits)), context=_EXACT) if digits >= 0 else _rounded_left(number, digits)
    )


def _rounded_left(number: Decimal, digits: int) -> Decimal:
    return number.quantize(Decimal((0, (1,), -digits)), context=_EXACT).quantize(Decimal(1), context=_EXACT)


def scale_of(number: Decimal) -> int:
    """Return how many digits a number shows behind the point."""
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def leading_group(number: Decimal) -> tuple[int, int]:
    """Return the weight of the first digit of base 10,000 and that digit."""
    if not number:
        return 0, 0
    weight = number.adjusted() // _GROUP
    return weight, int(number.copy_abs().scaleb(-_GROUP * weight, context=_EXACT))


def _quotient_scale(left: Decimal, right: Decimal) -> int:
    left_weight, left_digit = leading_group(left)
    right_weight, right_digit = leading_group(right)
    weight = left_weight - right_weight - (1 if left_digit <= right_digit else 0)
    scale = max(_SIGNIFICANT_DIGITS - weight * _GROUP, scale_of(left), scale_of(right), 0)
    return min(scale, _MAX_SCALE)
