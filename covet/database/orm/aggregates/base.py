"""The ground of all aggregates. Data only; ``query.row_tokens`` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from typing_extensions import TypeVar

from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression, Operators, OrderBy
from covet.database.schema.types import LogicalType
from covet.exceptions import FieldError

_T = TypeVar("_T")

#: One sort key: a path with or without ``-``, a field, an expression, ``F("age").desc()``.
SortKey: TypeAlias = "str | Expression[Any] | OrderBy"


class Aggregate(Operators[_T]):
    """A function over rows.

    ``source`` is a path (``"posts__views"``), a field, an expression or a condition; ``filter`` counts only rows that
    match; ``distinct`` counts equal values once; ``default``, a value or an expression, stands for the NULL of no rows;
    ``order_by`` says in which order the values come, where that matters.

    A subclass is an aggregate of your own, by its name on every database or by a form for each:

    >>> class Every(Aggregate[bool]):
    ...     function = "EVERY"  # EVERY(sold)
    >>> class Median(Aggregate[float]):
    ...     forms = {"postgresql": "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY {0})"}
    ...     returns = Float()

    Arguments after the first stand for ``{1}`` and so on. Both attributes are SQL text and belong into code, never
    built from input. ``returns`` is the type of the result; without it that is the type of the first argument.
    """

    function: ClassVar[str] = ""
    forms: ClassVar[Mapping[str, str]] = MappingProxyType({})
    returns: ClassVar[LogicalType | None] = None
    #: The aggregate is one of covet's: each dialect knows how to say it.
    built_in: ClassVar[bool] = False
    #: The types that it can be over; () is any.
    accepts: ClassVar[tuple[type[LogicalType], ...]] = ()
    #: What the parts of documents are taken for; None: they stay documents.
    of_documents: ClassVar[LogicalType | None] = None
    #: A relation without rows gives no value, not a NULL among the values.
    collects: ClassVar[bool] = False

    def __init__(
        self,
        source: object,
        *arguments: object,
        filter: Q | None = None,
        distinct: bool = False,
        default: object = None,
        order_by: SortKey | Iterable[SortKey] = (),
    ) -> None:
        name = type(self).__name__
        if not isinstance(source, str | Expression | Q):
            raise TypeError(
                f"{name}() takes the path of a field, a field, an expression or a condition, "
                f"not {type(source).__name__}."
            )
        if filter is not None and not isinstance(filter, Q):
            raise TypeError(f"{name}(filter=) takes a Q, not {type(filter).__name__}.")
        #: The name that dialects know it by, or that of the SQL function.
        self.name: str = self.function
        self.source: str | Expression[Any] | Q = source
        self.arguments = arguments
        self.filter = filter
        self.distinct = distinct
        self.default = default
        self.order_by = sort_keys(order_by)

    def default_alias(self) -> str:
        """Return the name of the result when the caller gives none: ``age__avg``."""
        source = self.source
        name = source if isinstance(source, str) else getattr(source, "name", None) or getattr(source, "path", None)
        if not isinstance(name, str) or name == "*":
            raise FieldError(f"{type(self).__name__}() of an expression needs a name: aggregate(name=...).")
        return f"{name}__{type(self).__name__.lower()}"

    def result_type(self, argument: LogicalType | None) -> LogicalType | None:
        """Return the type of the result for an argument of that type."""
        return self.returns or argument

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r})"


def sort_keys(keys: SortKey | Iterable[SortKey]) -> Sequence[SortKey]:
    """Return one sort key or several as a tuple."""
    return (keys,) if isinstance(keys, str | Expression | OrderBy) else tuple(keys)
