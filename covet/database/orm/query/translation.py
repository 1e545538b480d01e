"""Translation: tokens -> SQL nodes, joining what their paths cross. Pure.

SQL's three-valued logic is met here: under a NOT every comparison that may be NULL is paired with ``IS NOT NULL``, so
that ``exclude(age=3)`` keeps the rows whose age is NULL (Django's rule); a negated condition across a relation to many
rows becomes NOT EXISTS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from covet.database.orm.query import rows
from covet.database.orm.query.context import NOWHERE, Context
from covet.database.orm.query.joins import JoinNode, Joins, match
from covet.database.orm.query.sources import find_column
from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokens import (
    AnnotationToken,
    Comparison,
    ExistsToken,
    ExpressionToken,
    Group,
    Leaf,
    Membership,
    NullTest,
    OuterToken,
    ParamToken,
    PathToken,
    Predicate,
    SubqueryToken,
    TruthToken,
    Unbound,
)
from covet.database.orm.query.traversal import paths_of
from covet.database.orm.query.valuation import translate
from covet.database.schema.types import Boolean, LogicalType
from covet.database.sql import nodes
from covet.database.sql.statements import Select, Selected
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import ResolvedPath
    from covet.database.orm.relations import Relation


#: What a query inside another one is wanted for: the right side of ``in``, a value, or whether it has rows.
Purpose = Literal["in", "value", "exists"]


class SubqueryBuilder(Protocol):
    """Plans a query inside the query of ``translator``."""

    def __call__(self, token: SubqueryToken, translator: Translator, purpose: Purpose = "value", /) -> Select: ...


class Translator:
    """Translates the tokens of one SELECT. ``prefix`` are the relations that its root stands for in a subquery."""

    __slots__ = ("_selects", "by_subquery", "joins", "offset", "outer", "parent", "prefix", "state", "subquery")

    def __init__(
        self,
        joins: Joins,
        state: QueryState,
        subquery: SubqueryBuilder,
        *,
        offset: int = 0,
        parent: Translator | None = None,
        prefix: tuple[Relation, ...] = (),
        outer: Translator | None = None,
    ) -> None:
        self.joins = joins
        self.state = state
        self.subquery = subquery
        self.offset = offset
        self.parent = parent
        self.prefix = prefix
        #: The translator of the query around this one.
        self.outer: Translator | None = outer if parent is None else parent.outer
        #: Aggregates across a relation to many rows are computed in a subquery each.
        self.by_subquery = False
        self._selects: dict[tuple[SubqueryToken, Purpose], Select] = {}
        if state.filtered:
            joins.narrow = self.narrow

    # -- paths and parameters --------------------------------------------------------------

    def column(self, path: ResolvedPath, context: Context = NOWHERE) -> nodes.Expression:
        """Return the column at the end of a path."""
        if self.parent is not None and not self._inside(path):
            return self.parent.column(path)
        relations = path.relations[len(self.prefix) :]
        node = self.joins.reach(relations, context.scope, required=context.required) if relations else self.joins.root
        return nodes.ColumnRef(node.alias, path.field.column, path.field.logical_type)

    def columns(self, path: ResolvedPath, context: Context = NOWHERE) -> tuple[nodes.Expression, ...]:
        """Return the columns at the end of a path: several where it leads to a key of several fields."""
        return tuple(self.column(part, context) for part in path.parts) or (self.column(path, context),)

    def _inside(self, path: ResolvedPath) -> bool:
        return path.relations[: len(self.prefix)] == self.prefix

    def param(self, index: int, kind: LogicalType | None) -> nodes.Expression:
        """Return the node of a parameter."""
        return nodes.Param(index + self.offset, kind)

    def param_list(self, index: int, kind: LogicalType | None) -> nodes.ParamList | tuple[nodes.Expression, ...]:
        """Return the node of a parameter that is a list."""
        return nodes.ParamList(index + self.offset, kind)

    def row_list(self, index: int, path: ResolvedPath) -> nodes.RowList:
        """Return the node of a parameter that is a list of keys of several columns."""
        return nodes.RowList(index + self.offset, tuple(part.field.logical_type for part in path.parts))

    # -- conditions ------------------------------------------------------------------------

    def predicate(self, token: Predicate, context: Context) -> nodes.Expression:
        """Translate a condition."""
        match token:
            case Leaf():
                found = self._leaf(token, context)
            case Group():
                found = self._group(token, context)
            case NullTest():
                found = self._null_test(token, context)
            case Comparison():
                found = self._comparison(token, context)
            case Membership():
                found = self._membership(token, context)
            case ExistsToken():
                found = nodes.Exists(self.inner_select(token.query, "exists"))
            case TruthToken():
                found = self._truth(token, context)
            case Unbound():
                raise TypeError("The query has parameters without values: prepare() it, then call what that gives.")
            case _:
                found = nodes.Constant(False)
        return found

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
        if path.parts:
            return self._row(path, token, context)
        lookup = path.lookup
        kind = lookup.param_type(path.field)
        if lookup.matches_null:
            # It is never NULL itself, and true where a joined row is missing.
            context = context._replace(required=False, negated=False)
        operand = self.column(path, context)
        if lookup.takes_list:
            node: nodes.Expression = nodes.In(operand, self.param_list(token.param, kind))
        else:
            node = lookup.build(operand, *(self.param(token.param + i, kind) for i in range(lookup.arity)))
        return _definite(node, lookup.tested(operand)) if context.negated and path.nullable else node

    def _row(self, path: ResolvedPath, token: Leaf, context: Context) -> nodes.Expression:
        """Translate a comparison of a key of several columns."""
        columns = self.columns(path, context)
        if path.lookup.takes_list:
            node: nodes.Expression = nodes.In(nodes.Row(columns), self.row_list(token.param, path))
        else:
            params = tuple(self.param(token.param + i, p.field.logical_type) for i, p in enumerate(path.parts))
            node = rows.compared(path, columns, params)
        return nodes.And((node, rows.certain(path, columns))) if context.negated and path.nullable else node

    def _truth(self, token: TruthToken, context: Context) -> nodes.Expression:
        if (path := self._asked_aside(token.expression, context)) is not None:
            return self._exists(path, token, context)
        value = self.value(token.expression, context)
        return _definite(value, value) if context.negated else value

    def _null_test(self, token: NullTest, context: Context) -> nodes.Expression:
        if not isinstance(token.left, PathToken):
            if (aside := self._asked_aside(token.left, context)) is not None:
                found = self._exists(aside, token, context)
                return self._or_nobody(found, aside, context) if token.is_null else found
            return nodes.IsNull(self.value(token.left), negated=not token.is_null)
        path = token.left.path
        if path.first_many is not None and (token.is_null or context.negated or context.along is not None):
            if self._asks_presence(path, context):
                return nodes.Exists(self._related(path, None, context.along), negated=token.is_null)
            if self._needs_exists(path, context):
                found = self._exists(path, token, context)
                return self._or_nobody(found, path, context) if token.is_null else found
        required = context.required and not token.is_null
        columns = self.columns(path, context._replace(required=required))
        return rows.null_test(path, columns, is_null=token.is_null)

    def _or_nobody(self, found: nodes.Expression, path: ResolvedPath, context: Context) -> nodes.Expression:
        """Add the rows without related rows: they have NULL there, as the outer join of the positive condition says."""
        return nodes.Or((found, nodes.Exists(self._related(path, None, context.along), negated=True)))

    def _asks_presence(self, path: ResolvedPath, context: Context) -> bool:
        """Whether IS NULL asks for related rows: not where one of them is the row that is spoken of."""
        if context.along is not None:
            return path.is_presence and self._needs_exists(path, context)
        return path.is_presence and not (self.prefix and self._inside(path))

    def _comparison(self, token: Comparison, context: Context) -> nodes.Expression:
        if (path := self._asked_aside(token.left, context)) is not None:
            return self._exists(path, token, context)
        if token.lookup.matches_null:
            context = context._replace(required=False, negated=False)
        left = self.value(token.left, context)
        first = token.right[0]
        if isinstance(first, ParamToken) and first.takes_list:
            node: nodes.Expression = nodes.In(left, self.param_list(first.param, first.type))
            return _definite(node, left) if context.negated else node
        right = tuple(self.value(side, context._replace(required=False)) for side in token.right)
        node = nodes.In(left, right) if token.lookup.takes_list else token.lookup.build(left, *right)
        if context.negated:
            for side, operand in zip((token.left, *token.right), (left, *right), strict=True):
                if not isinstance(side, ParamToken):
                    node = _definite(node, token.lookup.tested(operand) if side is token.left else operand)
        return node

    def _membership(self, token: Membership, context: Context) -> nodes.Expression:
        if (path := self._asked_aside(token.left, context)) is not None:
            return self._exists(path, token, context)
        if isinstance(token.left, PathToken) and token.left.path.parts:
            path, columns = token.left.path, self.columns(token.left.path, context)
            found = nodes.In(nodes.Row(columns), self.inner_select(token.query, "in"))
            return nodes.And((found, rows.certain(path, columns))) if context.negated else found
        left = self.value(token.left, context)
        node = nodes.In(left, self.inner_select(token.query, "in"))
        if not context.negated:
            return node
        if _may_give_null(token.query):  # a NULL among the values makes NOT IN unknown for every row
            return nodes.Function("coalesce", (node, nodes.Constant(False)), Boolean())
        return _definite(node, left)

    # -- conditions on related rows --------------------------------------------------------

    def _asked_aside(self, left: ExpressionToken, context: Context) -> ResolvedPath | None:
        """Return the path in the left side of a condition for which related rows are asked by EXISTS, if one is."""
        return next((path for path in paths_of(left) if self._needs_exists(path, context)), None)

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

    def value(self, token: ExpressionToken, context: Context = NOWHERE) -> nodes.Expression:
        """Translate an expression."""
        return translate(self, token, context)

    def source_alias(self, name: str | None) -> str:
        """Return the alias of what the query joins under a name; None is what it begins with."""
        translator = self
        while name not in translator.joins.sources and translator.parent is not None:
            translator = translator.parent
        return translator.joins.root.alias if name is None else translator.joins.sources[name]

    def inner_select(self, token: SubqueryToken, purpose: Purpose = "value") -> Select:
        """Return the SELECT of a query inside this one.

        The same wherever it stands, aliases included: what is selected and what is grouped by must be equal.
        """
        found = self._selects.get((token, purpose))
        if found is None:
            found = self._selects[token, purpose] = self.subquery(token, self, purpose)
        return found

    def outer_column(self, token: OuterToken) -> nodes.Expression:
        """Return what a reference to a query around this one stands for."""
        translator: Translator | None = self
        for _ in range(token.depth):
            translator = None if translator is None else translator.outer
        if translator is None:
            raise FieldError(
                f"OuterRef({token.path!r}) refers to a query around this one, and there is none: "
                "this query may only be used inside Subquery(), Exists() or 'in'."
            )
        while translator.parent is not None:  # a part of that query about related rows: the query itself is meant
            translator = translator.parent
        if translator.state.annotation(token.path) is not None:
            return translator.value(AnnotationToken("annotation", token.path))
        if (found := find_column(translator.state, token.path)) is not None:
            return translator.value(found.token)
        return translator.column(translator.joins.root.options.resolve_field(token.path))


def exclusive_or(items: tuple[nodes.Expression, ...]) -> nodes.Expression:
    """Return a condition that is true when an odd number of ``items`` are, as Django's ``^``."""
    if len(items) == 1:
        return items[0]
    middle = len(items) // 2
    return nodes.Comparison("<>", exclusive_or(items[:middle]), exclusive_or(items[middle:]))


def _may_give_null(query: SubqueryToken) -> bool:
    """Whether a query of one column may have NULL there."""
    names = None if query.state.shape is None else query.state.shape.names
    if names is None or query.state.annotation(names[0]) is not None:
        return names is not None
    nullable: bool = query.model._meta.resolve_field(names[0]).nullable
    return nullable


def _definite(node: nodes.Expression, operand: nodes.Expression) -> nodes.Expression:
    """Make a comparison false, not NULL, where ``operand`` is NULL: a NOT around it is then true."""
    return nodes.And((node, nodes.IsNull(operand, negated=True)))
