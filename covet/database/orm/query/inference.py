"""Logical types of tokens and of plain values: what an expression yields. Pure."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokens import ExpressionToken
from covet.database.schema.types import (
    Binary,
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
)

_LITERALS: dict[type, LogicalType] = {
    bool: Boolean(),
    int: Integer(64),
    float: Float(),
    Decimal: Numeric(),
    str: Text(),
    bytes: Binary(),
    dt.datetime: Timestamp(),
    dt.date: Date(),
    dt.time: Time(),
    dt.timedelta: Interval(),
    UUID: Uuid(),
}
_MOMENTS = (Timestamp, Date)


def literal_type(value: object) -> LogicalType | None:
    """Return the type of a plain value; None for anything else."""
    for kind in type(value).__mro__:
        found = _LITERALS.get(kind)
        if found is not None:
            return found
    return None


def token_type(token: ExpressionToken, state: QueryState) -> LogicalType | None:
    """Return the type that a token yields, where it is known."""
    if token.tag == "path":
        return token.path.field.logical_type
    if token.tag == "annotation":
        inner = state.annotation(token.name)
        return None if inner is None else token_type(inner, state)
    if token.tag == "condition":
        return Boolean()
    return token.type


def combined_type(  # noqa: C901, PLR0911 - a list of rules, of which the first that fits holds
    left: LogicalType | None, right: LogicalType | None, *, operator: str = "+", literal: bool = False
) -> LogicalType | None:
    """Return the type of arithmetic on two types, or (``literal``) of the plain value ``left`` beside ``right``."""
    if left is None or right is None:
        return left or right
    if isinstance(left, Integer) and isinstance(right, Integer):
        return Integer(64)
    if isinstance(left, Interval | Numeric | Float | Integer) and isinstance(right, _MOMENTS):
        return left if literal else right
    if isinstance(left, _MOMENTS) and isinstance(right, _MOMENTS):
        if literal:
            return right if type(left) is type(right) else left
        return Interval() if operator == "-" else left
    if literal and isinstance(right, Numeric) and isinstance(left, Integer):
        return Numeric()
    if literal and isinstance(left, Integer | Float | Numeric | Interval):
        return left
    if isinstance(left, Interval) or isinstance(right, Interval):
        return left if isinstance(left, _MOMENTS) else Interval()
    for wide in (Float, Numeric):
        if isinstance(left, wide) or isinstance(right, wide):
            return wide()
    return right if literal else left
