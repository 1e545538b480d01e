"""Translation: tokens -> SQL nodes, joining what their paths cross. Pure.

SQL's three-valued logic is met here: under a NOT every comparison that may be NULL is paired with ``IS NOT NULL``, so
that ``exclude(age=3)`` keeps the rows whose age is NULL (Django's rule); a negated condition across a relation to many
rows becomes NOT EXISTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from covet.database.orm.query.joins import AliasNames, JoinNode, Joins, match
from covet.database.orm.query.state import (
    AggregateToken,
    Comparison,
    ExpressionToken,
    Group,
    Leaf,
    Membership,
    Never,
    NullTest,
    ParamToken,
    PathToken,
    Predicate,
    QueryState,
    SubqueryToken,
)
from covet.database.schema.types import Float, Integer, LogicalType
from covet.database.sql import nodes
from covet.database.sql.statements import Select, Selected
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import ResolvedPath
    from covet.database.orm.relations import Relation


class Context(NamedTuple):
    """Where a condition stands."""

    scope: int | None = None  #: the filter() call it belongs to
    negated: bool = False  #: under a NOT
    required: bool = False  #: a row for which it is not true is out
    after: int = 0  #: how many filter() calls came before the aggregate that is translated
    aside: bool = False  #: relations to many rows beyond this query's own are asked by EXISTS, lest they multiply it
    here: bool = False  #: it speaks of the joined row itself, also under a NOT: the filter of an aggregate, a value


SubqueryBuilder = Callable[[SubqueryToken, AliasNames, int], Select]


class Translator:
    """Translates the tokens of one SELECT. ``prefix`` are the relations that its root stands for in a subquery."""

    __slots__ = ("by_subquery", "joins", "offset", "parent", "prefix", "state", "subquery")

    def __init__(
        self,
        joins: Joins,
        state: QueryState,
        subquery: SubqueryBuilder,
        *,
        offset: int = 0,
        parent: Translator | None = None,
        prefix: tuple[Relation, ...] = (),
    ) -> None:
        self.joins = joins
        self.state = state
        self.subquery = subquery
        self.offset = offset
        self.parent = parent
        self.prefix = prefix
        #: Aggregates across a relation to many rows are computed in a subquery each.
        self.by_subquery = False
        if state.filtered:
            joins.narrow = self.narrow

    # -- paths and parameters --------------------------------------------------------------

    def column(self, path: ResolvedPath, context: Context = Context()) -> nodes.ColumnRef:
        """Return the column at the end of a path."""
        if self.parent is not None and not self._inside(path):
            return self.parent.column(path)
        relations = path.relations[len(self.prefix) :]
        node = self.joins.reach(relations, context.scope, required=context.required) if relations else self.joins.root
        return nodes.ColumnRef(node.alias, path.field.column, path.field.logical_type)

    def _inside(self, path: ResolvedPath) -> bool:
        return path.relations[: len(self.prefix)] == self.prefix

    def param(self, index: int, kind: LogicalType | None) -> nodes.Expression:
        """Return the node of a parameter."""
        return nodes.Param(index + self.offset, kind)

    def param_list(self, index: int, kind: LogicalType | None) -> nodes.ParamList | tuple[nodes.Expression, ...]:
        """Return the node of a parameter that is a list."""
        return nodes.ParamList(index + self.offset, kind)

    # -- conditions ------------------------------------------------------------------------

    def predicate(self, token: Predicate, context: Context) -> nodes.Expression:
        """Translate a condition."""
        if isinstance(token, Leaf):
            return self._leaf(token, context)
        if isinstance(token, Group):
            return self._group(token, context)
        if isinstance(token, NullTest):
            return self._null_test(token, context)
        if isinstance(token, Comparison):
            return self._comparison(token, context)
        if isinstance(token, Membership):
            return self._membership(token, context)
        return nodes.Constant(False)

    def _group(self, token: Group, context: Context) -> nodes.Expression:
        if token.negated or token.connector == "XOR":
            inner = context._replace(negated=True, required=False)
        else:
            single = token.connector == "AND" or len(token.children) == 1
            inner = context._replace(required=context.required and single)
        items = tuple(self.predicate(child, inner) for child in token.children)
        if token.connector == "XOR":
            joined = exclusive_or(items)
        elif len(items) == 1:
            joined = items[0]
        else:
            joined = nodes.Or(items) if token.connector == "OR" else nodes.And(items)
        return nodes.Not(joined) if token.negated else joined

    def _leaf(self, token: Leaf, context: Context) -> nodes.Expression:
        path = token.path
        if self._needs_exists(path, context):
            return self._exists(path, token)
        lookup = path.lookup
        kind = lookup.param_type(path.field)
        operand = self.column(path, context)
        if lookup.takes_list:
            node: nodes.Expression = nodes.In(operand, self.param_list(token.param, kind))
        else:
            node = lookup.build(operand, *(self.param(token.param + i, kind) for i in range(lookup.arity)))
        return _definite(node, operand) if context.negated and path.nullable else node

    def _null_test(self, token: NullTest, context: Context) -> nodes.Expression:
        if not isinstance(token.left, PathToken):
            return nodes.IsNull(self.value(token.left), negated=not token.is_null)
        path = token.left.path
        if path.first_many is not None and (token.is_null or context.negated):
            if path.is_presence and not (self.prefix and self._inside(path)):
                return nodes.Exists(self._related(path, None), negated=token.is_null)
            if self._needs_exists(path, context):
                found = self._exists(path, token)
                if not token.is_null:
                    return found
                # A row without related rows has NULL there, as the outer join of the positive condition says.
                return nodes.Or((found, nodes.Exists(self._related(path, None), negated=True)))
        required = context.required and not token.is_null
        return nodes.IsNull(self.column(path, context._replace(required=required)), negated=not token.is_null)

    def _comparison(self, token: Comparison, context: Context) -> nodes.Expression:
        if isinstance(token.left, PathToken) and self._needs_exists(token.left.path, context):
            return self._exists(token.left.path, token)
        left = self.value(token.left, context)
        first = token.right[0]
        if isinstance(first, ParamToken) and first.takes_list:
            node: nodes.Expression = nodes.In(left, self.param_list(first.param, first.type))
            return _definite(node, left) if context.negated else node
        right = tuple(self.value(side, context._replace(required=False)) for side in token.right)
        node = token.lookup.build(left, *right)
        if context.negated:
            for side, operand in zip((token.left, *token.right), (left, *right), strict=True):
                if not isinstance(side, ParamToken):
                    node = _definite(node, operand)
        return node

    def _membership(self, token: Membership, context: Context) -> nodes.Expression:
        if isinstance(token.left, PathToken) and self._needs_exists(token.left.path, context):
            return self._exists(token.left.path, token)
        left = self.value(token.left, context)
        node = nodes.In(left, self.subquery(token.query, self.joins.names, self.offset))
        return _definite(node, left) if context.negated else node

    # -- conditions on related rows --------------------------------------------------------

    def _needs_exists(self, path: ResolvedPath, context: Context) -> bool:
        if path.first_many is None:
            return False
        if self.parent is None:
            return context.negated and not context.here
        inside = self._inside(path)
        if inside and context.here:
            return False
        return not inside or (
            (context.negated or context.aside) and any(r.many for r in path.relations[len(self.prefix) :])
        )

    def _exists(self, path: ResolvedPath, token: Predicate) -> nodes.Exists:
        return nodes.Exists(self._related(path, token))

    def _related(self, path: ResolvedPath, token: Predicate | None) -> Select:
        """Return ``SELECT 1`` of the related rows for which ``token`` holds."""
        owner = self if self.parent is None or self._inside(path) else self.parent
        inner, condition = owner.nest(path)
        if token is not None:
            condition = nodes.And((condition, inner.predicate(token, Context(scope=0, required=True))))
        root = inner.joins.root
        return Select((Selected(nodes.Constant(1)),), root.table(), inner.joins.build(), condition)

    def nest(self, path: ResolvedPath) -> tuple[Translator, nodes.Expression]:
        """Return a translator whose root is the first relation to many of ``path``, and its match with this query."""
        start = len(self.prefix)
        many = next(i for i in range(start, len(path.relations)) if path.relations[i].many)
        near = self.joins.reach(path.relations[start:many], None, required=False)
        relation = path.relations[many]
        names = self.joins.names
        joins = Joins(relation.remote._meta, names, names.next())
        inner = Translator(
            joins,
            self.state,
            self.subquery,
            offset=self.offset,
            parent=self,
            prefix=path.relations[: many + 1],
        )
        condition: nodes.Expression = match(relation, near, joins.root)
        narrowed = inner.narrow(joins.root, relation) if self.state.filtered else None
        if narrowed is not None:
            narrowed[0].require()
            condition = condition if narrowed[1] is None else nodes.And((condition, narrowed[1]))
        return inner, condition

    def narrow(
        self, node: JoinNode, relation: Relation | None = None
    ) -> tuple[JoinNode, nodes.Expression | None] | None:
        """Return the last table of a filtered relation, joined from ``node``, and the condition on its rows."""
        relation = relation or node.relation
        token = next((token for token in self.state.filtered if token.name.own[0] is relation), None)
        if token is None:
            return None
        last = self.joins.onward(node, token.name.own[1:])
        if token.condition is None:
            return last, None
        row = Joins(last.options, self.joins.names, last.alias)
        inner = Translator(row, self.state, self.subquery, offset=self.offset, parent=self, prefix=token.name.relations)
        return last, inner.predicate(token.condition, Context(here=True))

    # -- values ----------------------------------------------------------------------------

    def value(self, token: ExpressionToken, context: Context = Context()) -> nodes.Expression:
        """Translate an expression."""
        if token.tag == "path":
            return self.column(token.path, context)
        if token.tag == "param":
            return self.param(token.param, token.type)
        if token.tag == "annotation":
            annotation = self.state.find(token.name)
            if annotation is None:
                raise FieldError(f"There is no annotation {token.name!r}.")
            return self.value(annotation.expression, Context(after=annotation.after))
        if token.tag == "arithmetic":
            loose = context._replace(required=False)
            left, right = self.value(token.left, loose), self.value(token.right, loose)
            return nodes.Arithmetic(token.operator, left, right, token.type)
        if token.tag == "condition":
            return self.predicate(token.predicate, Context(here=True))
        return self.aggregate(token, context.after)

    def aggregate(self, token: AggregateToken, after: int) -> nodes.Expression:
        """Translate an aggregate: over the rows of this SELECT, or in a subquery of its own.

        A ``filter()`` before it that crosses the same relation chooses the rows that it is over, as in Django.
        """
        if not self.by_subquery:
            return self.aggregate_call(token)
        path = next((path for path in paths_of(token) if path.first_many is not None), None)
        if path is None:
            return self.aggregate_call(token)
        inner, condition = self.nest(path)
        call = inner.aggregate_call(token)
        for item in self.state.where[:after]:
            if any(many_prefix(crossed) == inner.prefix for crossed in joined_paths(item)):
                condition = nodes.And((condition, inner.predicate(item, Context(scope=0, aside=True))))
                break
        select = Select((Selected(call),), inner.joins.root.table(), inner.joins.build(), condition)
        return nodes.ScalarSubquery(select, token.type)

    def aggregate_call(self, token: AggregateToken) -> nodes.Expression:
        """Translate an aggregate over the rows of this SELECT."""
        argument = self.value(token.argument) if token.argument is not None else None
        condition = self.predicate(token.filter, Context(here=True)) if token.filter is not None else None
        return finish_aggregate(token, argument, condition, self)


def finish_aggregate(
    token: AggregateToken,
    argument: nodes.Expression | None,
    condition: nodes.Expression | None,
    translator: Translator,
) -> nodes.Expression:
    """Return the call with the cast that gives the same type everywhere, and the default for no rows."""
    call: nodes.Expression = nodes.AggregateCall(token.name, argument, token.distinct, condition, token.type)
    if (token.name == "avg" and isinstance(token.type, Float)) or (
        token.name == "sum" and isinstance(token.type, Integer)
    ):
        call = nodes.Cast(call, token.type)
    if token.default is None:
        return call
    default = translator.param(token.default.param, token.default.type)
    return nodes.Function("coalesce", (call, default), token.type)


def exclusive_or(items: tuple[nodes.Expression, ...]) -> nodes.Expression:
    """Return a condition that is true when an odd number of ``items`` are, as Django's ``^``."""
    result = items[0]
    for item in items[1:]:
        result = nodes.Or((nodes.And((result, nodes.Not(item))), nodes.And((nodes.Not(result), item))))
    return result


