"""upsert and bulk_upsert: INSERT .. ON CONFLICT DO UPDATE that gives the rows back, each with whether it is new.

PostgreSQL says that itself: ``RETURNING .., xmax = 0``, for a row that was updated was locked first. SQLite does not,
so the keys of the rows that are there are read before the INSERT, in the same transaction: the only one that writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, cast

from typing_extensions import TypeVar

from covet._frozen import replace
from covet.database.adapters.base import Adapter
from covet.database.orm.fields.base import Field
from covet.database.orm.query.bulk import (
    Group,
    check_batch_size,
    collected,
    insert_statement,
    most_rows,
    params_of,
    takes_columns,
    update_on_conflict,
)
from covet.database.orm.query.hydration import build_hydrator
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.results import Record, ResultColumn
from covet.database.orm.query.writes import execute, fill, returning_plan, settle, table_ref
from covet.database.routing import writing
from covet.database.schema.types import Boolean
from covet.database.sql import nodes
from covet.database.sql.statements import OnConflict, Select, Selected
from covet.database.transaction import transaction
from covet.exceptions import ProgrammingError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet

_M = TypeVar("_M", default=Any)
Fields = tuple[Field[Any], ...]


def whole_table(queryset: QuerySet[Any, Any], method: str) -> None:
    """Refuse a queryset of some rows only: what is inserted, or met by a conflict, may be any row of the table."""
    if queryset.known is not None or queryset.state.where or queryset.state.limit is not None or queryset.state.empty:
        name = queryset.model.__name__
        raise TypeError(f"{method}() is for all rows of {name}, not for some of them: use {name}.objects.{method}().")


async def upsert(
    queryset: QuerySet[Any, Any],
    defaults: Mapping[str, Any],
    create_defaults: Mapping[str, Any],
    lookups: Mapping[str, Any],
) -> tuple[Any, bool]:
    """Insert a row, or change the one that has the same ``lookups``, in one statement."""
    whole_table(queryset, "upsert")
    if not defaults or not lookups:
        raise TypeError("upsert() takes what to change and the unique fields: upsert({'name': 'Ann'}, email='a@b.c').")
    conflict = update_on_conflict(queryset.model._meta, defaults, lookups)
    instance = queryset.model(**{**lookups, **create_defaults, **defaults})
    instance.clean()
    (found,) = await _upsert(queryset, [instance], tuple(lookups), conflict, None)
    return found


async def bulk_upsert(
    queryset: QuerySet[Any, Any],
    objs: Iterable[Any],
    unique_fields: Iterable[str],
    update_fields: Iterable[str],
    batch_size: int | None,
) -> list[tuple[Any, bool]]:
    """Insert many rows, or change those that are there; return each instance with whether it is new."""
    whole_table(queryset, "bulk_upsert")
    check_batch_size(batch_size)
    unique, changed = tuple(unique_fields), tuple(update_fields)
    if not unique or not changed:
        raise ValueError("bulk_upsert() needs update_fields and unique_fields.")
    conflict = update_on_conflict(queryset.model._meta, changed, unique)
    return await _upsert(queryset, list(objs), unique, conflict, batch_size)


async def _upsert(
    queryset: QuerySet[Any, Any],
    instances: list[Any],
    unique_names: Sequence[str],
    conflict: OnConflict,
    batch_size: int | None,
) -> list[tuple[Any, bool]]:
    model = queryset.model
    options: Options = model._meta
    unique = tuple(options.named(unique_names))
    groups = collected(model, instances, "bulk_upsert")
    for group in groups:
        _check_given(group, unique)
    if not instances:
        return []
    adapter = writing(queryset.database, model)
    parts = [
        group.part(start, start + size)
        for group in groups
        for size in (min(batch_size or len(group.rows), most_rows(adapter, len(group.fields))),)
        for start in range(0, len(group.rows), size)
    ]
    new: dict[int, bool] = {}
    if len(parts) == 1 and adapter.dialect.tells_inserted:
        new.update(await _batch(adapter, model, parts[0], unique, conflict))
    else:
        async with transaction(using=adapter.alias):
            for part in parts:
                new.update(await _batch(adapter, model, part, unique, conflict))
    settle(instances, adapter)
    return [(instance, new[id(instance)]) for instance in instances]


def _check_given(group: Group, unique: Fields) -> None:
    """Refuse unique fields that the database is to fill: which row they meet could not be said."""
    for field in unique:
        if not _has(group, field) and not field.identity:
            raise ValueError(f"unique_fields: {field.label} has no value.")


def _has(group: Group, field: Field[Any]) -> bool:
    return any(each is field for each in group.fields)  # == of fields is a condition


def _places(options: Options, fields: Fields) -> list[int]:
    """Return where fields stand in a row of all fields."""
    names = [field.attname for field in options.fields]
    return [names.index(field.attname) for field in fields]


async def _batch(
    adapter: Adapter, model: type[Any], group: Group, unique: Fields, conflict: OnConflict
) -> dict[int, bool]:
    """Write some rows; return for each instance, by its ``id()``, whether it is new."""
    options: Options = model._meta
    flagged = adapter.dialect.tells_inserted
    before = frozenset[object]() if flagged else await _keys_before(adapter, model, group, unique)
    by_column = takes_columns(adapter, group.fields) and bool(group.fields)
    count = None if by_column else len(group.rows)
    key = (model, "upsert", group.fields, conflict, count)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        plan = _plan(adapter, options, group.fields, conflict, count)
        adapter.plans.put(key, plan)
    found = await execute(adapter, model, plan, params_of(group, by_column), rows=True)
    places = _places(options, options.key)
    keys = [tuple(row[at] for at in places) for row in found]
    if len(set(keys)) < len(group.rows):
        raise ProgrammingError(f"bulk_upsert(): two of the {model.__name__} are the same row.")
    new: dict[int, bool] = {}
    for instance, row, row_key in zip(group.instances, found, keys, strict=True):
        fill(instance, options.fields, row[: len(options.fields)])
        new[id(instance)] = row[-1] if flagged else row_key not in before
    return new


def _plan(adapter: Adapter, options: Options, fields: Fields, conflict: OnConflict, count: int | None) -> Plan:
    """Return the INSERT that gives whole rows, and whether they are new where the database says it."""
    statement = insert_statement(options, fields, options.fields, conflict, count)
    if not adapter.dialect.tells_inserted:
        return returning_plan(adapter, statement, options.fields)
    flag = Selected(nodes.Inserted())
    columns = [
        ResultColumn(field.attname, at, field.logical_type, True, field.decode)
        for at, field in enumerate(options.fields)
    ]
    columns.append(ResultColumn("inserted", len(columns), Boolean(), False))
    compiled = adapter.dialect.compile(replace(statement, returning=(*statement.returning, flag)))
    return Plan(compiled, build_hydrator(Record("values_list", tuple(columns)), adapter.dialect, len(columns), None))


async def _keys_before(adapter: Adapter, model: type[Any], group: Group, unique: Fields) -> frozenset[object]:
    """Return the keys of the rows that have the unique values of some rows."""
    if not all(_has(group, field) for field in unique):
        return frozenset()  # an identity that is still to be given
    options: Options = model._meta
    places = _places(options, unique)
    values = [tuple(row[at] for at in places) for row in group.rows]
    key = (model, "keys before", unique)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        table = table_ref(options)
        columns = [nodes.ColumnRef(table.alias, field.column, field.logical_type) for field in unique]
        types = tuple(field.logical_type for field in unique)
        where = (
            nodes.In(columns[0], nodes.ParamList(0, types[0]))
            if len(unique) == 1
            else nodes.In(nodes.Row(tuple(columns)), nodes.RowList(0, types))
        )
        selected = tuple(
            Selected(nodes.ColumnRef(table.alias, field.column, field.logical_type)) for field in options.key
        )
        result = tuple(
            ResultColumn(field.attname, at, field.logical_type, False, field.decode)
            for at, field in enumerate(options.key)
        )
        hydrate = build_hydrator(Record("values_list", result), adapter.dialect, len(result), None)
        plan = Plan(adapter.dialect.compile(Select(selected, table, where=where)), hydrate)
        adapter.plans.put(key, plan)
    asked = [value[0] for value in values] if len(unique) == 1 else values
    return frozenset(await execute(adapter, model, plan, (asked,), rows=True))


class Upserting(Generic[_M]):
    """``upsert()`` and ``bulk_upsert()``, of querysets and of managers."""

    __slots__ = ()

    async def upsert(
        self, defaults: Mapping[str, Any], /, create_defaults: Mapping[str, Any] | None = None, **lookups: Any
    ) -> tuple[_M, bool]:
        """Insert a row, or change the one with the same unique fields, in one statement; return (row, created).

        >>> author, created = await Author.objects.upsert({"name": "Ann"}, email="ann@example.org")
        ... # INSERT .. ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name RETURNING .., xmax = 0

        ``lookups`` are the fields of a unique constraint, or the key; ``defaults`` are stored either way,
        ``create_defaults`` only in a new row. Nothing is read first, so tasks that race cannot fail each other.
        """
        queryset = cast("QuerySet[Any, Any]", self).all()
        return await upsert(queryset, defaults, create_defaults or {}, lookups)

    async def bulk_upsert(
        self,
        objs: Iterable[_M],
        *,
        unique_fields: Iterable[str],
        update_fields: Iterable[str],
        batch_size: int | None = None,
    ) -> list[tuple[_M, bool]]:
        """Insert many rows, or change those that have the unique fields already; return ``[(instance, created)]``.

        >>> pairs = await Author.objects.bulk_upsert(authors, unique_fields=["email"], update_fields=["name"])
        ... # INSERT .. ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name RETURNING .., xmax = 0

        All or none, in few statements; the instances have every value of their rows afterwards. Two instances of
        one row are refused (``ProgrammingError``).
        """
        queryset = cast("QuerySet[Any, Any]", self).all()
        return await bulk_upsert(queryset, objs, unique_fields, update_fields, batch_size)
