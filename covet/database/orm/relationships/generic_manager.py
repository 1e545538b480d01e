"""GenericManager: the rows whose generic foreign key refers to an instance: ``post.comments``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from covet.database.orm.relationships.related_manager import Key, RelatedManager
from covet.database.transaction import transaction

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.generics import GenericKey
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet

_ToM = TypeVar("_ToM", bound="Model[Any]", default=Any)


class GenericManager(RelatedManager[_ToM]):
    """The rows on the other side of a generic foreign key.

    >>> await post.comments.create(text="Yes")
    >>> # INSERT INTO comments (text, content_type, object_id) VALUES ($1, $2, $3)
    >>> await post.comments.add(comment, 7)
    >>> # UPDATE comments SET content_type = $1, object_id = $2 WHERE id = ANY($3)

    A row that is taken away refers to nothing; where its columns are not nullable it is deleted, as in Django.
    """

    @property
    def _generic(self) -> GenericKey:
        options: Options = self.relation.remote._meta
        inverse = self.relation.inverse
        assert inverse is not None  # noqa: S101 - GenericRelation makes none without
        return options.generics[inverse.name]

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
            setattr(row, self._generic.name, self.instance)
        found = await self.get_queryset().bulk_create(rows, **options)
        self._forget()
        return found

    async def add(self, *objs: _ToM | Any) -> None:
        """Make these rows (instances or keys) refer to this instance, in one statement."""
        self._key(writing=True)
        keys = self._keys_of(objs, self._pk)
        self._check_databases(objs)
        self._forget()
        if keys:
            await self._base_rows().filter(pk__in=keys).update(**{self._generic.name: self.instance})
        for row in objs:
            if isinstance(row, self.model):
                setattr(row, self._generic.name, self.instance)

    async def remove(self, *objs: _ToM | Any) -> None:
        """Take these rows away, in one statement: they refer to nothing, or are deleted where they must refer."""
        self._key(writing=True)
        keys = self._keys_of(objs, self._pk)
        self._forget()
        if keys:
            await self._release(self.get_queryset().filter(pk__in=keys))
        if self._may_be_null:
            own = self._generic.values(self.instance)
            for row in objs:
                if isinstance(row, self.model) and all(row.__dict__.get(name) == held for name, held in own.items()):
                    setattr(row, self._generic.name, None)

    async def clear(self) -> None:
        """Take every row away, in one statement: they refer to nothing, or are deleted where they must refer."""
        self._key(writing=True)
        self._forget()
        await self._release(self.get_queryset())

    async def set(self, objs: Iterable[_ToM | Key], /, *, clear: bool = False) -> None:
        """Make exactly these rows refer to this instance: one statement for what goes, one for what comes.

        ``clear`` takes away every row first. Rows that cannot refer to nothing would be deleted by that: of them only
        those that do not come back are.
        """
        rows = list(objs)
        self._key(writing=True)
        keys = self._keys_of(rows, self._pk)
        self._check_databases(rows)
        async with transaction(using=self._written):
            every = not keys or (clear and self._may_be_null)
            await self._release(self.get_queryset() if every else self.get_queryset().exclude(pk__in=keys))
            await self.add(*rows)

    async def _release(self, rows: QuerySet[_ToM]) -> None:
        if self._may_be_null:
            await rows.update(**{self._generic.name: None})
        else:
            await rows.delete()

    @property
    def _may_be_null(self) -> bool:
        return all(field.null for field in (self._generic.type_field, self._generic.key_field))

    @property
    def _pk(self) -> Field[Any]:
        options: Options = self.relation.remote._meta
        found: Field[Any] = options.single_pk
        return found
