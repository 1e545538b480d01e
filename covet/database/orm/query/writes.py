"""Writes: INSERT, UPDATE of instances and of querysets, many rows at once.

Plans are cached by (model, kind, names): the values are parameters, an expression among them (``F("n") + 1``) is a token
of the key. Every value passes its field on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from covet.database.adapters.base import Adapter
from covet.database.connections import adapter_for
from covet.database.orm.expressions import Expression
from covet.database.orm.fields.base import Field
from covet.database.orm.query.execution import remembered
from covet.database.orm.query.hydration import build_hydrator
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.planner import SelectPlanner
from covet.database.orm.query.results import Record, ResultColumn
from covet.database.orm.query.state import EMPTY_STATE, ExpressionToken, QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.translation import paths_of
from covet.database.orm.unloaded import mark_loaded
from covet.database.schema.types import Array
from covet.database.sql import nodes
from covet.database.sql.statements import (
    Insert,
    InsertColumns,
    InsertRows,
    OnConflict,
    Select,
    Selected,
    Statement,
    TableRef,
    Update,
)
from covet.database.transaction import transaction
from covet.exceptions import FieldError, IntegrityError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet

#: The most rows of one INSERT; beyond it a longer statement gains nothing.
MAX_ROWS = 5_000


def _table(options: Options, *, aliased: bool = True) -> TableRef:
    return TableRef(options.db_table, options.schema, options.db_table if aliased else None)


def _returning_plan(adapter: Adapter, statement: Statement, fields: Sequence[Field[Any]]) -> Plan:
    compiled = adapter.dialect.compile(statement)
    if not fields:
        return Plan(compiled, list)
    columns = tuple(ResultColumn(f.attname, i, f.logical_type, True, f.decode) for i, f in enumerate(fields))
    hydrate = build_hydrator(Record("values_list", columns), adapter.dialect, len(columns), None)
    return Plan(compiled, hydrate)


def encoded(field: Field[Any], value: object) -> object:
    """Return the logical type's value of a field's value."""
    return value if field.encode is None or value is None else field.encode(value)


def _returned(fields: Sequence[Field[Any]]) -> tuple[Selected, ...]:
    return tuple(Selected(nodes.ColumnRef(None, f.column, f.logical_type)) for f in fields)


async def execute(adapter: Adapter, model: type[Any], plan: Plan, params: tuple[object, ...], *, rows: bool) -> Any:
    """Run a write: the rows it returns, or how many it changed. An integrity error learns its model."""
    sql, arguments = plan.compiled.bind(params)
    try:
        if rows:
            return plan.hydrate(await adapter.fetch_write(sql, arguments))
        return await adapter.run(sql, arguments)
    except IntegrityError as error:
        error.model = error.model or model
        raise


# -- one instance ----------------------------------------------------------------------------


def collect(
    instance: Any, options: Options, *, validate: bool
) -> tuple[list[Field[Any]], list[object], list[Field[Any]]]:
    """Return the fields to insert, their values, and the fields that the database fills."""
    fields: list[Field[Any]] = []
    values: list[object] = []
    returned: list[Field[Any]] = []
    state = instance.__dict__
    for field in options.fields:
        value = field.pre_save(instance, adding=True)
        if value is None and (field.identity or field.attname not in state):
            returned.append(field)
            continue
        if isinstance(value, Expression):
            raise FieldError(f"{field!r}: an expression needs a row; it cannot be inserted.")
        state[field.attname] = cleaned = field.clean(value) if validate else value
        fields.append(field)
        values.append(encoded(field, cleaned))
    return fields, values, returned


async def insert(instance: Any, database: str | None, *, validate: bool = True) -> None:
    """INSERT one instance; what the database filled is set on it."""
    model: type[Any] = type(instance)._meta.model
    options: Options = model._meta
    fields, values, returned = collect(instance, options, validate=validate)
    adapter = adapter_for(database)
    key = (model, "insert", tuple(fields), tuple(returned))
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        row = tuple(nodes.Param(i, f.logical_type) for i, f in enumerate(fields))
        columns = tuple(f.column for f in fields)
        statement = Insert(_table(options, aliased=False), columns, (row,), _returned(returned))
        plan = _returning_plan(adapter, statement, returned)
        adapter.plans.put(key, plan)
    found = await execute(adapter, model, plan, tuple(values), rows=bool(returned))
    if returned:
        _fill(instance, returned, found[0])
    settle(instance, adapter)


def _fill(instance: Any, fields: Sequence[Field[Any]], row: Sequence[object]) -> None:
    for field, value in zip(fields, row, strict=True):
        instance.__dict__[field.attname] = value


def settle(instance: Any, adapter: Adapter) -> None:
    """Note that an instance is a row now."""
    instance.__dict__.pop("_adding", None)
    if adapter.alias != "default":
        instance.__dict__["_database"] = remembered(adapter)
    mark_loaded(instance)


async def save_changes(
    instance: Any, fields: Sequence[Field[Any]], database: str | None, *, validate: bool = True
) -> bool:
    """UPDATE the row of an instance; False when there is none. Expressions are computed by the database and read back."""
    model: type[Any] = type(instance)._meta.model
    options: Options = model._meta
    params: list[object] = []
    assignments: list[tuple[Field[Any], ExpressionToken | None]] = []
    for field in fields:
        value = field.pre_save(instance, adding=False)
        if isinstance(value, Expression):
            assignments.append((field, _expression(options, value, params)))
            continue
        instance.__dict__[field.attname] = cleaned = field.clean(value) if validate else value
        assignments.append((field, None))
        params.append(encoded(field, cleaned))
    params.extend(encoded(field, instance.__dict__[field.attname]) for field in options.key)
    adapter = adapter_for(database)
    computed = [field for field, token in assignments if token is not None]
    plan = _update_plan(adapter, model, tuple(assignments), computed)
    found = await execute(adapter, model, plan, tuple(params), rows=bool(computed))
    if computed and found:
        _fill(instance, computed, found[0])
    return bool(found)


def _update_plan(
    adapter: Adapter,
    model: type[Any],
    assignments: tuple[tuple[Field[Any], ExpressionToken | None], ...],
    computed: Sequence[Field[Any]],
) -> Plan:
    key = (model, "update", assignments)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        options: Options = model._meta
        planner = SelectPlanner(model, EMPTY_STATE)
        changes: list[tuple[str, nodes.Expression]] = []
        position = 0
        for field, token in assignments:
            if token is None:
                changes.append((field.column, nodes.Param(position, field.logical_type)))
                position += 1
            else:
                changes.append((field.column, planner.translator.value(token)))
                position += _width(token)
        where = _has_key(options, position)
        plan = _returning_plan(adapter, Update(_table(options), tuple(changes), where, _returned(computed)), computed)
        adapter.plans.put(key, plan)
    return plan


def _has_key(options: Options, position: int) -> nodes.Expression:
    """Return the condition for the row with the key in the parameters from ``position`` on."""
    parts = tuple(
        nodes.Comparison(
            "=", nodes.ColumnRef(options.db_table, f.column, f.logical_type), nodes.Param(position + i, f.logical_type)
        )
        for i, f in enumerate(options.key)
    )
    return parts[0] if len(parts) == 1 else nodes.And(parts)


def _width(token: ExpressionToken) -> int:
    """Return how many parameters a token uses."""
    if token.tag == "param":
        return 1
    return _width(token.left) + _width(token.right) if token.tag == "arithmetic" else 0


def _expression(options: Options, value: Expression[Any], params: list[object]) -> ExpressionToken:
    """Tokenize the new value of a column: it may use the row's own columns only."""
    token = Tokenizer(options, EMPTY_STATE, params).expression(value)
    if any(path.relations for path in paths_of(token)):
        raise FieldError("An UPDATE computes from columns of its own row; a path across a relation is not one.")
    return token


