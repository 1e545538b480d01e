"""SQLite's expressions. Pure.

Decimals are text that a collation compares (``COLLATE covet_decimal``) and registered functions compute with; dates
and times are text of one form each; text is matched by GLOB and ``instr``, because LIKE ignores the case of ASCII
letters only. A registered function cannot stand in a table's definition: there it is refused.
"""

from __future__ import annotations

from typing import ClassVar

from covet.database.schema.types import (
    Boolean,
    Date,
    Float,
    Integer,
    Interval,
    LogicalType,
    Numeric,
    Text,
    Time,
    Timestamp,
    Uuid,
    Varchar,
)
from covet.database.sql.compiler import SQLCompiler
from covet.database.sql.expression_compiler import Group
from covet.database.sql.expression_types import promoted, type_of
from covet.database.sql.nodes import (
    AggregateCall,
    And,
    Arithmetic,
    Case,
    Cast,
    Constant,
    Expression,
    Function,
    Or,
    Param,
    RegexMatch,
    TextMatch,
)
from covet.database.sql.patterns import glob_startswith, lower_text
from covet.database.sql.statements import Order
from covet.database.sql.visitor import Pieces, separated

#: SQLite reads ``a OR b OR c`` as a tree as deep as it is long, and refuses a depth of 1,000.
_FLAT = 64

_DECIMAL_FUNCTIONS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "**": "power"}


