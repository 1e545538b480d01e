"""Aggregates: Count, Sum, Avg, Min, Max, as the user writes them.

>>> await Order.objects.aggregate(Sum("total"))  # SELECT SUM(total) FROM orders -> {"total__sum": Decimal("...")}
>>> User.objects.annotate(post_count=Count("posts"))  # COUNT(posts.id) .. GROUP BY users.id
"""

from __future__ import annotations

from typing import Any, ClassVar, overload

from typing_extensions import TypeVar, override

from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression, Operators
from covet.database.schema.types import Float, Integer, Interval, LogicalType, Numeric
from covet.exceptions import FieldError

__all__ = ["Aggregate", "Avg", "Count", "Max", "Min", "Sum"]

_T = TypeVar("_T")
_U = TypeVar("_U")


class Aggregate(Operators[_T]):
    """A function over rows.

    ``source`` is a path (``"posts__views"``), a field or an expression; ``filter`` counts only rows that match;
    ``distinct`` counts equal values once; ``default`` stands for the NULL of no rows.
    """

    function: ClassVar[str] = ""

    def __init__(
        self, source: object, *, filter: Q | None = None, distinct: bool = False, default: object = None
    ) -> None:
        if not isinstance(source, str | Expression):
            raise TypeError(
                f"{type(self).__name__}() takes the path of a field, a field or an expression, "
                f"not {type(source).__name__}."
            )
        if filter is not None and not isinstance(filter, Q):
            raise TypeError(f"{type(self).__name__}(filter=) takes a Q, not {type(filter).__name__}.")
        self.source: str | Expression[Any] = source
        self.filter = filter
        self.distinct = distinct
        self.default = default

    def default_alias(self) -> str:
        """Return the name of the result when the caller gives none: ``age__avg``."""
        source = self.source
        name = source if isinstance(source, str) else getattr(source, "name", None) or getattr(source, "path", None)
        if not isinstance(name, str) or name == "*":
            raise FieldError(f"{type(self).__name__}() of an expression needs a name: aggregate(name=...).")
        return f"{name}__{self.function}"

    def result_type(self, argument: LogicalType | None) -> LogicalType | None:
        """Return the type of the result for an argument of that type."""
        return argument

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r})"


class Count(Aggregate[int]):
    """The number of rows, of values that are not NULL, or (a relation) of related rows: ``Count("posts")``."""

    function = "count"

    def __init__(self, source: object = "*", *, filter: Q | None = None, distinct: bool = False) -> None:
        super().__init__(source, filter=filter, distinct=distinct)

    @override
    def result_type(self, argument: LogicalType | None) -> LogicalType:
        return Integer(64)


class Sum(Aggregate[_T]):
    """The sum; None over no rows."""

    function = "sum"

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
