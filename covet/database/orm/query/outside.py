"""Outside: reads a query as a table, from the query around it. Pure.

A window is computed after WHERE and HAVING, so a condition on its value is asked around the query::

    SELECT q.c0, q.c1 FROM (SELECT id AS c0, RANK() OVER (..) AS c1 FROM posts) AS q WHERE q.c1 <= 3

What the query around needs of the rows, in its conditions and in its order, becomes a column of the inner one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from covet.database.orm.query.context import NOWHERE, Context
from covet.database.orm.query.inference import token_type
from covet.database.orm.query.tokens import (
    AnnotationToken,
    ColumnToken,
    ExpressionToken,
    OrderToken,
    PathToken,
    Predicate,
)
from covet.database.orm.query.translation import Translator
from covet.database.orm.query.traversal import paths_of
from covet.database.orm.query.valuation import sort_keys, values_of
from covet.database.sql import nodes
from covet.database.sql.expression_types import type_of
from covet.database.sql.statements import Select, Selected
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import ResolvedPath


class Outside(Translator):
    """Translates what stands around a query; ``taken_in`` are the columns that the query has, and grow."""

    __slots__ = ("alias", "inside", "taken_in")

    def __init__(self, inside: Translator, columns: list[nodes.Expression], alias: str) -> None:
        super().__init__(inside.joins, inside.state, inside.subquery, offset=inside.offset, outer=inside.outer)
        self.inside = inside
        self.taken_in = columns
        self.alias = alias

    def ref(self, position: int) -> nodes.ColumnRef:
        """Return a column of the inner query."""
        return nodes.ColumnRef(self.alias, f"c{position}", type_of(self.taken_in[position]))

    def taken(self, expression: nodes.Expression) -> nodes.ColumnRef:
        """Return the column that holds an expression of the inner query; a new one if there is none."""
        if expression not in self.taken_in:
            self.taken_in.append(expression)
        return self.ref(self.taken_in.index(expression))

    @override
    def column(self, path: ResolvedPath, context: Context = NOWHERE) -> nodes.ColumnRef:
        return self.taken(self.inside.column(path, context))

    @override
    def value(self, token: ExpressionToken, context: Context = NOWHERE) -> nodes.Expression:
        if isinstance(token, AnnotationToken):
            found = self.taken(self.inside.value(token, context))
            return nodes.ColumnRef(found.table, found.column, token_type(token, self.state))
        if isinstance(token, ColumnToken):
            return self.taken(self.inside.value(token, context))
        if isinstance(token, PathToken):
            return self.column(token.path, context)
        return super().value(token, context)

    @override
    def predicate(self, token: Predicate, context: Context) -> nodes.Expression:
        if any(path.first_many is not None for path in paths_of(token)):
            raise FieldError(
                "A condition on a window cannot be combined with one across a relation to many rows; "
                "put them into two calls of filter()."
            )
        return super().predicate(token, context)

    def select(
        self, names: list[str | None], conditions: list[tuple[int, Predicate]], order: tuple[OrderToken, ...]
    ) -> Select:
        """Return the query around, still without its source: the first columns, conditions, order and limit."""
        state = self.state
        if state.lock is not None:
            raise FieldError("select_for_update() and a filter on a window exclude each other: lock by primary key.")
        where = tuple(self.predicate(token, Context(scope)) for scope, token in conditions)
        keys = sort_keys(self, order)
        columns = [Selected(self.ref(at), name) for at, name in enumerate(names)]
        distinct_on = tuple(value for token in state.distinct_on for value in values_of(self, token))
        if state.distinct and not distinct_on:
            known = {column.expression for column in columns}
            columns += [Selected(key.expression) for key in keys if key.expression not in known]
        return Select(
            columns=tuple(columns),
            where=where[0] if len(where) == 1 else nodes.And(where),
            order_by=keys,
            limit=None if state.limit is None else self.param(state.limit, None),
            offset=None if state.offset is None else self.param(state.offset, None),
            distinct=state.distinct and not distinct_on,
            distinct_on=distinct_on,
        )

    def inner_columns(self) -> tuple[Selected, ...]:
        """Return the columns of the inner query under their names."""
        return tuple(Selected(column, f"c{position}") for position, column in enumerate(self.taken_in))
