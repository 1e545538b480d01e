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
    #: The relations whose rows are spoken of: others to many rows are asked by EXISTS, lest they multiply these.
    along: tuple[Relation, ...] | None = None
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
            return self._exists(path, token, context)
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
        if path.first_many is not None and (token.is_null or context.negated or context.along is not None):
            if self._asks_presence(path, context):
                return nodes.Exists(self._related(path, None, context.along), negated=token.is_null)
            if self._needs_exists(path, context):
                found = self._exists(path, token, context)
                if not token.is_null:
                    return found
                # A row without related rows has NULL there, as the outer join of the positive condition says.
                return nodes.Or((found, nodes.Exists(self._related(path, None, context.along), negated=True)))
        required = context.required and not token.is_null
        return nodes.IsNull(self.column(path, context._replace(required=required)), negated=not token.is_null)

    def _asks_presence(self, path: ResolvedPath, context: Context) -> bool:
        """Whether IS NULL asks for related rows: not where one of them is the row that is spoken of."""
        if context.along is not None:
            return path.is_presence and self._needs_exists(path, context)
        return path.is_presence and not (self.prefix and self._inside(path))

    def _comparison(self, token: Comparison, context: Context) -> nodes.Expression:
        if isinstance(token.left, PathToken) and self._needs_exists(token.left.path, context):
            return self._exists(token.left.path, token, context)
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
            return self._exists(token.left.path, token, context)
        left = self.value(token.left, context)
        node = nodes.In(left, self.subquery(token.query, self.joins.names, self.offset))
        return _definite(node, left) if context.negated else node

    # -- conditions on related rows --------------------------------------------------------

    def _needs_exists(self, path: ResolvedPath, context: Context) -> bool:
        if path.first_many is None:
            return False
        if context.along is not None:
            chain = path.to_many()
            return chain != context.along[: len(chain)]
        if self.parent is None:
            return context.negated and not context.here
        inside = self._inside(path)
        if inside and context.here:
            return False
        return not inside or (context.negated and any(r.many for r in path.relations[len(self.prefix) :]))

    def _exists(self, path: ResolvedPath, token: Predicate, context: Context) -> nodes.Exists:
        return nodes.Exists(self._related(path, token, context.along))

    def _related(self, path: ResolvedPath, token: Predicate | None, along: tuple[Relation, ...] | None) -> Select:
        """Return ``SELECT 1`` of the related rows for which ``token`` holds."""
        owner = self if self.parent is None or self._inside(path) else self.parent
        inner, condition = owner.nest(path.relations, along or ())
        if token is not None:
            condition = nodes.And((condition, inner.predicate(token, Context(scope=0, required=True))))
        root = inner.joins.root
        return Select((Selected(nodes.Constant(1)),), root.table(), inner.joins.build(), condition)

    def nest(
        self, relations: tuple[Relation, ...], along: tuple[Relation, ...] = ()
    ) -> tuple[Translator, nodes.Expression]:
        """Return a translator whose root is the first of ``relations`` to many, and its match with this query.

        ``along`` are relations of this query: the first that leaves them is meant.
        """
        start = len(self.prefix)
        shared = next((i for i, (a, b) in enumerate(zip(relations, along, strict=False)) if a is not b), len(along))
        many = next(i for i in range(max(start, shared), len(relations)) if relations[i].many)
        near = self.joins.reach(relations[start:many], None, required=False)
        relation = relations[many]
        names = self.joins.names
        joins = Joins(relation.remote._meta, names, names.next())
        inner = Translator(
            joins,
            self.state,
            self.subquery,
            offset=self.offset,
            parent=self,
            prefix=relations[: many + 1],
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
        chain = rows_of(token, self.state)
        if not chain:
            return self.aggregate_call(token)
        inner, condition = self.nest(chain)
        call = inner.aggregate_call(token)
        chosen = choosing(chain, self.state.where[:after])
        if chosen is not None:
            condition = nodes.And((condition, inner.predicate(chosen, Context(along=chain))))
        select = Select((Selected(call),), inner.joins.root.table(), inner.joins.build(), condition)
        return nodes.ScalarSubquery(select, token.type)

    def aggregate_call(self, token: AggregateToken) -> nodes.Expression:
        """Translate an aggregate over the rows of this SELECT."""
        argument = self.value(token.argument) if token.argument is not None else None
        condition: nodes.Expression | None = None
        if token.filter is not None:
            condition = self.predicate(token.filter, Context(here=True, along=rows_of(token, self.state)))
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


def many_prefix(relations: tuple[Relation, ...]) -> tuple[Relation, ...]:
    """Return the relations up to the first that leads to many rows; nothing where none does."""
    many = next((i for i, relation in enumerate(relations) if relation.many), None)
    return () if many is None else relations[: many + 1]


def rows_of(token: AggregateToken, state: QueryState) -> tuple[Relation, ...]:
    """Return the relations whose rows an aggregate is over: those of its argument; its filter only chooses."""
    chains = sorted(dict.fromkeys(path.to_many() for path in followed_paths(token.argument, state)), key=len)
    for chain in chains:
        if chain != chains[-1][: len(chain)]:
            one, other = (".".join(relation.name for relation in each) for each in (chain, chains[-1]))
            raise FieldError(
                f"{token.name.capitalize()}() over {one!r} and {other!r} at once would be over every pair of their "
                "rows. Compute one aggregate each, and combine these: Sum(...) * Sum(...)."
            )
    return chains[-1] if chains else ()


def followed_paths(token: ExpressionToken | Predicate | None, state: QueryState) -> Iterator[ResolvedPath]:
    """Yield the paths in an expression, those of the annotations that it uses included."""
    yield from paths_of(token)
    for name in annotations_of(token):
        yield from followed_paths(state.annotation(name), state)


def choosing(chain: tuple[Relation, ...], where: tuple[Predicate, ...]) -> Predicate | None:
    """Return the ``filter()`` call that chooses which rows of ``chain`` are meant: the first that crosses it."""
    first = many_prefix(chain)
    if not first:
        return None
    return next((item for item in where if any(many_prefix(p.relations) == first for p in joined_paths(item))), None)


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


def conjuncts(token: Predicate) -> tuple[Predicate, ...]:
    """Return the conditions that all have to hold for a condition to hold."""
    if token.tag == "group" and token.connector == "AND" and not token.negated:
        return tuple(part for child in token.children for part in conjuncts(child))
    return (token,)


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
