"""SQLite's text matching and NULL order. Pure.

Text is matched by GLOB and ``instr``, because LIKE ignores the case of ASCII letters only.
"""

from __future__ import annotations

from typing import NamedTuple

from covet.database.dialects.sqlite.aggregation import SQLiteAggregation
from covet.database.dialects.sqlite.documents import SQLiteDocuments
from covet.database.schema.types import Boolean, Float, Integer, Interval, Numeric
from covet.database.sql.expression_compiler import Group
from covet.database.sql.expression_types import promoted, type_of
from covet.database.sql.nodes import (
    And,
    Case,
    Constant,
    DistinctFrom,
    Expression,
    Like,
    Or,
    Param,
    RegexMatch,
    TextMatch,
)
from covet.database.sql.patterns import glob_like, glob_startswith, lower_text
from covet.database.sql.statements import Order
from covet.database.sql.visitor import Pieces, separated

#: SQLite reads ``a OR b OR c`` as a tree as deep as it is long, and refuses a depth of 1,000.
_FLAT = 64


#: Values that are compared as what they are, whatever the collation.
_NUMBERS = (Boolean, Integer, Float, Interval)


class _CaseEnd(NamedTuple):
    """The end of a CASE that began at a place of the text."""

    case: Case
    start: int


class SQLiteExpressions(SQLiteDocuments, SQLiteAggregation):
    """Prints expressions for SQLite."""

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

    def visit_case(self, node: Case) -> Pieces:
        return *super().visit_case(node), _CaseEnd(node, len(self._out))

    def visit_case_end(self, node: _CaseEnd) -> Pieces:
        # SQLite compares by the first COLLATE that it finds in an expression, be it that of a condition in there.
        collated = any(" COLLATE " in piece for piece in self._out[node.start :])
        return (" COLLATE BINARY",) if collated and not isinstance(type_of(node.case), _NUMBERS) else ()

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

    def visit_like(self, node: Like) -> Pieces:
        if isinstance(node.pattern, Param) and not node.ignore_case:
            return *self._text(node.operand), f" GLOB {self.bound(node.pattern, glob_like)}"
        flag = Constant(value=int(node.ignore_case))
        return self.call("covet_like", (Group(self._text(node.pattern)), Group(self._text(node.operand)), flag))

    def visit_distinct_from(self, node: DistinctFrom) -> Pieces:
        # ``IS`` says the same, and SQLite before 3.39 has nothing else.
        left, right = self.compared(node.left, node.right)
        return *left, " IS " if node.negated else " IS NOT ", *right

    def visit_regex_match(self, node: RegexMatch) -> Pieces:
        flag = Constant(value=int(node.ignore_case))
        return self.call("covet_regexp", (Group(self._text(node.pattern)), Group(self._text(node.operand)), flag))


class _Joined:
    """A run of a long AND or OR."""

    __slots__ = ("items", "kind")

    def __init__(self, kind: type[And | Or], items: list[Expression]) -> None:
        self.kind = kind
        self.items = items
