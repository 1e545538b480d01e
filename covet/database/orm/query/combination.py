"""Queries put together: union, intersection and difference; ``&``, ``|`` and ``^`` of queries of one model. Pure.

A union is a queryset like any other: the rows of its parts stand in the place of the model's table, so it can be
filtered, ordered, sliced, annotated and counted. What ``values()`` chose in the parts are its annotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from covet.database.orm.conditions import Connector
from covet.database.orm.query.inference import decoder, token_type
from covet.database.orm.query.state import EMPTY_STATE, Annotation, QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.tokens import (
    ColumnToken,
    CombinedToken,
    ExpressionToken,
    Group,
    Predicate,
    SubqueryToken,
)
from covet.database.orm.query.traversal import shifted
from covet.database.sql.statements import SetOperator
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.schema.types import LogicalType

_QS = TypeVar("_QS", bound="QuerySet[Any, Any]")


#: What the first query says about the rows of all, whatever they are.
_OF_THE_FIRST = ("select_related", "only", "defer", "fetch_mode", "tag")


def combine(first: _QS, others: Sequence[QuerySet[Any, Any]], operator: SetOperator) -> _QS:
    """Return the rows of several querysets put together."""
    queries: list[QuerySet[Any, Any]] = [first, *others]
    if operator in {"UNION", "UNION ALL"}:
        queries = [query for query in queries if not query.state.empty] or [first]
    elif (operator == "INTERSECT" and any(query.state.empty for query in queries)) or (
        operator == "EXCEPT" and first.state.empty
    ):
        return first.none()
    elif operator == "EXCEPT":
        queries = [first, *(query for query in others if not query.state.empty)]
    if others and len(queries) == 1 and operator != "UNION ALL" and queries[0].state.shape is not None:
        # Equal rows are left out also where nothing is left to put beside them.
        queries, operator = [*queries, *queries], "UNION"
    if len(queries) == 1 and queries[0] is first:
        return first.all()
    columns = [_columns(query) for query in queries]
    for query, other in zip(queries[1:], columns[1:], strict=True):
        _check(queries[0], columns[0], query, other)
    params: list[object] = []
    tokens: list[SubqueryToken] = []
    for query in queries:
        state = query.state._replace(select_related=(), only=None, defer=frozenset())
        tokens.append(SubqueryToken("subquery", query.model, state, len(params), len(query.params)))
        params.extend(query.params)
    start = EMPTY_STATE._replace(order_by=(), combined=CombinedToken("combined", operator, tuple(tokens)))
    lead = queries[0]
    annotations = tuple(
        Annotation(name, ColumnToken("column", column_name(at), kind, decode), 0)
        for at, (name, kind, decode) in enumerate(columns[0])
        if lead.state.shape is not None or lead.state.annotation(name) is not None
    )
    state = start._replace(
        annotations=annotations,
        shape=lead.state.shape,
        **{name: getattr(first.state, name) for name in _OF_THE_FIRST},
    )
    return _placed(first.derive(state, tuple(params)), queries, some=operator in {"UNION", "UNION ALL"})


def _placed(found: _QS, queries: Sequence[QuerySet[Any, Any]], *, some: bool) -> _QS:
    """Give the combined rows the database of the parts and, unless only ``some`` are the first's, what that knows."""
    aliases = dict.fromkeys(query.database for query in queries if query.database is not None)
    if len(aliases) > 1:
        raise TypeError(f"Querysets of several databases cannot be put together: {', '.join(map(repr, aliases))}.")
    found.database = next(iter(aliases), None)
    known = {query.known and (query.known[0], id(query.known[1])) for query in queries}
    found.known = None if some and len(known) > 1 else queries[0].known
    return found


def column_name(position: int) -> str:
    """Return the name that a column which is no field of the model has in the combined rows."""
    return f"c{position}"


_Column = tuple[str, "LogicalType | None", Any]


def _columns(query: QuerySet[Any, Any]) -> list[_Column]:
    """Return name, type and conversion of what the rows of a query are made of."""
    state = query.state
    if state.lock is not None:
        raise TypeError("select_for_update() and union() exclude each other: lock the rows in a query of their own.")
    fields = [field.attname for field in query.model._meta.fields]
    annotated = [annotation.name for annotation in state.annotations if not annotation.hidden]
    names: Sequence[str] = (*fields, *annotated)
    if state.shape is not None and state.shape.names is not None:
        names = state.shape.names
    tokenizer = Tokenizer(query.model._meta, state, [])
    return [_column(name, tokenizer.path(name), state) for name in names]


def _column(name: str, token: ExpressionToken, state: QueryState) -> _Column:
    inner = state.annotation(token.name) if token.tag == "annotation" else token
    return name, token_type(token, state), decoder(inner, state)


def _check(first: QuerySet[Any, Any], columns: list[_Column], other: QuerySet[Any, Any], others: list[_Column]) -> None:
    if (first.state.shape is None) != (other.state.shape is None):
        raise TypeError("union() takes querysets of one kind: all of instances, or all of values().")
    if first.state.shape is None and first.model is not other.model:
        raise TypeError(
            f"union() of instances takes querysets of one model, not of {first.model.__name__} and "
            f"{other.model.__name__}; use values_list() for columns of several models."
        )
    if len(columns) != len(others):
        raise FieldError(f"union() takes queries of as many columns each, not of {len(columns)} and {len(others)}.")


def together(first: _QS, other: QuerySet[Any, Any], connector: Connector) -> _QS:
    """Return the rows that are in both (AND), in either (OR) or in one only (XOR) of two querysets of one model."""
    _check_together(first, other, connector)
    found = _together(first, other, connector)
    return _placed(found, [first, other], some=connector != "AND")


def _together(first: _QS, other: QuerySet[Any, Any], connector: Connector) -> _QS:
    if connector == "AND" and (first.state.empty or other.state.empty):
        return first.none()
    if first.state.empty:
        return first.derive(other.state, other.params)
    if other.state.empty:
        return first.all()
    params = (*first.params, *other.params)
    mine, theirs = first.state.where, tuple(shifted(item, len(first.params)) for item in other.state.where)
    if connector == "AND":
        where: tuple[Predicate, ...] = (*mine, *theirs)
    elif not mine or not theirs:
        where = () if connector == "OR" else (Group("group", "AND", True, mine or theirs),)
        if connector == "XOR" and not (mine or theirs):
            return first.none()
    else:
        where = (Group("group", connector, False, (_all_of(mine), _all_of(theirs))),)
    return first.derive(first.state._replace(where=where), params)


def _all_of(items: tuple[Predicate, ...]) -> Predicate:
    return items[0] if len(items) == 1 else Group("group", "AND", False, items)


def _check_together(first: QuerySet[Any, Any], other: QuerySet[Any, Any], connector: Connector) -> None:
    sign = {"AND": "&", "OR": "|", "XOR": "^"}[connector]
    if first.model is not other.model:
        raise TypeError(
            f"{sign} takes two querysets of one model, not of {first.model.__name__} and {other.model.__name__}."
        )
    for query in (first, other):
        state = query.state
        if (
            state.limit is not None
            or state.offset is not None
            or state.distinct
            or state.combined is not None
            or state.joined
            or state.ctes
        ):
            raise TypeError(
                f"{sign} takes querysets without slices, distinct(), join(), CTEs and union(); put those after it."
            )
    if other.state.annotations and other.state.annotations != first.state.annotations:
        raise TypeError(f"{sign} takes querysets with the same annotations.")
