"""RelatedManager: the many side of a relation, bound to one instance: ``user.posts``.

Not loaded, it asks: ``await user.posts.all()``. Once ``prefetch_related`` (or awaiting it) loaded it, it is also a
sequence: ``for post in user.posts``, ``len(user.posts)``, ``user.posts[0]`` without a question.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, cast, overload

from typing_extensions import TypeVar

from covet.database.orm.manager import Manager
from covet.database.orm.query import batching
from covet.database.orm.query.queryset import QuerySet
from covet.database.orm.relations import Relation, RelationReference
from covet.database.transaction import transaction
from covet.exceptions import FieldError, RelationNotLoaded

if TYPE_CHECKING:
    from covet.database.orm.model import Model

_M = TypeVar("_M", bound="Model[Any]")
_ToM = TypeVar("_ToM", bound="Model[Any]", default=Any)


class RelatedManager(Manager[_M]):
    """Rows of another model that refer to ``instance``."""

    instance: Any
    relation: Relation

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type[Any], /) -> Self: ...

    def bind(self, relation: Relation, instance: Any) -> Self:
        """Return this manager, bound to an instance."""
        self.relation = relation
        self.instance = instance
        self.model = relation.remote
        return self

    @property
    def _loaded(self) -> list[_M] | None:
        found: list[_M] | None = self.instance.__dict__.get(self.relation.cache_name)
        return found

    def _key(self) -> Any:
        key = self.instance.__dict__.get(self.relation.local_field.attname)
        if key is None:
            owner = type(self.instance).__name__
            raise ValueError(f"{owner}.{self.relation.accessor}: this {owner} has no key yet; save it first.")
        return key

    def get_queryset(self) -> QuerySet[_M]:
        """Return the related rows; each knows the instance that it refers to."""
        foreign_key = self.relation.foreign_key.name
        base = cast("QuerySet[_M]", self.relation.remote._meta.base_queryset())
        found = base.filter(**{foreign_key: self._key()})
        found.known = (foreign_key, self.instance)
        found.database = self.instance.__dict__.get("_database")
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
            owner, name = type(self.instance).__name__, self.relation.accessor
            raise RelationNotLoaded(
                f"{owner}.{name} is not loaded. Ask with 'await {owner.lower()}.{name}.all()', "
                f"or load it with the query by prefetch_related({self.relation.name!r})."
            )
        return found

    def __iter__(self) -> Iterator[_M]:
        return iter(self._rows())

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
        return f"<{type(self.instance).__name__}.{self.relation.accessor}: {shown}>"

    # -- writing ---------------------------------------------------------------------------

    async def create(self, **values: Any) -> _M:
        """Insert a row that refers to this instance."""
        found = await self.get_queryset().create(**values)
        self._forget()
        return found

    async def bulk_create(self, objs: Iterable[_M], **options: Any) -> list[_M]:
        """Insert many rows that refer to this instance."""
        rows = list(objs)
        for row in rows:
            setattr(row, self.relation.foreign_key.name, self.instance)
        found = await self.get_queryset().bulk_create(rows, **options)
        self._forget()
        return found

    async def add(self, *objs: _M | Any) -> None:
        """Make these rows (instances or keys) refer to this instance, in one statement."""
        await self._point(objs, self._key())
        for row in objs:
            if isinstance(row, self.model):
                setattr(row, self.relation.foreign_key.name, self.instance)

    async def remove(self, *objs: _M | Any) -> None:
        """Make these rows refer to nothing; the foreign key must be nullable."""
        self._require_nullable("remove")
        await self._point(objs, None)
        for row in objs:
            if isinstance(row, self.model):
                setattr(row, self.relation.foreign_key.name, None)

    async def clear(self) -> None:
        """Make every related row refer to nothing; the foreign key must be nullable."""
        self._require_nullable("clear")
        self._forget()
        await self.get_queryset().update(**{self.relation.foreign_key.name: None})

    async def set(self, objs: Iterable[_M], /) -> None:
        """Make exactly these rows refer to this instance."""
        rows = list(objs)
        keys = {self._pk_of(row) for row in rows}
        async with transaction(using=self.instance.__dict__.get("_database")):
            if self.relation.foreign_key.null:
                gone = self.get_queryset().exclude(pk__in=keys)
                await gone.update(**{self.relation.foreign_key.name: None})
            await self.add(*rows)

    def _require_nullable(self, method: str) -> None:
        if not self.relation.foreign_key.null:
            raise FieldError(f"{method}() needs a nullable {self.relation.foreign_key!r}; delete the rows instead.")

    async def _point(self, objs: tuple[Any, ...], key: object) -> None:
        keys = [self._pk_of(row) for row in objs]
        self._forget()
        if not keys:
            return
        base = cast("QuerySet[_M]", self.relation.remote._meta.base_queryset())
        base.database = self.instance.__dict__.get("_database")
        rows = base.filter(pk__in=keys)
        if key is None:
            rows = rows.filter(**{self.relation.foreign_key.name: self._key()})
        await rows.update(**{self.relation.foreign_key.name: key})

    def _pk_of(self, row: Any) -> Any:
        if hasattr(row.__class__, "_meta"):
            if not isinstance(row, self.model):
                raise TypeError(f"{self!r} holds {self.model.__name__}, not {type(row).__name__}.")
            if row.pk is None:
                raise ValueError(f"This {self.model.__name__} has no key yet; save it first.")
            return row.pk
        return row


class ReverseManager(RelatedManager[_ToM], RelationReference):
    """Where a foreign key's ``related_name`` puts it: ``posts: ReverseManager[Post]`` declares it for type checkers."""

    def __init__(self, relation: Relation | None = None) -> None:
        if relation is not None:
            self.relation = relation

    @property
    def relation_name(self) -> str:
        return self.relation.name

    if not TYPE_CHECKING:

        def __get__(self, instance: object, owner: type[Any], /) -> Any:
            if instance is None:
                return self
            return ReverseManager().bind(self.relation, instance)

        def __set__(self, instance: object, value: object) -> None:
            name = f"{type(instance).__name__}.{self.relation.accessor}"
            raise AttributeError(f"{name} cannot be assigned; use await {name}.set([...]).")

    def __repr__(self) -> str:
        if "instance" in self.__dict__:
            return super().__repr__()
        return f"<ReverseManager: {self.relation.model.__name__}.{self.relation.accessor}>"