# -- many rows of a query --------------------------------------------------------------------


async def update(queryset: QuerySet[Any, Any], values: Mapping[str, Any]) -> int:
    """UPDATE every row of a query in one statement; return how many there were."""
    options: Options = queryset.model._meta
    if not values:
        raise TypeError("update() takes at least one field.")
    params = list(queryset.params)
    assignments: list[tuple[Field[Any], ExpressionToken | int]] = []
    for name, value in values.items():
        field = options.get_field(name)
        if isinstance(value, Expression):
            assignments.append((field, _expression(options, cast("Expression[Any]", value), params)))
            continue
        relation = options.relations.get(name)
        if relation is not None and isinstance(value, relation.remote):
            value = getattr(value, relation.remote_field.attname)
        assignments.append((field, len(params)))
        params.append(encoded(field, field.clean(value)))
    if queryset.state.empty:
        return 0
    adapter = adapter_for(queryset.database)
    key = (queryset.model, "update rows", tuple(assignments), queryset.state)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        plan = Plan(adapter.dialect.compile(_update_statement(queryset.model, queryset.state, assignments)), list)
        adapter.plans.put(key, plan)
    number: int = await execute(adapter, queryset.model, plan, tuple(params), rows=False)
    return number


def _update_statement(
    model: type[Any], state: QueryState, assignments: Sequence[tuple[Field[Any], ExpressionToken | int]]
) -> Update:
    options: Options = model._meta
    translator = SelectPlanner(model, EMPTY_STATE).translator
    changes = tuple(
        (
            field.column,
            nodes.Param(value, field.logical_type) if isinstance(value, int) else translator.value(value),
        )
        for field, value in assignments
    )
    return Update(_table(options), changes, rows_where(model, state))


def rows_where(model: type[Any], state: QueryState) -> nodes.Expression | None:
    """Return the WHERE of an UPDATE or DELETE of a query: its own, or ``pk IN (query)`` where it joins or limits."""
    options: Options = model._meta
    bounded = state.limit is not None or state.offset is not None or bool(state.distinct_on)
    planner = SelectPlanner(model, state)
    where, having = planner.conditions()
    if not bounded and having is None and not planner.joins.root.children:
        return where
    inner = SelectPlanner(model, state._replace(select_related=(), lock=None), alias="q")
    where, having = inner.conditions()
    columns: tuple[Selected, ...] = (Selected(inner.joins.root.column(options.pk.column)),)
    select: Select = inner.statement(columns, where, having, ordered=bounded)
    pk = nodes.ColumnRef(options.db_table, options.pk.column, options.pk.logical_type)
    return nodes.In(pk, select)


