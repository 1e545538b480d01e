"""SQLite's aggregates and windows. Pure.

What SQLite lacks is an aggregate in Python (``aggregates.py``). Those that collect values sort them themselves: ORDER
BY inside an aggregate came with SQLite 3.44, and a subquery in order promises nothing about the order in which an
aggregate sees its rows. So the sort keys travel as further arguments, each behind a number that says how it sorts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from covet._frozen import replace
from covet.database.dialects.sqlite.aggregates import DECIMAL, DESCENDING, DISTINCT, NULLS_FIRST, Kind
from covet.database.dialects.sqlite.arithmetic import SQLiteArithmetic
from covet.database.schema.types import (
    Array,
    Binary,
    Boolean,
    Float,
    Integer,
    Interval,
    Json,
    LogicalType,
    Numeric,
    Text,
    Time,
    Timestamp,
    Varchar,
)
from covet.database.sql.aggregate_compiler import STANDARD_AGGREGATES
from covet.database.sql.expression_compiler import Group
from covet.database.sql.expression_types import type_of
from covet.database.sql.nodes import AggregateCall, Cast, Collated, Constant, Expression, Frame, Over
from covet.database.sql.statements import Order
from covet.database.sql.visitor import Pieces

_KINDS: Mapping[type[LogicalType], Kind] = MappingProxyType(
    {
        Boolean: Kind.BOOLEAN,
        Binary: Kind.BINARY,
        Json: Kind.JSON,
        Array: Kind.JSON,
        Numeric: Kind.DECIMAL,
        Time: Kind.MOMENT,
        Timestamp: Kind.MOMENT,
    }
)
#: What SQLite can add to and subtract from in a RANGE frame: it keeps nothing else as a number.
_COUNTABLE = (Integer, Float, Interval)
_STATISTICS = ("stddev", "stddev_sample", "variance", "variance_sample")


def _may_be_empty(node: AggregateCall) -> bool:
    """Whether the frame of an aggregate over a window may have no row in it, not even the current one."""
    if node.over is None:
        return False
    frame = node.over.frame
    if node.filter is not None or frame is None:
        return node.filter is not None
    without = frame.exclude in {"CURRENT ROW", "GROUP"}
    return without or frame.start.kind == "FOLLOWING" or frame.end.kind == "PRECEDING"


class SQLiteAggregation(SQLiteArithmetic):
    """Prints functions over rows for SQLite."""

    aggregates: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            **STANDARD_AGGREGATES,
            **{name: f"covet_{name}" for name in (*_STATISTICS, "bit_and", "bit_or", "bit_xor")},
            # Any value is as good as another; a boolean is 0 or 1.
            "any_value": "MIN",
            "bool_and": "MIN",
            "bool_or": "MAX",
        }
    )

    def aggregate(self, name: str, node: AggregateCall) -> Pieces:
        argument = None if node.argument is None else type_of(node.argument)
        if isinstance(argument, Numeric) and node.name in {"sum", "avg", *_STATISTICS}:
            name = f"covet_decimal_{node.name}"
        if name.startswith("covet_") and node.argument is not None and _may_be_empty(node):
            return self._folded(name, (Group(self.aggregated(node.argument)),), node)
        pieces = super().aggregate(name, node)
        if node.name == "avg" and isinstance(argument, Interval):
            return "CAST(ROUND(", *pieces, ") AS INTEGER)"
        return pieces

    def aggregated(self, argument: Expression) -> Pieces:
        return self.collated(argument) if isinstance(type_of(argument), Numeric) else (argument,)

    # Collected values -----------------------------------------------------------------------------------------------

    def aggregate_array_agg(self, node: AggregateCall) -> Pieces:
        return self._collected("covet_array_agg", node)

    def aggregate_json_agg(self, node: AggregateCall) -> Pieces:
        return self._collected("covet_json_agg", node)

    def aggregate_string_agg(self, node: AggregateCall) -> Pieces:
        if node.distinct and node.argument is not None and not isinstance(type_of(node.argument), Text | Varchar):
            # Equal texts are collected once, in the order of texts.
            text = Cast(node.argument, Text())
            keys = tuple(replace(key, expression=text) for key in node.order_by)
            node = replace(node, argument=text, order_by=keys)
        return self._collected("covet_string_agg", node)

    def _collected(self, name: str, node: AggregateCall) -> Pieces:
        argument = node.argument or Constant(None)
        logical = type_of(argument)
        kind = Kind.PLAIN if logical is None else _KINDS.get(type(logical), Kind.PLAIN)
        how = Constant(kind | (DISTINCT if node.distinct else 0))
        keys = [part for key in node.order_by for part in (Constant(self._how(key)), key.expression)]
        arguments = (how, argument, *node.extra, *keys)
        if _may_be_empty(node):
            return self._folded(name, arguments, node)
        return self.modified(self.call(name, arguments), node)

    def _folded(self, name: str, arguments: tuple[object, ...], node: AggregateCall) -> Pieces:
        """Return an aggregate in Python over a window that may hold no row.

        Python's sqlite3 module kills the process where SQLite asks a window function for its value before it was
        given a row. So the rows are gathered by a function of SQLite's own, and Python sees them all at once.
        """
        rows = self.modified(("GROUP_CONCAT(", *self.call("covet_pack", arguments), ")"), node)
        return self.call(f"{name}_of", (Group(rows),))

    def _how(self, key: Order) -> int:
        """Return the number that tells an aggregate how to sort by ``key``."""
        if isinstance(key.expression, Collated):
            self.refuse("cannot sort by a collation inside an aggregate")
        nulls_first = key.descending if key.nulls is None else key.nulls == "FIRST"
        decimal = isinstance(type_of(key.expression), Numeric)
        return DESCENDING * key.descending + NULLS_FIRST * nulls_first + DECIMAL * decimal

    # Windows --------------------------------------------------------------------------------------------------------

    def frame(self, node: Frame, over: Over) -> Pieces:
        measured = node.unit == "RANGE" and (node.start.offset is not None or node.end.offset is not None)
        logical = type_of(over.order_by[0].expression) if over.order_by else None
        if measured and logical is not None and not isinstance(logical, _COUNTABLE):
            self.refuse(f"has no RANGE of an offset over {type(logical).__name__}, which it keeps as text")
        return super().frame(node, over)
