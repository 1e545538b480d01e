"""Derived tables: aggregates over several relations for all rows of a model, each relation grouped once. Pure.

A subquery a row is the best plan for few rows: it reads, by an index, what belongs to these. For all rows of a model
that is a look-up each, where one pass over the related table and a hash join do (``docs/performance.md``)::

    SELECT .., COALESCE(t2.a0, 0) FROM users
    LEFT JOIN (SELECT author_id AS k, COUNT(id) AS a0 FROM posts GROUP BY author_id) AS t2 ON t2.k = users.id
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from covet.database.orm.query.context import NOWHERE, Context
from covet.database.orm.query.groups import plain_where
from covet.database.orm.query.joins import Joins
from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokens import AggregateToken, ExpressionToken, Group, OuterToken, SubqueryToken
from covet.database.orm.query.translation import Translator
from covet.database.orm.query.traversal import followed_paths, rows_of, walk
from covet.database.orm.query.valuation import aggregate_call
from covet.database.sql import nodes
from covet.database.sql.statements import Join, Select, Selected, SubqueryRef

if TYPE_CHECKING:
    from covet.database.orm.relations import Relation


def is_over_all(state: QueryState) -> bool:
    """Whether a query is for all rows of its model, as far as its conditions are not about aggregates."""
    bounded = state.limit is not None or state.offset is not None
    if bounded or state.link is not None or state.lock is not None:
        return False
    return all(isinstance(item, Group) and not item.children for item in plain_where(state))


class _Table:
    """One grouped relation: its aggregates are columns of it."""

    def __init__(self, owner: Translator, chain: tuple[Relation, ...]) -> None:
        self.inner, _ = owner.nest(chain)
        self.relation = self.inner.prefix[-1]
        self.near = owner.joins.reach(self.inner.prefix[:-1], None, required=False)
        self.alias = owner.joins.names.next()
        self.calls: dict[nodes.Expression, str] = {}

    def value(self, token: AggregateToken) -> nodes.ColumnRef:
        """Return the column of an aggregate; NULL where there is no related row."""
        call = aggregate_call(self.inner, token._replace(default=None))
        return nodes.ColumnRef(self.alias, self.calls.setdefault(call, f"a{len(self.calls)}"), token.type)

    def join(self) -> Join:
        """Return the table, joined to the row that its aggregates are of."""
        root = self.inner.joins.root
        key = root.column(self.relation.remote_field.column)
        columns = (Selected(key, "k"), *(Selected(call, name) for call, name in self.calls.items()))
        select = Select(columns, root.table(), self.inner.joins.build(), group_by=(key,))
        on = nodes.Comparison("=", nodes.ColumnRef(self.alias, "k"), self.near.column(self.relation.local_field.column))
        return Join("LEFT", SubqueryRef(select, self.alias), on)


class DerivingTranslator(Translator):
    """Translates a query over all rows of its model: aggregates stand in joined tables where they can."""

    __slots__ = ("tables",)

    def __init__(self, joins: Joins, like: Translator) -> None:
        super().__init__(joins, like.state, like.subquery, offset=like.offset, outer=like.outer)
        self.by_subquery = True
        self.tables: dict[tuple[Relation, ...], _Table] = {}

    @override
    def value(self, token: ExpressionToken, context: Context = NOWHERE) -> nodes.Expression:
        chain = rows_of(token, self.state) if isinstance(token, AggregateToken) else ()
        if not isinstance(token, AggregateToken) or not chain or self._looks_out(token, chain):
            return super().value(token, context)
        table = self.tables.get(chain)
        if table is None:
            table = self.tables[chain] = _Table(self, chain)
        value = table.value(token)
        if token.name == "count":
            return nodes.Function("coalesce", (value, nodes.Constant(0)), token.type)
        if token.default is None:
            return value
        return nodes.Function("coalesce", (value, super().value(token.default)), token.type)

    def _looks_out(self, token: AggregateToken, chain: tuple[Relation, ...]) -> bool:
        """Whether an aggregate uses the row that it is of, which a table beside that row cannot see."""
        first = next(relation for relation in chain if relation.many)
        if (
            len(first.pairs) > 1
            or first.convert is not None
            or first.near_type is not None
            or first.far_type is not None
        ):
            return True  # it matches by more than one column, or by a cast
        if any(first in named.name.own and named.condition is not None for named in self.state.filtered):
            return True
        if any(isinstance(inner, SubqueryToken | OuterToken) for inner in walk(token)):
            return True
        return any(first not in path.relations for path in followed_paths(token, self.state))

    def joined(self) -> tuple[Join, ...]:
        """Return the joins of the tables that are used."""
        return tuple(table.join() for table in self.tables.values())
