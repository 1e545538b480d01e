"""The ground of all expressions: operators, F, arithmetic, sort keys. Data only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, overload

from typing_extensions import TypeVar

from covet.database.orm.conditions import Condition, Q
from covet.database.schema.ranges import Range
from covet.database.schema.types import LogicalType
from covet.database.sql.nodes import ArithmeticOperator

if TYPE_CHECKING:
    from covet.database.orm.query.tokens import ExpressionToken

_T = TypeVar("_T")
_V = TypeVar("_V")
_T_co = TypeVar("_T_co", covariant=True, default=Any)


class OutputField(Protocol):
    """What ``output_field=`` takes: a field, which says the type of a result and checks a value."""

    @property
    def logical_type(self) -> LogicalType: ...

    @property
    def bind_processor(self) -> Callable[[Any], Any] | None: ...

    @property
    def result_processor(self) -> Callable[[Any], Any] | None: ...

    def prepare(self, value: Any, /) -> Any: ...


class OrderBy:
    """A sort key: ``User.age.desc(nulls_last=True)``."""

    __slots__ = ("descending", "expression", "nulls")

    def __init__(
        self,
        expression: Expression[Any],
        *,
        descending: bool = False,
        nulls_first: bool = False,
        nulls_last: bool = False,
    ) -> None:
        if nulls_first and nulls_last:
            raise ValueError("nulls_first and nulls_last exclude each other.")
        self.expression = expression
        self.descending = descending
        self.nulls: Literal["FIRST", "LAST"] | None = "FIRST" if nulls_first else "LAST" if nulls_last else None


class Expression(Generic[_T_co]):
    """Anything that yields an SQL value which decodes to ``_T_co``."""

    __slots__ = ()

    def asc(self, *, nulls_first: bool = False, nulls_last: bool = False) -> OrderBy:
        """Sort by this, smallest first. NULL sorts as the largest value unless said otherwise."""
        return OrderBy(self, nulls_first=nulls_first, nulls_last=nulls_last)

    def desc(self, *, nulls_first: bool = False, nulls_last: bool = False) -> OrderBy:
        """Sort by this, largest first."""
        return OrderBy(self, descending=True, nulls_first=nulls_first, nulls_last=nulls_last)

    def as_condition(self) -> Q:
        """Return this as a condition: ``filter(F("is_active"))``. Its value must be a truth value."""
        return Q.of((Condition(self, "truth", True),))


class Operators(Expression[_T]):
    """Comparison and arithmetic for fields, F and aggregates. A comparison gives a ``Q``."""

    __slots__ = ()

    # Fields and expressions are compared by identity wherever Python hashes them; ``==`` makes a condition.
    __hash__ = object.__hash__

    def _condition(self, lookup: str, value: object) -> Q:
        return Q.of((Condition(self, lookup, value),))

    # A wrong operand type falls back to object.__eq__ -> bool for the checkers, and filter(*Q) rejects bool.
    def __eq__(self, other: _T | Expression[_T]) -> Q:  # type: ignore[override]  # see above
        return self._condition("exact", other)

    def __ne__(self, other: _T | Expression[_T]) -> Q:  # type: ignore[override]  # see above
        return ~self._condition("exact", other)

    def __gt__(self, other: _T | Expression[_T]) -> Q:
        return self._condition("gt", other)

    def __ge__(self, other: _T | Expression[_T]) -> Q:
        return self._condition("gte", other)

    def __lt__(self, other: _T | Expression[_T]) -> Q:
        return self._condition("lt", other)

    def __le__(self, other: _T | Expression[_T]) -> Q:
        return self._condition("lte", other)

    def __add__(self, other: _T | Expression[_T]) -> Combined[_T]:
        return Combined(self, "+", other)

    def __sub__(self, other: _T | Expression[_T]) -> Combined[_T]:
        return Combined(self, "-", other)

    def __mul__(self, other: _T | Expression[_T]) -> Combined[_T]:
        return Combined(self, "*", other)

    def __truediv__(self, other: _T | Expression[_T]) -> Combined[_T]:
        return Combined(self, "/", other)

    def __mod__(self, other: _T | Expression[_T]) -> Combined[_T]:
        return Combined(self, "%", other)

    def __pow__(self, other: _T | Expression[_T]) -> Combined[_T]:
        return Combined(self, "**", other)

    def __radd__(self, other: _T) -> Combined[_T]:
        return Combined(other, "+", self)

    def __rsub__(self, other: _T) -> Combined[_T]:
        return Combined(other, "-", self)

    def __rmul__(self, other: _T) -> Combined[_T]:
        return Combined(other, "*", self)

    def __rtruediv__(self, other: _T) -> Combined[_T]:
        return Combined(other, "/", self)

    def bitand(self, other: _T | Expression[_T]) -> Combined[_T]:
        """``field & other``, bit by bit."""
        return Combined(self, "&", other)

    def bitor(self, other: _T | Expression[_T]) -> Combined[_T]:
        """``field | other``, bit by bit."""
        return Combined(self, "|", other)

    def bitxor(self, other: _T | Expression[_T]) -> Combined[_T]:
        """Return the bits that only one of both has."""
        return Combined(self, "^", other)

    def bitleftshift(self, other: _T | Expression[_T]) -> Combined[_T]:
        """``field << other``."""
        return Combined(self, "<<", other)

    def bitrightshift(self, other: _T | Expression[_T]) -> Combined[_T]:
        """``field >> other``."""
        return Combined(self, ">>", other)

    def in_(self, values: Iterable[_T]) -> Q:
        """``field IN (values)``."""
        return self._condition("in", values)

    def not_in(self, values: Iterable[_T]) -> Q:
        """``NOT (field IN (values))``."""
        return ~self._condition("in", values)

    def between(self, low: _T, high: _T) -> Q:
        """``field BETWEEN low AND high``, both ends included."""
        return self._condition("range", (low, high))

    def is_null(self, value: bool = True) -> Q:
        """``field IS NULL``, or ``IS NOT NULL`` with False."""
        return self._condition("isnull", value)

    def is_distinct_from(self, other: _T | Expression[_T] | None) -> Q:
        """``field IS DISTINCT FROM other``: unequal, where NULL is equal to NULL and to nothing else."""
        return self._condition("is_distinct_from", other)

    def is_not_distinct_from(self, other: _T | Expression[_T] | None) -> Q:
        """``field IS NOT DISTINCT FROM other``: equal, where NULL is equal to NULL."""
        return self._condition("is_not_distinct_from", other)

    @overload
    def contained_by(
        self: Operators[int] | Operators[int | None], values: Range[int] | Expression[Range[int]], /
    ) -> Q: ...
    @overload
    def contained_by(
        self: Operators[Decimal] | Operators[Decimal | None], values: Range[Decimal] | Expression[Range[Decimal]], /
    ) -> Q: ...
    @overload
    def contained_by(
        self: Operators[float] | Operators[float | None], values: Range[float] | Expression[Range[float]], /
    ) -> Q: ...
    @overload
    def contained_by(
        self: Operators[dt.date] | Operators[dt.date | None], values: Range[dt.date] | Expression[Range[dt.date]], /
    ) -> Q: ...
    @overload
    def contained_by(
        self: Operators[dt.datetime] | Operators[dt.datetime | None],
        values: Range[dt.datetime] | Expression[Range[dt.datetime]],
        /,
    ) -> Q: ...
    def contained_by(self, values: object, /) -> Q:
        """Is in a range: ``User.age.contained_by(Range(18, 65))`` is ``age >= 18 AND age < 65``."""
        return self._condition("contained_by", values)

    # A union of concrete types is what both checkers enforce on self (a type variable is not).
    def startswith(self: Operators[str] | Operators[str | None], prefix: str) -> Q:
        """Match what begins with ``prefix``, taken literally."""
        return self._condition("startswith", prefix)

    def istartswith(self: Operators[str] | Operators[str | None], prefix: str) -> Q:
        """Match what begins with ``prefix``, upper and lower case alike."""
        return self._condition("istartswith", prefix)

    def endswith(self: Operators[str] | Operators[str | None], suffix: str) -> Q:
        """Match what ends with ``suffix``, taken literally."""
        return self._condition("endswith", suffix)

    def iendswith(self: Operators[str] | Operators[str | None], suffix: str) -> Q:
        """Match what ends with ``suffix``, upper and lower case alike."""
        return self._condition("iendswith", suffix)

    @overload
    def contains(self: Operators[str] | Operators[str | None], value: str, /) -> Q: ...
    @overload
    def contains(self: Operators[Range[_V]], value: _V | Range[_V] | Expression[_V | Range[_V] | None], /) -> Q: ...
    @overload
    def contains(
        self: Operators[Range[_V] | None], value: _V | Range[_V] | Expression[_V | Range[_V] | None], /
    ) -> Q: ...
    def contains(self, value: object, /) -> Q:
        """Match what holds ``value``: a text, taken literally; of ranges a value or a range."""
        return self._condition("contains", value)

    def icontains(self: Operators[str] | Operators[str | None], text: str) -> Q:
        """Match what holds ``text``, upper and lower case alike."""
        return self._condition("icontains", text)

    def iexact(self: Operators[str] | Operators[str | None], text: str) -> Q:
        """Equal, upper and lower case alike."""
        return self._condition("iexact", text)

    def regex(self: Operators[str] | Operators[str | None], pattern: str) -> Q:
        """Has a match of the regular expression."""
        return self._condition("regex", pattern)

    def iregex(self: Operators[str] | Operators[str | None], pattern: str) -> Q:
        """Has a match of the regular expression, upper and lower case alike."""
        return self._condition("iregex", pattern)

    def like(self: Operators[str] | Operators[str | None], pattern: str) -> Q:
        """Match a pattern of SQL: ``%`` is any text, ``_`` any character; a backslash escapes."""
        return self._condition("like", pattern)

    def ilike(self: Operators[str] | Operators[str | None], pattern: str) -> Q:
        """Match a pattern of SQL, upper and lower case alike."""
        return self._condition("ilike", pattern)


class Combined(Operators[_T]):
    """Arithmetic: ``F("price") * 2``. Each side is an expression or a plain value."""

    __slots__ = ("left", "operator", "right")

    def __init__(self, left: _T | Expression[_T], operator: ArithmeticOperator, right: _T | Expression[_T]) -> None:
        self.left: object = left
        self.operator: ArithmeticOperator = operator
        self.right: object = right


class F(Operators[_T]):
    """The value of a field of the same row, found by its path.

    >>> await Product.objects.update(price=F("price") * 2)  # UPDATE products SET price = price * $1
    >>> Flight.objects.filter(arr_delay__gt=F("dep_delay"))  # WHERE arr_delay > dep_delay
    """

    __slots__ = ("path",)

    @overload
    def __init__(self: F[Any], path: str) -> None: ...
    @overload
    def __init__(self, path: Operators[_T]) -> None: ...
    def __init__(self, path: object) -> None:
        if not isinstance(path, str | Operators):
            raise TypeError(f"F() takes the path of a field or a field, not {type(path).__name__}.")
        self.path: str | Operators[Any] = path

    def __getitem__(self, part: int | slice) -> Sliced:
        """Return a part of a text, or of an array, counted from 0: ``F("name")[0:3]`` is ``SUBSTR(name, 1, 3)``."""
        return Sliced(self, part)

    #: A subscript makes Python take this for a sequence; it has no end.
    __iter__: ClassVar[None] = None

    def __repr__(self) -> str:
        return f"F({self.path!r})"


class Sliced(Operators[Any]):
    """Part of a value: ``F("name")[0]``, ``F("name")[2:5]``; the end is not included, as in Python."""

    __slots__ = ("expression", "is_item", "length", "start")

    def __init__(self, expression: Expression[Any], part: int | slice) -> None:
        start: int
        stop: int | None
        if isinstance(part, int):
            start, stop = part, part + 1
        elif isinstance(part, slice):
            if part.step is not None:
                raise ValueError("A slice of F() has no step.")
            start, stop = part.start or 0, part.stop
        else:
            raise TypeError(f"F()[...] takes an int or a slice, not {type(part).__name__}.")
        if start < 0 or (stop is not None and stop < 0):
            raise ValueError("F()[...] counts from the beginning: negative numbers are not supported.")
        if stop is not None and stop < start:
            raise ValueError("A slice of F() cannot end before it begins.")
        self.expression = expression
        #: One item was asked for, not a part: of a text that is the same, of an array it is not.
        self.is_item = isinstance(part, int)
        self.start: int = start
        self.length: int | None = None if stop is None else stop - start

    def __repr__(self) -> str:
        end = "" if self.length is None else self.start + self.length
        return f"{self.expression!r}[{self.start}:{end}]"


class Known(Expression[Any]):
    """An expression that is resolved already: how a transform in a path gets the value that it is applied to."""

    __slots__ = ("token",)

    def __init__(self, token: ExpressionToken) -> None:
        self.token = token