def _definite(node: nodes.Expression, operand: nodes.Expression) -> nodes.Expression:
    """Make a comparison false, not NULL, where ``operand`` is NULL: a NOT around it is then true."""
    return nodes.And((node, nodes.IsNull(operand, negated=True)))


def paths_of(token: ExpressionToken | Predicate | None) -> Iterator[ResolvedPath]:
    """Yield every path that stands in a token, its filter included; annotations are not followed."""
    if token is None or isinstance(token, Never):
        return
    if isinstance(token, PathToken | Leaf):
        yield token.path
        return
    for child in _children(token):
        yield from paths_of(child)


def many_prefix(path: ResolvedPath) -> tuple[Relation, ...]:
    """Return the relations of a path up to the first that leads to many rows; nothing where none does."""
    return () if path.first_many is None else path.relations[: path.first_many + 1]


def joined_paths(token: Predicate) -> Iterator[ResolvedPath]:
    """Yield the paths to many rows for which a condition joins; under a negation it asks EXISTS instead."""
    if token.tag == "group":
        if not token.negated and token.connector != "XOR":
            for child in token.children:
                yield from joined_paths(child)
        return
    for path in paths_of(token):
        if path.first_many is not None and not (token.tag == "null" and token.is_null and path.is_presence):
            yield path


