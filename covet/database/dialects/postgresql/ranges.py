"""PostgreSQL's ranges: their operators and functions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from covet.database.dialects.postgresql.search import PostgreSQLSearch
from covet.database.schema.types import LogicalType, RangeOf
from covet.database.sql.expression_types import type_of
from covet.database.sql.nodes import AggregateCall, Cast, Expression, Function
from covet.database.sql.visitor import Pieces

_OPERATORS: Mapping[str, str] = MappingProxyType(
    {
        "range_adjacent": "-|-",
        "range_contained": "<@",
        "range_contains": "@>",
        "range_fully_gt": ">>",
        "range_fully_lt": "<<",
        "range_not_gt": "&<",
        "range_not_lt": "&>",
        "range_overlap": "&&",
    }
)
_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "range_isempty": "ISEMPTY",
        "range_lower": "LOWER",
        "range_lower_inc": "LOWER_INC",
        "range_lower_inf": "LOWER_INF",
        "range_upper": "UPPER",
        "range_upper_inc": "UPPER_INC",
        "range_upper_inf": "UPPER_INF",
    }
)


class PostgreSQLRanges(PostgreSQLSearch):
    """Prints questions to ranges for PostgreSQL."""

    def visit_function(self, node: Function) -> Pieces:
        operator = _OPERATORS.get(node.name)
        if operator is not None:
            left, right = node.arguments
            return "(", *self._in(left, right), f" {operator} ", *self._in(right, left), ")"
        name = _FUNCTIONS.get(node.name)
        return super().visit_function(node) if name is None else self.call(name, node.arguments)

    def aggregate_range_agg(self, node: AggregateCall) -> Pieces:
        """Print the union as an array: asyncpg and the fields know no multiranges."""
        if node.over is not None:
            self.refuse("computes RangeAgg() over rows and groups, not over a window")
        ranges: Pieces = ("ARRAY(SELECT UNNEST(", *self.aggregate("RANGE_AGG", node), "))")
        nothing = "" if node.type is None else f"CAST(ARRAY[] AS {self.cast_type(node.type)})"
        return "NULLIF(", *ranges, f", {nothing})"

    def _in(self, node: Expression, other: Expression) -> Pieces:
        """Print one side; a value beside a range is one of the range's own type, and nothing else."""
        own, beside = type_of(node), type_of(other)
        if _is_value(own) and isinstance(beside, RangeOf) and own != beside.item:
            return (Cast(node, beside.item),)
        return self._operand(node)


def _is_value(logical: LogicalType | None) -> bool:
    return logical is not None and not isinstance(logical, RangeOf)
