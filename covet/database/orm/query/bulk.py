"""Bulk inserts: INSERT of many instances or rows, all or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from covet._frozen import Frozen, replace
from covet.database.adapters.base import Adapter
from covet.database.adapters.session import CopyTarget
from covet.database.orm.fields.base import Field
from covet.database.orm.query.collection import Row, insert_collector
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.writes import (
    execute,
    name_model,
    returned_columns,
    returning_plan,
    settle,
    table_ref,
)
from covet.database.routing import writing
from covet.database.schema.types import Array
from covet.database.sql import nodes
from covet.database.sql.compiled import convert_items
from covet.database.sql.statements import InsertColumns, InsertRows, OnConflict
from covet.database.transaction import transaction
from covet.exceptions import IntegrityError, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.options import Options

#: The most rows of one INSERT; beyond it a longer statement gains nothing.
MAX_ROWS = 5_000


def conflict_of(
    model: type[Any],
    ignore: bool,
    update_conflicts: bool,
    update_fields: Iterable[str],
    unique_fields: Iterable[str],
) -> OnConflict | None:
    """Return the ON CONFLICT of ``bulk_create``'s options."""
    options: Options = model._meta
    changed, unique = tuple(update_fields), tuple(unique_fields)
    if ignore and update_conflicts:
        raise ValueError("ignore_conflicts and update_conflicts exclude each other.")
    if not update_conflicts:
        if changed or unique:
            raise ValueError("update_fields and unique_fields need update_conflicts=True.")
        return OnConflict() if ignore else None
    if not changed or not unique:
        raise ValueError("update_conflicts=True needs update_fields and unique_fields.")
    return update_on_conflict(options, changed, unique)


def update_on_conflict(options: Options, changed: Iterable[str], unique: Iterable[str]) -> OnConflict:
    """Return the ON CONFLICT that changes the row that is there."""
    columns = tuple(part.column for name in unique for part in options.columns_of(name))
    assignments = tuple((p.column, nodes.Excluded(p.column)) for name in changed for p in options.columns_of(name))
    return OnConflict(columns, assignments)


def check_batch_size(batch_size: int | None) -> None:
    """Refuse a number of rows that is none."""
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}.")


async def bulk_create(
    model: type[Any],
    objs: Iterable[Any],
    database: str | None,
    batch_size: int | None,
    conflict: OnConflict | None,
) -> list[Any]:
    """INSERT many instances in few statements, all or none; return them with their keys."""
    instances = list(objs)
    check_batch_size(batch_size)
    groups = collected(model, instances, "bulk_create")
    if not instances:
        return instances
    adapter = writing(database, model)
    async with transaction(using=adapter.alias):
        for group in groups:
            size = min(batch_size or MAX_ROWS, most_rows(adapter, len(group.fields)))
            for start in range(0, len(group.rows), size):
                await _insert_batch(adapter, model, group.part(start, start + size), conflict)
    settle(instances, adapter)
    return instances


async def insert_only(
    adapter: Adapter, model: type[Any], instances: Sequence[Any], conflict: OnConflict | None
) -> None:
    """INSERT instances without reading back what the database fills: by COPY where that can be."""
    options: Options = model._meta
    for group in collected(model, instances, "insert_many"):
        if conflict is None and group.fields and all(adapter.dialect.copies(f.logical_type) for f in group.fields):
            await _copy(adapter, model, group)
        else:
            await insert_rows(adapter, model, group.fields, _rows_of(options, group), conflict)


def _rows_of(options: Options, group: Group) -> Sequence[Row]:
    """Return the rows with only the values that are given."""
    if len(group.positions) == len(options.fields):
        return group.rows
    return list(zip(*_columns_of(group), strict=True)) if group.positions else [()] * len(group.rows)


async def _copy(adapter: Adapter, model: type[Any], group: Group) -> None:
    options: Options = model._meta
    dialect = adapter.dialect
    names = tuple(field.column for field in group.fields)
    table = dialect.quote(options.db_table)
    sql = f"COPY {table} ({', '.join(map(dialect.quote, names))}) FROM STDIN (FORMAT binary)"
    columns: list[Sequence[object]] = []
    for field, values in zip(group.fields, _columns_of(group), strict=True):
        processor = dialect.bind_processor(field.logical_type)
        columns.append(values if processor is None else convert_items(processor, values))
    target = CopyTarget(sql, options.db_table, options.schema, names)
    try:
        await adapter.copy_rows(target, list(zip(*columns, strict=True)))
    except IntegrityError as error:
        name_model(error, model)
        raise


