"""GenericRelation: the other side of a generic foreign key, declared where it is wanted: ``post.comments``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, cast, overload

from typing_extensions import TypeVar

from covet.database.orm import registry
from covet.database.orm.generics import GenericKey
from covet.database.orm.relations import Discriminator, Relation, RelationReference
from covet.database.orm.relationships.generic_manager import GenericManager
from covet.database.orm.relationships.related_manager import bound
from covet.database.orm.relationships.reverse_manager import cannot_assign
from covet.exceptions import ModelDefinitionError, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options

_ToM = TypeVar("_ToM", bound="Model[Any]", default=Any)

_RULES = ("CASCADE", "DO_NOTHING")


class GenericRelation(RelationReference, Generic[_ToM]):
    """``post.comments`` are the rows whose generic foreign key refers to a post.

    >>> comments = GenericRelation("Comment", related_query_name="post")

    ``SELECT .. FROM comments WHERE object_id = $1 AND content_type = $2``. ``field`` names the GenericForeignKey where
    the other model has several. With ``related_query_name`` the other model can ask across it:
    ``Comment.objects.filter(post__title="Hello")``. Deleting a post deletes its comments, unless
    ``on_delete="DO_NOTHING"`` leaves them behind.
    """

    name: str = ""
    model: type[Any] | None = None
    relation: Relation | None = None

    @overload
    def __init__(
        self,
        to: type[_ToM] | Callable[[], type[_ToM]],
        *,
        field: str | None = None,
        related_query_name: str | None = None,
        on_delete: Literal["CASCADE", "DO_NOTHING"] = "CASCADE",
    ) -> None: ...
    @overload
    def __init__(
        self,
        to: str,
        *,
        field: str | None = None,
        related_query_name: str | None = None,
        on_delete: Literal["CASCADE", "DO_NOTHING"] = "CASCADE",
    ) -> None: ...
    def __init__(
        self,
        to: Any,
        *,
        field: str | None = None,
        related_query_name: str | None = None,
        on_delete: Literal["CASCADE", "DO_NOTHING"] = "CASCADE",
    ) -> None:
        if not isinstance(to, str) and not callable(to):
            raise ModelDefinitionError(f"GenericRelation() takes a model, its name or a function, not {to!r}.")
        if on_delete not in _RULES:
            raise ModelDefinitionError(f"GenericRelation(on_delete={on_delete!r}): choose one of {', '.join(_RULES)}.")
        self.to: Any = to
        self.field = field
        self.related_query_name = related_query_name
        self.on_delete = on_delete

    @property
    def relation_name(self) -> str:
        return self.name

    # -- belonging to a model --------------------------------------------------------------

    def contribute_to_class(self, model: type[Any], name: str) -> None:
        """Become the relation ``name`` of ``model``; called by the metaclass, on a copy of its own."""
        self.model = model
        self.name = name
        options: Options = model._meta
        if options.abstract:
            return
        taken = options.relations.get(name)
        if taken is not None:
            raise ModelDefinitionError(f"{self!r} clashes with the other side of {taken.foreign_key!r}; rename one.")
        reference: Any = model if self.to == "self" else self.to
        if isinstance(reference, type):
            self._link(cast("type[Any]", reference))
            return
        options.pending[name] = repr(reference) if isinstance(reference, str) else "a function"
        registry.when_ready(reference, model.__module__, self._link)

    def _link(self, target: type[Any]) -> None:
        """Make the relation, now that both models are there."""
        model = cast("type[Any]", self.model)
        options: Options = model._meta
        if options.key_waits_for is not None:  # a key that refers to a model which is not defined yet
            options.on_resolved.append(lambda: self._link(target))
            return
        generic = self._generic(target)
        forward = generic.claim(model)
        mark = cast("Discriminator", forward.near_type)
        try:
            generic.type_field.clean(mark.label)
        except ValidationError as error:
            raise ModelDefinitionError(f"{self!r}: the column of the label refuses {mark.label!r}: {error}") from error
        self.relation = Relation(
            name=self.name, kind="reverse", model=model, remote=target, local_field=forward.remote_field,
            remote_field=generic.key_field, many=True, optional=True, accessor=self.name,
            foreign_key=generic.key_field, origin=self._origin, inverse=forward, far_type=mark,
            convert=generic.to_column(model),
        )  # fmt: skip
        self._name_the_way_back(self.relation, forward)
        options.add_relation(self.relation)
        if self.on_delete == "CASCADE":
            options.dependants.append(self.relation)
        options.resolved(self.name)

    def _generic(self, target: type[Any]) -> GenericKey:
        remote: Options | None = getattr(target, "_meta", None)
        if remote is None or remote.abstract:
            raise ModelDefinitionError(f"{self!r} refers to {target!r}, which is no concrete model.")
        names = ", ".join(remote.generics) or "none"
        if self.field is None and len(remote.generics) == 1:
            return next(iter(remote.generics.values()))
        found = None if self.field is None else remote.generics.get(self.field)
        if found is not None:
            return found
        wanted = "a GenericForeignKey" if self.field is None else f"a GenericForeignKey {self.field!r}"
        what = "has several; name one by field=" if self.field is None and remote.generics else f"has not {wanted}"
        raise ModelDefinitionError(
            f"{self!r} is the other side of a GenericForeignKey; {remote.label} {what}: {names}."
        )

    def _name_the_way_back(self, relation: Relation, forward: Relation) -> None:
        """Give the other model the name by which its queries cross the relation."""
        if self.related_query_name is None:
            return
        own, remote = relation.model._meta, relation.remote._meta
        name = self.related_query_name.replace("%(class)s", own.label.lower())
        known: Relation | None = remote.relations.get(name)
        if not name.isidentifier() or "__" in name:
            raise ModelDefinitionError(f"{self!r}: related_query_name={name!r} is no name for a path.")
        another = known is not None and known.origin != relation.origin
        if name in remote.generics or remote.find_field(name) is not None or another:
            raise ModelDefinitionError(
                f"{self!r}: related_query_name={name!r} means something in {remote.label} already."
            )
        # Seen like a one-to-one relation from its other side: a row belongs to one, or to none of this model.
        remote.add_relation(
            Relation(
                name=name, kind="reverse", model=relation.remote, remote=relation.model,
                local_field=relation.remote_field, remote_field=relation.local_field, many=False, optional=True,
                accessor="", foreign_key=relation.foreign_key, origin=relation.origin, near_type=forward.near_type,
                convert=forward.convert,
            )
        )  # fmt: skip

    @property
    def _origin(self) -> tuple[str, str, str]:
        model = cast("type[Any]", self.model)
        return model.__module__, model.__qualname__, self.name

    # -- the attribute ---------------------------------------------------------------------

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> GenericManager[_ToM]: ...
    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        if instance is None:
            return self
        if self.relation is None:
            raise ModelDefinitionError(f"{self!r} refers to {self.to!r}, and no model of that name is defined.")
        return bound(GenericManager, self.relation, instance)

    if not TYPE_CHECKING:

        def __set__(self, instance: object, value: object) -> None:
            raise cannot_assign(self.relation)

    def __repr__(self) -> str:
        owner = f"{self.model.__name__}." if self.model is not None else ""
        return f"<GenericRelation: {owner}{self.name}>"
