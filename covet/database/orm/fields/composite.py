"""CompositeField: a key of several columns as one value, a tuple; and which columns a model has because of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from covet.database.orm.composite_key import CompositePrimaryKey
from covet.database.orm.fields.base import Field
from covet.database.orm.lookups import ROW_LOOKUPS, Lookup
from covet.exceptions import ModelDefinitionError, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.expressions.functions import PathTransform
    from covet.database.orm.options import Options

Key = tuple[Any, ...]


def key_in(parts: Iterable[Field[Any]], state: Mapping[str, Any]) -> Key | None:
    """Return the tuple of what an instance has of these fields; None where one is missing, as a part that is NULL."""
    values = tuple([state.get(part.attname) for part in parts])
    return None if None in values else values


def set_key(parts: Sequence[Field[Any]], state: dict[str, Any], key: object) -> None:
    """Set the attributes of these fields. None makes the parts that may be NULL None, and all of them if none may."""
    if key is None:
        for part in [part for part in parts if part.null] or parts:
            state[part.attname] = None
        return
    if not isinstance(key, list | tuple) or len(cast("Key", key)) != len(parts):
        raise TypeError(f"{_names(parts)} are set by a tuple of {len(parts)} values.")
    for part, value in zip(parts, cast("Key", key), strict=True):
        state[part.attname] = value


def _names(parts: Iterable[Field[Any]]) -> str:
    return ", ".join(part.name for part in parts)


class CompositeField(Field[Key]):
    """The primary key of a model with ``CompositePrimaryKey``: ``filter(pk=(1, 2))``. It has no column of its own."""

    def __init__(self, model: type[Any], parts: tuple[Field[Any], ...]) -> None:
        super().__init__(primary_key=True)
        self.model = model
        self.name = self.attname = "pk"
        self._parts = parts

    @property
    @override
    def parts(self) -> tuple[Field[Any], ...]:
        return self._parts

    @override
    def value_in(self, state: Mapping[str, Any]) -> Any:
        return key_in(self._parts, state)

    @override
    def find_lookup(self, name: str) -> Lookup | None:
        return super().find_lookup(name) if name in ROW_LOOKUPS else None

    @override
    def find_transform(self, name: str) -> PathTransform | None:
        return None

    @override
    def lookup_names(self) -> list[str]:
        return list(ROW_LOOKUPS)

    @override
    def has_default(self) -> bool:
        return any(part.has_default() for part in self._parts)

    @override
    def coerce(self, value: Any) -> Key:
        return tuple([part.coerce(item) for part, item in self._pairs(value)])

    @override
    def prepare(self, value: Any) -> Key:
        return tuple([part.prepare(item) for part, item in self._pairs(value)])

    def _pairs(self, value: Any) -> list[tuple[Field[Any], Any]]:
        count = len(self._parts)
        if not isinstance(value, list | tuple):
            raise self.invalid(f"a key of several fields ({_names(self._parts)}) is a tuple, not {_kind(value)}.")
        items = cast("Sequence[Any]", value)
        if len(items) != count:
            raise self.invalid(f"the key has {count} values ({_names(self._parts)}), not {len(items)}.")
        if any(item is None for item in items):
            raise self.invalid(f"none of the {count} values of a key ({_names(self._parts)}) is None.")
        return [(part, _plain(part, item)) for part, item in zip(self._parts, items, strict=True)]

    @override
    def to_db(self, value: Key) -> Key:
        return tuple([item if p.encode is None else p.encode(item) for p, item in zip(self._parts, value, strict=True)])


def _kind(value: object) -> str:
    return type(value).__name__


def _plain(part: Field[Any], item: Any) -> Any:
    """Return the key of an instance that stands for a part which is a foreign key."""
    remote: Field[Any] | None = getattr(part, "remote_field", None)
    model: type[Any] | None = None if remote is None else remote.model
    if remote is None or model is None or not isinstance(item, model):
        return item
    key = remote.value_in(item.__dict__)
    if key is None:
        raise ValidationError({part.name: [f"this {_kind(item)} has no key yet; save it first."]}, label=part.label)
    return key


# -- the columns of a model ------------------------------------------------------------------


def lay_out(options: Options) -> None:
    """Work out the columns and the key of a model from the fields that it declares.

    A foreign key of several columns stands for them, in the table and in the primary key. While the model that it
    refers to is not defined its columns are not known: this is called again then.
    """
    declared = options.declarations
    columns: list[Field[Any]] = []
    for field in declared:
        owned: tuple[Field[Any], ...] = getattr(field, "owned", (field,))
        columns += owned
    names: dict[str, Field[Any]] = {}
    for number, field in enumerate([*columns, *declared]):
        for name in (field.name, field.attname):
            known = names.setdefault(name, field)
            if known is not field and (number < len(columns) or name == field.name):
                raise ModelDefinitionError(
                    f"{options.label}: two fields are called {name!r}. A foreign key of fields that are there already "
                    "says so: from_fields=(...)."
                )
    key = _key(options, names)
    pk = key[0] if len(key) == 1 else CompositeField(options.model, key) if key else None
    if pk is not None and len(key) > 1:
        pk.encode = pk.to_db if any(part.encode is not None for part in key) else None
        if not options.key_declaration:  # a one-to-one relation of several columns
            options.model.pk = CompositePrimaryKey(*(part.name for part in key))
    options.take_fields(columns, names, key, pk)
    options.forget_paths()


def _key(options: Options, names: Mapping[str, Field[Any]]) -> tuple[Field[Any], ...]:
    keys = [field for field in options.declarations if field.primary_key]
    given = options.key_declaration
    if len(keys) > 1 or (keys and given):
        raise ModelDefinitionError(
            f"{options.label} has several primary keys: {_names(keys)}. One field may be it, or "
            "pk = CompositePrimaryKey(...) names the fields."
        )
    for name in given:
        if name not in names:
            raise options.unknown(name)
    members = [names[name] for name in given] or keys
    return tuple(dict.fromkeys(part for member in members for part in member.parts))
