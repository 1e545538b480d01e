"""OneToOneField: a foreign key that is unique, with a single instance on the other side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, cast, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.on_delete import OnDelete
from covet.database.orm.relations import Relation, RelationReference
from covet.database.orm.relationships.foreign_key import ForeignKey, RelationOptions
from covet.database.orm.unloaded import make_reference

if TYPE_CHECKING:
    from covet.database.orm.model import Model

_M = TypeVar("_M", bound="Model[Any]")
_To = TypeVar("_To", default=Any)


class OneToOneField(ForeignKey[_To]):
    """``user = OneToOneField(User, related_name="profile")``: ``profile.user`` and ``user.profile``."""

    if TYPE_CHECKING:
        # As ForeignKey's: a line an overload.
        @overload
        def __new__(cls, to: type[_M] | Callable[[], type[_M]], *, on_delete: OnDelete = ..., nullable: Literal[False] = ..., null: Literal[False] = ..., **options: Unpack[RelationOptions]) -> OneToOneField[_M]: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: type[_M] | Callable[[], type[_M]], *, on_delete: OnDelete = ..., nullable: Literal[True], null: Literal[True] = ..., **options: Unpack[RelationOptions]) -> OneToOneField[_M | None]: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: type[_M] | Callable[[], type[_M]], *, on_delete: OnDelete = ..., null: Literal[True], **options: Unpack[RelationOptions]) -> OneToOneField[_M | None]: ...  # fmt: skip  # noqa: E501
        @overload
        def __new__(cls, to: str, *, on_delete: OnDelete = ..., nullable: bool = ..., null: bool = ..., **options: Unpack[RelationOptions]) -> OneToOneField[_To]: ...  # fmt: skip  # noqa: E501
        def __new__(cls, to: Any, **options: Any) -> Any: ...
        def __set__(self, instance: Any, value: _To, /) -> None: ...

    @property
    @override
    def is_single(self) -> bool:
        return True

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.unique = not self.primary_key
        self.db_index = False  # the unique constraint is one

    @override
    def _default_accessor(self, model: type[Any]) -> str:
        return model.__name__.lower()

    @override
    def _reverse_accessor(self, relation: Relation) -> object:
        return ReverseOneToOne[Any](relation)


class ReverseOneToOne(RelationReference, Generic[_To]):
    """``profile: ReverseOneToOne[Profile]`` declares it for type checkers; ``await user.profile`` loads it.

    Awaiting it raises ``Profile.DoesNotExist`` when no row refers to this one.
    """

    def __init__(self, relation: Relation) -> None:
        self.relation = relation

    @property
    def relation_name(self) -> str:
        return self.relation.name

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> _To: ...
    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        if instance is None:
            return self
        state = instance.__dict__
        name = self.relation.cache_name
        if name not in state:
            key = self.relation.local_field.value_in(state)
            if key is None:
                raise ValueError(f"{self.relation.label}: this {owner.__name__} has no key yet; save it first.")
            parts = self.relation.remote_field.parts
            key = key if len(parts) > 1 else (key,)
            state[name] = make_reference(self.relation, instance, parts[0].attname, key[0])
            state[name].__dict__.update(zip([part.attname for part in parts], key, strict=True))
            state[name].__dict__[cast("str", self.relation.back)] = instance
        return state[name]

    def __set__(self, instance: Any, value: _To, /) -> None:
        if not isinstance(value, self.relation.remote):
            raise TypeError(
                f"{self.relation.label} takes a {self.relation.remote.__name__}, not {type(value).__name__}."
            )
        setattr(value, self.relation.foreign_key.name, instance)
