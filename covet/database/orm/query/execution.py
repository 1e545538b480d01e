"""Execution: look the plan up, bind, fetch, hydrate. The one place where a query meets an adapter.

``QuerySet -> list``. A warm query is: one look-up of (model, kind, state), one bind, one fetch, one hydrate.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from covet.database.adapters.base import Adapter
from covet.database.adapters.instrumentation import HOOKS
from covet.database.connections import adapters
from covet.database.orm.peers import FETCH_MODES, FetchMode
from covet.database.orm.query import summaries
from covet.database.orm.query.compilation import compiled
from covet.database.orm.query.hydration import build_hydrator
from covet.database.orm.query.inference import decoder
from covet.database.orm.query.locking import check_transaction
from covet.database.orm.query.ordering import row_order
from covet.database.orm.query.plan import Plan, not_too_deep
from covet.database.orm.query.planner import SelectPlanner
from covet.database.orm.query.purpose import Purpose, told
from covet.database.orm.query.results import Result
from covet.database.orm.query.state import Annotation, Query, QueryState
from covet.database.orm.query.tokenizer import NEVER
from covet.database.orm.query.tokens import AggregateToken, ExpressionToken, ParamToken
from covet.database.orm.suggestions import choices
from covet.database.routing import Origin, reading, writing
from covet.database.sql import nodes
from covet.database.sql.statements import Select
from covet.exceptions import QueryTooComplex

if TYPE_CHECKING:
    from covet.database.orm.peers import Peers
    from covet.database.orm.query.queryset import QuerySet

_R = TypeVar("_R")


def remembered(adapter: Adapter) -> str | None:
    """Return the alias that instances of this adapter remember: None for the default one."""
    return None if adapter.alias == "default" else Origin(adapter.alias)


def _plan(adapter: Adapter, state: QueryState, select: Select, result: Result, fetch_mode: FetchMode = "peers") -> Plan:
    hydrate = build_hydrator(result, adapter.dialect, len(select.columns), remembered(adapter), fetch_mode)
    return Plan(compiled(adapter, state, select), hydrate, select.lock is not None)


#: Which rows of a query are wanted: all, the only one, the first or the last in its order.
Want = Literal["rows", "one", "first", "last"]


def rows_plan(adapter: Adapter, model: type[Any], state: QueryState, want: Want = "rows") -> Plan:
    """Return the plan of the rows of a query, made now if it is not kept.

    What ``get`` and ``first`` add to a query (a limit, an order) is in the plan, so they need no state of their own.
    """
    key = (model, want, state)
    with not_too_deep():
        plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        with not_too_deep():
            select, result = SelectPlanner(model, narrowed(model, state, want), few=want != "rows").rows()
        if want != "rows" and select.limit is None:
            # Two rows are enough to tell one from several.
            select = replace(select, limit=nodes.Constant(2 if want == "one" else 1))
        plan = _plan(adapter, state, select, result, fetch_mode_of(model, state))
        adapter.plans.put(key, plan)
    return plan


def fetch_mode_of(model: type[Any], state: QueryState) -> FetchMode:
    """Return the fetch mode of a query: its own, its model's, or the one for everything."""
    found: FetchMode = state.fetch_mode or model._meta.fetch_mode or _fetch_mode[0]
    return found


_fetch_mode: list[FetchMode] = ["peers"]


def set_fetch_mode(mode: FetchMode) -> None:
    """Set the fetch mode of every query that does not say another one.

    >>> set_fetch_mode("raise")  # in tests: whatever a loop would load row by row is an error

    Kept plans are forgotten, because the mode is part of them.
    """
    _fetch_mode[0] = checked_fetch_mode(mode)
    for adapter in adapters():
        adapter.plans.clear()


def checked_fetch_mode(mode: FetchMode) -> FetchMode:
    """Return ``mode``, or raise ``ValueError`` with the choices."""
    if mode not in FETCH_MODES:
        raise ValueError(f"There is no fetch mode {mode!r}. {choices(str(mode), FETCH_MODES)}")
    return mode


def narrowed(model: type[Any], state: QueryState, want: Want) -> QueryState:
    """Return the state in the order that is wanted: none for the only row, by key for the first if it has none."""
    if want == "one" and state.order_by is None and state.limit is None and state.offset is None:
        return state._replace(order_by=())
    if want in {"first", "last"}:
        ordered = state.order_by if state.order_by is not None else model._meta.ordering
        if not ordered and state.group_by is None:
            state = state._replace(order_by=row_order(model._meta, state))
    return state._replace(reversed=not state.reversed) if want == "last" else state


async def fetch_all(queryset: QuerySet[Any, _R], want: Want = "rows") -> list[_R]:
    """Return the rows of a query, or those of them that are wanted."""
    if queryset.cached is not None:
        return known_rows(queryset.cached, want)
    state = queryset.state
    if state.empty:
        return []
    model = queryset.model
    adapter = reading(queryset.database, model) if state.lock is None else _locking(queryset)
    try:
        plan: Plan | None = adapter.plans.get((model, want, state))
    except RecursionError:
        raise QueryTooComplex.nested() from None
    if plan is None:
        plan = rows_plan(adapter, model, state, want)
    sql, arguments = plan.compiled.bind(queryset.params)
    work = adapter.fetch_made(sql, arguments, plan.hydrate, write=plan.locks)
    if HOOKS.callbacks:
        work = told(Purpose("rows", model, state, known=queryset.known), work)
    return await work