def most_rows(adapter: Adapter, width: int) -> int:
    """Return how many rows of so many values one statement takes."""
    return min(max(1, adapter.dialect.max_params // max(1, width)), MAX_ROWS)


class Group(Frozen):
    """Rows of the same columns: their fields, where the values of those stand in a row, what the database fills."""

    fields: tuple[Field[Any], ...]
    positions: Sequence[int]
    returned: tuple[Field[Any], ...]
    rows: Sequence[Row]
    instances: Sequence[Any]  #: one a row; none where nothing is returned

    def part(self, start: int, stop: int) -> Group:
        """Return some of the rows."""
        return replace(self, rows=self.rows[start:stop], instances=self.instances[start:stop])


def collected(model: type[Any], instances: Sequence[Any], method: str) -> list[Group]:
    """Return the rows of all instances; nearly always they are of one group."""
    options: Options = model._meta
    for instance in instances:
        if instance._meta is not options:
            raise TypeError(f"{method}() of {model.__name__} got a {type(instance).__name__}.")
    collector = insert_collector(options, validate=True)
    rows: list[Row] = []
    masks: list[int] = []
    try:
        collector.collect(instances, rows, masks)
    except ValidationError as error:
        error.locate(f"objs[{len(rows)}]")
        raise
    members: dict[int, tuple[Sequence[Row], Sequence[Any]]] = dict.fromkeys(masks, (rows, instances))
    if len(members) > 1:
        members = _parted(rows, instances, masks)
    groups: list[Group] = []
    for mask, found in members.items():
        positions, returned = collector.split(mask)
        groups.append(Group(tuple(options.fields[at] for at in positions), positions, returned, *found))
    return groups


def _parted(
    rows: Sequence[Row], instances: Sequence[Any], masks: Sequence[int]
) -> dict[int, tuple[Sequence[Row], Sequence[Any]]]:
    parts: dict[int, tuple[list[Row], list[Any]]] = {mask: ([], []) for mask in masks}
    for row, instance, mask in zip(rows, instances, masks, strict=True):
        parts[mask][0].append(row)
        parts[mask][1].append(instance)
    return {**parts}


async def insert_rows(
    adapter: Adapter,
    model: type[Any],
    fields: tuple[Field[Any], ...],
    rows: Sequence[Row],
    conflict: OnConflict | None,
) -> None:
    """INSERT rows of values that no instance stands for: one statement, or several in one transaction."""
    group = Group(fields, range(len(fields)), (), rows, ())
    size = most_rows(adapter, len(fields))
    if len(rows) <= size:
        await _insert_batch(adapter, model, group, conflict)
        return
    async with transaction(using=adapter.alias):
        for start in range(0, len(rows), size):
            await _insert_batch(adapter, model, group.part(start, start + size), conflict)


def takes_columns(adapter: Adapter, fields: Sequence[Field[Any]]) -> bool:
    """Return whether a statement takes whole columns of these values: an array of arrays would be flattened."""
    return adapter.dialect.supports_unnest and not any(isinstance(field.logical_type, Array) for field in fields)


async def _insert_batch(adapter: Adapter, model: type[Any], group: Group, conflict: OnConflict | None) -> None:
    fields, rows = group.fields, group.rows
    # Rows that met a conflict return nothing, so keys could not be told apart.
    returned = () if conflict is not None and not conflict.update else group.returned
    by_column = bool(fields) and takes_columns(adapter, fields)
    key = (model, "insert many", fields, returned, conflict, -1 if by_column else len(rows))
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        statement = insert_statement(model._meta, fields, returned, conflict, None if by_column else len(rows))
        plan = returning_plan(adapter, statement, returned)
        adapter.plans.put(key, plan)
    params = params_of(group, by_column)
    found = await execute(adapter, model, plan, params, rows=bool(returned))
    if returned:
        names = [field.attname for field in returned]
        for instance, row in zip(group.instances, found, strict=True):
            instance.__dict__.update(zip(names, row, strict=True))


def params_of(group: Group, by_column: bool) -> tuple[object, ...]:
    """Return the parameters: a tuple for each column, or all values row after row."""
    columns = _columns_of(group)
    return columns if by_column else tuple(chain.from_iterable(zip(*columns, strict=True)))


def _columns_of(group: Group) -> tuple[tuple[object, ...], ...]:
    every = tuple(zip(*group.rows, strict=True))
    return tuple([every[at] for at in group.positions])


def insert_statement(
    options: Options,
    fields: tuple[Field[Any], ...],
    returned: tuple[Field[Any], ...],
    conflict: OnConflict | None,
    count: int | None,
) -> InsertColumns | InsertRows:
    """Return the INSERT of ``count`` rows, or of whole columns."""
    table = table_ref(options, aliased=False)
    columns = tuple(f.column for f in fields)
    types = tuple(f.logical_type for f in fields)
    selected = returned_columns(returned)
    if count is None:
        return InsertColumns(table, columns, types, selected, conflict)
    return InsertRows(table, columns, types, count, selected, conflict)
