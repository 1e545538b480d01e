"""Writes: INSERT and UPDATE of an instance, UPDATE of the rows of a queryset.

Plans are cached by (model, kind, names): the values are parameters, an expression among them (``F("n") + 1``) is a
token of the key. Every value passes its field on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from covet.database.adapters.base import Adapter
from covet.database.adapters.explaining import explained
from covet.database.orm.expressions import Expression, Subquery
from covet.database.orm.fields.base import Field
from covet.database.orm.query.collection import Row, insert_collector, update_collector
from covet.database.orm.query.compilation import compiled
from covet.database.orm.query.document_tokens import with_partial
from covet.database.orm.query.execution import remembered
from covet.database.orm.query.expression_tokens import tokenize
from covet.database.orm.query.hydration import build_hydrator
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.planner import SelectPlanner
from covet.database.orm.query.results import Record, Result, ResultColumn
from covet.database.orm.query.row_values import RowPlanner
from covet.database.orm.query.state import EMPTY_STATE, Query, QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.tokens import ExpressionToken, PathToken
from covet.database.orm.query.traversal import width_of
from covet.database.orm.unloaded import mark_loaded
from covet.database.routing import writing
from covet.database.sql import nodes
from covet.database.sql.statements import (
    Insert,
    Select,
    Selected,
    Statement,
    TableRef,
    Update,
)
from covet.exceptions import FieldError, IntegrityError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.relations import Relation


def table_ref(options: Options, *, aliased: bool = True) -> TableRef:
    """Return the table of a model, under its own name where columns are qualified."""
    return TableRef(options.db_table, options.schema, options.db_table if aliased else None)


def returning_plan(adapter: Adapter, statement: Statement, fields: Sequence[Field[Any]]) -> Plan:
    """Return the plan of a statement that returns these fields, or nothing."""
    compiled = adapter.dialect.compile(statement)
    if not fields:
        return Plan(compiled, list)
    columns = tuple(ResultColumn(f.attname, i, f.logical_type, True, f.decode) for i, f in enumerate(fields))
    hydrate = build_hydrator(Record("values_list", columns), adapter.dialect, len(columns), None)
    return Plan(compiled, hydrate)


def encoded(field: Field[Any], value: object) -> object:
    """Return the logical type's value of a field's value."""
    return value if field.encode is None or value is None else field.encode(value)


def returned_columns(fields: Sequence[Field[Any]]) -> tuple[Selected, ...]:
    """Return the columns of RETURNING."""
    return tuple(Selected(nodes.ColumnRef(None, f.column, f.logical_type)) for f in fields)


async def execute(adapter: Adapter, model: type[Any], plan: Plan, params: tuple[object, ...], *, rows: bool) -> Any:
    """Run a write: the rows it returns, or how many it changed. An integrity error learns its model."""
    sql, arguments = plan.compiled.bind(params)
    try:
        if rows:
            return plan.hydrate(await adapter.fetch_write(sql, arguments))
        return await adapter.run(sql, arguments)
    except IntegrityError as error:
        name_model(error, model)
        raise


def name_model(error: IntegrityError, model: type[Any]) -> None:
    """Tell an integrity error which model it is of."""
    if error.model is None or error.table == cast("Options", model._meta).db_table:
        error.model = model  # several models may have one table
        explained(error)


# -- one instance ----------------------------------------------------------------------------


async def insert(instance: Any, database: str | None, *, validate: bool = True) -> None:
    """INSERT one instance; what the database filled is set on it."""
    options: Options = instance._meta
    model = options.model
    collector = insert_collector(options, validate=validate)
    rows: list[Row] = []
    masks: list[int] = []
    collector.collect((instance,), rows, masks)
    adapter = writing(database, model, instance)
    given, returned = collector.split(masks[0])
    key = (model, "insert", masks[0])
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        values = tuple(nodes.Param(at, collector.fields[at].logical_type) for at in given)
        columns = tuple(collector.fields[at].column for at in given)
        statement = Insert(table_ref(options, aliased=False), columns, (values,), returned_columns(returned))
        plan = returning_plan(adapter, statement, returned)
        adapter.plans.put(key, plan)
    found = await execute(adapter, model, plan, rows[0], rows=bool(returned))
    if returned:
        fill(instance, returned, found[0])
    settle((instance,), adapter)


def fill(instance: Any, fields: Sequence[Field[Any]], row: Sequence[object]) -> None:
    """Set what a row returned."""
    state = instance.__dict__
    for field, value in zip(fields, row, strict=True):
        state[field.attname] = value


def settle(instances: Iterable[Any], adapter: Adapter) -> None:
    """Note that instances are rows now."""
    database = remembered(adapter)
    for instance in instances:
        state = instance.__dict__
        state.pop("_adding", None)
        if database is not None:
            state["_database"] = database
        if not instance._is_loaded:
            mark_loaded(instance)


async def save_changes(
    instance: Any, fields: Sequence[Field[Any]], database: str | None, *, validate: bool = True
) -> bool:
    """UPDATE the row of an instance; False when there is none. What the database computes is read back."""
    options: Options = instance._meta
    model = options.model
    collector = update_collector(options, tuple(fields), validate=validate)
    rows: list[Row] = []
    masks: list[int] = []
    collector.collect((instance,), rows, masks)
    state = instance.__dict__
    key = [encoded(field, state[field.attname]) for field in options.key]
    adapter = writing(database, model, instance)
    if not masks[0]:
        plan = _plain_update_plan(adapter, model, collector.fields)
        return bool(await execute(adapter, model, plan, (*rows[0], *key), rows=False))
    params: list[object] = []
    assignments: list[tuple[Field[Any], ExpressionToken | None]] = []
    for at, (field, value) in enumerate(zip(collector.fields, rows[0], strict=True)):
        if masks[0] >> at & 1:
            token = Tokenizer(options, EMPTY_STATE, params).expression(cast("Expression[object]", value))
            assignments.append((field, token))
        else:
            assignments.append((field, None))
            params.append(value)
    computed = collector.split(masks[0]).others
    plan = _update_plan(adapter, model, tuple(assignments), computed)
    found = await execute(adapter, model, plan, (*params, *key), rows=True)
    if found:
        fill(instance, computed, found[0])
    return bool(found)


def _plain_update_plan(adapter: Adapter, model: type[Any], fields: tuple[Field[Any], ...]) -> Plan:
    """Return the plan of an UPDATE that only has parameters."""
    key = (model, "update fields", fields)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        plan = _update_plan(adapter, model, tuple((field, None) for field in fields), ())
        adapter.plans.put(key, plan)
    return plan


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
        planner = RowPlanner(model, EMPTY_STATE)
        changes: list[tuple[str, nodes.Expression]] = []
        position = 0
        for field, token in assignments:
            if token is None:
                changes.append((field.column, nodes.Param(position, field.logical_type)))
                position += 1
            else:
                changes.append((field.column, planner.assigned(field.name, token)))
                position += width_of(token)
        where = _has_key(options, position)
        plan = returning_plan(
            adapter, Update(table_ref(options), tuple(changes), where, returned_columns(computed)), computed
        )
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


# -- many rows of a query --------------------------------------------------------------------


#: A field with the token of its new value, or the index of the parameter that is it.
Assignment = tuple[Field[Any], ExpressionToken | int]


async def update(queryset: QuerySet[Any, Any], values: Mapping[str, Any]) -> int:
    """UPDATE every row of a query in one statement; return how many there were."""
    params, assignments = assigned(queryset, values)
    if queryset.state.empty:
        return 0
    adapter = writing(queryset.database, queryset.model)
    key = (queryset.model, "update rows", assignments, queryset.state)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        statement, _ = update_statement(queryset.model, queryset.state, assignments)
        plan = Plan(compiled(adapter, queryset.state, statement), list)
        adapter.plans.put(key, plan)
    number: int = await execute(adapter, queryset.model, plan, params, rows=False)
    return number


def assigned(
    queryset: QuerySet[Any, Any], values: Mapping[str, Any]
) -> tuple[tuple[object, ...], tuple[Assignment, ...]]:
    """Return the parameters and the checked assignments of ``update()``."""
    options: Options = queryset.model._meta
    if not values:
        raise TypeError("update() takes at least one field.")
    params = list(queryset.params)
    assignments: list[Assignment] = []
    for name, given in with_partial(options, _by_column(options, values)).items():
        field = options.get_field(name)
        value = Subquery[object](given) if isinstance(given, Query) else given
        if isinstance(value, Expression):
            tokenizer = Tokenizer(options, queryset.state, params)
            assignments += _computed(tokenizer, field, cast("Expression[object]", value))
            continue
        relation = options.relations.get(name)
        plain = value if relation is None else _key_of(relation, value)
        for part, item in _of_parts(field, field.clean(plain)):
            assignments.append((part, len(params)))
            params.append(encoded(part, item))
    return tuple(params), tuple(assignments)


def _computed(tokenizer: Tokenizer, field: Field[Any], value: Expression[Any]) -> list[Assignment]:
    """Return the assignment of an expression; a key of several fields takes the path of another such key."""
    if len(field.parts) == 1:
        return [(field, tokenizer.expression(value))]
    token = tokenize(tokenizer, value)
    if not isinstance(token, PathToken) or len(token.path.parts) != len(field.parts):
        raise FieldError(
            f"update({field.name}=...): a key of {len(field.parts)} fields takes a tuple, an instance, or F() of "
            "another key of as many."
        )
    return [(part, PathToken("path", path)) for part, path in zip(field.parts, token.path.parts, strict=True)]


def _key_of(relation: Relation, value: Any) -> object:
    """Return the key that a foreign key stores for an instance; anything else is taken as the key."""
    remote = relation.remote
    if not hasattr(value, "_meta"):
        return cast("object", value)
    if not isinstance(value, remote):
        raise TypeError(f"{relation.label} takes a {remote.__name__}, not {type(value).__name__}.")
    key: object = getattr(value, relation.remote_field.attname)
    if key is None:
        raise ValueError(f"{relation.label}: the related {remote.__name__} has no key yet; save it first.")
    return key


def _of_parts(field: Field[Any], value: Any) -> Sequence[tuple[Field[Any], Any]]:
    """Return the new value of each column of a field. A key that is None leaves the parts that are not nullable."""
    parts = field.parts
    if len(parts) == 1:
        return ((field, value),)
    if value is None:
        return [(part, None) for part in parts if part.null]
    return list(zip(parts, value, strict=True))


def _by_column(options: Options, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values with a generic relation as its two columns."""
    if not options.generics:
        return values
    found: dict[str, Any] = {}
    for name, value in values.items():
        generic = options.generics.get(name)
        found.update({name: value} if generic is None else generic.values(value))
    return found


