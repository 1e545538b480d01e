"""Tables: Model -> schema.Table, and ``create_all`` / ``drop_all`` for scripts and tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from covet.database.connections import adapter_for
from covet.database.orm import registry
from covet.database.orm.conditions import Q
from covet.database.orm.fields.base import MISSING, Field
from covet.database.orm.indexes import CheckConstraint, ExclusionConstraint, Index, UniqueConstraint
from covet.database.orm.literals import condition_node
from covet.database.orm.names import object_name
from covet.database.orm.on_delete import ON_UPDATE
from covet.database.orm.relationships.foreign_key import ForeignKey
from covet.database.routing import table_allowed
from covet.database.schema import constraints as schema
from covet.database.schema.table import Column, DefaultExpression, DefaultValue, Table
from covet.database.sql import nodes
from covet.database.sql.ddl import AddForeignKey, CreateSchema, CreateTable, DDLStatement, DropTable
from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.options import Options


def table_of(model: type[Any]) -> Table:
    """Return the table of a model."""
    options: Options = model._meta
    options.require_concrete()
    if options.pending:
        name, reference = next(iter(options.pending.items()))
        raise ModelDefinitionError(
            f"{options.label}.{name} refers to {reference}, and no model of that name is defined."
        )
    indexes, uniques = _indexes(options), _uniques(options)
    return Table(
        name=options.db_table,
        columns=tuple(_column(field) for field in options.fields),
        primary_key=schema.PrimaryKey(tuple(field.column for field in options.key)),
        foreign_keys=tuple(
            _foreign_key(options, f) for f in options.declarations if isinstance(f, ForeignKey) and f.db_constraint
        ),
        uniques=uniques,
        checks=_checks(options),
        indexes=indexes,
        schema=options.schema,
        comment=options.db_table_comment,
        exclusions=tuple(_exclusion(options, c) for c in options.constraints if isinstance(c, ExclusionConstraint)),
    )


def _column(field: Field[Any]) -> Column:
    default: DefaultValue | DefaultExpression | None = None
    if isinstance(field.db_default, nodes.Expression):
        default = DefaultExpression(field.db_default)
    elif field.db_default is not MISSING:
        value = field.clean(field.db_default)
        default = DefaultValue(value if field.encode is None or value is None else field.encode(value))
    return Column(
        name=field.column,
        type=field.logical_type,
        nullable=field.null,
        default=default,
        identity=field.identity,
        collation=field.db_collation,
        comment=field.db_comment,
    )


def _columns(options: Options, names: Iterable[str]) -> tuple[str, ...]:
    # Two foreign keys may have a column in common.
    return tuple(dict.fromkeys(part.column for name in names for part in options.columns_of(name)))


def _foreign_key(options: Options, field: ForeignKey[Any]) -> schema.ForeignKeyConstraint:
    target = cast("Field[Any]", field.remote_field)
    remote: Options = cast("type[Any]", target.model)._meta
    columns = [part.column for part in field.parts]
    return schema.ForeignKeyConstraint(
        name=object_name(options.db_table, columns, "fkey"),
        columns=tuple(columns),
        target=remote.db_table,
        target_columns=tuple(part.column for part in target.parts),
        target_schema=remote.schema,
        on_delete=field.constraint_action,
        on_update=ON_UPDATE[field.on_update],
        deferrable=field.deferrable,
    )


def _uniques(options: Options) -> tuple[schema.Unique, ...]:
    found: list[schema.Unique] = []
    for field in options.declarations:
        if field.unique and not field.primary_key:
            columns = tuple(part.column for part in field.parts)
            found.append(schema.Unique(object_name(options.db_table, columns, "key"), columns))
    for names in options.unique_together:
        columns = _columns(options, names)
        found.append(schema.Unique(object_name(options.db_table, columns, "key"), columns))
    for constraint in options.constraints:
        if isinstance(constraint, UniqueConstraint):
            columns = _columns(options, constraint.fields)
            found.append(
                schema.Unique(
                    constraint.name or object_name(options.db_table, columns, "key"),
                    columns,
                    _condition(options, constraint.condition),
                    constraint.nulls_distinct,
                )
            )
    return tuple(found)


def _condition(options: Options, condition: Q | None) -> nodes.Expression | None:
    return None if condition is None else condition_node(options, condition)


def _checks(options: Options) -> tuple[schema.Check, ...]:
    found: list[schema.Check] = []
    for field in options.fields:
        if field.min_bound is not None:
            column = nodes.ColumnRef(None, field.column, field.logical_type)
            name = object_name(options.db_table, [field.column], "check")
            found.append(schema.Check(name, nodes.Comparison(">=", column, nodes.Constant(field.min_bound))))
    found.extend(
        schema.Check(constraint.name, condition_node(options, constraint.condition))
        for constraint in options.constraints
        if isinstance(constraint, CheckConstraint)
    )
    return tuple(found)


def _exclusion(options: Options, constraint: ExclusionConstraint) -> schema.Exclusion:
    elements = [
        (column, operator) for name, operator in constraint.expressions for column in _columns(options, (name,))
    ]
    condition = _condition(options, constraint.condition)
    return schema.Exclusion(constraint.name, tuple(elements), constraint.using, condition, constraint.deferrable)


def _indexes(options: Options) -> tuple[schema.Index, ...]:
    found: list[schema.Index] = []
    for field in options.declarations:
        columns = [part.column for part in field.parts]
        served = len(columns) > 1 and columns == [part.column for part in options.key[: len(columns)]]
        if field.db_index and not field.unique and not field.primary_key and not served:  # the key's index serves it
            name = object_name(options.db_table, columns, "idx")
            found.append(schema.Index(name, tuple(map(schema.IndexColumn, columns))))
    found.extend(_index(options, index) for index in options.indexes)
    return tuple(found)


def _index(options: Options, index: Index) -> schema.Index:
    if not index.fields:
        raise ModelDefinitionError(f"{options.label}.Meta.indexes: an Index without fields.")
    keys: dict[str, schema.IndexColumn] = {}
    for name in index.fields:
        for column in _columns(options, (name.removeprefix("-"),)):
            keys.setdefault(column, schema.IndexColumn(column, descending=name.startswith("-")))
    return schema.Index(
        name=index.name or object_name(options.db_table, list(keys), "idx"),
        columns=tuple(keys.values()),
        unique=index.unique,
        condition=_condition(options, index.condition),
        include=_columns(options, index.include),
        method=index.using,
    )


# -- creating and dropping -------------------------------------------------------------------


def _selected(models: Iterable[type[Any]] | None, alias: str) -> list[type[Any]]:
    given = registry.all_models() if models is None else list(models)
    # The tables of many-to-many relations belong to the model that declares them.
    chosen = dict.fromkeys(each for model in given for each in (model, *model._meta.link_models))
    found: list[type[Any]] = []
    for model in chosen:
        options: Options = model._meta
        options.require_concrete()
        verify_declarations(options)
        if options.managed and table_allowed(alias, model):
            found.append(model)
    return found


def verify_declarations(options: Options) -> None:
    """Check that what annotations declare for the type checkers is there: a declaration must not lie."""
    for name, text in options.declared.items():
        accessors = {relation.accessor for relation in options.relations.values()}
        if ("ReverseManager[" in text or "ReverseOneToOne[" in text) and name not in accessors:
            raise ModelDefinitionError(
                f"{options.label}.{name} is declared as {text}, but no foreign key has related_name={name!r}."
            )


def in_order(tables: Iterable[Table]) -> tuple[list[Table], set[str]]:
    """Sort tables so that each comes after those it refers to; also return the names of those in a cycle."""
    waiting = {table.name: table for table in tables}
    done: list[Table] = []
    cyclic: set[str] = set()
    while waiting:
        ready = [t for t in waiting.values() if not _needs(t) & (waiting.keys() - {t.name})]
        if not ready:
            cyclic.update(waiting)
            ready = list(waiting.values())
        for table in ready:
            done.append(table)
            del waiting[table.name]
    return done, cyclic


def _needs(table: Table) -> set[str]:
    return {foreign_key.target for foreign_key in table.foreign_keys}


async def create_all(
    models: Iterable[type[Any]] | None = None, *, using: str | None = None, if_not_exists: bool = False
) -> None:
    """Create the tables of all models, or of the given ones, in one transaction. For scripts and tests.

    >>> await create_all()  # CREATE TABLE "users" (...); CREATE INDEX ...
    """
    adapter = adapter_for(using)
    tables, cyclic = in_order(table_of(model) for model in _selected(models, adapter.alias))
    later = adapter.dialect.supports_add_constraint
    schemas = dict.fromkeys(table.schema for table in tables if table.schema is not None)
    statements: list[DDLStatement] = [CreateSchema(name) for name in schemas]
    statements.extend(
        CreateTable(table, if_not_exists, foreign_keys=not (later and table.name in cyclic)) for table in tables
    )
    for table in tables:
        if later and table.name in cyclic:
            statements.extend(AddForeignKey(table.name, table.schema, key) for key in table.foreign_keys)
    await adapter.run_script(adapter.dialect.script(statements))


async def drop_all(models: Iterable[type[Any]] | None = None, *, using: str | None = None) -> None:
    """Drop the tables of all models, or of the given ones, where they exist."""
    adapter = adapter_for(using)
    tables, _ = in_order(table_of(model) for model in _selected(models, adapter.alias))
    statements = [DropTable(t.name, t.schema, if_exists=True, cascade=True) for t in reversed(tables)]
    await adapter.run_script(adapter.dialect.script(statements))
