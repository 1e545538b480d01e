"""Deletion: the rows of a query and what ``on_delete`` takes with them, counted by model.

Nothing refers to the model: one DELETE. Otherwise the keys are collected first (``collector``), level by level, and
then everything is written in one transaction: keys that are emptied or changed, then the rows, those that refer before
those that are referred to. The database has the same rules as constraints; they are followed here too so that the
counts and the errors are the same on every database, and where there is no constraint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from covet.database.adapters.instrumentation import HOOKS
from covet.database.orm.on_delete import SET, SET_DEFAULT
from covet.database.orm.query.collector import Collector, followed
from covet.database.orm.query.compilation import compiled
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.purpose import Purpose, told
from covet.database.orm.query.writes import execute, rows_where
from covet.database.routing import writing
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
        alias = writing(queryset.database, queryset.model).alias
        async with transaction(using=alias):
            collector = Collector(alias)
            work = collector.collect(queryset)
            await (told(Purpose("deletion", queryset.model), work) if HOOKS.callbacks else work)
            await _write(collector, counts)
    found = {label: number for label, number in counts.items() if number}
    return sum(found.values()), found


async def _write(collector: Collector, counts: Counter[str]) -> None:
    """Change what stays and delete what goes."""
    for relation in collector.changed:
        await _change(collector, relation)
    order, circular = in_order(collector.models())
    for relation in circular:
        await collector.going(relation.remote).update(**{relation.foreign_key.name: None})
    for model in order:
        number = await _delete_rows(collector.going(model))
        read = collector.rows.get(model)
        # What was read is counted as read: in a circle the database's own cascade takes rows before their turn comes.
        counts[model._meta.label] += number if read is None else len(read)


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

    Where models refer to each other in a circle, the database's own cascade may see to it; if not, the keys that have
    to be emptied first are returned too.
    """
    waiting = dict.fromkeys(models)
    done: list[type[Any]] = []
    circular: list[Relation] = []
    while waiting:
        ready = [model for model in waiting if not _referring(model, waiting)]
        ready = ready or [model for model in waiting if not _refusing(model, waiting, circular)][:1]
        if not ready:
            keys = [key for model in waiting for key in _refusing(model, waiting, circular) if key.foreign_key.null]
            circular += dict.fromkeys(keys)
            ready = [] if keys else list(waiting)[:1]
        done += ready
        for model in ready:
            del waiting[model]
    return done, circular


def _referring(model: type[Any], models: Iterable[type[Any]]) -> list[Relation]:
    options: Options = model._meta
    return [relation for relation in options.dependants if relation.remote in models and relation.remote is not model]


def _refusing(model: type[Any], models: Iterable[type[Any]], emptied: Sequence[Relation]) -> list[Relation]:
    """Return the keys that keep rows of a model from going, or rows that the database would delete with them."""
    found: list[Relation] = []
    together = [model]
    for each in together:
        for relation in _referring(each, models):
            key: Any = relation.foreign_key
            if relation.far_type is not None or not key.db_constraint or relation.remote is model:
                continue
            if key.constraint_action == "CASCADE" and relation.remote not in together:
                together.append(relation.remote)
            elif key.constraint_action in {"NO ACTION", "RESTRICT"} and relation not in emptied:
                found.append(relation)
    return found


async def _delete_rows(queryset: QuerySet[Any, Any]) -> int:
    model, state = queryset.model, queryset.state
    options: Options = model._meta
    adapter = writing(queryset.database, queryset.model)
    key = (model, "delete rows", state)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        table = TableRef(options.db_table, options.schema, options.db_table)
        plan = Plan(compiled(adapter, state, Delete(table, rows_where(model, state))), list)
        adapter.plans.put(key, plan)
    number: int = await execute(adapter, model, plan, queryset.params, rows=False)
    return number
