"""Violations: what an integrity error leaves out, from what the models say.

A database names the constraint or the columns, seldom both, and SQLite names nothing where a foreign key fails. The
tables of the models know the rest: constraint -> columns -> fields. This runs when an error is raised and only then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from covet.database.orm import registry
from covet.database.orm.names import object_name
from covet.database.orm.relationships.foreign_key import ForeignKey
from covet.database.orm.tables import table_of
from covet.database.sql import nodes
from covet.exceptions import (
    CheckViolation,
    CovetError,
    ForeignKeyViolation,
    IntegrityError,
    UniqueViolation,
)

if TYPE_CHECKING:
    from covet.database.orm.options import Options

_NAME: Final = r'(?:"((?:[^"]|"")+)"|([A-Za-z_]\w*))'
_WRITES: Final = re.compile(rf"\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(?:{_NAME}\s*\.\s*)?{_NAME}", re.IGNORECASE)


class _Constraint(NamedTuple):
    """One constraint of a table, whatever its kind."""

    kind: type[IntegrityError]
    name: str
    columns: tuple[str, ...]


def explain(error: IntegrityError) -> None:
    """Fill in the constraint, columns, table, model and fields of an error, as far as the models know them."""
    verb, written = _written(error.statement)
    model = _model_of(error, written)
    if model is not None and verb == "DELETE" and error.table is None and isinstance(error, ForeignKeyViolation):
        model = _only_one_that_refers(model)
    if model is None:
        return
    options: Options = model._meta
    error.model = error.model or model
    error.table = error.table or options.db_table
    try:
        constraints = list(_constraints(model))
    except CovetError:  # the model cannot be made a table of: its own error comes where that is tried
        return
    found = _violated(error, constraints, verb, options)
    if found is not None:
        error.constraint = error.constraint or found.name
        error.columns = found.columns
    names = {field.column: field.name for field in options.fields}
    error.fields = tuple(names[column] for column in error.columns if column in names)


def _written(statement: str | None) -> tuple[str, str | None]:
    """Return the verb of a statement and the table that it writes to."""
    found = _WRITES.match(statement or "")
    if found is None:
        return "", None
    name: str = found[4] or found[5]
    return found[1].split()[0].upper(), name.replace('""', '"')


def _model_of(error: IntegrityError, written: str | None) -> type[Any] | None:
    """Return the model whose table it is: the one that was written to, if nothing says otherwise."""
    model = cast("type[Any] | None", error.model)
    if model is not None and error.table in (None, cast("Options", model._meta).db_table):
        return model
    candidates = [each for each in registry.all_models() if not cast("Options", each._meta).abstract]
    for table in (error.table, written):
        for each in reversed(candidates):  # a redefinition is later
            options: Options = each._meta
            if table is not None and options.db_table == table:
                found: type[Any] = each
                return found
    if error.constraint is None:
        return None
    return next((each for each in candidates if _has_check(each._meta, error.constraint)), None)


def _only_one_that_refers(model: type[Any]) -> type[Any] | None:
    """Return the model whose rows miss a row of ``model`` that is deleted, if there is no doubt."""
    options: Options = model._meta
    remotes = [relation.remote for relation in options.dependants]
    return remotes[0] if len(remotes) == 1 else None


def _has_check(options: Options, name: str) -> bool:
    return any(getattr(constraint, "name", None) == name for constraint in options.constraints)


def _constraints(model: type[Any]) -> Iterator[_Constraint]:
    table = table_of(model)
    if table.primary_key is not None:
        name = table.primary_key.name or object_name(table.name, [], "pkey")
        yield _Constraint(UniqueViolation, name, table.primary_key.columns)
    for unique in table.uniques:
        yield _Constraint(UniqueViolation, unique.name, unique.columns)
    for index in table.indexes:
        if index.unique:
            columns = tuple(key.key for key in index.columns if isinstance(key.key, str))
            yield _Constraint(UniqueViolation, index.name, columns)
    for exclusion in table.exclusions:
        yield _Constraint(UniqueViolation, exclusion.name, tuple(column for column, _ in exclusion.elements))
    for key in table.foreign_keys:
        yield _Constraint(ForeignKeyViolation, key.name, key.columns)
    for check in table.checks:
        yield _Constraint(CheckViolation, check.name, tuple(dict.fromkeys(_columns_in(check.expression))))


def _columns_in(node: object) -> Iterator[str]:
    """Yield the columns of an expression."""
    if isinstance(node, nodes.ColumnRef):
        yield node.column
    elif isinstance(node, tuple | list):
        for item in cast("Sequence[object]", node):
            yield from _columns_in(item)
    elif is_dataclass(node):
        for field in fields(node):
            yield from _columns_in(getattr(node, field.name))


def _violated(
    error: IntegrityError, constraints: Sequence[_Constraint], verb: str, options: Options
) -> _Constraint | None:
    """Return the constraint in question, if there is no doubt."""
    if error.constraint is not None:
        return next((each for each in constraints if each.name == error.constraint), None)
    same_kind = [each for each in constraints if isinstance(error, each.kind)]
    if error.columns:
        return next((each for each in same_kind if each.columns == error.columns), None)
    # SQLite does not say which foreign key it was. A row that is inserted can only violate one of its own, a row that
    # is deleted only one that refers to it (which is what this model does then); one that is updated, either.
    if isinstance(error, ForeignKeyViolation) and len(same_kind) == 1:
        referred = any(isinstance(relation.foreign_key, ForeignKey) for relation in options.dependants)
        if verb in {"INSERT", "DELETE"} or (verb == "UPDATE" and not referred):
            return same_kind[0]
    return None
