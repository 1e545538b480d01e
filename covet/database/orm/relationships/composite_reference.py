"""A foreign key to a model with a key of several columns: its own columns, and the attributes of the instance.

``order = ForeignKey(Order)`` owns a column for each part of the key, ``order_tenant_id`` and ``order_number``; with
``from_fields`` it consists of fields that the model has anyway and owns none. The attributes ``order`` and ``order_id``
(the tuple) are descriptors over those columns. The foreign key of one column knows nothing of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from covet.database.orm.fields.base import MISSING, Field
from covet.database.orm.fields.composite import key_in, set_key
from covet.database.orm.fields.fast_check import FastCheck, holds
from covet.database.orm.on_delete import DB_SET_NULL
from covet.database.orm.unloaded import make_reference
from covet.database.schema.types import LogicalType
from covet.exceptions import ModelDefinitionError, NotLoaded, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.relations import Relation
    from covet.database.orm.relationships.foreign_key import ForeignKey


class KeyPart(Field[Any]):
    """One column of a foreign key of several: ``order_number``. It takes what the field that it refers to takes."""

    def __init__(self, foreign_key: ForeignKey[Any], target: Field[Any], position: int, column: str | None) -> None:
        super().__init__(nullable=foreign_key.null)
        self.model = foreign_key.model
        self.name = self.attname = f"{foreign_key.name}_{target.attname}"
        self.column = column or self.attname
        self.target = target
        self.encode, self.decode = target.encode, target.decode
        self.lowest, self.highest = target.lowest, target.highest
        self.db_comment = foreign_key.db_comment
        self.editable = foreign_key.editable
        self.cache_name = f"_related_{foreign_key.name}"
        self.default = _part_of(foreign_key, position)

    @property
    @override
    def logical_type(self) -> LogicalType:
        return self.target.logical_type

    @override
    def coerce(self, value: Any) -> Any:
        try:
            return self.target.coerce(value)
        except ValidationError as error:
            raise self.invalid(f"the key is refused by {self.target!r}: {error}") from error

    @override
    def prepare(self, value: Any) -> Any:
        try:
            return self.target.prepare(value)
        except ValidationError as error:
            raise self.invalid(f"the key is refused by {self.target!r}: {error}") from error

    @override
    def validate(self, value: Any) -> None:
        """Whether the row exists is for the database to say."""

    @override
    def fast_check(self) -> FastCheck | None:
        """Return the target's: a value that it gives back as it is, is taken as it is."""
        target = self.target
        return target.fast_check() if holds(target, "fast_check", "coerce", "validate", "clean") else None

    @override
    def pre_save(self, instance: Any, *, adding: bool) -> Any:
        """Return the value; one that the related instance got after it was assigned is taken over."""
        state = instance.__dict__
        value = state.get(self.attname)
        related = state.get(self.cache_name)
        if value is None and related is not None:
            value = related.__dict__.get(self.target.attname)
            if value is None:
                raise ValueError(f"{self.label}: the related {type(related).__name__} has no key yet; save it first.")
            state[self.attname] = value
        return value

    @override
    def pre_save_test(self, *, adding: bool) -> FastCheck | None:
        return FastCheck("{v} is None and {related} in state", {"related": self.cache_name})


def _part_of(foreign_key: ForeignKey[Any], position: int) -> object:
    """Return the default of one column of a foreign key."""
    default = foreign_key.default
    if default is MISSING or default is None:
        return default
    if callable(default):
        return lambda: foreign_key.get_default()[position]
    return cast("tuple[object, ...]", default)[position]


class CompositeReference:
    """The attribute ``order``: the related instance, loaded or knowing only its key."""

    def __init__(self, foreign_key: ForeignKey[Any]) -> None:
        self.field = foreign_key

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        field = self.field
        if instance is None:
            return field
        state = instance.__dict__
        relation = cast("Relation", field.relation)
        key = key_in(field.parts, state)
        related = state.get(relation.cache_name)
        if related is not None and (key is None or relation.remote_field.value_in(related.__dict__) == key):
            return related
        if key is None:
            require_loaded(field, state)
            return None
        parts = relation.remote_field.parts
        reference = make_reference(relation, instance, parts[0].attname, key[0])
        set_key(parts, reference.__dict__, key)
        state[relation.cache_name] = reference
        if (back := relation.back) is not None:
            reference.__dict__[back] = instance
        return reference

    def __set__(self, instance: Any, value: Any) -> None:
        field, state = self.field, instance.__dict__
        relation = cast("Relation", field.relation)
        if value is None:
            set_key(field.parts, state, None)
            state.pop(relation.cache_name, None)
            return
        if not isinstance(value, relation.remote):
            raise TypeError(
                f"{field.label} takes a {relation.remote.__name__}, not {type(value).__name__}. "
                f"Set {field.attname} for a key."
            )
        related = value.__dict__
        if not field.owned and relation.remote_field.value_in(related) is None:
            raise ValueError(f"{field.label}: this {type(value).__name__} has no key yet; save it first.")
        for local, remote in relation.pairs:
            state[local.attname] = related.get(remote.attname)
        state[relation.cache_name] = value
        if (back := relation.back) is not None:
            related[back] = instance


