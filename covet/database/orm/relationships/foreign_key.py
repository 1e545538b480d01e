"""ForeignKey: a column that holds the key of another row, and the attribute that gives that row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, cast, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm import registry
from covet.database.orm.conditions import Q
from covet.database.orm.fields.base import MISSING, Field
from covet.database.orm.fields.composite import key_in, lay_out
from covet.database.orm.fields.fast_check import FastCheck, holds
from covet.database.orm.lookups import Lookup
from covet.database.orm.on_delete import (
    CASCADE,
    DB_SET_DEFAULT,
    DB_SET_NULL,
    DO_NOTHING,
    LEFT_TO_THE_DATABASE,
    ON_DELETE,
    ON_UPDATE,
    SET,
    SET_DEFAULT,
    SET_NULL,
    OnDelete,
    OnUpdate,
    delete_action,
)
from covet.database.orm.relations import Relation, RelationReference, pair
from covet.database.orm.relationships.composite_reference import CompositeReference, KeyOfReference, columns_for
from covet.database.orm.relationships.quick_reference import quick_reference
from covet.database.orm.relationships.reverse import attach, reverse_names, same_place
from covet.database.orm.relationships.reverse_manager import ReverseManager
from covet.database.orm.unloaded import make_reference
from covet.database.routing import related_allowed
from covet.database.schema.constraints import ReferentialAction
from covet.database.schema.types import LogicalType
from covet.exceptions import ModelDefinitionError, NotLoaded, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.expressions.functions import PathTransform
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options

_M = TypeVar("_M", bound="Model[Any]")
_To = TypeVar("_To", default=Any)  # a model, or ``model | None``


class RelationOptions(TypedDict, total=False):
    """The options of a foreign key besides its target, nullability and ``on_delete``."""

    related_name: str
    related_query_name: str
    to_field: str
    on_update: OnUpdate
    db_column: str
    db_columns: tuple[str, ...]
    from_fields: tuple[str, ...]
    db_index: bool
    db_constraint: bool
    db_comment: str
    deferrable: bool
    primary_key: bool
    unique: bool
    default: Any
    db_default: Any
    verbose_name: str
    help_text: str
    editable: bool
    init: bool


class ForeignKey(Field[_To], RelationReference):
    """``post.author`` is the related instance: loaded, or knowing only its key until it is awaited.

    >>> author = ForeignKey(User, on_delete="CASCADE", related_name="posts")

    ``author_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE`` and an index. The target is a model, its name
    (``"User"``, ``"app.User"``, ``"self"``) or a function that returns it. ``post.author_id`` is the key;
    ``await post.author`` loads the row in place; ``await user.posts.all()`` goes the other way.
    """

    extra_options = frozenset(RelationOptions.__annotations__) | {"to", "on_delete"}

    remote_field: Field[Any] | None = None  #: the field of the target that the key is
    target_attname = ""  #: its attribute
    cache = ""  #: the attribute of an instance that holds the related one
    relation: Relation | None = None
    _parts: tuple[Field[Any], ...] = ()  #: its columns, where it has several
    _owned: tuple[Field[Any], ...] | None = None

    if TYPE_CHECKING:
        # __new__, not __init__: "self" gives another class back. A line an overload shows best how they differ.
        @overload
        def __new__(cls, to: type[_M] | Callable[[], type[_M]], *, on_delete: OnDelete = ..., nullable: Literal[False] = ..., null: Literal[False] = ..., **options: Unpack[RelationOptions]) -> ForeignKey[_M]: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: type[_M] | Callable[[], type[_M]], *, on_delete: OnDelete = ..., nullable: Literal[True], null: Literal[True] = ..., **options: Unpack[RelationOptions]) -> ForeignKey[_M | None]: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: type[_M] | Callable[[], type[_M]], *, on_delete: OnDelete = ..., null: Literal[True], **options: Unpack[RelationOptions]) -> ForeignKey[_M | None]: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: Literal["self"], *, on_delete: OnDelete = ..., nullable: Literal[False] = ..., null: Literal[False] = ..., **options: Unpack[RelationOptions]) -> SelfForeignKey: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: Literal["self"], *, on_delete: OnDelete = ..., nullable: Literal[True], null: Literal[True] = ..., **options: Unpack[RelationOptions]) -> NullableSelfForeignKey: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: Literal["self"], *, on_delete: OnDelete = ..., null: Literal[True], **options: Unpack[RelationOptions]) -> NullableSelfForeignKey: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: str, *, on_delete: OnDelete = ..., nullable: bool = ..., null: bool = ..., **options: Unpack[RelationOptions]) -> ForeignKey[_To]: ...  # fmt: skip  # noqa: E501
        def __new__(cls, to: Any, **options: Any) -> Any: ...
        def __set__(self, instance: Any, value: _To, /) -> None: ...

        def __eq__(self, other: _To | int | str | bytes) -> Q: ...  # type: ignore[override]  # takes the raw key too

    else:
        __hash__ = Field.__hash__

        def __init__(self, to: Any, **options: Any) -> None:
            super().__init__(to=to, **options)

        def __get__(self, instance: Any, owner: type[Any]) -> Any:
            if instance is None:
                return self
            if self.relation is not None:
                setattr(self.model, self.name, quick_reference(self))
            return self.related(instance)

        def __set__(self, instance: Any, value: Any) -> None:
            self.relate(instance, value)

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.to: Any = options["to"]
        self.db_constraint = bool(options.get("db_constraint", True))
        on_delete: object = options.get("on_delete", CASCADE)
        self.on_delete: OnDelete = on_delete if isinstance(on_delete, SET) else self._action("on_delete", on_delete)
        self.on_update = cast("OnUpdate", self._action("on_update", options.get("on_update", DO_NOTHING)))
        self.deferrable = bool(options.get("deferrable", False))
        self.db_index = bool(options.get("db_index", True))
        if not isinstance(self.to, str) and not callable(self.to):
            raise ModelDefinitionError(
                f"{type(self).__name__}() takes a model, its name or a function, not {self.to!r}."
            )

    def _action(self, option: Literal["on_delete", "on_update"], value: object) -> OnDelete:
        known = ON_DELETE if option == "on_delete" else ON_UPDATE
        action = value.upper().replace(" ", "_") if isinstance(value, str) else ""
        if action not in known:
            others = " or SET(...)" if option == "on_delete" else ""
            raise ModelDefinitionError(
                f"{type(self).__name__}({option}={value!r}): choose one of {', '.join(known)}{others}."
            )
        missing = self._missing_for(action)
        if missing is not None:
            raise ModelDefinitionError(f"{type(self).__name__}({option}={action!r}) needs {missing}.")
        return cast("OnDelete", action)

    @property
    def constraint_action(self) -> ReferentialAction:
        """What the constraint in the database does when the other row is deleted."""
        found = delete_action(self.on_delete, default_in_database=self.db_default is not MISSING)
        if found.startswith("SET") and not self.owned and not all(part.null for part in self.parts):
            return "NO ACTION"  # a column that others use, too, and that is not nullable
        return found

    def _missing_for(self, action: str) -> str | None:
        """Return what an action needs and this key does not have."""
        if action in {SET_NULL, DB_SET_NULL} and not self.null:
            return "nullable=True"
        if action == SET_DEFAULT and not self.has_default():
            return "a default"
        if action == DB_SET_DEFAULT and self.db_default is MISSING:
            return "a db_default"
        if action in LEFT_TO_THE_DATABASE - {DO_NOTHING} and not self.db_constraint:
            return "the constraint in the database; leave db_constraint=False out"
        return None

    # -- belonging to a model --------------------------------------------------------------

    @property
    def relation_name(self) -> str:
        return self.name

    @override
    def get_attname(self, name: str) -> str:
        return f"{name}_id"

    @property
    def is_single(self) -> bool:
        """Whether the other side is a single instance, not a manager."""
        return False

    @override
    def contribute_to_class(self, model: type[Any], name: str) -> None:
        self.model = model
        self.name = name
        self.attname = self.get_attname(name)
        self.cache = f"_related_{name}"
        self.column = self.db_column or self.attname
        if model._meta.abstract:
            return
        reference: Any = model if self.to == "self" else self.to
        if isinstance(reference, type):
            self._resolve(reference)
            return
        shown = repr(reference) if isinstance(reference, str) else "a function"
        model._meta.pending[name] = shown
        registry.when_ready(reference, model.__module__, self._resolve)

    def _resolve(self, target: type[Any]) -> None:
        """Link the two models, now that both are there."""
        model = cast("type[Any]", self.model)
        options: Options = model._meta
        remote: Options | None = getattr(target, "_meta", None)
        if remote is None or remote.abstract:
            raise ModelDefinitionError(f"{options.label}.{self.name} refers to {target!r}, which is no concrete model.")
        to_field = self.options.get("to_field")
        if to_field is None and (missing := remote.key_waits_for) is not None:
            options.pending[self.name] = f"{missing} (by the key of {remote.label})"
            remote.on_resolved.append(lambda: self._resolve(target))
            return
        self.remote_field = remote.pk if to_field is None else remote.get_field(to_field)
        self.target_attname = self.remote_field.attname
        if not (self.remote_field.primary_key or self.remote_field.unique):
            raise ModelDefinitionError(f"{options.label}.{self.name}: {self.remote_field!r} is not unique.")
        self._take_columns(model, self.remote_field)
        self.encode, self.decode = self.remote_field.encode, self.remote_field.decode
        self.lowest, self.highest = self.remote_field.lowest, self.remote_field.highest
        self.relation = Relation(
            name=self.name, kind="forward", model=model, remote=target, local_field=self,
            remote_field=self.remote_field, many=False, optional=self.null or not self.db_constraint,
            accessor=self.name, foreign_key=self, origin=(model.__module__, model.__qualname__, self.name),
        )  # fmt: skip
        options.add_relation(self.relation)
        self._link_back(target, remote, self.relation)
        options.resolved(self.name)

    def _take_columns(self, model: type[Any], key: Field[Any]) -> None:
        """Become a foreign key of several columns where ``key`` is one."""
        if len(key.parts) == 1:
            for option in ("db_columns", "from_fields"):
                if option in self.options:
                    raise ModelDefinitionError(
                        f"{self.label}: {option} is for keys of several fields, not for {key!r}."
                    )
            return
        options: Options = model._meta
        self._parts, self._owned = columns_for(self, key)
        lay_out(options)
        options.check_columns()
        setattr(model, self.name, CompositeReference(self))
        setattr(model, self.attname, KeyOfReference(self))

    @property
    @override
    def parts(self) -> tuple[Field[Any], ...]:
        return self._parts or (self,)

    @override
    def find_lookup(self, name: str) -> Lookup | None:
        return self._target.find_lookup(name) if self._parts else super().find_lookup(name)

    @override
    def find_transform(self, name: str) -> PathTransform | None:
        return None if self._parts else super().find_transform(name)

    @property
    def owned(self) -> tuple[Field[Any], ...]:
        """The columns that are there because of it; with ``from_fields`` there is none."""
        return (self,) if self._owned is None else self._owned

    @override
    def value_in(self, state: Mapping[str, Any]) -> Any:
        return key_in(self._parts, state) if self._parts else state.get(self.attname)

    def _link_back(self, target: type[Any], remote: Options, forward: Relation) -> None:
        """Give the target its side of the relation."""
        model = cast("type[Any]", self.model)
        names = reverse_names(model._meta, self.options, self._default_accessor(model))
        relation = Relation(
            name=names.query, kind="reverse", model=target, remote=model,
            local_field=cast("Field[Any]", self.remote_field), remote_field=self,
            many=not self.is_single, optional=True, accessor=names.accessor, foreign_key=self, origin=forward.origin,
        )  # fmt: skip
        if names.accessor:
            attach(relation, self._reverse_accessor(relation), self)
        pair(forward, relation)
        remote.dependants[:] = [known for known in remote.dependants if not same_place(known, relation)]
        remote.dependants.append(relation)

    def _default_accessor(self, model: type[Any]) -> str:
        return f"{model.__name__.lower()}_set"

    def _reverse_accessor(self, relation: Relation) -> object:
        return ReverseManager[Any](relation)

    # -- the column ------------------------------------------------------------------------

    @property
    def _target(self) -> Field[Any]:
        target: Field[Any] | None = self.remote_field
        if target is None:
            raise ModelDefinitionError(f"{self!r} refers to {self.to!r}, and no model of that name is defined.")
        return target

    @property
    @override
    def logical_type(self) -> LogicalType:
        target: Field[Any] = self._target
        return target.logical_type

    @override
    def coerce(self, value: Any) -> Any:
        try:
            return self._target.coerce(value)
        except ValidationError as error:
            raise self.invalid(f"the key is refused by {self._target!r}: {error}") from error

    @override
    def prepare(self, value: Any) -> Any:
        try:
            return self._target.prepare(value)
        except ValidationError as error:
            raise self.invalid(f"the key is refused by {self._target!r}: {error}") from error

    @override
    def validate(self, value: Any) -> None:
        """Whether the row exists is for the database to say."""

    @override
    def fast_check(self) -> FastCheck | None:
        """Return the target's: a key that it gives back as it is, is taken as it is."""
        target = self._target
        return target.fast_check() if holds(target, "fast_check", "coerce", "validate", "clean") else None

    @override
    def pre_save(self, instance: Any, *, adding: bool) -> Any:
        """Return the key; one that the related instance got after it was assigned is taken over."""
        state = instance.__dict__
        key = state.get(self.attname)
        related = state.get(self.cache)
        if key is None and related is not None:
            key = related.__dict__.get(self._target.attname)
            if key is None:
                raise ValueError(f"{self.label}: the related {type(related).__name__} has no key yet; save it first.")
            state[self.attname] = key
        return key

    @override
    def pre_save_test(self, *, adding: bool) -> FastCheck | None:
        return FastCheck("{v} is None and {related} in state", {"related": self.cache})

    # -- the attribute ---------------------------------------------------------------------

    def related(self, instance: Any) -> Any:
        """Return the related instance, loaded or knowing only its key; None where there is none."""
        state = instance.__dict__
        key = state.get(self.attname)
        related = state.get(self.cache)
        target = self._target
        if related is not None and (key is None or related.__dict__.get(target.attname) == key):
            return related
        if key is None:
            if self.attname not in state:
                raise NotLoaded(f"{self.label} is not loaded: the query deferred {self.attname!r}. Await the instance.")
            return None
        reference = make_reference(cast("Relation", self.relation), instance, target.attname, key)
        state[self.cache] = reference
        if (back := cast("Relation", self.relation).back) is not None:
            reference.__dict__[back] = instance
        return reference

    def _check_databases(self, instance: Any, value: Any) -> None:
        """Refuse that a stored row refers to one of another database. What is not stored yet goes where it is saved."""
        rows = (instance, value)
        if any(row.__dict__.get("_adding") for row in rows) or related_allowed(instance, value):
            return
        here, there = (row.__dict__.get("_database") or "default" for row in rows)
        raise ValueError(
            f"{self.label}: the {type(instance).__name__} is a row of the database {here!r} and the "
            f"{type(value).__name__} one of {there!r}. A router's allow_relation() may allow that."
        )

    def relate(self, instance: Any, value: Any) -> None:
        """Make an instance refer to another one, or to none."""
        state = instance.__dict__
        if value is None:
            state[self.attname] = None
            state.pop(self.cache, None)
            return
        target = self._target
        remote = cast("Relation", self.relation).remote
        if not isinstance(value, remote):
            raise TypeError(
                f"{self.label} takes a {remote.__name__}, not {type(value).__name__}. Set {self.attname} for a key."
            )
        related = value.__dict__
        if state.get("_database") != related.get("_database"):
            self._check_databases(instance, value)
        state[self.attname] = related.get(target.attname)
        state[self.cache] = value
        if (back := cast("Relation", self.relation).back) is not None:
            related[back] = instance


class SelfForeignKey(ForeignKey[Any]):
    """``ForeignKey("self")`` to the type checkers."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
        @overload
        def __get__(self, instance: _M, owner: type[Any], /) -> _M: ...
        @overload
        def __get__(self, instance: object, owner: type[Any], /) -> Any: ...
        def __get__(self, instance: Any, owner: type[Any], /) -> Any: ...  # pyright: ignore[reportIncompatibleMethodOverride]  # narrower by the owner's own type
        def __set__(self, instance: _M, value: _M, /) -> None: ...


class NullableSelfForeignKey(ForeignKey[Any]):
    """``ForeignKey("self", null=True)`` to the type checkers."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
        @overload
        def __get__(self, instance: _M, owner: type[Any], /) -> _M | None: ...
        @overload
        def __get__(self, instance: object, owner: type[Any], /) -> Any: ...
        def __get__(self, instance: Any, owner: type[Any], /) -> Any: ...  # pyright: ignore[reportIncompatibleMethodOverride]  # narrower by the owner's own type
        def __set__(self, instance: _M, value: _M | None, /) -> None: ...
