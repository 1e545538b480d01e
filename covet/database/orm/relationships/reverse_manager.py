"""ReverseManager: the rows whose foreign key refers to an instance: ``user.posts``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from covet.database.orm.relations import Relation, RelationReference
from covet.database.orm.relationships.related_manager import Key, RelatedManager, bound
from covet.database.transaction import transaction
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options

_ToM = TypeVar("_ToM", bound="Model[Any]", default=Any)


class ReverseManager(RelatedManager[_ToM], RelationReference):
    """Where a foreign key's ``related_name`` puts it: ``posts: ReverseManager[Post]`` declares it for type checkers.

    >>> await user.posts.create(title="Hello")  # INSERT INTO posts (title, author_id) VALUES ($1, $2)
    >>> await user.posts.add(post, 7)  # UPDATE posts SET author_id = $1 WHERE id = ANY($2)
    """

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
            return bound(ReverseManager, self.relation, instance)

        def __set__(self, instance: object, value: object) -> None:
            raise cannot_assign(self.relation)

    def __repr__(self) -> str:
        if "instance" in self.__dict__:
            return super().__repr__()
        return f"<ReverseManager: {self.relation.label}>"

    # -- writing ---------------------------------------------------------------------------

    async def create(self, **values: Any) -> _ToM:
        """Insert a row that refers to this instance."""
        self._key(writing=True)
        found = await self.get_queryset().create(**values)
        self._forget()
        return found

    async def bulk_create(self, objs: Iterable[_ToM], **options: Any) -> list[_ToM]:
        """Insert many rows that refer to this instance."""
        self._key(writing=True)
        rows = list(objs)
        for row in rows:
            setattr(row, self.relation.foreign_key.name, self.instance)
        found = await self.get_queryset().bulk_create(rows, **options)
        self._forget()
        return found

    async def add(self, *objs: _ToM | Any) -> None:
        """Make these rows (instances or keys) refer to this instance, in one statement."""
        key = self._key(writing=True)
        keys = self._keys_of(objs, self._pk)
        self._check_databases(objs)
        self._forget()
        if keys:
            await self._base_rows().filter(pk__in=keys).update(**{self.relation.foreign_key.name: key})
        for row in objs:
            if isinstance(row, self.model):
                setattr(row, self.relation.foreign_key.name, self.instance)

    async def remove(self, *objs: _ToM | Any) -> None:
        """Make these rows refer to nothing, in one statement; the foreign key must be nullable."""
        self._require_nullable("remove")
        foreign_key = self.relation.foreign_key
        key = self._key(writing=True)
        keys = self._keys_of(objs, self._pk)
        self._forget()
        if keys:
            await self.get_queryset().filter(pk__in=keys).update(**{foreign_key.name: None})
        for row in objs:
            if isinstance(row, self.model) and foreign_key.value_in(row.__dict__) == key:
                setattr(row, foreign_key.name, None)

    async def clear(self) -> None:
        """Make every related row refer to nothing, in one statement; the foreign key must be nullable."""
        self._require_nullable("clear")
        self._key(writing=True)
        self._forget()
        await self.get_queryset().update(**{self.relation.foreign_key.name: None})

    async def set(self, objs: Iterable[_ToM | Key], /, *, clear: bool = False) -> None:
        """Make exactly these rows refer to this instance, in two statements.

        Where the foreign key is not nullable the rows that refer to it now stay, as Django has it. ``clear`` lets go of
        every row first, also of those that come back.
        """
        rows = list(objs)
        self._key(writing=True)
        keys = self._keys_of(rows, self._pk)
        self._check_databases(rows)
        async with transaction(using=self._written):
            if self.relation.foreign_key.null:
                gone = self.get_queryset() if clear or not keys else self.get_queryset().exclude(pk__in=keys)
                await gone.update(**{self.relation.foreign_key.name: None})
            await self.add(*rows)

    @property
    def _pk(self) -> Field[Any]:
        options: Options = self.relation.remote._meta
        found: Field[Any] = options.pk
        return found

    def _require_nullable(self, method: str) -> None:
        if not self.relation.foreign_key.null:
            raise FieldError(f"{method}() needs a nullable {self.relation.foreign_key!r}; delete the rows instead.")


def cannot_assign(relation: Relation) -> AttributeError:
    """Return the error for an assignment to a relation to many rows."""
    name = f"{relation.model.__name__.lower()}.{relation.accessor}"
    return AttributeError(f"{relation.label} cannot be assigned; use await {name}.set([...]).")
