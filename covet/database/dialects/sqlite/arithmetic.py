"""SQLite's arithmetic, casts and comparisons of decimals and moments. Pure.

Decimals are text that a collation compares (``COLLATE covet_decimal``) and registered functions compute with; dates
and times are text, durations are microseconds. A registered function cannot stand in a table's definition.
"""

from __future__ import annotations

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
from covet.database.sql.nodes import Arithmetic, Cast, Constant, Expression
from covet.database.sql.visitor import Pieces

_MOMENTS = (Timestamp, Date, Time)
_DECIMAL_FUNCTIONS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "**": "power"}
_CAST_NAMES: dict[type[LogicalType], str] = {
    Float: "REAL",
    Integer: "INTEGER",
    Interval: "INTEGER",
    Text: "TEXT",
    Varchar: "TEXT",
}


class SQLiteArithmetic(SQLCompiler):
    """Prints what depends on how SQLite keeps a value."""

    def call(self, name: str, arguments: tuple[object, ...]) -> Pieces:
        if self.ddl and name.startswith("covet_"):
            self.refuse(f"cannot use {name.removeprefix('covet_')!r} in a table's definition")
        return super().call(name, arguments)

    def collated(self, node: Expression) -> Pieces:
        """Return a decimal that is compared and sorted by its value."""
        return *self._operand(node), " COLLATE covet_decimal"

    def converted(self, node: Expression, target: LogicalType | None) -> Pieces:
        """Return a value as what ``target`` is kept as, where that is another form than its own."""
        source = type_of(node)
        match target:
            case Numeric() if isinstance(source, Integer):
                return "CAST(", node, " AS TEXT)"
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

    def visit_arithmetic(self, node: Arithmetic) -> Pieces:
        left, right = type_of(node.left), type_of(node.right)
        if isinstance(left, Timestamp | Date | Time | Interval) or isinstance(
            right, Timestamp | Date | Time | Interval
        ):
            return self._temporal(node, left, right)
        if node.operator == "^":  # what one side has and not both
            either, both = self.operation(node.left, "|", node.right), self.operation(node.left, "&", node.right)
            return "((", *either, ") - (", *both, "))"
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
        first, operator, second = node.left, node.operator, node.right
        if isinstance(right, _MOMENTS) and isinstance(left, Interval | Integer) and operator == "+":
            first, second, left, right = second, first, right, left
        if isinstance(right, Interval) and not isinstance(left, (*_MOMENTS, Interval)) and operator == "*":
            first, second, left, right = second, first, right, left
        if isinstance(left, Interval):
            return self._duration(first, operator, second, right)
        if operator == "-" and isinstance(left, _MOMENTS) and type(left) is type(right):
            return self._difference(node, left)
        shiftable = Interval | Integer if isinstance(left, Date) else Interval
        if operator not in ("+", "-") or not isinstance(left, _MOMENTS) or not isinstance(right, shiftable):
            self.refuse(f"cannot compute {operator} of {_word(left)} and {_word(right)}")
        shift = Group(("-", *self._operand(second))) if operator == "-" else second
        return self._shifted(node, left, first, shift, whole_days=isinstance(right, Integer))

    def _shifted(
        self, node: Arithmetic, logical: LogicalType, moment: Expression, shift: object, *, whole_days: bool
    ) -> Pieces:
        match logical:
            case Timestamp():
                return self.call("covet_timestamp_add", (moment, shift))
            case Time():
                return self.call("covet_time_add", (moment, shift))
            case _ if whole_days:
                return self.call("covet_date_add", (moment, shift))
            case _:
                midnight = Group(self.call("covet_timestamp", (moment,)))
                shifted = self.call("covet_timestamp_add", (midnight, shift))
                return self.call("covet_date", (Group(shifted),)) if isinstance(node.type, Date) else shifted

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

    def _duration(self, left: Expression, operator: str, right: Expression, other: LogicalType | None) -> Pieces:
        if (operator in ("+", "-") and isinstance(other, Interval)) or (operator == "*" and isinstance(other, Integer)):
            return self.operation(left, operator, right)
        if operator not in ("*", "/") or not isinstance(other, Integer | Float | Numeric):
            self.refuse(f"cannot compute {operator} of {_word(Interval())} and {_word(other)}")
        return "CAST(ROUND(", *self._operand(left), f" {operator} CAST(", right, " AS REAL)) AS INTEGER)"

    def visit_cast(self, node: Cast) -> Pieces:
        source = type_of(node.operand)
        function = self._cast_function(source, node.type)
        if function is not None:
            return self.call(function, (node.operand,))
        match node.type:
            case Boolean():
                return *self._operand(node.operand), " <> 0"
            case Numeric(precision=precision, scale=scale):
                return self.call("covet_decimal_cast", (node.operand, str(precision), str(scale or 0)))
            case Uuid():
                return "LOWER(CAST(", node.operand, " AS TEXT))"
            case Varchar(length=int(length)):
                return "SUBSTR(CAST(", node.operand, f" AS TEXT), 1, {length})"
            case _:
                name = _CAST_NAMES.get(type(node.type))
                if name is None and source != node.type:
                    self.refuse(f"cannot cast {_word(source)} to {_word(node.type)}")
                return (node.operand,) if name is None else ("CAST(", node.operand, f" AS {name})")

    def _cast_function(self, source: LogicalType | None, target: LogicalType) -> str | None:
        match target:
            case Integer() if isinstance(source, Float | Numeric):
                return "covet_float_integer" if isinstance(source, Float) else "covet_decimal_integer"
            case Numeric(precision=None):
                return "covet_decimal"
            case Timestamp(timezone=timezone):
                return "covet_timestamptz" if timezone else "covet_timestamp"
            case Date():
                return "covet_date"
            case Time() if source != target:
                return "covet_time"
            case _:
                return None


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


def _word(logical: LogicalType | None) -> str:
    return "an unknown type" if logical is None else type(logical).__name__
