"""GenericKey: two columns that refer to a row of any model; one holds the label of the model, the other the key.

There is no table of models: the label of a model is a constant of its class (``Meta.generic_label``, by default the
name of the class), so reading it asks no database. Seen from one model the two columns are an ordinary ``Relation``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from covet.database.orm import registry
from covet.database.orm.relations import Discriminator, Relation
from covet.database.schema.types import Integer, LogicalType, Text, Uuid, Varchar
from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.options import Options

Convert = Callable[[Any], Any]


class GenericKey:
    """The two columns, and what their values mean."""

    def __init__(
        self,
        model: type[Any],
        name: str,
        fields: tuple[Field[Any], Field[Any]],
        types: Mapping[str, Any] | None,
    ) -> None:
        self.model = model
        self.name = name
        self.type_field, self.key_field = fields
        self.types = types
        self._models: dict[str, type[Any]] = {}
        self._relations: dict[type[Any], Relation] = {}

    @property
    def label(self) -> str:
        """``Comment.content``, for messages."""
        return f"{self.model.__name__}.{self.name}"

    @property
    def cache_name(self) -> str:
        """The instance attribute that holds what was loaded."""
        return f"_related_{self.name}"

    # -- labels ----------------------------------------------------------------------------

    def find(self, label: str) -> type[Any] | None:
        """Return the model of a label, or None."""
        found = self._models.get(label)
        if found is None:
            module = self.model.__module__
            if self.types is None:
                found = registry.labelled(label, module)
            elif (reference := self.types.get(label)) is not None:
                found = registry.resolve(reference, module)
            if found is not None:
                self._models[label] = found
        return found

    def label_of(self, model: type[Any]) -> str:
        """Return the label of a model, or refuse a model that it cannot refer to."""
        label = self._own_label(model)
        found = self.find(label)
        if found is not model:
            other = "no model" if found is None else f"{found.__module__}.{found.__qualname__}"
            raise ModelDefinitionError(
                f"{self.label}: the label {label!r} of {model.__module__}.{model.__qualname__} means {other} here. "
                "Give one of them another Meta.generic_label, or the relation types={'label': model}."
            )
        return label

    def _own_label(self, model: type[Any]) -> str:
        if self.types is None:
            label: str = model._meta.generic_label
            return label
        for label, reference in self.types.items():
            if registry.refers_to(reference, model):
                return label
        known = ", ".join(each if isinstance(each, str) else each.__name__ for each in self.types.values())
        raise TypeError(f"{self.label} refers to {known}, not to {model.__name__} (types=).")

    def claim(self, model: type[Any]) -> Relation:
        """Return the relation to a model that declares the other side; its label means that model from now on."""
        try:
            label = self._own_label(model)
        except TypeError as error:
            raise ModelDefinitionError(str(error)) from error
        other = self._models.get(label, model)
        if (other.__module__, other.__qualname__) != (model.__module__, model.__qualname__):
            raise ModelDefinitionError(
                f"{self.label}: {other.__module__}.{other.__qualname__} and {model.__module__}.{model.__qualname__} "
                f"have one label, {label!r}. Give one of them another Meta.generic_label."
            )
        self._models[label] = model
        return self.relation_to(model)

    # -- one model -------------------------------------------------------------------------

    def relation_to(self, model: type[Any]) -> Relation:
        """Return the relation to the rows of one model."""
        found = self._relations.get(model)
        if found is None:
            field = self.key_field
            found = self._relations[model] = Relation(
                name=self.name, kind="forward", model=self.model, remote=model, local_field=field,
                remote_field=model._meta.single_pk, many=False, optional=True, accessor=self.name, foreign_key=field,
                origin=(self.model.__module__, self.model.__qualname__, self.name),
                near_type=Discriminator(self.type_field, self.label_of(model)),
                convert=self._conversion(model, field, model._meta.single_pk),
            )  # fmt: skip
        return found

    def to_column(self, model: type[Any]) -> Convert | None:
        """Return what makes a key of ``model`` a value of the column."""
        return self._conversion(model, model._meta.single_pk, self.key_field)

    def _conversion(self, model: type[Any], source: Field[Any], target: Field[Any]) -> Convert | None:
        forms = _form(source), _form(target)
        if forms not in _CONVERSIONS and forms[0] != forms[1]:
            raise ModelDefinitionError(
                f"{self.label}: {self.key_field!r} cannot hold the keys of {model.__name__} "
                f"({model._meta.single_pk!r}). A column of their type or of text can."
            )
        return _CONVERSIONS.get(forms)

    # -- values ----------------------------------------------------------------------------

    def columns(self, value: Any) -> tuple[str, Any]:
        """Return what the two columns hold for an instance, or refuse it."""
        options: Options | None = getattr(value.__class__, "_meta", None)
        if options is None:
            raise TypeError(f"{self.label} takes an instance of a model, not {type(value).__name__}.")
        model: type[Any] = options.model
        label, convert = self.label_of(model), self.to_column(model)
        key = value.__dict__.get(options.single_pk.attname)
        # A key that Python made (a UUID) is there before the row is, and no constraint would tell.
        if key is None or (value.__dict__.get("_adding") and options.single_pk.has_default()):
            raise ValueError(f"{self.label}: this {model.__name__} has no key yet; save it first.")
        return label, key if convert is None else convert(key)

    def values(self, value: Any) -> dict[str, Any]:
        """Return the two columns by name, for an instance or None."""
        label, key = (None, None) if value is None else self.columns(value)
        return {self.type_field.name: label, self.key_field.name: key}

    def refers(self, related: Any, label: Any, key: Any) -> bool:
        """Return whether ``related`` is what the two values refer to."""
        model: type[Any] = related._meta.model
        if self._models.get(label) is not model:
            return False
        known = related.__dict__.get(model._meta.single_pk.attname)
        return bool(known == self.relation_to(model).converted(key))

    def parted(self, instances: Iterable[Any]) -> dict[type[Any] | None, list[Any]]:
        """Return the instances by the model that they refer to; None: to nothing that there is.

        What was loaded for other values of the columns is forgotten.
        """
        parts: dict[type[Any] | None, list[Any]] = {}
        label_name, key_name, cache = self.type_field.attname, self.key_field.attname, self.cache_name
        for instance in instances:
            label, key = getattr(instance, label_name), getattr(instance, key_name)
            model = None if label is None or key is None else self.find(label)
            parts.setdefault(model, []).append(instance)
            related = instance.__dict__.get(cache)
            if related is not None and (model is None or not self.refers(related, label, key)):
                del instance.__dict__[cache]
        return parts

    def no_path(self, where: str) -> str:
        """Return the message for a path that wants to go through it, or to read it as a column."""
        return (
            f"{self.label}{where} is a generic relation: a query compares it with instances ({self.name}=post, "
            f"{self.name}__in=[...], {self.name}__isnull=True) and knows its columns {self.type_field.name!r} and "
            f"{self.key_field.name!r}. To go on from it, give a GenericRelation a related_query_name."
        )


def _form(field: Field[Any]) -> object:
    """Return how the keys of a column are written; two columns of one form hold equal values for equal keys."""
    if field.encode is not None:
        return field
    kind: LogicalType = field.logical_type
    if isinstance(kind, Integer):
        return Integer
    return Text if isinstance(kind, Text | Varchar) else kind


def _integer(text: str) -> int | None:
    """Return the number that a CAST to text gives this text for, or None."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if str(number) == text else None


def _uuid(text: str) -> UUID | None:
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


_CONVERSIONS: dict[tuple[object, object], Convert] = {
    (Integer, Text): str,
    (Uuid(), Text): str,
    (Text, Integer): _integer,
    (Text, Uuid()): _uuid,
}