class KeyOfReference:
    """The attribute ``order_id``: the tuple of the columns' values, or None."""

    def __init__(self, foreign_key: ForeignKey[Any]) -> None:
        self.field = foreign_key

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            return self.field
        state = instance.__dict__
        key = key_in(self.field.parts, state)
        if key is None:
            require_loaded(self.field, state)
        return key

    def __set__(self, instance: Any, value: object) -> None:
        set_key(self.field.parts, instance.__dict__, value)


def require_loaded(field: ForeignKey[Any], state: dict[str, Any]) -> None:
    """Raise ``NotLoaded`` where the query deferred a column of the key."""
    for part in field.parts:
        if part.attname not in state:
            raise NotLoaded(f"{field.label} is not loaded: the query deferred {part.attname!r}. Await the instance.")


# -- making one ------------------------------------------------------------------------------


def columns_for(field: ForeignKey[Any], key: Field[Any]) -> tuple[tuple[Field[Any], ...], tuple[Field[Any], ...]]:
    """Return the columns of a foreign key to ``key``, and those among them that it owns."""
    targets = key.parts
    if "db_column" in field.options:
        raise ModelDefinitionError(
            f"{field.label}: {len(targets)} columns refer to {key.label}; db_columns=(...) names them."
        )
    if field.db_default is not MISSING:
        raise ModelDefinitionError(f"{field.label}: a key of several columns takes a default, not a db_default.")
    given = field.options.get("from_fields")
    if given is not None:
        found = _existing(field, tuple(given), key)
        return found, ()
    columns: tuple[str | None, ...] = _several(field, "db_columns", targets) or (None,) * len(targets)
    _check_default(field, len(targets))
    parts = tuple(KeyPart(field, target, at, columns[at]) for at, target in enumerate(targets))
    return parts, parts


def _check_default(field: ForeignKey[Any], count: int) -> None:
    default = field.default
    if default is MISSING or default is None or callable(default):
        return
    if not isinstance(default, tuple) or len(cast("tuple[object, ...]", default)) != count:
        raise ModelDefinitionError(
            f"{field.label}: the default of a key of {count} fields is a tuple of {count} values."
        )


def _several(field: ForeignKey[Any], option: str, targets: tuple[Field[Any], ...]) -> tuple[str, ...]:
    given = field.options.get(option)
    if given is None:
        return ()
    if isinstance(given, str) or len(given) != len(targets):
        names = ", ".join(target.name for target in targets)
        raise ModelDefinitionError(f"{field.label}: {option} takes {len(targets)} names, for {names} in this order.")
    return tuple(given)


def _existing(field: ForeignKey[Any], names: tuple[str, ...], key: Field[Any]) -> tuple[Field[Any], ...]:
    """Return the fields that ``from_fields`` names."""
    options: Options = cast("type[Any]", field.model)._meta
    fields = tuple(part for name in names for part in options.get_field(name).parts)
    if len(fields) != len(key.parts):
        wanted = ", ".join(part.name for part in key.parts)
        raise ModelDefinitionError(
            f"{field.label}: from_fields takes {len(key.parts)} names, for {wanted} in this order."
        )
    for part, target in zip(fields, key.parts, strict=True):
        if part is field or getattr(part, "relation", part) is None:
            raise ModelDefinitionError(f"{field.label}: from_fields names {part.name!r}, which has no column yet.")
        if part.logical_type != target.logical_type:
            raise ModelDefinitionError(
                f"{field.label}: from_fields pairs {part.name!r} with {target!r}, a column of another type."
            )
    if "default" in field.options:
        raise ModelDefinitionError(f"{field.label}: with from_fields the defaults are those of the fields.")
    if field.on_delete == DB_SET_NULL and not all(part.null for part in fields):
        raise ModelDefinitionError(
            f"{field.label}: on_delete='DB_SET_NULL' would set every one of its columns NULL, and not all of them "
            "may be. Say 'SET_NULL': covet leaves those alone."
        )
    if field.null != any(part.null for part in fields):
        shown = "nullable=True" if not field.null else "nullable"
        raise ModelDefinitionError(
            f"{field.label}: " + (f"one of its fields may be NULL, so it needs {shown}." if not field.null
            else f"it is {shown}, and none of its fields ({', '.join(names)}) may be NULL.")
        )  # fmt: skip
    return fields
