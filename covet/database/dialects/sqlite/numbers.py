"""Functions of integers and floating-point numbers with PostgreSQL's results. Pure; SQLite calls them.

What has no result (the root of -1) raises, as it does there.
"""

from __future__ import annotations

import decimal
import math
import random
from collections.abc import Callable
from decimal import Decimal
from functools import wraps

from covet.database.dialects.sqlite import decimals

_PER_DEGREE = 0.0174532925199432957692
#: The digits that every float surely has; PostgreSQL turns a float into a decimal with so many.
_DIGITS = ".15g"


def strict(function: Callable[..., float]) -> Callable[..., float | None]:
    """Return the function with NULL for a NULL among its arguments."""

    @wraps(function)
    def checked(*arguments: float | None) -> float | None:
        return None if None in arguments else function(*arguments)

    return checked


def to_float(value: str | float | None) -> float | None:
    """``covet_float``."""
    return None if value is None else float(value)


def to_decimal(value: float | None) -> str | None:
    """``covet_float_decimal``."""
    return None if value is None else decimals.canonical(format(value, _DIGITS))


def to_integer(value: float | None) -> int | None:
    """``covet_float_integer``."""
    return None if value is None else round(value)


def ceil(value: float | None) -> float | None:
    """``covet_ceil``."""
    return None if value is None else float(math.ceil(value)) if math.isfinite(value) else value


def floor(value: float | None) -> float | None:
    """``covet_floor``."""
    return None if value is None else float(math.floor(value)) if math.isfinite(value) else value


def sign(value: float | None) -> float | None:
    """``covet_sign``, of the type of its argument."""
    return None if value is None else type(value)((value > 0) - (value < 0))


def power_integer(base: int | None, exponent: int | None) -> int | None:
    """``covet_power_integer``: rounded half away from zero."""
    if base is None or exponent is None:
        return None
    if exponent >= 0:
        return int(base**exponent)
    return decimals.to_integer(str(Decimal(base) ** exponent))


def remainder(left: int | None, right: int | None) -> int | None:
    """``covet_mod``: the sign is that of ``left``."""
    if left is None or right is None:
        return None
    found = abs(left) % abs(right)
    return -found if left < 0 else found


def rounded(value: float | None, digits: int | None) -> float | None:
    """``covet_round``: half away from zero, of the decimal digits that the number shows."""
    if value is None or digits is None:
        return None
    if not math.isfinite(value):
        return value
    found = decimals.rounded(format(value, _DIGITS), digits)
    return None if found is None else float(found)


def rounded_integer(value: int | None, digits: int | None) -> int | None:
    """``covet_round_integer``: -1 rounds to tens."""
    if value is None or digits is None:
        return None
    return int(Decimal(value).quantize(Decimal((0, (1,), -min(digits, 0))), decimal.ROUND_HALF_UP))


def _cot(value: float) -> float:
    tangent = math.tan(value)
    return math.copysign(math.inf, tangent) if tangent == 0 else 1 / tangent


def _degrees(value: float) -> float:
    return value / _PER_DEGREE


def _radians(value: float) -> float:
    return value * _PER_DEGREE


def _exp(value: float) -> float:
    found = math.exp(value)
    if found == 0 and value != -math.inf:
        raise OverflowError("value out of range: underflow")
    return found


_FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "acos": (1, math.acos),
    "asin": (1, math.asin),
    "atan": (1, math.atan),
    "atan2": (2, math.atan2),
    "cos": (1, math.cos),
    "cot": (1, _cot),
    "degrees": (1, _degrees),
    "exp": (1, _exp),
    "ln": (1, math.log),
    "power": (2, math.pow),
    "radians": (1, _radians),
    "sin": (1, math.sin),
    "sqrt": (1, math.sqrt),
    "tan": (1, math.tan),
}

#: ``(name, number of arguments, function, deterministic)``.
FUNCTIONS: tuple[tuple[str, int, Callable[..., str | int | float | None], bool], ...] = (
    *((f"covet_{name}", count, strict(function), True) for name, (count, function) in _FUNCTIONS.items()),
    ("covet_ceil", 1, ceil, True),
    ("covet_float", 1, to_float, True),
    ("covet_float_decimal", 1, to_decimal, True),
    ("covet_float_integer", 1, to_integer, True),
    ("covet_floor", 1, floor, True),
    ("covet_mod", 2, remainder, True),
    ("covet_pi", 0, lambda: math.pi, True),
    ("covet_power_integer", 2, power_integer, True),
    ("covet_random", 0, random.random, False),
    ("covet_round", 2, rounded, True),
    ("covet_round_integer", 2, rounded_integer, True),
    ("covet_sign", 1, sign, True),
)