def _children(  # noqa: PLR0911 - one return a kind
    token: ExpressionToken | Predicate,
) -> tuple[ExpressionToken | Predicate | None, ...]:
    if token.tag == "group":
        return token.children
    if isinstance(token, NullTest | Membership):
        return (token.left,)
    if token.tag == "compare":
        return (token.left, *token.right)
    if token.tag == "arithmetic":
        return (token.left, token.right)
    if token.tag == "condition":
        return (token.predicate,)
    if token.tag == "aggregate":
        return (token.argument, token.filter)
    return ()


def annotations_of(token: ExpressionToken | Predicate | None) -> Iterator[str]:
    """Yield the names of the annotations that a token uses."""
    if token is None:
        return
    if token.tag == "annotation":
        yield token.name
        return
    for child in _children(token):
        yield from annotations_of(child)


def aggregates_of(token: ExpressionToken | Predicate | None, state: QueryState) -> Iterator[AggregateToken]:
    """Yield the aggregates in a token, those of the annotations that it uses included."""
    if token is None:
        return
    if token.tag == "aggregate":
        yield token
        return
    if token.tag == "annotation":
        yield from aggregates_of(state.annotation(token.name), state)
        return
    for child in _children(token):
        yield from aggregates_of(child, state)


def node_of(translator: Translator, path: ResolvedPath) -> JoinNode:
    """Return the table at the end of a path's relations."""
    return translator.joins.reach(path.relations, None, required=False)
