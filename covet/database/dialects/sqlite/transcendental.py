"""Roots, powers, logarithms of decimals on text, with as many digits as PostgreSQL's ``numeric`` gives. Pure.

At least 16 significant digits and no fewer than the arguments show, rounded half away from zero. How many that is
PostgreSQL estimates from the leading digits; so does this.
"""

from __future__ import annotations

import decimal
import math
from decimal import Decimal

from covet.database.dialects.sqlite.decimals import Stored, leading_group, parse, round_to, scale_of
from covet.database.dialects.sqlite.types import decimal_text

_SIGNIFICANT_DIGITS = 16
_MAX_SCALE = 1000
_LN_10 = 2.302585092994046
_LOG10_E = 0.434294481903252
#: PostgreSQL counts in digits of base 10,000.
_GROUP = 4
#: More digits than a result shows, so that the rounding is that of the exact value.
_GUARD = 20
#: The exponent of a power that is multiplied out.
_MULTIPLIED = 2**31


def sqrt(value: Stored) -> str | None:
    """``covet_decimal_sqrt``."""
    if value is None:
        return None
    number = parse(value)
    if number < 0:
        raise ValueError("cannot take square root of a negative number")
    weight = leading_group(number)[0] * _GROUP
    whole = weight // 2 + 1 if weight >= 0 else 1 - (1 - weight) // 2
    scale = _scale(whole, number)
    return _shown(_context(number.adjusted() // 2, scale).sqrt(number), scale)


def exp(value: Stored) -> str | None:
    """``covet_decimal_exp``."""
    if value is None:
        return None
    number = parse(value)
    weight = math.trunc(float(number) * _LOG10_E)
    scale = _scale(weight, number)
    return _shown(_context(weight, scale).exp(number), scale)


def ln(value: Stored) -> str | None:
    """``covet_decimal_ln``."""
    if value is None:
        return None
    number = _positive(parse(value))
    scale = _scale(_ln_weight(number), number)
    return _shown(_context(8, scale).ln(number), scale)


def log(base: Stored, value: Stored) -> str | None:
    """``covet_decimal_log``."""
    if base is None or value is None:
        return None
    root, number = _positive(parse(base)), _positive(parse(value))
    scale = _scale(_ln_weight(number) - _ln_weight(root), root, number)
    # ``ln`` of a number near 1 is near 0, so the quotient needs the digits of both.
    context = _context(40, scale + 40)
    return _shown(context.divide(context.ln(number), context.ln(root)), scale)


def power(base: Stored, exponent: Stored) -> str | None:
    """``covet_decimal_power``."""
    if base is None or exponent is None:
        return None
    x, y = parse(base), parse(exponent)
    if not (x.is_finite() and y.is_finite()):
        return decimal_text(decimal.Context(prec=40).power(x, y))
    if not x and y < 0:
        raise ZeroDivisionError("zero raised to a negative power is undefined")
    whole = y == y.to_integral_value() and abs(y) < _MULTIPLIED
    if not x and not whole:
        return _shown(x, _SIGNIFICANT_DIGITS)
    weight = math.trunc(int(y) * _log10(x)) if whole else math.trunc(float(y) * float(_rough_ln(x)) * _LOG10_E)
    scale = _scale(weight, x, y)
    if not y:
        return _shown(Decimal(1), scale)
    return _shown(_context(weight, scale).power(x, y), scale)


def _rough_ln(number: Decimal) -> Decimal:
    if number < 0:
        raise ValueError("a negative number raised to a non-integer power yields a complex result")
    return decimal.Context(prec=20).ln(number)


def _positive(number: Decimal) -> Decimal:
    if number <= 0:
        raise ValueError("cannot take logarithm of zero or a negative number")
    return number


def _context(weight: int, scale: int) -> decimal.Context:
    """Return what computes a result of about ``weight`` digits before the point and ``scale`` behind it."""
    return decimal.Context(prec=max(weight, 0) + scale + _GUARD, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


def _scale(weight: int, *arguments: Decimal) -> int:
    return min(max(_SIGNIFICANT_DIGITS - weight, 0, *map(scale_of, arguments)), _MAX_SCALE)


def _shown(number: Decimal, scale: int) -> str:
    return decimal_text(round_to(number, scale))


def _log10(number: Decimal) -> float:
    """Return about ``log10(abs(number))``; of 0 it is 0."""
    return float(decimal.Context(prec=20).log10(number.copy_abs())) if number else 0.0


def _ln_weight(number: Decimal) -> int:
    """Return about how many decimal digits ``ln(number)`` has before the point; below 0: zeros behind it."""
    if Decimal("0.9") <= number <= Decimal("1.1"):
        distance = number - 1
        if not distance:
            return 0
        weight, digit = leading_group(distance)
        return weight * _GROUP + math.trunc(math.log10(digit))
    return math.trunc(math.log10(abs(_log10(number) * _LN_10)))
