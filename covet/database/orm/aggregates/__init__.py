"""Aggregates as the user writes them. Data only; ``query.row_tokens`` reads them."""

from __future__ import annotations

from covet.database.orm.aggregates.base import Aggregate, SortKey
from covet.database.orm.aggregates.bits import BitAnd, BitOr, BitXor, BoolAnd, BoolOr
from covet.database.orm.aggregates.collected import ArrayAgg, JSONBAgg, StringAgg
from covet.database.orm.aggregates.ranges import RangeAgg, RangeIntersectAgg
from covet.database.orm.aggregates.standard import AnyValue, Avg, Count, Max, Min, Sum
from covet.database.orm.aggregates.statistics import StdDev, Variance

__all__ = [
    "Aggregate",
    "AnyValue",
    "ArrayAgg",
    "Avg",
    "BitAnd",
    "BitOr",
    "BitXor",
    "BoolAnd",
    "BoolOr",
    "Count",
    "JSONBAgg",
    "Max",
    "Min",
    "RangeAgg",
    "RangeIntersectAgg",
    "SortKey",
    "StdDev",
    "StringAgg",
    "Sum",
    "Variance",
]