def update_statement(
    model: type[Any], state: QueryState, assignments: Sequence[Assignment], *, returning: bool = False
) -> tuple[Update, Result | None]:
    """Return the UPDATE of the rows of a query, and what the rows that it returns become."""
    options: Options = model._meta
    planner = RowPlanner(model, state)
    changes = tuple(
        (
            field.column,
            nodes.Param(value, field.logical_type) if isinstance(value, int) else planner.assigned(field.name, value),
        )
        for field, value in assignments
    )
    columns, result = planner.returned() if returning else ((), None)
    return Update(table_ref(options), changes, rows_where(model, state), columns), result


def rows_where(model: type[Any], state: QueryState) -> nodes.Expression | None:
    """Return the WHERE of an UPDATE or DELETE of a query: its own, or ``pk IN (query)`` where it joins or limits."""
    options: Options = model._meta
    bounded = state.limit is not None or state.offset is not None or bool(state.distinct_on) or bool(state.combined)
    beside = bool(state.joined or state.ctes)
    planner = SelectPlanner(model, state, few=True)  # a WHERE alone has nothing joined beside it
    where, having = planner.conditions()
    if not bounded and having is None and not planner.around and not beside and not planner.joins.root.children:
        return where
    # A limit chooses rows, so they are locked where they are chosen: that is what SKIP LOCKED is for.
    lock = state.lock if bounded else None
    inner = SelectPlanner(model, state._replace(select_related=(), lock=lock), alias="q")
    where, having = inner.conditions()
    columns = tuple(Selected(inner.joins.root.column(field.column)) for field in options.key)
    select: Select = inner.statement(columns, where, having, ordered=bounded)
    key = tuple(nodes.ColumnRef(options.db_table, field.column, field.logical_type) for field in options.key)
    return nodes.In(key[0] if len(key) == 1 else nodes.Row(key), select)
