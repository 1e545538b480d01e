"""Manager: where queries start. ``User.objects`` is one; subclass it for queries of your own."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, LiteralString, Self, cast, overload

from typing_extensions import TypeVar

from covet.database.orm.aggregates import Aggregate
from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression, OrderBy
from covet.database.orm.query.feeding import Writing
from covet.database.orm.query.increments import Increments
from covet.database.orm.query.prefetch import Prefetch
from covet.database.orm.query.queryset import QuerySet
from covet.database.orm.query.raw import RawQuerySet
from covet.database.orm.query.returning import Returns
from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.filtered import FilteredRelation
    from covet.database.orm.model import Model
    from covet.database.orm.peers import FetchMode
    from covet.database.orm.query import calendar
    from covet.database.orm.query.batched import Batched
    from covet.database.orm.query.ctes import CTE, CTEReference
    from covet.database.orm.query.paging import Page
    from covet.database.orm.relations import RelationReference

_M = TypeVar("_M", bound="Model[Any]")
_K = TypeVar("_K")
_Row = TypeVar("_Row")
_T1 = TypeVar("_T1")
_T2 = TypeVar("_T2")
_T3 = TypeVar("_T3")
_T4 = TypeVar("_T4")


class Manager(Returns[_M], Increments, Writing[_M], Generic[_M]):
    """Every read and write that starts a query: the methods of ``QuerySet``, asked of all rows.

    >>> class UserManager(Manager["User"]):
    ...     def adults(self) -> QuerySet["User"]:
    ...         return self.filter(age__gte=18)

    Override ``get_queryset`` to change what "all rows" means.
    """

    model: type[_M]
    _base: QuerySet[_M] | None = None

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: type[Any], /) -> object: ...
        def __get__(self, instance: object, owner: type[Any], /) -> Any: ...

    else:

        def __get__(self, instance: object, owner: type[Any], /) -> Any:
            if instance is not None:
                raise AttributeError(f"Managers belong to the class: use {owner.__name__}.objects.")
            if self.model._meta.abstract:
                self.model._meta.require_concrete()
            return self

    def contribute_to_class(self, model: type[_M], name: str) -> None:
        """Become the manager ``name`` of ``model``; called by the metaclass, on a copy of its own."""
        self.model = model
        self.name = name
        self._base = None

    def get_queryset(self) -> QuerySet[_M]:
        """Return the queryset that every method starts from."""
        if self._base is None:
            self._base = QuerySet(self.model)
        return self._base

    def _start(self) -> QuerySet[_M]:
        found = self.get_queryset()
        if not isinstance(found, QuerySet):
            raise ModelDefinitionError(
                f"{type(self).__name__}.get_queryset() must return a queryset, not {type(found).__name__} "
                "(it is a plain method, not async)."
            )
        return found

    # -- builders --------------------------------------------------------------------------

    def all(self) -> QuerySet[_M]:
        """See ``QuerySet.all``."""
        return self._start().all()

    def none(self) -> QuerySet[_M]:
        """See ``QuerySet.none``."""
        return self._start().none()

    def filter(self, *conditions: Q, **lookups: Any) -> QuerySet[_M]:
        """See ``QuerySet.filter``."""
        return self.get_queryset().filter(*conditions, **lookups)

    def exclude(self, *conditions: Q, **lookups: Any) -> QuerySet[_M]:
        """See ``QuerySet.exclude``."""
        return self._start().exclude(*conditions, **lookups)

    def order_by(self, *fields: str | Expression[Any] | OrderBy) -> QuerySet[_M]:
        """See ``QuerySet.order_by``."""
        return self._start().order_by(*fields)

    def reverse(self) -> QuerySet[_M]:
        """See ``QuerySet.reverse``."""
        return self._start().reverse()

    def limit(self, n: int, /) -> QuerySet[_M]:
        """See ``QuerySet.limit``."""
        return self._start().limit(n)

    def offset(self, n: int, /) -> QuerySet[_M]:
        """See ``QuerySet.offset``."""
        return self._start().offset(n)

    def distinct(self, *fields: str | Expression[Any]) -> QuerySet[_M]:
        """See ``QuerySet.distinct``."""
        return self._start().distinct(*fields)

    def union(self, *others: QuerySet[Any, Any], all: bool = False) -> QuerySet[_M]:
        """See ``QuerySet.union``."""
        return self._start().union(*others, all=all)

    def intersection(self, *others: QuerySet[Any, Any]) -> QuerySet[_M]:
        """See ``QuerySet.intersection``."""
        return self._start().intersection(*others)

    def difference(self, *others: QuerySet[Any, Any]) -> QuerySet[_M]:
        """See ``QuerySet.difference``."""
        return self._start().difference(*others)

    def with_cte(self, *ctes: CTE) -> QuerySet[_M]:
        """See ``QuerySet.with_cte``."""
        return self._start().with_cte(*ctes)

    def join(
        self,
        target: type[Model[Any]] | QuerySet[Any, Any] | CTEReference,
        on: Q,
        *,
        kind: Literal["inner", "left"] = "inner",
        name: str | None = None,
    ) -> QuerySet[_M]:
        """See ``QuerySet.join``."""
        return self._start().join(target, on, kind=kind, name=name)

    def fetch_mode(self, mode: FetchMode, /) -> QuerySet[_M]:
        """See ``QuerySet.fetch_mode``."""
        return self._start().fetch_mode(mode)

    def using(self, alias: str) -> QuerySet[_M]:
        """See ``QuerySet.using``."""
        return self._start().using(alias)

    def select_related(self, *relations: str | RelationReference) -> QuerySet[_M]:
        """See ``QuerySet.select_related``."""
        return self._start().select_related(*relations)

    def prefetch_related(self, *relations: str | RelationReference | Prefetch) -> QuerySet[_M]:
        """See ``QuerySet.prefetch_related``."""
        return self._start().prefetch_related(*relations)

    def select_for_update(
        self,
        *,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Iterable[str] = (),
        no_key: bool = False,
        share: bool = False,
        key_share: bool = False,
    ) -> QuerySet[_M]:
        """See ``QuerySet.select_for_update``."""
        return self._start().select_for_update(
            nowait=nowait, skip_locked=skip_locked, of=of, no_key=no_key, share=share, key_share=key_share
        )

    def only(self, *fields: str | Expression[Any]) -> QuerySet[_M]:
        """See ``QuerySet.only``."""
        return self._start().only(*fields)

    def defer(self, *fields: str | Expression[Any]) -> QuerySet[_M]:
        """See ``QuerySet.defer``."""
        return self._start().defer(*fields)

    def annotate(
        self, *aggregates: Aggregate[Any], **expressions: Expression[Any] | Q | FilteredRelation
    ) -> QuerySet[_M]:
        """See ``QuerySet.annotate``."""
        return self._start().annotate(*aggregates, **expressions)

    def alias(self, *aggregates: Aggregate[Any], **expressions: Expression[Any] | Q) -> QuerySet[_M]:
        """See ``QuerySet.alias``."""
        return self._start().alias(*aggregates, **expressions)

    def group_by(self, *keys: str | Expression[Any], **named: Expression[Any] | Q) -> QuerySet[_M, dict[str, Any]]:
        """See ``QuerySet.group_by``."""
        return self._start().group_by(*keys, **named)

    def values(self, *fields: str | Expression[Any], **expressions: Expression[Any]) -> QuerySet[_M, dict[str, Any]]:
        """See ``QuerySet.values``."""
        return self._start().values(*fields, **expressions)

    @overload
    def values_list(self, field: Expression[_T1], /, *, flat: Literal[True]) -> QuerySet[_M, _T1]: ...
    @overload
    def values_list(self, field: str, /, *, flat: Literal[True]) -> QuerySet[_M, Any]: ...
    @overload
    def values_list(self, f1: Expression[_T1], /) -> QuerySet[_M, tuple[_T1]]: ...
    @overload
    def values_list(self, f1: Expression[_T1], f2: Expression[_T2], /) -> QuerySet[_M, tuple[_T1, _T2]]: ...
    @overload
    def values_list(
        self, f1: Expression[_T1], f2: Expression[_T2], f3: Expression[_T3], /
    ) -> QuerySet[_M, tuple[_T1, _T2, _T3]]: ...
    @overload
    def values_list(
        self, f1: Expression[_T1], f2: Expression[_T2], f3: Expression[_T3], f4: Expression[_T4], /
    ) -> QuerySet[_M, tuple[_T1, _T2, _T3, _T4]]: ...
    @overload
    def values_list(
        self, *fields: str | Expression[Any], flat: Literal[False] = ..., named: bool = ...
    ) -> QuerySet[_M, tuple[Any, ...]]: ...
    def values_list(self, *fields: Any, flat: bool = False, named: bool = False) -> Any:
        """See ``QuerySet.values_list``."""
        start: Any = self._start()
        return start.values_list(*fields, flat=flat, named=named)

    def into(self, row: type[_Row], /, **paths: str | Expression[Any]) -> QuerySet[_M, _Row]:
        """See ``QuerySet.into``."""
        return self._start().into(row, **paths)

    def dates(
        self, field: str | Expression[Any], kind: calendar.DateKind, order: calendar.Order = "ASC"
    ) -> QuerySet[_M, dt.date]:
        """See ``QuerySet.dates``."""
        return self._start().dates(field, kind, order)

    def datetimes(
        self,
        field: str | Expression[Any],
        kind: calendar.MomentKind,
        order: calendar.Order = "ASC",
        tzinfo: dt.tzinfo | None = None,
    ) -> QuerySet[_M, dt.datetime]:
        """See ``QuerySet.datetimes``."""
        return self._start().datetimes(field, kind, order, tzinfo)

    def raw(
        self, sql: LiteralString, params: Iterable[Any] = (), translations: Mapping[str, str] | None = None
    ) -> RawQuerySet[_M]:
        """Run SQL of your own and get instances: ``raw("SELECT * FROM users WHERE age > $1", [18])``.

        Columns that are no fields become attributes, fields that are missing are deferred; the key must be there.
        ``translations`` says which fields columns of other names are, and those of related rows to one:

        >>> sql = "SELECT p.*, u.name AS n FROM posts p JOIN users u ON u.id = p.author_id"
        >>> posts = await Post.objects.raw(sql, translations={"n": "author__name"})
        >>> posts[0].author.name
        """
        return RawQuerySet(self.model, sql, tuple(params), self._start().database, translations or {})

    # -- enders: the coroutines of the queryset, not wrapped in others -----------------------

    def batched(self, field: str = "pk") -> Batched[_M]:
        """See ``QuerySet.batched``."""
        return self._start().batched(field)

    def in_batches(self, size: int = 1000, /) -> AsyncIterator[QuerySet[_M]]:
        """See ``QuerySet.in_batches``."""
        return self._start().in_batches(size)

    def tag(self, text: str, /) -> QuerySet[_M]:
        """See ``QuerySet.tag``."""
        return self._start().tag(text)

    def page(self, size: int, /, *, after: Any = None, before: Any = None) -> Coroutine[Any, Any, Page[_M]]:
        """See ``QuerySet.page``."""
        return self._start().page(size, after=after, before=before)

    def iterator(self, chunk_size: int = 2000) -> AsyncIterator[_M]:
        """See ``QuerySet.iterator``."""
        return self._start().iterator(chunk_size)

    def get(self, *conditions: Q, **lookups: Any) -> Coroutine[Any, Any, _M]:
        """See ``QuerySet.get``."""
        return self._start().get(*conditions, **lookups)

    def get_or_none(self, *conditions: Q, **lookups: Any) -> Coroutine[Any, Any, _M | None]:
        """See ``QuerySet.get_or_none``."""
        return self._start().get_or_none(*conditions, **lookups)

    def first(self) -> Coroutine[Any, Any, _M | None]:
        """See ``QuerySet.first``."""
        return self._start().first()

    def last(self) -> Coroutine[Any, Any, _M | None]:
        """See ``QuerySet.last``."""
        return self._start().last()

    def earliest(self, *fields: str | Expression[Any]) -> Coroutine[Any, Any, _M]:
        """See ``QuerySet.earliest``."""
        return self._start().earliest(*fields)

    def latest(self, *fields: str | Expression[Any]) -> Coroutine[Any, Any, _M]:
        """See ``QuerySet.latest``."""
        return self._start().latest(*fields)

    def count(self) -> Coroutine[Any, Any, int]:
        """See ``QuerySet.count``."""
        return self._start().count()

    def exists(self) -> Coroutine[Any, Any, bool]:
        """See ``QuerySet.exists``."""
        return self._start().exists()

    def contains(self, instance: _M, /) -> Coroutine[Any, Any, bool]:
        """See ``QuerySet.contains``."""
        return self._start().contains(instance)

    def aggregate(
        self, *aggregates: Aggregate[Any], **expressions: Expression[Any]
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        """See ``QuerySet.aggregate``."""
        return self._start().aggregate(*aggregates, **expressions)

    def in_bulk(
        self, ids: Iterable[_K] | None = None, /, *, field: str | Expression[_K] = "pk"
    ) -> Coroutine[Any, Any, dict[_K, _M]]:
        """See ``QuerySet.in_bulk``."""
        return self._start().in_bulk(ids, field=field)

    def create(self, **values: Any) -> Coroutine[Any, Any, _M]:
        """See ``QuerySet.create``."""
        return self._start().create(**values)

    def get_or_create(
        self, /, defaults: Mapping[str, Any] | None = None, **lookups: Any
    ) -> Coroutine[Any, Any, tuple[_M, bool]]:
        """See ``QuerySet.get_or_create``."""
        return self._start().get_or_create(defaults, **lookups)

    def bulk_create(
        self,
        objs: Iterable[_M],
        *,
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Iterable[str] = (),
        unique_fields: Iterable[str] = (),
    ) -> Coroutine[Any, Any, list[_M]]:
        """See ``QuerySet.bulk_create``."""
        return self._start().bulk_create(
            objs,
            batch_size=batch_size,
            ignore_conflicts=ignore_conflicts,
            update_conflicts=update_conflicts,
            update_fields=update_fields,
            unique_fields=unique_fields,
        )

    def bulk_update(
        self, objs: Iterable[_M], fields: Iterable[str | Expression[Any]], *, batch_size: int | None = None
    ) -> Coroutine[Any, Any, int]:
        """See ``QuerySet.bulk_update``."""
        return self._start().bulk_update(objs, fields, batch_size=batch_size)

    def update(self, **values: Any) -> Coroutine[Any, Any, int]:
        """See ``QuerySet.update``."""
        return self._start().update(**values)

    def delete(self) -> Coroutine[Any, Any, tuple[int, dict[str, int]]]:
        """See ``QuerySet.delete``."""
        return self._start().delete()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model.__name__}>"


class DefaultManager:
    """What ``Model.objects`` is to the type checkers: a ``Manager`` of the class that it is read from.

    At run time the metaclass puts a Manager in its place on every model.
    """

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type[_M], /) -> Manager[_M]: ...
        # ``object`` on instances: ``user.objects.get()`` is an error, and a subclass may put any manager here.
        @overload
        def __get__(self, instance: object, owner: type[Any], /) -> object: ...

    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        owner._meta.require_concrete()
        return cast("Manager[Any]", owner._meta.managers["objects"])
