"""Deletion: the rows of a query and what ``on_delete`` takes with them, counted by model.

Nothing refers to the model: one DELETE. Otherwise the keys are read and the rules of every foreign key that points here
are followed before the rows go, all in one transaction. The database has the same rules as constraints; they are
followed here too so that the counts and the errors are the same on every database.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from covet.database.connections import adapter_for
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.tokenizer import related
from covet.database.orm.query.writes import execute, rows_where
from covet.database.sql.statements import Delete, TableRef
from covet.database.transaction import transaction
from covet.exceptions import ProtectedError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.relations import Relation


async def delete(queryset: QuerySet[Any, Any]) -> tuple[int, dict[str, int]]:
    """Delete the rows of a query; return (count, {label: count})."""
    if queryset.state.shape is not None:
        raise TypeError("delete() is for instances; call it before values().")
    counts: Counter[str] = Counter()
    if queryset.state.empty:
        return 0, {}
    if not _dependants(queryset.model):
        number = await _delete_rows(queryset)
        return (number, {queryset.model._meta.label: number}) if number else (0, {})
    async with transaction(using=adapter_for(queryset.database).alias):
        await _cascade(queryset, counts, set())
    return sum(counts.values()), dict(counts)


def _dependants(model: type[Any]) -> list[Relation]:
    options: Options = model._meta
    return [relation for relation in options.dependants if _action(relation) != "DO_NOTHING"]


def _action(relation: Relation) -> str:
    if relation.far_type is not None:
        return "CASCADE"  # a generic relation that has another rule is no dependant
    return cast("str", getattr(relation.foreign_key, "on_delete", "DO_NOTHING"))


async def _cascade(queryset: QuerySet[Any, Any], counts: Counter[str], seen: set[tuple[str, Any]]) -> None:
    options: Options = queryset.model._meta
    relations = _dependants(queryset.model)
    if not relations:  # links, mostly: one statement, nothing is read
        if number := await _delete_rows(queryset):
            counts[options.label] += number
        return
    attnames = dict.fromkeys([options.pk.attname, *(relation.local_field.attname for relation in relations)])
    plain = queryset.derive(queryset.state._replace(select_related=(), only=None, defer=frozenset()), queryset.params)
    rows = [row for row in await plain.values(*attnames) if (options.label, row[options.pk.attname]) not in seen]
    if not rows:
        return
    seen.update((options.label, row[options.pk.attname]) for row in rows)
    for relation in sorted(relations, key=lambda relation: _action(relation) not in {"PROTECT", "RESTRICT"}):
        keys = [row[relation.local_field.attname] for row in rows]
        await _follow(queryset, relation, keys, counts, seen)
    base = cast("QuerySet[Any, Any]", options.base_queryset()).using(adapter_for(queryset.database).alias)
    await _delete_rows(base.filter(pk__in=[row[options.pk.attname] for row in rows]))
    # Counted as read: in a cycle the database's own cascade takes rows before their turn comes.
    counts[options.label] += len(rows)


async def _follow(
    queryset: QuerySet[Any, Any],
    relation: Relation,
    keys: list[Any],
    counts: Counter[str],
    seen: set[tuple[str, Any]],
) -> None:
    """Do with the rows that refer to ``keys`` what their foreign key says."""
    remote: Options = relation.remote._meta
    base = cast("QuerySet[Any, Any]", remote.base_queryset()).using(adapter_for(queryset.database).alias)
    if relation.far_type is not None:
        known = (base.state, base.params)
        referring = base.derive(*related(remote, known, relation, map(relation.converted, keys)))
    else:
        referring = base.filter(**{f"{relation.foreign_key.name}__in": keys})
    action = _action(relation)
    if action == "CASCADE":
        await _cascade(referring, counts, seen)
    elif action == "SET_NULL":
        await referring.update(**{relation.foreign_key.name: None})
    elif action == "SET_DEFAULT":
        await referring.update(**{relation.foreign_key.name: relation.foreign_key.get_default()})
    elif await referring.exists():
        raise ProtectedError(
            f"Cannot delete {queryset.model.__name__}: rows of {remote.label} refer to it by "
            f"{remote.label}.{relation.foreign_key.name} (on_delete={action}).",
            table=remote.db_table,
            columns=(relation.foreign_key.column,),
        )


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
