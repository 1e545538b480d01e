"""Expressions as the user writes them. Data only; ``query.expression_tokens`` reads them."""

from __future__ import annotations

from covet.database.orm.expressions.base import Combined, Expression, F, Known, Operators, OrderBy, OutputField, Sliced
from covet.database.orm.expressions.conditional import Case, When
from covet.database.orm.expressions.functions import Cast, Collate, Func, Transform
from covet.database.orm.expressions.gaps import Param
from covet.database.orm.expressions.subqueries import ArraySubquery, Exists, OuterRef, Subquery
from covet.database.orm.expressions.values import ExpressionWrapper, RawSQL, Value

__all__ = [
    "ArraySubquery",
    "Case",
    "Cast",
    "Collate",
    "Combined",
    "Exists",
    "Expression",
    "ExpressionWrapper",
    "F",
    "Func",
    "Known",
    "Operators",
    "OrderBy",
    "OuterRef",
    "OutputField",
    "Param",
    "RawSQL",
    "Sliced",
    "Subquery",
    "Transform",
    "Value",
    "When",
]