class SQLiteExpressions(SQLCompiler):
    """Prints expressions for SQLite."""

    functions: ClassVar[dict[str, str]] = {
        "length": "LENGTH",
        "lower": "covet_lower",
        "ltrim": "LTRIM",
        "now": "covet_now",
        "random": "RANDOM",
        "replace": "REPLACE",
        "rtrim": "RTRIM",
        "sqrt": "covet_sqrt",
        "substr": "SUBSTR",
        "trim": "TRIM",
        "upper": "covet_upper",
    }

    # Values ---------------------------------------------------------------------------------------------------------

    def visit_constant(self, node: Constant) -> Pieces:
        if isinstance(node.value, bool):
            return (str(int(node.value)),)
        return super().visit_constant(node)

    def call(self, name: str, arguments: tuple[object, ...]) -> Pieces:
        if self.ddl and name.startswith("covet_"):
            self.refuse(f"cannot use {name.removeprefix('covet_')!r} in a table's definition")
        return super().call(name, arguments)

    def collated(self, node: Expression) -> Pieces:
        """Return a decimal that is compared and sorted by its value."""
        return *self._operand(node), " COLLATE covet_decimal"

    def sortable(self, node: Expression) -> object:
        return Group(self.collated(node)) if isinstance(type_of(node), Numeric) else super().sortable(node)

    def nulls_order(self, node: Order) -> str:
        if node.nulls is not None:
            return f" NULLS {node.nulls}"
        return " NULLS FIRST" if node.descending else " NULLS LAST"

    def converted(self, node: Expression, target: LogicalType | None) -> Pieces:
        """Return a value as what ``target`` is kept as, where that is another form than its own."""
        source = type_of(node)
        match target:
            case Numeric() if not isinstance(source, Numeric):
                return (node,) if _is_null(node) else self.call("covet_decimal", (node,))
            case Float() if isinstance(source, Numeric):
                return "CAST(", node, " AS REAL)"
            case Timestamp() if isinstance(source, Date | Timestamp) and source != target:
                return self.call("covet_timestamptz" if target.timezone else "covet_timestamp", (node,))
            case _:
                return self._operand(node)

    def compared(self, left: Expression, right: Expression) -> tuple[Pieces, Pieces]:
        target = _common(type_of(left), type_of(right))
        if isinstance(target, Numeric):
            return self._decimal(left), self.converted(right, target)
        return self.converted(left, target), self.converted(right, target)

    def _decimal(self, node: Expression) -> Pieces:
        if isinstance(type_of(node), Numeric):
            return self.collated(node)
        return *self.converted(node, Numeric()), " COLLATE covet_decimal"

    def _result(self, value: Expression, node: Case) -> Pieces:
        target = node.type or promoted(map(type_of, [each for _, each in node.whens] + [node.otherwise or value]))
        return self.converted(value, target)

    # Predicates -----------------------------------------------------------------------------------------------------

    def _joined(self, items: list[Expression], separator: str) -> Pieces:
        if len(items) <= _FLAT:
            return super()._joined(items, separator)
        size = _FLAT
        while size * _FLAT < len(items):
            size *= _FLAT
        kind = And if separator == " AND " else Or
        groups = (items[start : start + size] for start in range(0, len(items), size))
        return separated((Group(("(", _Joined(kind, group), ")")) for group in groups), separator)

    def visit_joined(self, node: _Joined) -> Pieces:
        return self._joined(node.items, " AND " if node.kind is And else " OR ")

    def visit_text_match(self, node: TextMatch) -> Pieces:
        operand = self._text(node.operand)
        if node.kind == "exact":
            collation = " COLLATE covet_nocase" if node.ignore_case else ""
            return *operand, f"{collation} = ", *self._text(node.pattern)
        pattern = self._text(node.pattern)
        if isinstance(node.pattern, Param):
            if node.kind == "startswith" and not node.ignore_case:
                return *operand, f" GLOB {self.bound(node.pattern, glob_startswith)}"
            pattern = (self.bound(node.pattern, lower_text if node.ignore_case else str),)
        elif node.ignore_case:
            pattern = self.call("covet_lower", (Group(pattern),))
        if node.ignore_case:
            operand = self.call("covet_lower", (Group(operand),))
        return self._located(node.kind, operand, pattern)

    def _located(self, kind: str, operand: Pieces, pattern: Pieces) -> Pieces:
        match kind:
            case "contains":
                return "INSTR(", *operand, ", ", *pattern, ") > 0"
            case "startswith":
                return "SUBSTR(", *operand, ", 1, LENGTH(", *pattern, ")) = ", *pattern
            case _:
                # Not SUBSTR(x, -n): that is the whole text where n is 0.
                start = ("LENGTH(", *operand, ") - LENGTH(", *pattern, ") + 1")
                return "SUBSTR(", *operand, ", ", *start, ") = ", *pattern

    def visit_regex_match(self, node: RegexMatch) -> Pieces:
        flag = Constant(value=int(node.ignore_case))
        return self.call("covet_regexp", (Group(self._text(node.pattern)), Group(self._text(node.operand)), flag))

    def _text(self, node: Expression) -> Pieces:
        logical = type_of(node)
        if logical is None or not isinstance(logical, Boolean | Integer | Float | Interval):
            return self._operand(node)
        return "CAST(", node, " AS TEXT)"

    # Numbers, dates -------------------------------------------------------------------------------------------------

    def visit_arithmetic(self, node: Arithmetic) -> Pieces:
        left, right = type_of(node.left), type_of(node.right)
        if isinstance(left, Timestamp | Date | Time | Interval) or isinstance(
            right, Timestamp | Date | Time | Interval
        ):
            return self._temporal(node, left, right)
        target = promoted((left, right))
        if isinstance(target, Float) and node.operator == "%":
            self.refuse("has no % of floating-point numbers")
        decimal = node.type if left is None or right is None else target
        if isinstance(decimal, Numeric) and not isinstance(target, Float):
            sides = Group(self.converted(node.left, decimal)), Group(self.converted(node.right, decimal))
            return self.call(f"covet_decimal_{_DECIMAL_FUNCTIONS[node.operator]}", sides)
        if node.operator == "**":
            integers = isinstance(node.type or target, Integer)
            return self.call("covet_power_integer" if integers else "covet_power", (node.left, node.right))
        if isinstance(target, Float) and (isinstance(left, Numeric) or isinstance(right, Numeric)):
            return *self.converted(node.left, target), f" {node.operator} ", *self.converted(node.right, target)
        return self.operation(node.left, node.operator, node.right)

    def _temporal(self, node: Arithmetic, left: LogicalType | None, right: LogicalType | None) -> Pieces:
        first, second, operator = node.left, node.right, node.operator
        if isinstance(left, Interval) and isinstance(right, Timestamp | Date | Time) and operator == "+":
            first, second, left, right = second, first, right, left
        if isinstance(left, Interval):
            return self._interval(node, right)
        if type(left) is type(right) and operator == "-":
            return self._difference(node, left)
        if operator not in ("+", "-"):
            self.refuse(f"cannot compute {operator} of dates and times")
        shift = Group(("-", *self._operand(second))) if operator == "-" else second
        match left:
            case Timestamp():
                return self.call("covet_timestamp_add", (first, shift))
            case Time():
                return self.call("covet_time_add", (first, shift))
            case Date() if isinstance(right, Interval):
                whole = Group(self.call("covet_timestamp_add", (Group(self.call("covet_timestamp", (first,))), shift)))
                return self.call("covet_date", (whole,)) if isinstance(node.type, Date) else (whole,)
            case Date():
                return self.call("covet_date_add", (first, shift))
            case _:
                return self._interval(node, right)

    def _difference(self, node: Arithmetic, logical: LogicalType | None) -> Pieces:
        sides = (node.left, node.right)
        match logical:
            case Timestamp():
                return self.call("covet_timestamp_diff", sides)
            case Time():
                return self.call("covet_time_diff", sides)
            case _:
                days = self.call("covet_date_diff", sides)
                return days if isinstance(node.type, Integer) else (*days, " * 86400000000")

    def _interval(self, node: Arithmetic, right: LogicalType | None) -> Pieces:
        if node.operator in ("+", "-") or (node.operator == "*" and isinstance(right, Integer)):
            return self.operation(node.left, node.operator, node.right)
        if node.operator not in ("*", "/"):
            self.refuse(f"cannot compute {node.operator} of a duration")
        factor = ("CAST(", node.right, " AS REAL)")
        return "CAST(ROUND(", *self._operand(node.left), f" {node.operator} ", *factor, ") AS INTEGER)"

    def visit_cast(self, node: Cast) -> Pieces:
        source, operand = type_of(node.operand), (node.operand,)
        match node.type:
            case Boolean():
                return *self._operand(node.operand), " <> 0"
            case Integer() if isinstance(source, Float):
                return self.call("covet_float_integer", operand)
            case Integer() if isinstance(source, Numeric):
                return self.call("covet_decimal_integer", operand)
            case Integer() | Interval():
                return "CAST(", node.operand, " AS INTEGER)"
            case Float():
                return "CAST(", node.operand, " AS REAL)"
            case Numeric(precision=None):
                return self.call("covet_decimal", operand)
            case Numeric(precision=precision, scale=scale):
                return self.call("covet_decimal_cast", (*operand, str(precision), str(scale or 0)))
            case Timestamp(timezone=timezone):
                return self.call("covet_timestamptz" if timezone else "covet_timestamp", operand)
            case Date():
                return self.call("covet_date", operand)
            case Time() if not isinstance(source, Time):
                return self.call("covet_time", operand)
            case Uuid():
                return "LOWER(CAST(", node.operand, " AS TEXT))"
            case Varchar(length=int(length)):
                return "SUBSTR(CAST(", node.operand, f" AS TEXT), 1, {length})"
            case Text() | Varchar():
                return "CAST(", node.operand, " AS TEXT)"
            case _ if source == node.type:
                return operand
            case _:
                self.refuse(f"cannot cast to {type(node.type).__name__}")

    # Aggregates -----------------------------------------------------------------------------------------------------

    def visit_aggregate_call(self, node: AggregateCall) -> Pieces:
        pieces = super().visit_aggregate_call(node)
        if node.name == "avg" and node.argument is not None and isinstance(type_of(node.argument), Interval):
            return "CAST(ROUND(", *pieces, ") AS INTEGER)"
        return pieces

    def _aggregate_name(self, node: AggregateCall) -> str:
        decimal = node.argument is not None and isinstance(type_of(node.argument), Numeric)
        if decimal and node.name in ("sum", "avg"):
            return f"covet_decimal_{node.name}"
        return super()._aggregate_name(node)

    def _aggregated(self, argument: Expression) -> Pieces:
        return self.collated(argument) if isinstance(type_of(argument), Numeric) else (argument,)

    # Functions ------------------------------------------------------------------------------------------------------

    def _alike(self, node: Function) -> list[Group]:
        """Return the arguments in one form, that of the result."""
        target = node.type or promoted(map(type_of, node.arguments))
        return [Group(self.converted(each, target)) for each in node.arguments]

    def function_coalesce(self, node: Function) -> Pieces:
        values = self._alike(node)
        return self.call("COALESCE", tuple(values)) if len(values) > 1 else values

    def function_greatest(self, node: Function) -> Pieces:
        return self._extreme("MAX", node)

    def function_least(self, node: Function) -> Pieces:
        return self._extreme("MIN", node)

    def _extreme(self, name: str, node: Function) -> Pieces:
        # SQLite's is NULL if any argument is; PostgreSQL's passes NULL over.
        values = self._alike(node)
        if len(values) < 2:
            return values
        collation = " COLLATE covet_decimal" if isinstance(type_of(node), Numeric) else ""
        filled = [
            Group((*self.call("COALESCE", (value, *values[:at], *values[at + 1 :])), collation))
            for at, value in enumerate(values)
        ]
        return self.call(name, tuple(filled))

    def function_nullif(self, node: Function) -> Pieces:
        left, right = self.compared(*node.arguments)
        return self.call("NULLIF", (Group(left), Group(right)))

    def function_concat(self, node: Function) -> Pieces:
        # ``char()`` is the empty text: NULL counts as nothing, as in PostgreSQL's concat().
        values = (Group(("COALESCE(", *self._text(each), ", char())")) for each in node.arguments)
        return "(", *separated(values, " || "), ")"

    def function_abs(self, node: Function) -> Pieces:
        return self.call("covet_decimal_abs" if self._is_decimal(node) else "ABS", node.arguments)

    def function_ceil(self, node: Function) -> Pieces:
        return self.call("covet_decimal_ceil" if self._is_decimal(node) else "covet_ceil", node.arguments)

    def function_floor(self, node: Function) -> Pieces:
        return self.call("covet_decimal_floor" if self._is_decimal(node) else "covet_floor", node.arguments)

    def function_round(self, node: Function) -> Pieces:
        if not self._is_decimal(node):
            return self.call("ROUND", node.arguments)
        digits = node.arguments[1:] or (Constant(0),)
        return self.call("covet_decimal_round", (node.arguments[0], *digits))

    def _is_decimal(self, node: Function) -> bool:
        return isinstance(type_of(node.arguments[0]), Numeric)


class _Joined:
    """A run of a long AND or OR."""

    __slots__ = ("items", "kind")

    def __init__(self, kind: type[And | Or], items: list[Expression]) -> None:
        self.kind = kind
        self.items = items


def _is_null(node: Expression) -> bool:
    return isinstance(node, Constant) and node.value is None


def _common(left: LogicalType | None, right: LogicalType | None) -> LogicalType | None:
    """Return what two values are compared as."""
    types = (left, right)
    if any(isinstance(each, Numeric) for each in types):
        return promoted(types) if any(isinstance(each, Float) for each in types) else Numeric()
    moments = [each for each in types if isinstance(each, Timestamp)]
    if moments and all(isinstance(each, Date | Timestamp) for each in types):
        return next((each for each in moments if each.timezone), moments[0])
    return None
