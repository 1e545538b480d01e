"""Functions of numbers. Integers stay integers where the result is one, a Decimal gives a Decimal, the rest floats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from typing_extensions import override

from covet.database.orm.expressions import Func, Transform
from covet.database.orm.expressions.base import OutputField
from covet.database.orm.fields import DecimalField, FloatField
from covet.database.orm.fields.integers import IntegerColumn
from covet.database.orm.lookups import LookupField
from covet.database.schema.types import Float, Integer, LogicalType, Numeric

__all__ = [
    "ACos",
    "ASin",
    "ATan",
    "ATan2",
    "Abs",
    "Ceil",
    "Cos",
    "Cot",
    "Degrees",
    "Exp",
    "Floor",
    "Ln",
    "Log",
    "Mod",
    "Pi",
    "Power",
    "Radians",
    "Random",
    "Round",
    "Sign",
    "Sin",
    "Sqrt",
    "Tan",
]

_F = TypeVar("_F", bound="type[Transform[Any]]")


def _of_numbers(transform: _F) -> _F:
    """Register a transform for every field of numbers."""
    for field in (IntegerColumn, DecimalField, FloatField):
        field.register_lookup(transform)
    return transform


def _real(types: Sequence[LogicalType | None]) -> LogicalType:
    """Return the type of a result that is no integer: Decimal of decimals (and integers among them), else float."""
    decimal = any(isinstance(each, Numeric) for each in types)
    return Float() if not decimal or any(isinstance(each, Float) for each in types) else Numeric()


class _Same(Transform[Any]):
    """A function that gives a number of its argument's type."""

    built_in = True

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        return _same(types[0])

    @classmethod
    @override
    def output(cls, field: LookupField) -> LookupField:
        return field.output_of(_same(field.logical_type) or field.logical_type)


def _same(logical: LogicalType | None) -> LogicalType | None:
    return Numeric() if isinstance(logical, Numeric) else logical


class _Real(Transform[Any]):
    """A function of one number that gives a float, of a Decimal a Decimal."""

    built_in = True

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType:
        return _real(types)

    @classmethod
    @override
    def output(cls, field: LookupField) -> LookupField:
        return field.output_of(_real([field.logical_type]))


@_of_numbers
class Abs(_Same):
    """The number without its sign: ``ABS(n)``; in paths ``n__abs``."""

    function = lookup_name = "abs"


@_of_numbers
class Ceil(_Same):
    """The smallest whole number that is not less: ``CEIL(n)``; in paths ``n__ceil``."""

    function = lookup_name = "ceil"


@_of_numbers
class Floor(_Same):
    """The largest whole number that is not greater: ``FLOOR(n)``; in paths ``n__floor``."""

    function = lookup_name = "floor"


@_of_numbers
class Sign(_Same):
    """-1, 0 or 1: ``SIGN(n)``; in paths ``n__sign``."""

    function = lookup_name = "sign"


@_of_numbers
class Round(_Same):
    """Rounded to so many digits behind the point, half away from zero; in paths ``n__round`` to a whole number.

    >>> Item.objects.annotate(shown=Round("price", 1))  # ROUND(price, $1)
    >>> Item.objects.annotate(tens=Round("number", -1))
    """

    function = lookup_name = "round"
    arity = (1, 2)

    def __init__(self, expression: object, precision: object = 0, output_field: OutputField | None = None) -> None:
        digits = () if type(precision) is int and precision == 0 else (precision,)
        super().__init__(expression, *digits, output_field=output_field)


@_of_numbers
class Sqrt(_Real):
    """The square root: ``SQRT(n)``; in paths ``n__sqrt``."""

    function = lookup_name = "sqrt"


@_of_numbers
class Exp(_Real):
    """e to the power of the number: ``EXP(n)``; in paths ``n__exp``."""

    function = lookup_name = "exp"


@_of_numbers
class Ln(_Real):
    """The natural logarithm: ``LN(n)``; in paths ``n__ln``."""

    function = lookup_name = "ln"


@_of_numbers
class Sin(_Real):
    """The sine: ``SIN(n)``; in paths ``n__sin``."""

    function = lookup_name = "sin"


@_of_numbers
class Cos(_Real):
    """The cosine: ``COS(n)``; in paths ``n__cos``."""

    function = lookup_name = "cos"


@_of_numbers
class Tan(_Real):
    """The tangent: ``TAN(n)``; in paths ``n__tan``."""

    function = lookup_name = "tan"


@_of_numbers
class Cot(_Real):
    """The cotangent: ``COT(n)``; in paths ``n__cot``."""

    function = lookup_name = "cot"


@_of_numbers
class ASin(_Real):
    """The angle of that sine: ``ASIN(n)``; in paths ``n__asin``."""

    function = lookup_name = "asin"


@_of_numbers
class ACos(_Real):
    """The angle of that cosine: ``ACOS(n)``; in paths ``n__acos``."""

    function = lookup_name = "acos"


@_of_numbers
class ATan(_Real):
    """The angle of that tangent: ``ATAN(n)``; in paths ``n__atan``."""

    function = lookup_name = "atan"


@_of_numbers
class Degrees(_Real):
    """Radians in degrees: ``DEGREES(n)``; in paths ``n__degrees``."""

    function = lookup_name = "degrees"


@_of_numbers
class Radians(_Real):
    """Degrees in radians: ``RADIANS(n)``; in paths ``n__radians``."""

    function = lookup_name = "radians"


class _OfTwo(Func[Any]):
    """A function of two numbers that gives a float, of a Decimal a Decimal."""

    built_in = True
    arity = (2, 2)

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType:
        return _real(types)


class ATan2(_OfTwo):
    """The angle of the point with these coordinates, y first: ``ATAN2(y, x)``."""

    function = "atan2"


class Log(_OfTwo):
    """The logarithm to a base, the base first.

    >>> Item.objects.annotate(digits=Log(10, "number"))  # LOG(CAST($1 AS numeric), CAST(number AS numeric))
    """

    function = "log"


class Power(_OfTwo):
    """The first to the power of the second: ``POWER(n, $1)``. Of integers a float; ``F("n") ** 2`` stays an integer."""

    function = "power"


class Mod(_OfTwo):
    """What is left of the first after division by the second; its sign is that of the first: ``MOD(n, $1)``."""

    function = "mod"

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType:
        return Integer(64) if all(isinstance(each, Integer) for each in types) else _real(types)


class Pi(Func[float]):
    """The number pi: ``PI()``."""

    function = "pi"
    built_in = True
    arity = (0, 0)
    returns = Float()


class Random(Func[float]):
    """A number from 0 to below 1, another for each row: ``RANDOM()``. ``order_by("?")`` sorts by it."""

    function = "random"
    built_in = True
    arity = (0, 0)
    returns = Float()
