"""Inline: an expression with parameters -> the same expression with literals, for a table's definition. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import cast

from covet.database.schema.types import LogicalType
from covet.database.sql.nodes import Expression, Literal, Param, ParamList
from covet.exceptions import ProgrammingError


def inlined(expression: Expression, params: Sequence[object]) -> Expression:
    """Return ``expression`` with each parameter replaced by its value as a literal of the parameter's type.

    A CHECK or the condition of an index has no parameters to bind; ``Dialect.literal`` writes the values.
    """
    return cast("Expression", _inlined(expression, params))


def _inlined(node: object, params: Sequence[object]) -> object:
    if isinstance(node, Param):
        return Literal(params[node.index], _known(node.type))
    if isinstance(node, ParamList):
        items = cast("Sequence[object]", params[node.index])
        return tuple(Literal(item, _known(node.type)) for item in items)
    if isinstance(node, tuple):
        return tuple(_inlined(item, params) for item in cast("tuple[object, ...]", node))
    if is_dataclass(node) and not isinstance(node, type | LogicalType):
        return replace(node, **{each.name: _inlined(getattr(node, each.name), params) for each in fields(node)})
    return node


def _known(logical: LogicalType | None) -> LogicalType:
    if logical is None:
        raise ProgrammingError("A value in a table's definition needs a type; its parameter has none.")
    return logical
