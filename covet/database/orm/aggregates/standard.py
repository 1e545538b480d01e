"""Count, Sum, Avg, Min, Max and AnyValue.

>>> await Order.objects.aggregate(Sum("total"))  # SELECT SUM(total) FROM orders -> {"total__sum": Decimal("...")}
>>> User.objects.annotate(post_count=Count("posts"))  # COUNT(posts.id) .. GROUP BY users.id
"""

from __future__ import annotations

from typing import Any, overload

from typing_extensions import TypeVar, override

from covet.database.orm.aggregates.base import Aggregate
from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression
from covet.database.schema.types import Float, Integer, Interval, LogicalType, Numeric

_T = TypeVar("_T")
_U = TypeVar("_U")


class Count(Aggregate[int]):
    """The number of rows, of values that are not NULL, or (a relation) of related rows: ``Count("posts")``."""

    function = "count"
    built_in = True

    def __init__(self, source: object = "*", *, filter: Q | None = None, distinct: bool = False) -> None:
        super().__init__(source, filter=filter, distinct=distinct)

    @override
    def result_type(self, argument: LogicalType | None) -> LogicalType:
        return Integer(64)


class Sum(Aggregate[_T]):
    """The sum; None over no rows. Parts of documents are decimals: ``Sum("data__price")``, as for Avg, Min and Max."""

    function = "sum"
    built_in = True
    of_documents = Numeric()

    @overload
    def __init__(
        self: Sum[Any], source: str, *, filter: Q | None = ..., distinct: bool = ..., default: object = ...
    ) -> None: ...
    @overload
    def __init__(
        self: Sum[_U | None],
        source: Expression[_U],
        *,
        filter: Q | None = ...,
        distinct: bool = ...,
        default: object = ...,
    ) -> None: ...
    def __init__(
        self, source: object, *, filter: Q | None = None, distinct: bool = False, default: object = None
    ) -> None:
        super().__init__(source, filter=filter, distinct=distinct, default=default)

    def result_type(self, argument: LogicalType | None) -> LogicalType | None:
        if isinstance(argument, Integer):
            return Integer(64)
        return Numeric() if isinstance(argument, Numeric) else argument


class Avg(Aggregate[_T]):
    """The mean: a float, or a Decimal of decimals; None over no rows."""

    function = "avg"
    built_in = True
    of_documents = Numeric()

    @overload
    def __init__(
        self: Avg[Any], source: str, *, filter: Q | None = ..., distinct: bool = ..., default: object = ...
    ) -> None: ...
    @overload
    def __init__(
        self: Avg[Any],
        source: Expression[_U],
        *,
        filter: Q | None = ...,
        distinct: bool = ...,
        default: object = ...,
    ) -> None: ...
    def __init__(
        self, source: object, *, filter: Q | None = None, distinct: bool = False, default: object = None
    ) -> None:
        super().__init__(source, filter=filter, distinct=distinct, default=default)

    def result_type(self, argument: LogicalType | None) -> LogicalType:
        if isinstance(argument, Numeric):
            return Numeric()
        return argument if isinstance(argument, Interval) else Float()


class Min(Aggregate[_T]):
    """The smallest value; None over no rows."""

    function = "min"
    built_in = True
    of_documents = Numeric()

    @overload
    def __init__(
        self: Min[Any], source: str, *, filter: Q | None = ..., distinct: bool = ..., default: object = ...
    ) -> None: ...
    @overload
    def __init__(
        self: Min[_U | None],
        source: Expression[_U],
        *,
        filter: Q | None = ...,
        distinct: bool = ...,
        default: object = ...,
    ) -> None: ...
    def __init__(
        self, source: object, *, filter: Q | None = None, distinct: bool = False, default: object = None
    ) -> None:
        super().__init__(source, filter=filter, distinct=distinct, default=default)


class Max(Aggregate[_T]):
    """The largest value; None over no rows."""

    function = "max"
    built_in = True
    of_documents = Numeric()

    @overload
    def __init__(
        self: Max[Any], source: str, *, filter: Q | None = ..., distinct: bool = ..., default: object = ...
    ) -> None: ...
    @overload
    def __init__(
        self: Max[_U | None],
        source: Expression[_U],
        *,
        filter: Q | None = ...,
        distinct: bool = ...,
        default: object = ...,
    ) -> None: ...
    def __init__(
        self, source: object, *, filter: Q | None = None, distinct: bool = False, default: object = None
    ) -> None:
        super().__init__(source, filter=filter, distinct=distinct, default=default)


class AnyValue(Aggregate[_T]):
    """Any one of the values, never NULL where there is another: ``ANY_VALUE(name)`` (PostgreSQL 16 and newer)."""

    function = "any_value"
    built_in = True

    @overload
    def __init__(self: AnyValue[Any], source: str | Q, *, filter: Q | None = ..., default: object = ...) -> None: ...
    @overload
    def __init__(
        self: AnyValue[_U | None], source: Expression[_U], *, filter: Q | None = ..., default: object = ...
    ) -> None: ...
    def __init__(self, source: object, *, filter: Q | None = None, default: object = None) -> None:
        super().__init__(source, filter=filter, default=default)
