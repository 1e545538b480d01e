"""ManyToManyField: a relation in both directions, kept in a table of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypedDict, cast, overload

from typing_extensions import TypeVar, Unpack

from covet.database.orm import registry
from covet.database.orm.relations import Relation, RelationReference, Through, pair
from covet.database.orm.relationships.many_to_many_manager import ManyToManyManager, ReverseManyToMany
from covet.database.orm.relationships.related_manager import bound
from covet.database.orm.relationships.reverse import ReverseNames, attach, refuse_clash, reverse_names
from covet.database.orm.relationships.reverse_manager import cannot_assign
from covet.database.orm.relationships.through import foreign_keys_of, is_unique, make_link_model, waits
from covet.database.orm.suggestions import choices
from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options
    from covet.database.orm.relationships.foreign_key import ForeignKey

_ToM = TypeVar("_ToM", bound="Model[Any]", default=Any)


class ManyToManyOptions(TypedDict, total=False):
    """The options of a many-to-many relation besides its target."""

    related_name: str
    related_query_name: str
    through: str | type[Any] | Callable[[], type[Any]]
    through_fields: tuple[str, str]
    symmetrical: bool
    db_table: str
    db_columns: tuple[str | tuple[str, ...], str | tuple[str, ...]]
    db_constraint: bool
    verbose_name: str
    help_text: str
    editable: bool


#: What an automatic table can be told; with ``through=`` the model says it.
_OF_THE_TABLE = ("db_table", "db_columns", "db_constraint")


class ManyToManyField(RelationReference, Generic[_ToM]):
    """``post.tags`` are the tags of a post, ``tag.posts`` its posts.

    >>> tags = ManyToManyField("Tag", related_name="posts")

    The table ``posts_tags`` is made with it: ``post_id`` and ``tag_id``, together the primary key, each a foreign key
    with ON DELETE CASCADE, and an index the other way round. ``db_table`` and ``db_columns`` name another table and its
    columns, ``through`` a model of your own with further columns. ``ManyToManyField("self")`` is symmetrical unless
    ``symmetrical=False`` says otherwise.
    """

    name: str = ""
    model: type[Any] | None = None
    relation: Relation | None = None
    to: Any
    options: dict[str, Any]

    if TYPE_CHECKING:

        @overload
        def __init__(self, to: type[_ToM] | Callable[[], type[_ToM]], **options: Unpack[ManyToManyOptions]) -> None: ...
        @overload
        def __init__(self, to: str, **options: Unpack[ManyToManyOptions]) -> None: ...
        def __init__(self, to: Any, **options: Any) -> None: ...

    else:

        def __init__(self, to: Any, **options: Any) -> None:
            self.to = to
            self.options = options
            self._check(options)

    def _check(self, options: dict[str, Any]) -> None:
        known = ManyToManyOptions.__annotations__
        for name in options:
            if name not in known:
                raise TypeError(f"ManyToManyField() has no option {name!r}. {choices(name, known)}")
        if not isinstance(self.to, str) and not callable(self.to):
            raise ModelDefinitionError(f"ManyToManyField() takes a model, its name or a function, not {self.to!r}.")
        self.symmetrical = bool(options.get("symmetrical", self.to == "self"))
        if self.symmetrical and self.to != "self":
            raise ModelDefinitionError("ManyToManyField(symmetrical=True) is for relations to 'self'.")
        if "through" in options:
            given = [name for name in _OF_THE_TABLE if name in options]
            if given:
                raise ModelDefinitionError(f"ManyToManyField(through=...): {given[0]} belongs to that model.")
        elif "through_fields" in options:
            raise ModelDefinitionError("ManyToManyField(through_fields=...) needs through=.")
        for name in ("through_fields", "db_columns"):
            value = options.get(name)
            if value is not None and (isinstance(value, str) or len(value) != 2):  # noqa: PLR2004 - a pair
                raise ModelDefinitionError(f"ManyToManyField({name}=...) takes two names: this side, the other side.")

    @property
    def relation_name(self) -> str:
        return self.name

    @property
    def through(self) -> type[Any]:
        """The model of the links: ``Post.tags.through.objects.filter(tag=tag)``."""
        if self.relation is None:
            raise ModelDefinitionError(f"{self!r} refers to a model that is not defined yet.")
        return cast("Through", self.relation.through).model

    # -- belonging to a model --------------------------------------------------------------

    def contribute_to_class(self, model: type[Any], name: str) -> None:
        """Become the relation ``name`` of ``model``; called by the metaclass, on a copy of its own."""
        self.model = model
        self.name = name
        self._target: type[Any] | None = None
        self._through: type[Any] | None = None
        if model._meta.abstract:
            return
        model._meta.pending[name] = repr(self.to) if isinstance(self.to, str) else "a function"
        self._when_ready(self.to, self._target_is)

    def _when_ready(self, reference: Any, callback: Callable[[type[Any]], None]) -> None:
        model = cast("type[Any]", self.model)
        if reference == "self":
            callback(model)
        elif isinstance(reference, type):
            callback(cast("type[Any]", reference))
        else:
            registry.when_ready(reference, model.__module__, callback)

    def _target_is(self, target: type[Any]) -> None:
        model = cast("type[Any]", self.model)
        options: Options | None = getattr(target, "_meta", None)
        if options is None or options.abstract:
            raise ModelDefinitionError(f"{self!r} refers to {target!r}, which is no concrete model.")
        self._target = target
        names = self._other_side()
        if names.accessor:
            # Now, not when the table is there: a class that is refused leaves nothing behind.
            refuse_clash(options, names, self._origin, self)
        through = self.options.get("through")
        if through is None:
            self._through_is(make_link_model(model, target, self.name, self.options))
        else:
            model._meta.pending[self.name] = repr(through) if isinstance(through, str) else "a function"
            self._when_ready(through, self._through_is)

    def _through_is(self, through: type[Any]) -> None:
        options: Options | None = getattr(through, "_meta", None)
        if options is None or options.abstract:
            raise ModelDefinitionError(f"{self!r}: through={through!r} is no concrete model.")
        self._through = through
        self._link()

    def _link(self) -> None:
        """Make both directions, once the model of the links knows the models that it refers to."""
        model, target = cast("type[Any]", self.model), cast("type[Any]", self._target)
        through = cast("type[Any]", self._through)
        if waits(through):
            through._meta.on_resolved.append(self._link)
            return
        near, far = foreign_keys_of(self, model, target, through, self.options.get("through_fields"))
        names = self._other_side()
        forward = self._relation(near, far, self.name, self.name)
        backward = self._relation(far, near, names.query, names.accessor)
        pair(forward, backward)
        self.relation = forward
        model._meta.add_relation(forward)
        if backward.accessor:
            attach(backward, ReverseManyToMany(backward), self)
        model._meta.resolved(self.name)

    def _other_side(self) -> ReverseNames:
        model = cast("type[Any]", self.model)
        if self.symmetrical:
            return ReverseNames("", "")
        return reverse_names(model._meta, self.options, f"{model.__name__.lower()}_set")

    @property
    def _origin(self) -> tuple[str, str, str]:
        model = cast("type[Any]", self.model)
        return model.__module__, model.__qualname__, self.name

    def _relation(self, near: ForeignKey[Any], far: ForeignKey[Any], name: str, accessor: str) -> Relation:
        """Return the direction that leads from ``near`` over the table to ``far``."""
        # ``waits`` saw to it that both foreign keys are linked.
        there, on = cast("Relation", near.relation), cast("Relation", far.relation)
        back = replace(cast("Relation", on.inverse))
        automatic = "through" not in self.options
        return Relation(
            name=name, kind="through", model=there.remote, remote=on.remote,
            local_field=there.remote_field, remote_field=on.remote_field, many=True, optional=True,
            accessor=accessor, foreign_key=near, origin=self._origin,
            through=Through(
                model=cast("type[Any]", near.model), source=near, target=far, back=back,
                symmetrical=self.symmetrical, unique=is_unique(near, far), automatic=automatic,
            ),
            _steps=(cast("Relation", there.inverse), on),
        )  # fmt: skip

    # -- the attribute ---------------------------------------------------------------------

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> ManyToManyManager[_ToM]: ...
    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        if instance is None:
            return self
        if self.relation is None:
            raise ModelDefinitionError(f"{self!r} refers to {self.to!r}, and no model of that name is defined.")
        return bound(ManyToManyManager, self.relation, instance)

    if not TYPE_CHECKING:

        def __set__(self, instance: object, value: object) -> None:
            raise cannot_assign(self.relation)

    def __repr__(self) -> str:
        owner = f"{self.model.__name__}." if self.model is not None else ""
        return f"<ManyToManyField: {owner}{self.name}>"
