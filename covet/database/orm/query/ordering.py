"""Sort keys that a query does not name: those of the model, of its primary key, and an order turned around. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from covet.database.orm.query.source_tokens import CTERoot
from covet.database.orm.query.state import EMPTY_STATE, QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.tokens import AnnotationToken, OrderToken, PathToken

if TYPE_CHECKING:
    from covet.database.orm.options import Options


def default_order(options: Options) -> tuple[OrderToken, ...]:
    """Return ``Meta.ordering`` as tokens."""
    tokenizer = Tokenizer(options, EMPTY_STATE, [])
    return tuple(tokenizer.order(key) for key in options.ordering)


def key_order(options: Options) -> tuple[OrderToken, ...]:
    """Return the sort keys that every model has: its primary key."""
    return tuple(OrderToken(PathToken("path", options.resolve_field(field.name)), False, None) for field in options.key)


def row_order(options: Options, state: QueryState) -> tuple[OrderToken, ...]:
    """Return the sort keys that the rows of a query have: the primary key, or all that a derived table has instead."""
    root = state.combined
    whole = root is None or (root.whole if isinstance(root, CTERoot) else root.queries[0].state.shape is None)
    if whole:
        return key_order(options)
    return tuple(OrderToken(AnnotationToken("annotation", each.name), False, None) for each in state.annotations)


def turned(token: OrderToken) -> OrderToken:
    """Return the opposite order; NULL goes to the other end."""
    nulls = {"FIRST": "LAST", "LAST": "FIRST"}.get(token.nulls or "")
    return OrderToken(token.expression, not token.descending, nulls)  # type: ignore[arg-type]  # one of the two
