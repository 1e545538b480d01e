"""Lookups: the last part of ``age__gt``. Each checks the value of a comparison and builds its SQL node.

A lookup never sees the statement: ``value -> parameters`` when a query is written, ``operand, parameters -> node`` when
its plan is built.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, cast

from covet.database.schema.types import Boolean, LogicalType, Text, Varchar
from covet.database.sql import nodes
from covet.exceptions import FieldError, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.expressions.base import Expression
    from covet.database.orm.expressions.functions import PathTransform


class Decided(Exception):
    """A comparison that is the same for every value of the column: with a number that no such column holds.

    ``null``: and for NULL, too.
    """

    def __init__(self, *, matches: bool, null: bool = False) -> None:
        self.matches = matches
        self.null = null


class LookupField(Protocol):
    """What a lookup needs of a field."""

    name: str
    encode: Callable[[Any], Any] | None
    #: The least and the greatest integer of the column; None where it holds no integers.
    lowest: int | None
    highest: int | None
    #: What None means in a comparison for equality, if not SQL NULL.
    null_literal: object
    #: The values are lists: a list of them is no parameter.
    holds_lists: bool

    @property
    def logical_type(self) -> LogicalType: ...

    def prepare(self, value: Any) -> Any: ...

    def invalid(self, message: str) -> ValidationError: ...

    def output_of(self, logical: LogicalType) -> LookupField:
        """Return what checks the values of an expression of that type that is made of this field."""
        ...

    def find_lookup(self, name: str) -> Lookup | None:
        """Return the lookup of that name."""
        ...

    def find_transform(self, name: str) -> PathTransform | None:
        """Return the transform of that name."""
        ...

    def lookup_names(self) -> list[str]:
        """Return the names of all lookups and transforms."""
        ...


class Lookup:
    """One comparison. Stateless.

    >>> @CharField.register_lookup
    ... class LongerThan(Lookup):
    ...     name = "longer_than"
    ...     sql = "LENGTH({0}) > {1}"
    ...
    ...     def prepare(self, field, value):
    ...         return int(value)
    ...
    ...     def param_type(self, field):
    ...         return Integer(64)
    >>> User.objects.filter(name__longer_than=3)  # WHERE LENGTH(name) > $1

    ``sql`` is text for every database, or one for each in ``forms``: ``{0}`` is the left side, ``{1}`` the value. A
    lookup that needs more than text overrides ``build``.
    """

    name: ClassVar[str] = ""
    sql: ClassVar[str] = ""
    forms: ClassVar[Mapping[str, str]] = MappingProxyType({})
    #: How many parameters the value becomes.
    arity: ClassVar[int] = 1
    #: The parameter is a sequence that stands in one place.
    takes_list: ClassVar[bool] = False
    #: The node may be true for a NULL operand and is never NULL itself: an outer join must stay one.
    matches_null: ClassVar[bool] = False

    def prepare(self, field: LookupField, value: Any) -> Any:
        """Check ``value`` and return the parameter (a tuple of ``arity`` of them where it is not 1)."""
        value = field.prepare(value)
        return value if field.encode is None else field.encode(value)

    def suited(self, field: LookupField, value: object) -> Lookup:  # noqa: ARG002 - for those that override it
        """Return the lookup for a value (no plain one, no None): another one where the value decides the SQL."""
        return self

    def param_type(self, field: LookupField) -> LogicalType:
        """Return the logical type of the parameter."""
        return field.logical_type

    def tested(self, operand: nodes.Expression) -> nodes.Expression:
        """Return what of the left side is NULL where the comparison is NULL."""
        return operand

    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        """Return the node."""
        if not self.sql and not self.forms:
            raise NotImplementedError(f"{type(self).__name__} has neither sql, forms nor build().")
        forms = tuple(self.forms.items()) or (("", self.sql),)
        return nodes.CustomFunction(self.name, forms, (operand, *values), Boolean())


class Compare(Lookup):
    """``=``, ``<``, ``<=``, ``>`` and ``>=``."""

    def __init__(self, name: str, operator: nodes.ComparisonOperator) -> None:
        self.name = name  # type: ignore[misc]  # an instance per operator, each with its own name
        self.operator: nodes.ComparisonOperator = operator

    def prepare(self, field: LookupField, value: Any) -> Any:
        value = field.prepare(value)
        low, high = field.lowest, field.highest
        if low is not None and high is not None and not (type(value) is int and low <= value <= high):
            # Drivers refuse a number that the column's type does not hold; compared by value it has an answer.
            value = self.reach(low, value, high)
        return value if field.encode is None else field.encode(value)

    def reach(self, lowest: int, value: Any, highest: int) -> int:
        """Return the integer that compares like ``value``, or raise ``Decided`` where all integers compare alike."""
        if type(value) is not int:
            if self.operator == "=":
                raise Decided(matches=False)
            if not math.isinf(value):
                value = math.ceil(value) if self.operator in {"<", ">="} else math.floor(value)
        if value > highest:
            raise Decided(matches=self.operator in {"<", "<="})
        if value < lowest:
            raise Decided(matches=self.operator in {">", ">="})
        return int(value)

    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.Comparison(self.operator, operand, values[0])


class DirectLookup(Lookup):
    """A lookup after a transform that compares the untransformed value, so that an index serves it.

    ``created__year__gte=2020`` is ``created >= 2020-01-01``. Beside an expression there is nothing to compute a bound
    from: then ``transform`` is applied and ``on_output`` compares its result.
    """

    def __init__(self, transform: Callable[[Any], Expression[Any]], on_output: Lookup) -> None:
        self.name = on_output.name  # type: ignore[misc]  # an instance a comparison, named as the one it stands for
        self.transform = transform
        self.on_output = on_output


class In(Lookup):
    """``in``: membership. None among the values never matches, as in SQL. The translator builds its node."""

    name = "in"
    takes_list = True

    def prepare(self, field: LookupField, value: Any) -> tuple[Any, ...]:
        items: object = value
        if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
            raise field.invalid(f"'in' takes a list, tuple, set or queryset, not {type(value).__name__}.")
        prepare = field.prepare
        values = [prepare(item) for item in cast("Iterable[object]", items) if item is not None]
        if field.highest is not None and field.lowest is not None:
            lowest, highest = field.lowest, field.highest
            values = [number for number in values if type(number) is int and lowest <= number <= highest]
        return tuple(values if field.encode is None else map(field.encode, values))


class Range(Lookup):
    """``range``: between two values, both included."""

    name = "range"
    arity = 2

    def prepare(self, field: LookupField, value: Any) -> tuple[Any, Any]:
        if not isinstance(value, list | tuple):
            raise field.invalid(f"'range' takes a pair (low, high), not {type(value).__name__}.")
        pair = tuple(cast("Iterable[object]", value))
        if len(pair) != self.arity:
            raise field.invalid(f"'range' takes exactly two values, not {len(pair)}.")
        if pair[0] is None or pair[1] is None:
            raise field.invalid("'range' takes two values, neither of them None.")
        return self._end(field, _GTE, pair[0], field.lowest), self._end(field, _LTE, pair[1], field.highest)

    def _end(self, field: LookupField, compare: Compare, value: object, bound: int | None) -> Any:
        try:
            return compare.prepare(field, value)
        except Decided as decided:
            if not decided.matches:
                raise
            return bound

    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.Between(operand, values[0], values[1])


class IsNull(Lookup):
    """``isnull``: True or False, nothing else. Takes no parameter."""

    name = "isnull"
    arity = 0
    matches_null = True

    def prepare(self, field: LookupField, value: Any) -> bool:
        if not isinstance(value, bool):
            raise field.invalid(f"'isnull' takes True or False, not {type(value).__name__}.")
        return value


class TextLookup(Lookup):
    """Lookups on text; other columns are compared by their text."""

    def prepare(self, field: LookupField, value: Any) -> str:
        if isinstance(value, str):
            if "\0" in value:
                raise field.invalid("text cannot hold a NUL character.")
            return str(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise field.invalid(f"{self.name!r} takes a string, not {type(value).__name__}.")

    def param_type(self, field: LookupField) -> LogicalType:
        return field.logical_type if isinstance(field.logical_type, Varchar) else Text()


class Match(TextLookup):
    """``contains``, ``startswith``, ``endswith`` and their ``i`` forms, ``iexact``."""

    def __init__(self, name: str, kind: nodes.TextMatchKind, *, ignore_case: bool = False) -> None:
        self.name = name  # type: ignore[misc]  # an instance per kind, each with its own name
        self.kind: nodes.TextMatchKind = kind
        self.ignore_case = ignore_case

    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.TextMatch(self.kind, operand, values[0], self.ignore_case)


class Regex(TextLookup):
    """``regex`` and ``iregex``."""

    def __init__(self, name: str, *, ignore_case: bool = False) -> None:
        self.name = name  # type: ignore[misc]  # two instances
        self.ignore_case = ignore_case

    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.RegexMatch(operand, values[0], self.ignore_case)


class Like(TextLookup):
    """``like`` and ``ilike``: a pattern of SQL. ``%`` is any text, ``_`` any character; a backslash escapes."""

    def __init__(self, name: str, *, ignore_case: bool = False) -> None:
        self.name = name  # type: ignore[misc]  # two instances
        self.ignore_case = ignore_case

    def prepare(self, field: LookupField, value: Any) -> str:
        pattern = super().prepare(field, value)
        if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
            raise field.invalid(f"a pattern of {self.name!r} cannot end in a single backslash: it takes what follows.")
        return pattern

    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.Like(operand, values[0], self.ignore_case)


class Distinct(Compare):
    """``is_distinct_from`` and ``is_not_distinct_from``: comparisons to which NULL is a value like any other."""

    matches_null = True

    def __init__(self, name: str, *, negated: bool) -> None:
        super().__init__(name, "=")
        self.negated = negated

    def prepare(self, field: LookupField, value: Any) -> Any:
        try:
            return super().prepare(field, value)
        except Decided:
            # The column never holds the number, so everything in it, NULL as well, is distinct from it.
            raise Decided(matches=not self.negated, null=not self.negated) from None

    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.DistinctFrom(operand, values[0], self.negated)


EXACT = Compare("exact", "=")
_GTE = Compare("gte", ">=")
_LTE = Compare("lte", "<=")
ISNULL = IsNull()
IN = In()

LOOKUPS: dict[str, Lookup] = {
    lookup.name: lookup
    for lookup in (
        EXACT,
        Compare("gt", ">"),
        _GTE,
        Compare("lt", "<"),
        _LTE,
        IN,
        Range(),
        ISNULL,
        Match("iexact", "exact", ignore_case=True),
        Match("contains", "contains"),
        Match("icontains", "contains", ignore_case=True),
        Match("startswith", "startswith"),
        Match("istartswith", "startswith", ignore_case=True),
        Match("endswith", "endswith"),
        Match("iendswith", "endswith", ignore_case=True),
        Regex("regex"),
        Regex("iregex", ignore_case=True),
        Like("like"),
        Like("ilike", ignore_case=True),
        Distinct("is_distinct_from", negated=False),
        Distinct("is_not_distinct_from", negated=True),
    )
}

#: The lookups of a key of several columns: row values are compared.
ROW_LOOKUPS: tuple[str, ...] = ("exact", "in", "isnull", "gt", "gte", "lt", "lte")

#: Lookups that are another one, negated.
NEGATED: dict[str, str] = {"not": "exact", "not_in": "in", "not_isnull": "isnull"}


class Resolved(NamedTuple):
    """The end of a path: transforms, and the lookup of their result; ``output`` checks the value."""

    transforms: tuple[PathTransform, ...]
    output: LookupField
    lookup: Lookup
    negated: bool


def resolve_lookup(
    field: LookupField, names: list[str], unknown: Callable[[str, Iterable[str]], FieldError], *, lookup: bool = True
) -> Resolved:
    """Read the names after a field: ``["year", "gte"]``. ``unknown`` makes the error for a name that is neither.

    With ``lookup`` false only transforms may stand there.
    """
    output = field
    transforms: list[PathTransform] = []
    for at, name in enumerate(names):
        if lookup and at == len(names) - 1:
            found = output.find_lookup(NEGATED.get(name, name))
            if found is not None:
                return _ended(transforms, output, found, field, negated=name in NEGATED)
        transform = output.find_transform(name)
        if transform is None:
            known = output.lookup_names()
            raise unknown(name, [*known, *NEGATED] if lookup else known)
        transforms.append(transform)
        output = transform.output(output)
    return _ended(transforms, output, output.find_lookup(EXACT.name) or EXACT, field, negated=False)


def _ended(
    transforms: list[PathTransform], output: LookupField, lookup: Lookup, field: LookupField, *, negated: bool
) -> Resolved:
    """Take the last transform and its lookup as one where the untransformed value can be compared."""
    direct = transforms[-1].direct.get(lookup.name) if transforms else None
    if direct is None:
        return Resolved(tuple(transforms), output, lookup, negated)
    source = field
    for transform in transforms[:-1]:
        source = transform.output(source)
    return Resolved(tuple(transforms[:-1]), source, direct, negated)


def checked_flag(value: object) -> bool:
    """Return what ``isnull`` is given, which must be True or False."""
    if not isinstance(value, bool):
        raise FieldError(f"'isnull' takes True or False, not {type(value).__name__}.")
    return value
