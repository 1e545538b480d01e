"""Returning: UPDATE and DELETE that give the rows they changed: ``UPDATE .. RETURNING``, in one statement.

The rows are hydrated as those of the query would be: instances, dicts, tuples, row classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, cast, overload

from typing_extensions import TypeVar

from covet.database.adapters.base import Adapter
from covet.database.orm.expressions import Expression
from covet.database.orm.query import deletion, prefetch
from covet.database.orm.query.collector import followed
from covet.database.orm.query.compilation import compiled
from covet.database.orm.query.execution import fetch_mode_of, remembered
from covet.database.orm.query.hydration import build_hydrator
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.results import Result
from covet.database.orm.query.row_values import RowPlanner
from covet.database.orm.query.writes import Assignment, assigned, execute, rows_where, table_ref, update_statement
from covet.database.routing import writing
from covet.database.sql.statements import Delete, Statement
from covet.database.transaction import transaction

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.query.state import QueryState

_R = TypeVar("_R")
_T1 = TypeVar("_T1")
_T2 = TypeVar("_T2")
_T3 = TypeVar("_T3")
_T4 = TypeVar("_T4")


class Returning(Generic[_R]):
    """Rows that are about to be changed or deleted, and given back: what ``qs.returning()`` is."""

    __slots__ = ("_queryset",)

    def __init__(self, queryset: QuerySet[Any, _R]) -> None:
        self._queryset = queryset

    async def update(self, **values: Any) -> list[_R]:
        """Change all rows in one statement and return them as they are then, in no order.

        >>> await Post.objects.filter(author=ann).returning("id", "views").update(views=F("views") + 1)

        ``UPDATE posts SET views = views + $2 WHERE author_id = $1 RETURNING id, views``
        """
        queryset = self._queryset
        params, assignments = assigned(queryset, values)
        if queryset.state.empty:
            return []
        adapter = writing(queryset.database, queryset.model)
        plan = _update_plan(adapter, queryset.model, queryset.state, assignments)
        return await _changed(adapter, queryset, plan, params)

    async def delete(self) -> list[_R]:
        """Delete all rows and return them as they were, in no order.

        ``DELETE FROM .. RETURNING ..``; where ``on_delete`` takes other rows along, the rows are locked (PostgreSQL)
        and read first, in one transaction with the deletion.
        """
        queryset = self._queryset
        if queryset.state.empty:
            return []
        adapter = writing(queryset.database, queryset.model)
        plan = _delete_plan(adapter, queryset.model, queryset.state)
        if followed(queryset.model):
            return await _read_and_delete(adapter, queryset)
        if queryset.prefetches:
            # Related rows may go by a cascade of the database, so they are read while they are there.
            return await _read_and_delete(adapter, queryset)
        return await _changed(adapter, queryset, plan, queryset.params)

    def __repr__(self) -> str:
        return f"<Returning of {self._queryset!r}>"


def _plan(
    adapter: Adapter, model: type[Any], state: QueryState, statement: Statement, width: int, result: Result
) -> Plan:
    hydrate = build_hydrator(result, adapter.dialect, width, remembered(adapter), fetch_mode_of(model, state))
    return Plan(compiled(adapter, state, statement), hydrate)


def _update_plan(adapter: Adapter, model: type[Any], state: QueryState, assignments: tuple[Assignment, ...]) -> Plan:
    key = (model, "update returning", assignments, state)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        statement, result = update_statement(model, state, assignments, returning=True)
        plan = _plan(adapter, model, state, statement, len(statement.returning), cast("Result", result))
        adapter.plans.put(key, plan)
    return plan


def _delete_plan(adapter: Adapter, model: type[Any], state: QueryState) -> Plan:
    key = (model, "delete returning", state)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        columns, result = RowPlanner(model, state).returned()
        statement = Delete(table_ref(model._meta), rows_where(model, state), columns)
        plan = _plan(adapter, model, state, statement, len(columns), result)
        adapter.plans.put(key, plan)
    return plan


async def _changed(adapter: Adapter, queryset: QuerySet[Any, _R], plan: Plan, params: tuple[object, ...]) -> list[_R]:
    rows: list[_R] = await execute(adapter, queryset.model, plan, params, rows=True)
    await prefetch.complete(queryset.using(adapter.alias), rows)
    return rows


async def _read_and_delete(adapter: Adapter, queryset: QuerySet[Any, _R]) -> list[_R]:
    """Lock and read the rows, then delete those and what goes with them."""
    options: Options = queryset.model._meta
    state = queryset.state._replace(shape=None, only=None, defer=frozenset())
    chosen = queryset.derive(state, queryset.params)
    chosen.prefetches = ()
    async with transaction(using=adapter.alias):
        base = cast("QuerySet[Any, Any]", options.base_queryset()).using(adapter.alias)
        found = base.filter(pk__in=chosen)
        if adapter.dialect.supports_row_locks:
            found = found.select_for_update()
        rows_of_keys = await found.values_list(*[field.attname for field in options.key])
        keys = rows_of_keys if len(options.key) > 1 else [key[0] for key in rows_of_keys]
        if not keys:
            return []
        unbound = queryset.state._replace(limit=None, offset=None, lock=None)
        chosen = queryset.derive(unbound, queryset.params).using(adapter.alias)
        rows = await chosen.filter(pk__in=keys).fetch()
        await deletion.delete(base.filter(pk__in=keys))
    return rows


class Returns(Generic[_R]):
    """``returning()``, of querysets and of managers."""

    __slots__ = ()

    @overload
    def returning(self) -> Returning[_R]: ...
    @overload
    def returning(self, field: Expression[_T1], /, *, flat: Literal[True]) -> Returning[_T1]: ...
    @overload
    def returning(self, field: str, /, *, flat: Literal[True]) -> Returning[Any]: ...
    @overload
    def returning(self, f1: Expression[_T1], /) -> Returning[tuple[_T1]]: ...
    @overload
    def returning(self, f1: Expression[_T1], f2: Expression[_T2], /) -> Returning[tuple[_T1, _T2]]: ...
    @overload
    def returning(
        self, f1: Expression[_T1], f2: Expression[_T2], f3: Expression[_T3], /
    ) -> Returning[tuple[_T1, _T2, _T3]]: ...
    @overload
    def returning(
        self, f1: Expression[_T1], f2: Expression[_T2], f3: Expression[_T3], f4: Expression[_T4], /
    ) -> Returning[tuple[_T1, _T2, _T3, _T4]]: ...
    @overload
    def returning(
        self, field: str | Expression[Any], /, *fields: str | Expression[Any], named: bool = ...
    ) -> Returning[tuple[Any, ...]]: ...
    def returning(self, *fields: Any, flat: bool = False, named: bool = False) -> Any:
        """Say what ``update()`` or ``delete()`` gives back of the rows.

        >>> await Post.objects.filter(draft=True).returning(Post.id, Post.title).delete()  # list[tuple[int, str]]
        >>> await Post.objects.filter(id=1).returning().update(draft=False)  # instances
        >>> await Post.objects.values("id").returning().update(draft=False)  # dicts

        Names make tuples, as those of ``values_list`` do; without them rows are what those of the query are.
        """
        queryset: Any = cast("QuerySet[Any, _R]", self).all()
        if fields or flat or named:
            queryset = queryset.values_list(*fields, flat=flat, named=named)
        return Returning(queryset)
