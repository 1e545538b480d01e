"""bulk_update: fields of many instances in few statements, by a join with their values; all or none.

PostgreSQL gets a list of values a column, SQLite (and PostgreSQL where a column is an array) rows of values::

    UPDATE t SET a = v.column2 FROM unnest($1::bigint[], $2::text[]) AS v(column1, column2) WHERE t.id = v.column1
    UPDATE t SET a = v.column2 FROM (VALUES (?, ?), (?, ?)) AS v WHERE t.id = v.column1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from covet.database.adapters.base import Adapter
from covet.database.orm.expressions import Expression
from covet.database.orm.fields.base import Field
from covet.database.orm.query.bulk import check_batch_size, most_rows, takes_columns
from covet.database.orm.query.collection import Row, update_collector
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.writes import execute, save_changes, table_ref
from covet.database.routing import writing
from covet.database.sql import nodes
from covet.database.sql.statements import Update, ValueColumns, ValueRows
from covet.database.transaction import transaction
from covet.exceptions import NotLoaded, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.options import Options

Fields = tuple[Field[Any], ...]


async def bulk_update(
    model: type[Any],
    objs: Iterable[Any],
    names: Iterable[str | Expression[Any]],
    database: str | None,
    batch_size: int | None,
) -> int:
    """UPDATE the given fields of many instances, all or none; return how many rows that changed.

    Of instances with one key the last one counts. An instance with an expression has an UPDATE of its own.
    """
    check_batch_size(batch_size)
    options: Options = model._meta
    fields = _fields(options, names)
    instances = list(objs)
    _check(model, instances, fields)
    rows, masks = _collected(options, instances, fields)
    if not instances:
        return 0
    adapter = writing(database, model)
    width = len(options.key)
    found = {row[:width]: row for row in rows}
    computed = [instance for instance, mask in zip(instances, masks, strict=True) if mask]
    if computed and len(found) < len(rows):
        # One row and then its expression, or the other way round: only the order of the instances is right.
        return await _one_by_one(adapter, instances, fields, distinct=len(found))
    plain = [row for row, mask in zip(rows, masks, strict=True) if not mask] if computed else list(found.values())
    every = (*options.key, *fields)
    size = min(batch_size or len(plain), most_rows(adapter, len(every))) or 1
    if len(plain) <= size and not computed:
        return await _update_batch(adapter, model, every, plain)
    async with transaction(using=adapter.alias):
        changed = 0
        for start in range(0, len(plain), size):
            changed += await _update_batch(adapter, model, every, plain[start : start + size])
        for instance in computed:
            changed += await save_changes(instance, fields, adapter.alias)
    return changed


def _fields(options: Options, names: Iterable[str | Expression[Any]]) -> Fields:
    fields = options.named(name if isinstance(name, str) else getattr(name, "name", "") for name in names)
    if not fields:
        raise ValueError("bulk_update() takes at least one field.")
    if any(field.attname in options.key_names for field in fields):
        raise ValueError("bulk_update() cannot change a primary key.")
    return tuple(dict.fromkeys(fields))


def _check(model: type[Any], instances: Sequence[Any], fields: Fields) -> None:
    """Refuse what cannot be stored before anything is looked at more closely."""
    names = {field.attname for field in fields}
    for number, instance in enumerate(instances):
        if not isinstance(instance, model):
            raise TypeError(f"bulk_update() of {model.__name__} got a {type(instance).__name__}.")
        if instance.pk is None:
            raise ValueError(f"bulk_update(): a {model.__name__} has no key yet; save it first.")
        if not names <= instance.__dict__.keys():
            for field in fields:
                if field.attname not in instance.__dict__ and field.pre_save(instance, adding=False) is None:
                    raise NotLoaded(f"bulk_update(): {field.label} of objs[{number}] has no value to save: deferred.")


def _collected(options: Options, instances: Sequence[Any], fields: Fields) -> tuple[list[Row], list[int]]:
    """Return the key and the values of each instance, checked, and which of them are expressions."""
    rows: list[Row] = []
    masks: list[int] = []
    try:
        update_collector(options, (*options.key, *fields), validate=True).collect(instances, rows, masks)
    except ValidationError as error:
        error.locate(f"objs[{len(rows)}]")
        raise
    return rows, masks


async def _one_by_one(adapter: Adapter, instances: Sequence[Any], fields: Fields, *, distinct: int) -> int:
    gone: set[object] = set()
    async with transaction(using=adapter.alias):
        for instance in instances:
            if not await save_changes(instance, fields, adapter.alias):
                gone.add(instance.pk)
    return distinct - len(gone)


async def _update_batch(adapter: Adapter, model: type[Any], fields: Fields, rows: Sequence[Row]) -> int:
    by_column = takes_columns(adapter, fields)
    key = (model, "update many", fields, -1 if by_column else len(rows))
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        statement = _statement(model._meta, fields, None if by_column else len(rows))
        plan = Plan(adapter.dialect.compile(statement), list)
        adapter.plans.put(key, plan)
    params = tuple(zip(*rows, strict=True)) if by_column else tuple(chain.from_iterable(rows))
    changed: int = await execute(adapter, model, plan, params, rows=False)
    return changed


def _statement(options: Options, fields: Fields, count: int | None) -> Update:
    """Return the UPDATE; the key comes first among the fields."""
    table = table_ref(options)
    alias = "v" if table.name != "v" else "w"
    types = tuple(field.logical_type for field in fields)
    values = [nodes.ColumnRef(alias, f"column{number}", logical) for number, logical in enumerate(types, 1)]
    width = len(options.key)
    same = tuple(
        nodes.Comparison("=", nodes.ColumnRef(table.alias, field.column, field.logical_type), value)
        for field, value in zip(options.key, values, strict=False)
    )
    return Update(
        table,
        tuple((field.column, value) for field, value in zip(fields[width:], values[width:], strict=True)),
        same[0] if width == 1 else nodes.And(same),
        source=ValueColumns(alias, types) if count is None else ValueRows(alias, types, count),
    )
