"""GenericForeignKey: two columns that refer to a row of any model, and the attribute that gives that row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, overload

from typing_extensions import TypeVar

from covet.database.orm.fields import BigIntegerField, CharField
from covet.database.orm.fields.base import Field
from covet.database.orm.generics import GenericKey
from covet.database.orm.indexes import Index
from covet.database.orm.relations import RelationReference
from covet.database.orm.relationships.foreign_key import ForeignKey
from covet.database.orm.unloaded import is_absent, make_reference
from covet.database.schema.types import Text, Varchar
from covet.exceptions import ModelDefinitionError, NotLoaded

if TYPE_CHECKING:
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options

_To = TypeVar("_To", bound="Model[Any]", default="Model[Any]")

#: The length of the type column where the relation declares it itself.
_LABEL_LENGTH = 100


class GenericForeignKey(RelationReference, Generic[_To]):
    """``comment.content`` is a row of any model: loaded, or knowing only its key until it is awaited.

    >>> content = GenericForeignKey("content_type", "object_id")

    The two names are fields of the model: text for the label of the other model, and its key. Where neither is declared
    the relation declares both, ``content_type varchar(100) NOT NULL`` and ``object_id bigint NOT NULL``, with an index.
    The label of a model is its name; ``Meta.generic_label`` says another one, so that a class can be renamed, and
    ``types={"post": Post, "photo": "Photo"}`` says for this relation which models there are. There is no constraint in
    the database: a row that is gone is None after ``await``.
    """

    name: str = ""
    model: type[Any] | None = None
    generic: GenericKey | None = None

    def __init__(
        self,
        type_field: str = "content_type",
        key_field: str = "object_id",
        *,
        types: Mapping[str, type[_To] | str | Callable[[], type[_To]]] | None = None,
        nullable: bool = False,
    ) -> None:
        self.type_name = type_field
        self.key_name = key_field
        self.types = None if types is None else dict(types)
        self.nullable = nullable
        self._declares = False
        if types is not None and (not types or not all(types)):
            raise ModelDefinitionError("GenericForeignKey(types=...) maps labels to models, one at least.")
        if types is not None and len(set(types.values())) < len(types):
            raise ModelDefinitionError("GenericForeignKey(types=...) has two labels for one model.")

    @property
    def relation_name(self) -> str:
        return self.name

    # -- belonging to a model --------------------------------------------------------------

    def declare(self, owner: str, name: str, fields: Mapping[str, object]) -> dict[str, Field[Any]]:
        """Return the two columns where the model declares neither; called by the metaclass."""
        missing = [each for each in (self.type_name, self.key_name) if each not in fields]
        self._declares = len(missing) > 1
        if len(missing) == 1:
            raise ModelDefinitionError(
                f"{owner}.{name}: {owner} has no field {missing[0]!r}. Declare both columns, or neither: "
                "GenericForeignKey then does it itself."
            )
        if not missing:
            if self.nullable:
                raise ModelDefinitionError(f"{owner}.{name}: nullable= is for columns that it declares itself.")
            return {}
        options: dict[str, Any] = {"nullable": True} if self.nullable else {}
        return {
            self.type_name: CharField(max_length=_LABEL_LENGTH, **options),
            self.key_name: BigIntegerField(**options),
        }

    def contribute_to_class(self, model: type[Any], name: str) -> None:
        """Become the relation ``name`` of ``model``; called by the metaclass, on a copy of its own."""
        self.model = model
        self.name = name
        options: Options = model._meta
        if options.abstract:
            return
        type_field, key_field = (self._column(options, each) for each in (self.type_name, self.key_name))
        if not isinstance(type_field.logical_type, Text | Varchar) or type_field.encode is not None:
            raise ModelDefinitionError(f"{self!r}: {type_field!r} holds the label of a model; use a CharField.")
        self.generic = GenericKey(model, name, (type_field, key_field), self.types)
        options.generics[name] = self.generic
        if self._declares:
            options.indexes = (*options.indexes, Index(fields=(self.type_name, self.key_name)))

    def _column(self, options: Options, name: str) -> Field[Any]:
        field = options.find_field(name)
        if field is None or isinstance(field, ForeignKey) or field.name != name:
            raise ModelDefinitionError(
                f"{self!r}: {name!r} is no plain field of {options.label}. It needs a CharField for the label of the "
                "other model, and a field for its key."
            )
        return field

    @property
    def _key(self) -> GenericKey:
        if self.generic is None:
            raise ModelDefinitionError(f"{self!r} belongs to no concrete model.")
        return self.generic

    # -- the attribute ---------------------------------------------------------------------

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> _To | None: ...
    def __get__(self, instance: Any, owner: type[Any], /) -> Any:
        return self if instance is None else self._related(instance)

    def __set__(self, instance: Any, value: _To | None, /) -> None:
        generic, state = self._key, instance.__dict__
        label, key = (None, None) if value is None else generic.columns(value)
        state[generic.type_field.attname], state[generic.key_field.attname] = label, key
        if value is None:
            state.pop(generic.cache_name, None)
        else:
            state[generic.cache_name] = value

    def _related(self, instance: Any) -> Any:
        generic, state = self._key, instance.__dict__
        related = state.get(generic.cache_name)
        for field in (generic.type_field, generic.key_field):
            if field.attname not in state:
                if related is not None:
                    return None if is_absent(related) else related
                raise NotLoaded(
                    f"{generic.label} is not loaded: the query deferred {field.attname!r}. Await the instance."
                )
        label, key = state[generic.type_field.attname], state[generic.key_field.attname]
        if label is None or key is None:
            return None
        if related is not None and generic.refers(related, label, key):
            return None if is_absent(related) else related
        return self._reference(instance, label, key)

    def _reference(self, instance: Any, label: str, key: Any) -> Any:
        """Return an instance that knows only its key; None where there cannot be a row of that key."""
        generic = self._key
        model = generic.find(label)
        if model is None:
            raise ModelDefinitionError(
                f"{generic.label} holds the label {label[:80]!r}, and no model has it. "
                "A class that was renamed keeps its rows by Meta.generic_label = the old name, or by types=."
            )
        relation = generic.relation_to(model)
        known = relation.converted(key)
        if known is None:
            return None
        reference = make_reference(relation, instance, relation.remote_field.attname, known)
        instance.__dict__[generic.cache_name] = reference
        return reference

    def __repr__(self) -> str:
        owner = f"{self.model.__name__}." if self.model is not None else ""
        return f"<GenericForeignKey: {owner}{self.name}>"


def declared_columns(owner: str, fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a class, with the columns that its generic relations declare before each of them."""
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if isinstance(field, GenericForeignKey):
            found.update(field.declare(owner, name, {**fields, **found}))
        found[name] = field
    return found