# -- many instances --------------------------------------------------------------------------


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
    columns = tuple(options.get_field(name).column for name in unique)
    assignments = tuple((c := options.get_field(name).column, nodes.Excluded(c)) for name in changed)
    return OnConflict(columns, assignments)


async def bulk_create(
    model: type[Any],
    objs: Iterable[Any],
    database: str | None,
    batch_size: int | None,
    conflict: OnConflict | None,
) -> list[Any]:
    """INSERT many instances in few statements, all or none; return them with their keys."""
    instances = list(objs)
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}.")
    groups: dict[tuple[tuple[Field[Any], ...], tuple[Field[Any], ...]], list[tuple[Any, list[object]]]] = {}
    options: Options = model._meta
    for instance in instances:
        if type(instance)._meta.model is not model:
            raise TypeError(f"bulk_create() of {model.__name__} got a {type(instance).__name__}.")
        given, values, filled = collect(instance, options, validate=True)
        groups.setdefault((tuple(given), tuple(filled)), []).append((instance, values))
    if not instances:
        return instances
    adapter = adapter_for(database)
    async with transaction(using=adapter.alias):
        for (fields, returned), rows in groups.items():
            size = min(batch_size or MAX_ROWS, _batch_size(adapter, fields))
            for start in range(0, len(rows), size):
                await _insert_batch(adapter, model, fields, returned, rows[start : start + size], conflict)
    for instance in instances:
        settle(instance, adapter)
    return instances


def _batch_size(adapter: Adapter, fields: Sequence[Field[Any]]) -> int:
    return min(max(1, adapter.dialect.max_params // max(1, len(fields))), MAX_ROWS)


async def insert_rows(
    adapter: Adapter,
    model: type[Any],
    fields: tuple[Field[Any], ...],
    rows: Sequence[tuple[Any, list[object]]],
    conflict: OnConflict | None,
) -> None:
    """INSERT rows of values that no instance stands for: one statement, or several in one transaction."""
    size = _batch_size(adapter, fields)
    if len(rows) <= size:
        await _insert_batch(adapter, model, fields, (), rows, conflict)
        return
    async with transaction(using=adapter.alias):
        for start in range(0, len(rows), size):
            await _insert_batch(adapter, model, fields, (), rows[start : start + size], conflict)


async def _insert_batch(
    adapter: Adapter,
    model: type[Any],
    fields: tuple[Field[Any], ...],
    returned: tuple[Field[Any], ...],
    rows: Sequence[tuple[Any, list[object]]],
    conflict: OnConflict | None,
) -> None:
    if conflict is not None and not conflict.update:
        returned = ()  # rows that met a conflict return nothing, so keys could not be told apart
    by_column = adapter.dialect.supports_unnest and not any(isinstance(f.logical_type, Array) for f in fields)
    by_column = by_column and bool(fields)
    key = (model, "insert many", fields, returned, conflict, -1 if by_column else len(rows))
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        statement = _insert_many(model._meta, fields, returned, conflict, None if by_column else len(rows))
        plan = _returning_plan(adapter, statement, returned)
        adapter.plans.put(key, plan)
    if by_column:
        params: tuple[object, ...] = tuple(zip(*(values for _, values in rows), strict=True))
    else:
        params = tuple(value for _, values in rows for value in values)
    found = await execute(adapter, model, plan, params, rows=bool(returned))
    if returned:
        for (instance, _), row in zip(rows, found, strict=True):
            _fill(instance, returned, row)


def _insert_many(
    options: Options,
    fields: tuple[Field[Any], ...],
    returned: tuple[Field[Any], ...],
    conflict: OnConflict | None,
    count: int | None,
) -> InsertColumns | InsertRows:
    table = _table(options, aliased=False)
    columns = tuple(f.column for f in fields)
    types = tuple(f.logical_type for f in fields)
    selected = _returned(returned)
    if count is None:
        return InsertColumns(table, columns, types, selected, conflict)
    return InsertRows(table, columns, types, count, selected, conflict)


async def bulk_update(
    model: type[Any],
    objs: Iterable[Any],
    names: Iterable[str | Expression[Any]],
    database: str | None,
    batch_size: int | None,
) -> int:
    """UPDATE the given fields of many instances, all or none; return how many rows there were."""
    options: Options = model._meta
    fields = [options.get_field(name if isinstance(name, str) else getattr(name, "name", "")) for name in names]
    if not fields:
        raise ValueError("bulk_update() takes at least one field.")
    if any(field.primary_key for field in fields):
        raise ValueError("bulk_update() cannot change a primary key.")
    instances = list(objs)
    adapter = adapter_for(database)
    changed = 0
    async with transaction(using=adapter.alias):
        for instance in instances:
            if instance.pk is None:
                raise ValueError(f"bulk_update(): a {model.__name__} has no key yet; save it first.")
            changed += await save_changes(instance, fields, database)
    return changed