def _planned(queryset: QuerySet[Any, Any]) -> tuple[Adapter, Plan]:
    adapter = reading(queryset.database, queryset.model) if queryset.state.lock is None else _locking(queryset)
    return adapter, rows_plan(adapter, queryset.model, queryset.state)


async def fetch_linked(
    queryset: QuerySet[Any, _R], owners: Mapping[Any, Any], peers: Peers | None
) -> dict[Any, list[_R]]:
    """Return the rows for many parents by the key of the parent, for each key of ``owners``.

    A row gets ``peers``, and its parent from ``owners`` where it can have one only.
    """
    if queryset.state.empty:
        return {key: [] for key in owners}
    adapter, plan = _planned(queryset)
    sql, arguments = plan.compiled.bind(queryset.params)
    make = partial(plan.hydrate, owners=owners, peers=peers)
    return dict(await adapter.fetch_made(sql, arguments, make, write=plan.locks))


def _locking(queryset: QuerySet[Any, Any]) -> Adapter:
    """Return the adapter of a query that locks its rows."""
    adapter = writing(queryset.database, queryset.model)
    check_transaction(adapter)
    return adapter


def known_rows(rows: list[_R], want: Want) -> list[_R]:
    """Return what is wanted of rows that are loaded already."""
    if want == "rows":
        return rows
    return rows[-1:] if want == "last" else rows[:2] if want == "one" else rows[:1]


async def stream(queryset: QuerySet[Any, _R], chunk_size: int) -> AsyncGenerator[list[_R], None]:
    """Yield the rows of a query in lists of at most ``chunk_size``; memory is bounded by one of them."""
    if queryset.state.empty:
        return
    adapter, plan = _planned(queryset)
    sql, arguments = plan.compiled.bind(queryset.params)
    async with aclosing(adapter.stream(sql, arguments, chunk_size)) as chunks:
        async for rows in chunks:
            yield plan.hydrate(rows)


async def _scalar(
    query: Query,
    database: str | None,
    kind: Literal["count", "exists"],
    build: Callable[[type[Any], QueryState], Select],
) -> Any:
    adapter = reading(database, query.model)
    key = (query.model, kind, query.state)
    try:
        plan: Plan | None = adapter.plans.get(key)
    except RecursionError:
        raise QueryTooComplex.nested() from None
    if plan is None:
        with not_too_deep():
            select = build(query.model, query.state)
        plan = Plan(compiled(adapter, query.state, select), list)
        adapter.plans.put(key, plan)
    sql, arguments = plan.compiled.bind(query.params)
    work = adapter.fetch(sql, arguments)
    rows = await (told(Purpose(kind, query.model, query.state), work) if HOOKS.callbacks else work)
    return rows[0][0] if rows else None


async def count(query: Query, database: str | None) -> int:
    """Return the number of rows."""
    if query.state.empty:
        return 0
    number: int = await _scalar(query, database, "count", summaries.count)
    return number


async def exists(query: Query, database: str | None) -> bool:
    """Return whether there is a row."""
    return not query.state.empty and await _scalar(query, database, "exists", summaries.exists) is not None


async def aggregate(
    query: Query, params: tuple[object, ...], database: str | None, wanted: tuple[Annotation, ...]
) -> dict[str, Any]:
    """Return one row of aggregates as a dict."""
    state = query.state
    if state.empty:
        if all(_is_plain(item.expression) for item in wanted):
            return {item.name: _over_nothing(item.expression, params, state) for item in wanted}
        state = state._replace(where=(*state.where, NEVER))  # what an expression makes of it, the database says
    adapter = reading(database, query.model)
    key = (query.model, wanted, state)
    with not_too_deep():
        plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        with not_too_deep():
            select, record = summaries.aggregate(query.model, state, wanted)
        plan = _plan(adapter, state, select, record)
        adapter.plans.put(key, plan)
    sql, arguments = plan.compiled.bind(params)
    work = adapter.fetch(sql, arguments)
    rows = await (told(Purpose("aggregate", query.model, state), work) if HOOKS.callbacks else work)
    found: dict[str, Any] = plan.hydrate(rows)[0]
    return found


def _is_plain(token: ExpressionToken) -> bool:
    """Whether an expression is an aggregate of which is known what it is over no rows."""
    if not isinstance(token, AggregateToken) or token.forms is not None:
        return False
    return token.default is None or isinstance(token.default, ParamToken)


def _over_nothing(token: ExpressionToken, params: tuple[object, ...], state: QueryState) -> object:
    """Return what an aggregate is over no rows."""
    if not isinstance(token, AggregateToken) or token.name == "count":
        return 0
    if not isinstance(token.default, ParamToken):
        return None
    value, decode = params[token.default.param], decoder(token, state)
    return value if decode is None else decode(value)
