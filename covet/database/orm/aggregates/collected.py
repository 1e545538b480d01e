"""Aggregates that keep every value: StringAgg, ArrayAgg, JSONBAgg."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, overload

from typing_extensions import TypeVar, override

from covet.database.orm.aggregates.base import Aggregate, SortKey
from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression, Value
from covet.database.schema.types import (
    Array,
    Binary,
    Boolean,
    Date,
    Float,
    Integer,
    Json,
    LogicalType,
    NativeEnum,
    Numeric,
    Text,
    Time,
    Timestamp,
    Uuid,
    Varchar,
)
from covet.exceptions import FieldError

_T = TypeVar("_T")
_U = TypeVar("_U")


class StringAgg(Aggregate[str | None]):
    """The values as one text, ``delimiter`` between them; NULL is left out, and None over no rows.

    >>> Author.objects.annotate(titles=StringAgg("posts__title", ", ", order_by="posts__title"))

    ``STRING_AGG(posts.title, $1 ORDER BY posts.title)``. The delimiter is a text, or an expression.
    """

    function = "string_agg"
    built_in = True
    #: What is the same text on every database; anything else says how by ``Cast``.
    accepts: ClassVar[tuple[type[LogicalType], ...]] = (Text, Varchar, Integer, Numeric, Uuid, NativeEnum)

    def __init__(
        self,
        source: object,
        delimiter: str | Expression[Any],
        *,
        filter: Q | None = None,
        distinct: bool = False,
        default: object = None,
        order_by: SortKey | Iterable[SortKey] = (),
    ) -> None:
        text = Value(delimiter) if isinstance(delimiter, str) else delimiter
        if not isinstance(text, Expression):
            raise TypeError(f"StringAgg(delimiter=) takes a text or an expression, not {type(delimiter).__name__}.")
        super().__init__(source, text, filter=filter, distinct=distinct, default=default, order_by=order_by)

    @override
    def result_type(self, argument: LogicalType | None) -> LogicalType:
        return Text()


class ArrayAgg(Aggregate[_T]):
    """The values as a list, NULL among them; None over no rows.

    >>> Author.objects.annotate(titles=ArrayAgg("posts__title", order_by="-posts__views"))

    ``ARRAY_AGG(posts.title ORDER BY posts.views DESC)``. An author without posts has None: ``default=[]`` makes it [].
    """

    function = "array_agg"
    built_in = True
    collects = True

    @overload
    def __init__(
        self: ArrayAgg[Any],
        source: str | Q,
        *,
        filter: Q | None = ...,
        distinct: bool = ...,
        default: object = ...,
        order_by: SortKey | Iterable[SortKey] = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: ArrayAgg[list[_U] | None],
        source: Expression[_U],
        *,
        filter: Q | None = ...,
        distinct: bool = ...,
        default: object = ...,
        order_by: SortKey | Iterable[SortKey] = ...,
    ) -> None: ...
    def __init__(
        self,
        source: object,
        *,
        filter: Q | None = None,
        distinct: bool = False,
        default: object = None,
        order_by: SortKey | Iterable[SortKey] = (),
    ) -> None:
        super().__init__(source, filter=filter, distinct=distinct, default=default, order_by=order_by)

    @override
    def result_type(self, argument: LogicalType | None) -> LogicalType:
        if argument is None:
            raise FieldError(
                f"{self!r}: the type of the items is not known; say it by ExpressionWrapper(..., output_field=...)."
            )
        return Array(argument)


class JSONBAgg(Aggregate[Any]):
    """The values as a list, in the form that JSON has for them (dates are texts); None over no rows.

    >>> Author.objects.annotate(metas=JSONBAgg("posts__meta", order_by="posts__id"))

    ``JSONB_AGG(posts.meta ORDER BY posts.id)``.
    """

    function = "json_agg"
    built_in = True
    collects = True
    #: What has the same form in JSON on every database.
    accepts: ClassVar[tuple[type[LogicalType], ...]] = (
        Text,
        Varchar,
        NativeEnum,
        Integer,
        Float,
        Numeric,
        Boolean,
        Json,
        Uuid,
        Date,
        Time,
        Timestamp,
        Binary,
    )

    def __init__(
        self,
        source: object,
        *,
        filter: Q | None = None,
        distinct: bool = False,
        default: object = None,
        order_by: SortKey | Iterable[SortKey] = (),
    ) -> None:
        super().__init__(source, filter=filter, distinct=distinct, default=default, order_by=order_by)

    @override
    def result_type(self, argument: LogicalType | None) -> LogicalType:
        return Json()
