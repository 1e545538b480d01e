"""Groups: ``values().annotate()`` over several relations -> one SELECT a relation, stacked. Pure.

Joined with each other, the rows of one relation would multiply those of the other. So each is grouped on its own, with
NULL in the columns of the others, and the stack is grouped once more, where MAX picks the only value of each column::

    SELECT q.k0, MAX(q.a0), MAX(q.a1) FROM (
        SELECT city AS k0, COUNT(posts.id) AS a0, CAST(NULL AS bigint) AS a1 FROM users LEFT JOIN posts .. GROUP BY city
        UNION ALL
        SELECT city, NULL, COUNT(orders.id) FROM users LEFT JOIN orders .. GROUP BY city
    ) AS q GROUP BY q.k0

Every SELECT finds every group, because each is over the same rows of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from typing_extensions import override

from covet.database.orm.query.context import NOWHERE, Context
from covet.database.orm.query.inference import token_type
from covet.database.orm.query.joins import Joins
from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokens import (
    AggregateToken,
    ExpressionToken,
    Group,
    Membership,
    PathToken,
    Predicate,
    SubqueryToken,
)
from covet.database.orm.query.translation import Translator
from covet.database.orm.query.traversal import aggregates_of, choosing, conjuncts, joined_paths, paths_of, rows_of
from covet.database.orm.query.valuation import aggregate_call
from covet.database.sql import nodes
from covet.database.sql.statements import CommonTable, Join, Select, Selected, SetOperation, SubqueryRef, TableRef
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options, ResolvedPath
    from covet.database.orm.relations import Relation

#: The name of the stack in the statement around it.
_STACK = "q"


class Planner(Protocol):
    """What is needed of the planner of a SELECT."""

    joins: Joins
    translator: Translator

    def conditions(self) -> tuple[nodes.Expression | None, nodes.Expression | None]: ...

    def source(self) -> TableRef | SubqueryRef: ...

    def joined(self) -> tuple[Join, ...]: ...

    def common_tables(self) -> tuple[CommonTable, ...]: ...


#: Makes the planner of another SELECT of the same model, as part of the same statement.
Make = Callable[[QueryState], Planner]


class Over(NamedTuple):
    """The rows that an aggregate is over: those of ``chain``, chosen by a filter or not."""

    chain: tuple[Relation, ...]
    chosen: Predicate | None


def over(token: AggregateToken, state: QueryState, before: tuple[Predicate, ...]) -> Over:
    """Return the rows of an aggregate, ``before`` being the calls of ``filter()`` that came before it."""
    chain = rows_of(token, state)
    return Over(chain, choosing(chain, before))


def plain_where(state: QueryState) -> tuple[Predicate, ...]:
    """Return the ``filter()`` calls without what is about aggregates: that is HAVING."""
    return tuple(_plain(item, state) for item in state.where)


def _plain(item: Predicate, state: QueryState) -> Predicate:
    if not any(aggregates_of(item, state)):
        return item
    parts = tuple(part for part in conjuncts(item) if not any(aggregates_of(part, state)))
    return Group("group", "AND", False, parts)


def is_one_join(each: Over, where: Sequence[Predicate]) -> bool:
    """Whether the filters, joined with the rows of an aggregate, leave these as many as they are."""
    crossing = [item for item in where if any(joined_paths(item))]
    if not each.chain or not crossing:
        return True
    return crossing == [each.chosen] and all(
        path.to_many() == each.chain[: len(path.to_many())] for path in joined_paths(crossing[0])
    )


def rows_for(options: Options, state: QueryState, each: Over, make: Make) -> tuple[Planner, nodes.Expression | None]:
    """Return the planner of a SELECT over the rows of an aggregate, each once, and its WHERE.

    All filters choose the rows of the model, in a subquery if their joins would multiply; the first that crosses the
    aggregate's relation chooses the rows that it is over, and asks by EXISTS what goes beyond these.
    """
    if is_one_join(each, state.where):
        planner = make(state)
        return planner, planner.conditions()[0]
    if each.chosen is not None and [each.chosen] == [item for item in state.where if any(joined_paths(item))]:
        # A row of the model is meant if one of its related rows is, so what chooses the one chooses the other.
        planner = make(state._replace(where=tuple(item for item in state.where if item != each.chosen)))
        return planner, _both(planner.conditions()[0], _chosen(planner, each))
    pk = PathToken("path", options.resolve_field("pk"))
    chosen = state._replace(order_by=(), shape=None, group_by=None)
    query = Membership("membership", pk, SubqueryToken("subquery", options.model, chosen, 0, 0))
    planner = make(state._replace(where=(query,)))
    return planner, _both(planner.conditions()[0], _chosen(planner, each))


def _chosen(planner: Planner, each: Over) -> nodes.Expression | None:
    """Return the condition on the related rows that an aggregate is over."""
    if each.chosen is None:
        return None
    return planner.translator.predicate(each.chosen, Context(along=each.chain, required=True))


def _both(one: nodes.Expression | None, other: nodes.Expression | None) -> nodes.Expression | None:
    if one is None or other is None:
        return one or other
    return nodes.And((one, other))


def parts_of(token: ExpressionToken) -> tuple[ExpressionToken, ...]:
    """Return a key as what is grouped by: the columns of a key of several fields."""
    if isinstance(token, PathToken) and token.path.parts:
        return tuple(PathToken("path", part) for part in token.path.parts)
    return (token,)


class Stack:
    """The SELECTs of a grouped query, and the columns that they have."""

    def __init__(self, options: Options, state: QueryState, keys: Sequence[ExpressionToken], make: Make) -> None:
        self.options = options
        self.state = state
        self.keys = list(dict.fromkeys(keys))
        self.make = make
        #: Each aggregate once, with the rows that it is over.
        self.aggregates: dict[AggregateToken, Over] = {}
        where = plain_where(state)
        for annotation in state.annotations:
            for token in aggregates_of(annotation.expression, state):
                self.aggregates.setdefault(token, over(token, state, where[: annotation.after]))
        for key in self.keys:
            if any(path.to_many() for path in paths_of(key)):
                raise many_keys()

    def source(self) -> SubqueryRef:
        """Return the stack as a table."""
        plain = self.state._replace(
            where=plain_where(self.state),
            annotations=tuple(a for a in self.state.annotations if not any(aggregates_of(a.expression, self.state))),
            order_by=(),
            shape=None,
            group_by=None,
            limit=None,
            offset=None,
            distinct=False,
        )
        selects = [self._select(plain, each) for each in dict.fromkeys(self.aggregates.values())]
        return SubqueryRef(SetOperation("UNION ALL", tuple(selects)), _STACK)

    def _select(self, plain: QueryState, each: Over) -> Select:
        planner, where = rows_for(self.options, plain, each, self.make)
        translator = planner.translator
        keys = tuple(translator.value(key) for key in self.keys)
        columns = [Selected(key, f"k{i}") for i, key in enumerate(keys)]
        for position, (token, rows) in enumerate(self.aggregates.items()):
            value: nodes.Expression = nodes.Constant(None)
            if rows == each:
                value = aggregate_call(translator, token)
            elif token.type is not None:
                value = nodes.Cast(value, token.type)
            columns.append(Selected(value, f"a{position}"))
        return Select(tuple(columns), planner.source(), planner.joins.build(), where, keys)

    def key(self, token: ExpressionToken) -> nodes.ColumnRef | None:
        """Return the column of a key."""
        if token not in self.keys:
            return None
        return nodes.ColumnRef(_STACK, f"k{self.keys.index(token)}", token_type(token, self.state))

    def picked(self, token: AggregateToken) -> nodes.Expression:
        """Return the value of an aggregate: the only one that its column has in a group."""
        column = nodes.ColumnRef(_STACK, f"a{list(self.aggregates).index(token)}", token.type)
        return nodes.AggregateCall("max", column, type=token.type)


class StackTranslator(Translator):
    """Translates what stands around a stack: keys and aggregates are columns of it."""

    __slots__ = ("stack",)

    def __init__(self, joins: Joins, stack: Stack, inner: Translator) -> None:
        super().__init__(joins, stack.state, inner.subquery, offset=inner.offset, outer=inner.outer)
        self.stack = stack

    @override
    def value(self, token: ExpressionToken, context: Context = NOWHERE) -> nodes.Expression:
        key = self.stack.key(token)
        if key is not None:
            return key
        return self.stack.picked(token) if isinstance(token, AggregateToken) else super().value(token, context)

    @override
    def column(self, path: ResolvedPath, context: Context = NOWHERE) -> nodes.ColumnRef:
        same = (
            key
            for key in self.stack.keys
            if key.tag == "path" and key.path.field is path.field and key.path.relations == path.relations
        )
        found = next((self.stack.key(key) for key in same), None)
        if found is None:
            raise FieldError(f"{path.path!r} is not among the values() that the query groups by.")
        return found


def many_keys() -> FieldError:
    """Return the error of grouping by one relation and computing over another."""
    return FieldError(
        "values() groups by a relation to many rows, and an aggregate is over the rows of another: these would count "
        "once for each row of the first. Group by columns of this model, begin at the related model, or count "
        "distinct values: Count(..., distinct=True)."
    )
