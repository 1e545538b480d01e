"""Summaries: count, exists and aggregate of a QueryState -> Select. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from typing_extensions import override

from covet.database.orm.query.context import NOWHERE, Context
from covet.database.orm.query.groups import Over, over, rows_for
from covet.database.orm.query.inference import decoder, token_type
from covet.database.orm.query.planner import SelectPlanner
from covet.database.orm.query.results import Record, ResultColumn
from covet.database.orm.query.state import Annotation, QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.tokens import (
    AggregateToken,
    AnnotationToken,
    ColumnToken,
    ConditionToken,
    ExpressionToken,
    Leaf,
    Membership,
    PathToken,
    SubqueryToken,
)
from covet.database.orm.query.translation import Translator
from covet.database.orm.query.traversal import aggregates_of, annotations_of, multiplies, windows_of
from covet.database.orm.query.valuation import finish_aggregate
from covet.database.schema.types import Integer
from covet.database.sql import nodes
from covet.database.sql.statements import Select, Selected, SubqueryRef

_COUNT = Selected(nodes.AggregateCall("count", None, type=Integer(64)))


def _is_bounded(state: QueryState) -> bool:
    return state.distinct or bool(state.distinct_on) or state.limit is not None or state.offset is not None


def _lean(state: QueryState) -> QueryState:
    """Drop what does not change which rows there are."""
    used = {name for item in state.where for name in annotations_of(item)}
    used.update(name for join in state.joined for name in annotations_of(join.condition))
    keep = state.annotations if used or state.group_by is not None else ()
    if state.shape is not None and _is_bounded(state):
        keep = state.annotations  # they are among the columns of the query that is counted
    return state._replace(select_related=(), annotations=keep, lock=None)


def _without_target(model: type[Any], state: QueryState) -> tuple[type[Any], QueryState]:
    """Return the same question about the rows of a table of links, where that is all the query speaks of.

    ``post.tags.count()`` counts links: the database itself says that each has its tag. It does not where the foreign
    key has no constraint, or one that waits for the end of the transaction (a link may dangle), or is nullable (a link
    may have no tag), nor may it in a table that is somebody else's.
    """
    if state.joined or state.ctes or state.combined is not None:
        return model, state
    if len(state.where) != 1 or not isinstance(leaf := state.where[0], Leaf) or _is_bounded(state):
        return model, state
    if state.annotations or state.group_by is not None or state.shape is not None or state.filtered:
        return model, state
    if len(leaf.path.relations) != 1:
        return model, state
    (relation,) = leaf.path.relations
    foreign_key = relation.foreign_key
    enforced = getattr(foreign_key, "db_constraint", False) and not getattr(foreign_key, "deferrable", True)
    if relation.kind != "reverse" or foreign_key.null or not enforced or not relation.remote._meta.managed:
        return model, state
    parts = tuple(replace(part, relations=(), first_many=None) for part in leaf.path.parts)
    path = replace(leaf.path, relations=(), first_many=None, nullable=leaf.path.field.null, parts=parts)
    return relation.remote, state._replace(where=(leaf._replace(path=path),), order_by=())


def count(model: type[Any], state: QueryState) -> Select:
    """Return the SELECT of the number of rows."""
    many = _multiplying(model, state)
    model, state = _without_target(model, state._replace(select_related=(), lock=None) if many else _lean(state))
    planner = SelectPlanner(model, state)
    where, having = planner.conditions()
    if not _is_bounded(state) and not planner.is_grouped() and not planner.around and not many:
        return planner.statement((_COUNT,), where, having, ordered=False)
    if state.shape is not None:
        planner.record()
    else:
        planner.add_key()
        for token in many:
            planner.add(planner.translator.value(token))
    columns = tuple(Selected(column.expression, f"c{i}") for i, column in enumerate(planner.columns))
    inner = planner.statement(columns, where, having, ordered=False)  # no order changes how many there are
    return Select((_COUNT,), SubqueryRef(inner, "q"))


def _multiplying(model: type[Any], state: QueryState) -> list[ExpressionToken]:
    """Return the values of the rows that join several related rows to one."""
    names = None if state.shape is None else state.shape.names
    if names is None:
        tokens = [a.expression for a in state.annotations if not a.hidden]
    else:
        tokenizer = Tokenizer(model._meta, state, [])
        tokens = [tokenizer.path(name) for name in names]
    return [token for token in tokens if multiplies(token, state)]


def exists(model: type[Any], state: QueryState) -> Select:
    """Return the SELECT of one row with a constant, or of none."""
    model, state = _without_target(model, _lean(state))
    planner = SelectPlanner(model, state, few=True)
    where, having = planner.conditions()
    statement = planner.statement((Selected(nodes.Constant(1)),), where, having, ordered=False)
    if state.distinct or state.distinct_on:
        statement = replace(statement, distinct=False, distinct_on=())
    return statement if state.limit is not None else replace(statement, limit=nodes.Constant(1))


def aggregate(model: type[Any], state: QueryState, wanted: tuple[Annotation, ...]) -> tuple[Select, Record]:
    """Return the SELECT of one row of aggregates.

    Aggregates across different relations to many rows are computed in a SELECT each, so that none multiplies the rows
    of another; over a limited, distinct or grouped query they are computed around it.
    """
    columns = (
        ResultColumn(a.name, i, token_type(a.expression, state), True, decoder(a.expression, state))
        for i, a in enumerate(wanted)
    )
    record = Record("values", tuple(columns))
    state = state._replace(select_related=(), lock=None)
    if _is_bounded(state) and _crosses(wanted, state):
        state = _chosen_first(model, state)
    if _is_bounded(state) or _uses_aggregates(wanted, state) or state.group_by is not None:
        return _around(model, state, wanted), record
    state = state._replace(annotations=state.annotations if _uses_annotations(wanted) else _lean(state).annotations)
    tokens = [each for a in wanted for each in aggregates_of(a.expression, state)]
    rows = {over(each, state, state.where) for each in tokens}
    if len(rows) == 1:
        return _direct(model, state, rows.pop(), [a.expression for a in wanted]), record
    apart = _Apart(model, state)
    return Select(tuple(Selected(apart.value(a.expression)) for a in wanted)), record


def _crosses(wanted: tuple[Annotation, ...], state: QueryState) -> bool:
    """Whether aggregates are over related rows, and over nothing that the query has besides its model."""
    if state.shape is not None or state.combined is not None or state.joined or state.ctes or _uses_annotations(wanted):
        return False
    return any(over(token, state, ()).chain for a in wanted for token in aggregates_of(a.expression, state))


def _chosen_first(model: type[Any], state: QueryState) -> QueryState:
    """Choose the rows in a subquery: joined to others, neither a limit nor DISTINCT would be about them."""
    pk = PathToken("path", model._meta.resolve_field("pk"))
    chosen = Membership("membership", pk, SubqueryToken("subquery", model, state, 0, 0))
    return QueryState(where=(chosen,), filtered=state.filtered)


def _uses_annotations(wanted: tuple[Annotation, ...]) -> bool:
    return any(any(annotations_of(a.expression)) for a in wanted)


def _uses_aggregates(wanted: tuple[Annotation, ...], state: QueryState) -> bool:
    names = {name for a in wanted for name in annotations_of(a.expression)}
    names |= {name for item in state.where for name in annotations_of(item)}
    tokens = [state.annotation(name) for name in names]
    return any(any(aggregates_of(token, state)) or any(windows_of(token, state)) for token in tokens)


def _direct(model: type[Any], state: QueryState, each: Over, tokens: list[ExpressionToken]) -> Select:
    planner, where = rows_for(model._meta, state, each, lambda part: SelectPlanner(model, part))
    columns = tuple(Selected(planner.translator.value(token)) for token in tokens)
    return Select(columns, planner.source(), planner.joined(), where, ctes=planner.common_tables())


class _Apart(Translator):
    """Computes each aggregate in a SELECT of its own."""

    __slots__ = ("model",)

    def __init__(self, model: type[Any], state: QueryState) -> None:
        planner = SelectPlanner(model, state)
        super().__init__(planner.joins, state, planner.translator.subquery)
        self.model = model

    @override
    def value(self, token: ExpressionToken, context: Context = NOWHERE) -> nodes.Expression:
        if not isinstance(token, AggregateToken):
            return super().value(token, context)
        rows = over(token, self.state, self.state.where)
        return nodes.ScalarSubquery(_direct(self.model, self.state, rows, [token]), token.type)


def _around(model: type[Any], state: QueryState, wanted: tuple[Annotation, ...]) -> Select:
    """Compute the aggregates over the rows of the whole query, taken as a table."""
    planner = SelectPlanner(model, state)
    where, having = planner.conditions()
    if state.shape is not None:
        planner.record()
    elif state.distinct:
        planner.add_key()
    outer = _Outer(planner)
    columns = tuple(Selected(outer.value(a.expression)) for a in wanted)
    if not planner.columns:
        planner.add_key()
    inner_columns = tuple(Selected(column.expression, f"c{i}") for i, column in enumerate(planner.columns))
    inner = planner.statement(inner_columns, where, having, ordered=_is_bounded(state))
    return Select(columns, SubqueryRef(inner, "q"))


class _Outer(Translator):
    """Reads the columns of an inner query from outside: what an aggregate is over becomes a column of it."""

    __slots__ = ("planner",)

    def __init__(self, planner: SelectPlanner) -> None:
        super().__init__(planner.joins, planner.state, planner.translator.subquery)
        self.planner = planner

    @override
    def value(self, token: ExpressionToken, context: Context = NOWHERE) -> nodes.Expression:
        if isinstance(token, AggregateToken):
            argument = self._inner(token.argument) if token.argument is not None else None
            condition = self._inner(ConditionToken("condition", token.filter)) if token.filter is not None else None
            return finish_aggregate(token, argument, condition, self)
        if isinstance(token, PathToken | AnnotationToken | ColumnToken):
            return self._inner(token)
        return super().value(token, context)

    def _inner(self, token: ExpressionToken) -> nodes.ColumnRef:
        expression = self.planner.translator.value(token)
        for position, selected in enumerate(self.planner.columns):
            if selected.expression == expression:
                return nodes.ColumnRef("q", f"c{position}", token_type(token, self.planner.state))
        position = self.planner.add(expression)
        return nodes.ColumnRef("q", f"c{position}", token_type(token, self.planner.state))
