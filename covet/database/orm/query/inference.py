"""Logical types of tokens and of plain values: what an expression yields. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from covet.database.orm.fields.base import Field, field_of
from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokens import AggregateToken, ColumnToken, ExpressionToken, OutputToken
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
#: Functions that give back one of the values that they are over.
_CHOOSING: Final = frozenset({"min", "max", "any_value", "first_value", "last_value", "nth_value", "lag", "lead"})


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


def field_behind(token: ExpressionToken | None, state: QueryState) -> Field[Any] | None:
    """Return the field that a value is one of, unchanged: ``Max("status")`` is a status."""
    while token is not None:
        match token.tag:
            case "path":
                return token.path.field
            case "annotation":
                token = state.annotation(token.name)
            case "window":
                token = token.call
            case "aggregate" if token.name in _CHOOSING:
                token = token.argument
            case "function" if token.name in _CHOOSING:
                token = token.arguments[0]
            case _:
                return None
    return None


def field_beside(token: ExpressionToken, state: QueryState) -> Field[Any] | None:
    """Return what checks the values that an expression is compared with; None where its type is not known."""
    own = field_behind(token, state)
    if own is not None and own.decode is not None:
        return own
    kind = token_type(token, state)
    return None if kind is None else field_of(kind)


def decoder(token: ExpressionToken | None, state: QueryState) -> Callable[[Any], Any] | None:
    """Return what makes of a logical type's value one of the field that it is of; None where that is the same."""
    if token is None:
        return None
    if isinstance(token, OutputToken | ColumnToken):
        return token.decode
    if isinstance(token, AggregateToken) and token.name == "array_agg":
        field = field_behind(token.argument, state)
        return None if field is None or field.decode is None else _of_each(field.decode)
    field = field_behind(token, state)
    return None if field is None else field.decode


@lru_cache(256)
def _of_each(decode: Callable[[Any], Any]) -> Callable[[list[Any]], list[Any]]:
    def convert(values: list[Any]) -> list[Any]:
        return [None if value is None else decode(value) for value in values]

    return convert


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
