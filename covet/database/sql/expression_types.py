"""What type an expression yields, as far as its nodes say. Pure.

The planner sets ``type`` where the answer matters; this looks through the nodes that have no type of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from covet.database.schema.types import Boolean, Date, Float, Integer, Interval, LogicalType, Numeric, Time, Timestamp
from covet.database.sql.nodes import (
    AggregateCall,
    And,
    Arithmetic,
    Between,
    Case,
    Cast,
    Collated,
    ColumnRef,
    Comparison,
    Constant,
    CustomFunction,
    DistinctFrom,
    Excluded,
    Exists,
    Expression,
    Function,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
    Param,
    ParamList,
    Raw,
    RegexMatch,
    ScalarSubquery,
    TextMatch,
    WindowCall,
)

_PREDICATES = (Comparison, And, Or, Not, IsNull, In, Between, TextMatch, Like, DistinctFrom, RegexMatch, Exists)
_TYPED = (
    ColumnRef,
    Param,
    ParamList,
    Excluded,
    Literal,
    Cast,
    Function,
    CustomFunction,
    Raw,
    Collated,
    AggregateCall,
    ScalarSubquery,
    Case,
    WindowCall,
)
#: Functions that yield the type of their arguments.
_ARGUMENT_TYPED = frozenset({"coalesce", "greatest", "least", "nullif", "abs", "round", "ceil", "floor"})
_ARGUMENT_TYPED_AGGREGATES = frozenset({"sum", "avg", "min", "max", "any_value", "bit_and", "bit_or", "bit_xor"})
_TEMPORAL = (Timestamp, Date, Time)


def type_of(node: Expression) -> LogicalType | None:
    """Return the logical type that ``node`` yields; None if the nodes do not say."""
    source: Expression | None = node
    while source is not None:
        node = source
        if isinstance(node, _TYPED) and node.type is not None:
            return node.type
        source = _source(node)
    if isinstance(node, _PREDICATES):
        return Boolean()
    match node:
        case Constant(value=bool()):
            return Boolean()
        case Constant(value=int()) | AggregateCall(name="count"):
            return Integer(64)
        case Arithmetic():
            return _arithmetic_type(node)
        case _:
            return None


def _source(node: Expression) -> Expression | None:
    """Return the part of ``node`` that has the type of the whole."""
    match node:
        case ScalarSubquery(select=select) if select.columns:
            return select.columns[0].expression
        case Collated(operand=operand):
            return operand
        case AggregateCall(name=name, argument=argument) if name in _ARGUMENT_TYPED_AGGREGATES:
            return argument
        case Function(name=name, arguments=arguments) if arguments and name in _ARGUMENT_TYPED:
            return next((each for each in arguments if not _untyped(each)), arguments[0])
        case Case(whens=whens, otherwise=otherwise):
            values = [value for _, value in whens] + ([] if otherwise is None else [otherwise])
            return next((each for each in values if not _untyped(each)), values[0])
        case _:
            return None


def promoted(types: Iterable[LogicalType | None]) -> LogicalType | None:
    """Return the number type that a mixture of number types is computed in, as PostgreSQL does it."""
    found: LogicalType | None = None
    for logical in types:
        if isinstance(logical, Float):
            return logical
        if found is None or (isinstance(logical, Numeric) and isinstance(found, Integer)):
            found = logical
    return found


def _untyped(node: Expression) -> bool:
    return isinstance(node, Constant) or (isinstance(node, _TYPED) and node.type is None)


def _arithmetic_type(node: Arithmetic) -> LogicalType | None:
    leaves: list[Expression] = [node]
    types: list[LogicalType] = []
    while leaves:
        leaf = leaves.pop()
        if isinstance(leaf, Arithmetic) and leaf.type is None:
            leaves += (leaf.right, leaf.left)
        else:
            logical = leaf.type if isinstance(leaf, Arithmetic) else type_of(leaf)
            if logical is not None:
                types.append(logical)
    temporal = [logical for logical in types if isinstance(logical, _TEMPORAL)]
    if temporal:
        if len(temporal) > 1 and node.operator == "-":
            return Interval()
        return Timestamp(timezone=False) if isinstance(temporal[0], Date) and Interval() in types else temporal[0]
    if Interval() in types:
        return Interval()
    return promoted(types)
