"""Plain values, values whose type is said, and SQL of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from typing_extensions import TypeVar

from covet.database.orm.expressions.base import Expression, Operators, OutputField

_T = TypeVar("_T", default=Any)


class Value(Operators[_T]):
    """A plain value where an expression is wanted; it is always a parameter.

    >>> User.objects.annotate(kind=Value("person"))  # SELECT .., $1::text

    ``output_field`` checks the value and says its type: needed for lists, dicts and None.
    """

    __slots__ = ("output_field", "value")

    def __init__(self, value: _T, output_field: OutputField | None = None) -> None:
        self.value = value
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"Value({type(self.value).__name__})"


class ExpressionWrapper(Operators[_T]):
    """An expression with the type that it yields, where covet cannot know it.

    >>> ExpressionWrapper(F("price") * F("quantity"), output_field=DecimalField(max_digits=12, decimal_places=2))

    The SQL is that of the expression; results are read as the field's type.
    """

    __slots__ = ("expression", "output_field")

    def __init__(self, expression: Expression[Any], output_field: OutputField) -> None:
        self.expression = expression
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"ExpressionWrapper({self.expression!r})"


class RawSQL(Operators[_T]):
    """A piece of SQL as a value: ``RawSQL("length(name) + $1", [3])``.

    The text is yours and is taken as it stands, so it must never be built from input; values go through ``$1``,
    ``$2`` and so on. Columns are named as the database names them.
    """

    __slots__ = ("output_field", "params", "sql")

    def __init__(
        self, sql: LiteralString, params: Sequence[object] = (), output_field: OutputField | None = None
    ) -> None:
        self.sql: str = sql
        self.params = tuple(params)
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"RawSQL({self.sql!r})"
