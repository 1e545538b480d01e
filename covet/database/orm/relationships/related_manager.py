"""RelatedManager: the many side of a relation, bound to one instance: ``user.posts``, ``post.tags``.

Not loaded, it asks: ``await user.posts.all()``. Once ``prefetch_related`` (or awaiting it) loaded it, it is also a
sequence: ``for post in user.posts``, ``len(user.posts)``, ``user.posts[0]`` without a question.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, cast, overload
from uuid import UUID

from typing_extensions import TypeVar

from covet.database.orm.manager import Manager
from covet.database.orm.query import batching
from covet.database.orm.query.keyed import where_key
from covet.database.orm.query.queryset import QuerySet
from covet.database.orm.relations import Relation
from covet.database.routing import about, related_allowed, writing
from covet.exceptions import RelationNotLoaded

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options

_M = TypeVar("_M", bound="Model[Any]")

#: The usual types of primary keys; ``set()`` names them so that a wrong instance is an error to type checkers.
Key = int | str | UUID | tuple[Any, ...]


_Bound = TypeVar("_Bound", bound="RelatedManager[Any]")
_new = object.__new__


def bound(manager_class: type[_Bound], relation: Relation, instance: Any) -> _Bound:
    """Return a manager of the rows that belong to ``instance``.

    Made on every access, so no ``__init__`` and no classmethod: they would cost as much again.
    """
    manager = _new(manager_class)
    manager.relation = relation
    manager.instance = instance
    manager.model = relation.remote
    return manager


class RelatedManager(Manager[_M]):
    """Rows of another model that belong to ``instance``: what reading them is like, whichever way they belong."""

    instance: Any
    relation: Relation

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type[Any], /) -> Self: ...

    @property
    def _loaded(self) -> list[_M] | None:
        # Not through __dict__: the instance would get a real dict of its own.
        found: list[_M] | None = getattr(self.instance, self.relation.cache_name, None)
        return found

    @property
    def _database(self) -> str | None:
        return about(self.instance, self.instance.__dict__.get("_database"))

    @property
    def _written(self) -> str:
        """The alias of the database that the other rows are written to."""
        return writing(self._database, self.relation.remote).alias

    def _key(self, *, writing: bool = False) -> Any:
        """Return what related rows know this instance by; an instance that is no row yet has none."""
        state = self.instance.__dict__
        key = self.relation.local_field.value_in(state)
        # A key that Python made (a UUID) is there before the row is.
        if key is None or (writing and state.get("_adding") and self.relation.local_field.has_default()):
            owner = self.relation.model.__name__
            raise ValueError(f"{owner}.{self.relation.accessor}: this {owner} has no key yet; save it first.")
        return key

    def _base_rows(self) -> QuerySet[_M]:
        """Return all rows of the other model, in the database of this instance."""
        found = cast("QuerySet[_M]", self.relation.remote._meta.base_queryset())
        found.database = self._database
        return found

    def get_queryset(self) -> QuerySet[_M]:
        """Return the related rows; each knows the instance that it belongs to where that is the only one."""
        base = self._base_rows()
        options: Options = self.relation.remote._meta
        found = base.derive(*where_key(options, self.relation, self._key()))
        if self.relation.inverse is not None and not self.relation.inverse.many:
            found.known = (self.relation.inverse.name, self.instance)
        return found

    def all(self) -> QuerySet[_M]:
        """Return the related rows; loaded ones are not asked for again."""
        found = self.get_queryset().all()
        found.cached = self._loaded
        return found

    def __aiter__(self) -> AsyncIterator[_M]:
        return self.all().__aiter__()

    def __await__(self) -> Generator[Any, Any, list[_M]]:
        return self.load().__await__()

    async def load(self) -> list[_M]:
        """Load the rows once, those of the instance's peers too; the manager is a sequence of them from then on."""
        self._key()
        if self._loaded is None:
            await batching.load_relation(self.instance, self.relation)
        return self._rows()

    def _forget(self) -> None:
        self.instance.__dict__.pop(self.relation.cache_name, None)

    # -- a sequence, once loaded -----------------------------------------------------------

    def _rows(self) -> list[_M]:
        found = self._loaded
        if found is None:
            owner, name = self.relation.model.__name__, self.relation.accessor
            raise RelationNotLoaded(
                f"{owner}.{name} is not loaded. Ask with 'await {owner.lower()}.{name}.all()', "
                f"or load it with the query by prefetch_related({self.relation.name!r})."
            )
        return found

    def __iter__(self) -> Iterator[_M]:
        rows: list[_M] | None = getattr(self.instance, self.relation.cache_name, None)
        return iter(self._rows() if rows is None else rows)

    def __len__(self) -> int:
        return len(self._rows())

    def __bool__(self) -> bool:
        return bool(self._rows())

    @overload
    def __getitem__(self, index: int, /) -> _M: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[_M]: ...
    def __getitem__(self, index: int | slice, /) -> _M | list[_M]:
        return self._rows()[index]

    def __contains__(self, item: object) -> bool:
        return item in self._rows()

    def __repr__(self) -> str:
        found = self._loaded
        shown = "not loaded" if found is None else repr(found)
        return f"<{self.relation.model.__name__}.{self.relation.accessor}: {shown}>"

    # -- what the writing methods share ----------------------------------------------------

    def _check_databases(self, objs: Iterable[Any]) -> None:
        """Refuse rows of another database, unless a router allows it; of a key nobody knows where its row is."""
        for row in objs:
            if not isinstance(row, self.model) or related_allowed(row, self.instance):
                continue
            owner = self.relation.model.__name__
            here, there = (each.__dict__.get("_database") or "default" for each in (self.instance, row))
            raise ValueError(
                f"{owner}.{self.relation.accessor}: the {owner} is a row of the database {here!r} and the "
                f"{self.model.__name__} one of {there!r}. A router's allow_relation() may allow that."
            )

    def _keys_of(self, objs: Iterable[Any], field: Field[Any]) -> list[Any]:
        """Return the values of ``field`` of instances and keys, each once, or refuse one that cannot be meant."""
        return list(dict.fromkeys(self._key_of(row, field) for row in objs))

    def _key_of(self, row: Any, field: Field[Any]) -> Any:
        if getattr(row, "_meta", None) is None:
            return field.prepare(row)
        name = self.model.__name__
        if not isinstance(row, self.model):
            raise TypeError(f"{self.relation.label} holds {name}, not {type(row).__name__}.")
        key = field.value_in(row.__dict__)
        if key is None or (row.__dict__.get("_adding") and field.has_default()):
            raise ValueError(f"{self.relation.label}: this {name} has no key yet; save it first.")
        return key
