"""Aggregates over ranges: what all of them cover, and what every one of them does. PostgreSQL."""

from __future__ import annotations

from typing import Any, ClassVar, overload

from typing_extensions import TypeVar, override

from covet.database.orm.aggregates.base import Aggregate
from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression
from covet.database.schema.types import Array, LogicalType, RangeOf

_T = TypeVar("_T")
_U = TypeVar("_U")


class RangeAgg(Aggregate[_T]):
    """What the ranges cover together: the fewest ranges that do, in order; None where they cover nothing.

    >>> Room.objects.annotate(busy=RangeAgg("bookings__during"))

    ``RANGE_AGG(bookings.during)``, as a list; PostgreSQL 14 and newer.
    """

    function = "range_agg"
    built_in = True
    accepts: ClassVar[tuple[type[LogicalType], ...]] = (RangeOf,)

    @overload
    def __init__(self: RangeAgg[Any], source: str, *, filter: Q | None = ..., default: object = ...) -> None: ...
    @overload
    def __init__(
        self: RangeAgg[list[_U] | None], source: Expression[_U], *, filter: Q | None = ..., default: object = ...
    ) -> None: ...
    def __init__(self, source: object, *, filter: Q | None = None, default: object = None) -> None:
        super().__init__(source, filter=filter, default=default)

    @override
    def result_type(self, argument: LogicalType | None) -> LogicalType | None:
        return None if argument is None else Array(argument)


class RangeIntersectAgg(Aggregate[_T]):
    """What is in every range, perhaps the empty one: ``RANGE_INTERSECT_AGG(during)``; None over no rows."""

    function = "range_intersect_agg"
    built_in = True
    accepts: ClassVar[tuple[type[LogicalType], ...]] = (RangeOf,)

    @overload
    def __init__(
        self: RangeIntersectAgg[Any], source: str, *, filter: Q | None = ..., default: object = ...
    ) -> None: ...
    @overload
    def __init__(
        self: RangeIntersectAgg[_U | None], source: Expression[_U], *, filter: Q | None = ..., default: object = ...
    ) -> None: ...
    def __init__(self, source: object, *, filter: Q | None = None, default: object = None) -> None:
        super().__init__(source, filter=filter, default=default)
