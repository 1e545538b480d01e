"""ManyToManyManager: the rows that a table of links connects with an instance: ``post.tags``, ``tag.posts``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import TypeVar

from covet.database.orm.query import links
from covet.database.orm.relations import Relation, RelationReference, Through
from covet.database.orm.relationships.related_manager import Key, RelatedManager, bound
from covet.database.orm.relationships.reverse_manager import cannot_assign
from covet.database.transaction import transaction

if TYPE_CHECKING:
    from covet.database.orm.model import Model

_ToM = TypeVar("_ToM", bound="Model[Any]", default=Any)


class ManyToManyManager(RelatedManager[_ToM]):
    """The rows on the other side of a many-to-many relation.

    >>> await post.tags.add(tag, 7)
    >>> # INSERT INTO posts_tags (post_id, tag_id) VALUES ... ON CONFLICT (post_id, tag_id) DO NOTHING
    >>> await post.tags.remove(tag)
    >>> # DELETE FROM posts_tags WHERE post_id = $1 AND tag_id = ANY($2)

    The methods take instances and keys. ``through_defaults`` gives the values of the link's other columns.
    """

    @property
    def through(self) -> type[Any]:
        """The model of the links: ``post.tags.through.objects.filter(post=post)``."""
        return self._links.model

    @property
    def _links(self) -> Through:
        return cast("Through", self.relation.through)

    async def add(self, *objs: _ToM | Any, through_defaults: Mapping[str, Any] | None = None) -> None:
        """Link these rows with this instance, in one statement; what is linked already stays as it is."""
        key = self._key(writing=True)
        keys = self._keys_of(objs, self.relation.remote_field)
        self._check_databases(objs)
        self._forget()
        await links.add(self._links, key, keys, through_defaults or {}, self._database)

    async def remove(self, *objs: _ToM | Any) -> None:
        """Take away the links with these rows, in one statement; one that is not linked is none the worse."""
        key = self._key(writing=True)
        keys = self._keys_of(objs, self.relation.remote_field)
        self._forget()
        if keys:
            await links.remove(self._links, key, keys, self._database)

    async def clear(self) -> None:
        """Take away all links of this instance, in one statement."""
        key = self._key(writing=True)
        self._forget()
        await links.remove(self._links, key, None, self._database)

    async def set(
        self,
        objs: Iterable[_ToM | Key],
        /,
        *,
        clear: bool = False,
        through_defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """Link exactly these rows with this instance: one statement for what goes, one for what comes.

        Links that stay keep their other columns; ``clear`` makes all of them anew.
        """
        key = self._key(writing=True)
        rows = list(objs)
        keys = self._keys_of(rows, self.relation.remote_field)
        self._check_databases(rows)
        self._forget()
        async with transaction(using=self._written):
            if clear or not keys:
                await links.remove(self._links, key, None, self._database)
            else:
                await links.keep(self._links, key, keys, self._database)
            await links.add(self._links, key, keys, through_defaults or {}, self._database)

    async def create(self, *, through_defaults: Mapping[str, Any] | None = None, **values: Any) -> _ToM:
        """Insert a row and link it with this instance, both or neither."""
        self._key(writing=True)
        async with transaction(using=self._written):
            found = await self._base_rows().create(**values)
            await self.add(found, through_defaults=through_defaults)
        return found

    async def bulk_create(
        self, objs: Iterable[_ToM], *, through_defaults: Mapping[str, Any] | None = None, **options: Any
    ) -> list[_ToM]:
        """Insert many rows and link them with this instance, all or none."""
        self._key(writing=True)
        async with transaction(using=self._written):
            found = await self._base_rows().bulk_create(objs, **options)
            await self.add(*found, through_defaults=through_defaults)
        return found

    async def get_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        *,
        through_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[_ToM, bool]:
        """Return (row, created), looking among the linked rows; a row that is made is linked."""
        self._key(writing=True)
        async with transaction(using=self._written):
            found, created = await self.get_queryset().get_or_create(defaults, **lookups)
            if created:
                await self.add(found, through_defaults=through_defaults)
        return found, created

    async def update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        *,
        through_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[_ToM, bool]:
        """Update the linked row that matches, or insert and link one; return (row, created)."""
        self._key(writing=True)
        async with transaction(using=self._written):
            found, created = await self.get_queryset().update_or_create(defaults, create_defaults, **lookups)
            if created:
                await self.add(found, through_defaults=through_defaults)
        self._forget()
        return found, created


class ReverseManyToMany(RelationReference):
    """The attribute of the other side: ``tag.posts``. ``posts: ReverseManager[Post]`` declares it for type checkers."""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation

    @property
    def relation_name(self) -> str:
        return self.relation.name

    @property
    def through(self) -> type[Any]:
        """The model of the links."""
        return cast("Through", self.relation.through).model

    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        return self if instance is None else bound(ManyToManyManager, self.relation, instance)

    def __set__(self, instance: object, value: object) -> None:
        raise cannot_assign(self.relation)

    def __repr__(self) -> str:
        return f"<ReverseManyToMany: {self.relation.label}>"
