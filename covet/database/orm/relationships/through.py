"""The model of the links of a many-to-many relation: made for it, or found among the user's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from covet.database.orm.composite_key import CompositePrimaryKey
from covet.database.orm.indexes import Index, UniqueConstraint
from covet.database.orm.names import shortened, snake_case
from covet.database.orm.options import Options
from covet.database.orm.relationships.foreign_key import ForeignKey
from covet.exceptions import ModelDefinitionError


def make_link_model(model: type[Any], target: type[Any], name: str, options: Mapping[str, Any]) -> type[Any]:
    """Return a model of two foreign keys that are its primary key, with the index the other way round."""
    near, far = _names(model, target)
    columns: tuple[str | tuple[str, ...] | None, ...] = options.get("db_columns", (None, None))
    own: Options = model._meta
    table = options.get("db_table") or shortened(f"{own.db_table}_{name}")

    def foreign_key(to: type[Any], column: str | tuple[str, ...] | None) -> ForeignKey[Any]:
        option = "db_column" if isinstance(column, str) else "db_columns"
        more: dict[str, Any] = {} if column is None else {option: column}
        constraint = bool(options.get("db_constraint", True))
        return ForeignKey(to, related_name="+", db_index=False, db_constraint=constraint, **more)

    meta = {"db_table": table, "managed": own.managed, "indexes": [Index(fields=(far, near))]}
    if own.schema is not None:
        meta["schema"] = own.schema
    namespace = {
        "__module__": model.__module__,
        "__qualname__": f"{model.__qualname__}.{name}.through",
        "__doc__": f"The links of {model.__name__}.{name}.",
        "Meta": type("Meta", (), meta),
        "pk": CompositePrimaryKey(near, far),
        near: foreign_key(model, columns[0]),
        far: foreign_key(target, columns[1]),
    }
    base = next(parent for parent in reversed(model.__mro__) if isinstance(parent, type(model)))
    make: Any = type(model)
    found: type[Any] = make(f"{model.__name__}_{name}", (base,), namespace)
    own.link_models.append(found)
    return found


def _names(model: type[Any], target: type[Any]) -> tuple[str, str]:
    near, far = (snake_case(each.__name__).strip("_") for each in (model, target))
    return (f"from_{near}", f"to_{far}") if near == far else (near, far)


def waits(through: type[Any]) -> bool:
    """Whether a foreign key of the model still refers to one that is not defined."""
    options: Options = through._meta
    return any(isinstance(field, ForeignKey) and field.relation is None for field in options.declarations)


def foreign_keys_of(
    field: object, model: type[Any], target: type[Any], through: type[Any], names: tuple[str, str] | None
) -> tuple[ForeignKey[Any], ForeignKey[Any]]:
    """Return the foreign keys of ``through`` to this side and to the other one."""
    if names is not None:
        return _named(field, through, names[0], model), _named(field, through, names[1], target)
    near, far = _to(through, model), _to(through, target)
    if model is target and len(near) == 2:  # noqa: PLR2004 - from and to
        return near[0], near[1]
    for found, wanted in ((near, model), (far, target)):
        if len(found) != 1 or model is target:
            raise ModelDefinitionError(
                f"{field!r}: {through.__name__} has {len(found)} foreign keys to {wanted.__name__}. "
                "Name the two that make the link: through_fields=('this side', 'the other side')."
                if found
                else f"{field!r}: {through.__name__} has no foreign key to {wanted.__name__}."
            )
    return near[0], far[0]


def _to(through: type[Any], model: type[Any]) -> list[ForeignKey[Any]]:
    options: Options = through._meta
    keys = [field for field in options.declarations if isinstance(field, ForeignKey)]
    return [key for key in keys if key.relation is not None and key.relation.remote is model]


def _named(field: object, through: type[Any], name: str, wanted: type[Any]) -> ForeignKey[Any]:
    found = next((key for key in _to(through, wanted) if key.name == name), None)
    if found is None:
        known = ", ".join(key.name for key in _to(through, wanted)) or "none"
        raise ModelDefinitionError(
            f"{field!r}: through_fields names {name!r}, which is no foreign key of {through.__name__} to "
            f"{wanted.__name__}. Foreign keys to it: {known}."
        )
    return found


def is_unique(near: ForeignKey[Any], far: ForeignKey[Any]) -> bool:
    """Whether the table refuses a second link between the same two rows."""
    options: Options = cast("type[Any]", near.model)._meta
    unique: list[Sequence[str]] = [tuple(options.key_names), *options.unique_together]
    unique.extend(c.fields for c in options.constraints if isinstance(c, UniqueConstraint) and c.condition is None)
    unique.extend(index.fields for index in options.indexes if index.unique and index.condition is None)
    wanted = {part.column for part in (*near.parts, *far.parts)}
    columns = (
        {part.column for name in names for part in options.columns_of(name.removeprefix("-"))} for names in unique
    )
    return any(found == wanted for found in columns)
