"""Deletion: the rows of a query and what ``on_delete`` takes with them, counted by model.

Nothing refers to the model: one DELETE. Otherwise the keys are collected first (``collector``), level by level, and
then everything is written in one transaction: keys that are emptied or changed, then the rows, those that refer before
those that are referred to. The database has the same rules as constraints; they are followed here too so that the
counts and the errors are the same on every database, and where there is no constraint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from covet.database.connections import adapter_for
from covet.database.orm.on_delete import SET, SET_DEFAULT
from covet.database.orm.query.collector import Collector, followed, rows_of
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.writes import execute, rows_where
from covet.database.sql.statements import Delete, TableRef
from covet.database.transaction import transaction

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.relations import Relation


async def delete(queryset: QuerySet[Any, Any]) -> tuple[int, dict[str, int]]:
    """Delete the rows of a query; return (count, {label: count})."""
    if queryset.state.shape is not None:
        raise TypeError("delete() is for instances; call it before values().")
    if queryset.state.empty:
        return 0, {}
    counts: Counter[str] = Counter()
    if not followed(queryset.model):
        counts[queryset.model._meta.label] = await _delete_rows(queryset)
    else:
        alias = adapter_for(queryset.database).alias
        async with transaction(using=alias):
            collector = Collector(alias)
            await collector.collect(queryset)
            await _write(collector, counts)
    found = {label: number for label, number in counts.items() if number}
    return sum(found.values()), found


async def _write(collector: Collector, counts: Counter[str]) -> None:
    """Change what stays and delete what goes."""
    for relation in collector.changed:
        await _change(collector, relation)
    order, circular = in_order(collector.models())
    for relation in circular:
        await collector.going(relation).update(**{relation.foreign_key.name: None})
    for model in order:
        label = model._meta.label
        if model in collector.unread:
            counts[label] += await _delete_rows(collector.referring_rows(model))
        else:
            await _delete_rows(rows_of(model, collector.alias, collector.rows[model]))
            # Counted as read: in a circle the database's own cascade takes rows before their turn comes.
            counts[label] += len(collector.rows[model])


async def _change(collector: Collector, relation: Relation) -> None:
    """Let the rows that stay refer to something else, or to nothing."""
    key: Any = relation.foreign_key
    rows = collector.staying(relation, collector.changed[relation])
    value: object = None
    if isinstance(key.on_delete, SET):
        if callable(key.on_delete.value) and not await rows.exists():
            return
        value = await key.on_delete.resolve()
    elif key.on_delete == SET_DEFAULT:
        value = key.get_default()
    await rows.update(**{key.name: value})


def in_order(models: Iterable[type[Any]]) -> tuple[list[type[Any]], list[Relation]]:
    """Sort models so that each comes after those that refer to it.

    Where models refer to each other in a circle, references that the database follows by itself do not count; what is
    left of a circle is returned too: keys to empty first.
    """
    waiting = dict.fromkeys(models)
    done: list[type[Any]] = []
    circular: list[Relation] = []
    while waiting:
        ready = [model for model in waiting if not any(_referring(model, waiting))]
        if not ready:
            ready = [model for model in waiting if not any(map(_refuses, _referring(model, waiting)))]
        if not ready:
            keys = [relation for model in waiting for relation in _referring(model, waiting) if _refuses(relation)]
            circular += [relation for relation in keys if relation.foreign_key.null]
            ready = list(waiting)
        done += ready
        for model in ready:
            del waiting[model]
    return done, circular


def _referring(model: type[Any], models: Iterable[type[Any]]) -> list[Relation]:
    options: Options = model._meta
    return [relation for relation in options.dependants if relation.remote in models and relation.remote is not model]


def _refuses(relation: Relation) -> bool:
    """Return whether the constraint refuses to delete a row that is referred to."""
    key: Any = relation.foreign_key
    return bool(key.db_constraint and key.constraint_action in {"NO ACTION", "RESTRICT"})


async def _delete_rows(queryset: QuerySet[Any, Any]) -> int:
    model, state = queryset.model, queryset.state
    options: Options = model._meta
    adapter = adapter_for(queryset.database)
    key = (model, "delete rows", state)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        table = TableRef(options.db_table, options.schema, options.db_table)
        plan = Plan(adapter.dialect.compile(Delete(table, rows_where(model, state))), list)
        adapter.plans.put(key, plan)
    number: int = await execute(adapter, model, plan, queryset.params, rows=False)
    return number
