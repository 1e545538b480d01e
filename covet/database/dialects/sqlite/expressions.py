"""SQLite's functions, text matching and NULL order; numbers and moments are in ``arithmetic.py``. Pure.

Text is matched by GLOB and ``instr``, because LIKE ignores the case of ASCII letters only.
"""

from __future__ import annotations

from typing import ClassVar

from covet.database.dialects.sqlite.aggregation import SQLiteAggregation
from covet.database.schema.types import (
    Boolean,
    Float,
    Integer,
    Interval,
    Numeric,
)
from covet.database.sql.expression_compiler import Group
from covet.database.sql.expression_types import promoted, type_of
from covet.database.sql.nodes import (
    And,
    Case,
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


class SQLiteExpressions(SQLiteAggregation):
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

    def sortable(self, node: Expression) -> object:
        return Group(self.collated(node)) if isinstance(type_of(node), Numeric) else super().sortable(node)

    def nulls_order(self, node: Order) -> str:
        if node.nulls is not None:
            return f" NULLS {node.nulls}"
        if not node.nullable:
            return ""
        return " NULLS FIRST" if node.descending else " NULLS LAST"

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
        if len(values) == 1:
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
