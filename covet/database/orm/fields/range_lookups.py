"""Lookups and transforms of ranges, and ``contained_by`` of the fields whose values a range can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from typing_extensions import TypeVar, override

from covet.database.orm.expressions.functions import Transform
from covet.database.orm.fields.base import field_of, type_of
from covet.database.orm.fields.document_lookups import FunctionLookup
from covet.database.orm.fields.integers import IntegerColumn
from covet.database.orm.fields.numeric import DecimalField, FloatField
from covet.database.orm.fields.temporal import DateField, DateTimeField
from covet.database.orm.lookups import LOOKUPS, Compare, Decided, Lookup, LookupField
from covet.database.schema.ranges import Range, half_open
from covet.database.schema.types import Boolean, LogicalType, RangeOf
from covet.database.sql import nodes

_T = TypeVar("_T", default=Any)


# Ranges -------------------------------------------------------------------------------------------------------------


class RangeLookup(FunctionLookup):
    """A lookup whose value is a range, too."""

    def __init__(self, name: str, function: str) -> None:
        self.name = name  # type: ignore[misc]  # an instance an operator, each with its own name
        self.function = function  # type: ignore[misc]  # and its own function


class RangeContains(FunctionLookup):
    """``contains``: the value, or all of the range that is given, is in the range."""

    name = "contains"
    function = "range_contains"

    @override
    def suited(self, field: LookupField, value: object) -> Lookup:
        return _CONTAINS_RANGE if isinstance(value, Range | list | tuple) else self

    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        item = field_of(self.param_type(field)).clone()
        item.name, item.model = field.name, getattr(field, "model", None)
        return item.clean(value)

    @override
    def param_type(self, field: LookupField) -> LogicalType:
        return cast("RangeOf", field.logical_type).item


_CONTAINS_RANGE: Final = RangeLookup("contains", "range_contains")

#: The lookups that fields of ranges have of their own.
RANGE_LOOKUPS: Final[dict[str, Lookup]] = {
    lookup.name: lookup
    for lookup in (
        RangeContains(),
        RangeLookup("contained_by", "range_contained"),
        RangeLookup("overlap", "range_overlap"),
        RangeLookup("fully_lt", "range_fully_lt"),
        RangeLookup("fully_gt", "range_fully_gt"),
        RangeLookup("not_lt", "range_not_lt"),
        RangeLookup("not_gt", "range_not_gt"),
        RangeLookup("adjacent_to", "range_adjacent"),
    )
}


class _Bound(Transform[_T]):
    """One of the bounds; NULL where there is none."""

    built_in = True

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        return types[0].item if isinstance(types[0], RangeOf) else None

    @classmethod
    @override
    def output(cls, field: LookupField) -> LookupField:
        return field.output_of(cast("RangeOf", field.logical_type).item)


class RangeStartsWith(_Bound[_T]):
    """The lower bound: ``seats__startswith=1`` is ``LOWER(seats) = $1``."""

    lookup_name = "startswith"
    function = "range_lower"


class RangeEndsWith(_Bound[_T]):
    """The upper bound: ``seats__endswith__lte=9`` is ``UPPER(seats) <= $1``."""

    lookup_name = "endswith"
    function = "range_upper"


class _Question(Transform[bool]):
    built_in = True
    returns = Boolean()


class RangeIsEmpty(_Question):
    """Whether the range holds nothing: ``seats__isempty=True``."""

    lookup_name = "isempty"
    function = "range_isempty"


class RangeLowerInc(_Question):
    """Whether the lower bound belongs to the range."""

    lookup_name = "lower_inc"
    function = "range_lower_inc"


class RangeLowerInf(_Question):
    """Whether there is no lower bound."""

    lookup_name = "lower_inf"
    function = "range_lower_inf"


class RangeUpperInc(_Question):
    """Whether the upper bound belongs to the range."""

    lookup_name = "upper_inc"
    function = "range_upper_inc"


class RangeUpperInf(_Question):
    """Whether there is no upper bound."""

    lookup_name = "upper_inf"
    function = "range_upper_inf"


#: The transforms of ranges.
RANGE_TRANSFORMS: Final[dict[str, type[Transform[Any]]]] = {
    transform.lookup_name: transform
    for transform in (
        RangeStartsWith,
        RangeEndsWith,
        RangeIsEmpty,
        RangeLowerInc,
        RangeLowerInf,
        RangeUpperInc,
        RangeUpperInf,
    )
}


# Values in ranges ---------------------------------------------------------------------------------------------------


class ContainedBy(Lookup):
    """``contained_by``: the value is in a range: ``age__contained_by=Range(1, 5)`` is ``age >= $1 AND age < $2``.

    So it is the same on every database, and an index serves it. Of a range in a column, ``@>`` asks.
    """

    name = "contained_by"

    @override
    def suited(self, field: LookupField, value: Any) -> Lookup:
        if not issubclass(type_of(value), Range):
            return self
        given = _closed(field, value)
        if given.lower is None and given.upper is None:
            return _NONE if given.isempty else _ALL
        low = None if given.lower is None else ">=" if given.lower_inc else ">"
        high = None if given.upper is None else "<=" if given.upper_inc else "<"
        return _WITHIN[low, high]

    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        if issubclass(type_of(value), Range):
            raise field.invalid(f"the SQL of {self.name!r} depends on its range, which has to be known to prepare().")
        raise field.invalid(f"{self.name!r} takes a Range, not {type(value).__name__}.")

    @override
    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.Function("range_contains", (values[0], operand), Boolean())


def _closed(field: LookupField, given: Range[Any]) -> Range[Any]:
    """Return a range of integers with both bounds in it, so that every bound has an answer; others as they are."""
    lower, upper = given.lower, given.upper
    if field.lowest is None or given.isempty or any(type(bound) not in (int, type(None)) for bound in (lower, upper)):
        return given
    given = half_open(given, lambda number: number + 1)
    if given.upper is None or given.isempty:
        return given
    last = given.upper - 1
    return Range(empty=True) if given.lower is not None and given.lower > last else Range(given.lower, last, "[]")


class _Within(Lookup):
    """Above one bound and below the other, or one of both."""

    name = "contained_by"

    def __init__(self, low: Compare | None, high: Compare | None) -> None:
        self.low = low
        self.high = high
        self.arity = (low is not None) + (high is not None)  # type: ignore[misc]  # an instance for each pair

    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        given = _closed(field, cast("Range[Any]", value))
        sides = [
            self._side(field, compare, bound, instead)
            for compare, bound, instead in (
                (self.low, given.lower, field.lowest),
                (self.high, given.upper, field.highest),
            )
            if compare is not None
        ]
        return sides[0] if len(sides) == 1 else tuple(sides)

    def _side(self, field: LookupField, compare: Compare, bound: object, instead: int | None) -> Any:
        try:
            return compare.prepare(field, bound)
        except Decided as decided:
            if not decided.matches or self.arity == 1:
                raise
            return instead

    @override
    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        given = iter(values)
        sides = tuple(each.build(operand, next(given)) for each in (self.low, self.high) if each is not None)
        return sides[0] if len(sides) == 1 else nodes.And(sides)


class _Whatever(Lookup):
    """The same answer for every value."""

    name = "contained_by"

    def __init__(self, *, matches: bool) -> None:
        self.matches = matches

    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        raise Decided(matches=self.matches)


_ALL: Final = _Whatever(matches=True)
_NONE: Final = _Whatever(matches=False)
_LOW: Final = {None: None, ">": LOOKUPS["gt"], ">=": LOOKUPS["gte"]}
_HIGH: Final = {None: None, "<": LOOKUPS["lt"], "<=": LOOKUPS["lte"]}
_WITHIN: Final[dict[tuple[str | None, str | None], _Within]] = {
    (low, high): _Within(cast("Compare | None", _LOW[low]), cast("Compare | None", _HIGH[high]))
    for low in _LOW
    for high in _HIGH
}

for _kind in (IntegerColumn, DecimalField, FloatField, DateField, DateTimeField):
    _kind.register_lookup(ContainedBy)
