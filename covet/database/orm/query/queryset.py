"""QuerySet: a lazy, immutable query. A thin face over the stages that own the work.

Builders return a new queryset and never touch the database; enders are awaited. ``_M`` is the model, ``_R`` (by default
the model) is what a row becomes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, Self, cast, overload

from typing_extensions import TypeVar

from covet.database.orm.aggregates import Aggregate
from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression, OrderBy
from covet.database.orm.query import (
    builders,
    bulk,
    bulk_updates,
    calendar,
    combination,
    deletion,
    execution,
    grouping,
    objects,
    prefetch,
    upserts,
    writes,
)
from covet.database.orm.query.batched import Batched
from covet.database.orm.query.ctes import Sourced
from covet.database.orm.query.explanation import Explained
from covet.database.orm.query.feeding import Writing
from covet.database.orm.query.increments import Increments
from covet.database.orm.query.locking import Locking
from covet.database.orm.query.paging import Paged
from covet.database.orm.query.prefetch import Prefetch
from covet.database.orm.query.prepared import Prepared
from covet.database.orm.query.returning import Returns
from covet.database.orm.query.state import EMPTY_STATE, Query, QueryState
from covet.database.orm.query.tokenizer import Tokenizer, add_conditions

if TYPE_CHECKING:
    from covet.database.orm.filtered import FilteredRelation
    from covet.database.orm.model import Model
    from covet.database.orm.peers import FetchMode
    from covet.database.orm.relations import RelationReference

_M = TypeVar("_M", bound="Model[Any]")
_R = TypeVar("_R", default=_M)
_QS = TypeVar("_QS", bound="QuerySet[Any, Any]")
_K = TypeVar("_K")
_Row = TypeVar("_Row")
_T1 = TypeVar("_T1")
_T2 = TypeVar("_T2")
_T3 = TypeVar("_T3")
_T4 = TypeVar("_T4")


class QuerySet(Query, Paged[_R], Explained, Sourced, Returns[_R], Increments, Writing[_M], Locking, Generic[_M, _R]):
    """Rows of a model, asked for lazily.

    >>> adults = User.objects.filter(age__gte=18).order_by("-created_at")
    >>> await adults[:10]  # SELECT .. FROM users WHERE age >= $1 ORDER BY created_at DESC LIMIT $2

    Deriving a queryset never changes the one it is derived from; the same one can be awaited again and asks again.
    """

    __slots__ = ("cached", "known", "prefetches")

    def __init__(self, model: type[_M], *, using: str | None = None) -> None:
        self.model: type[_M] = model  # pyright: ignore[reportIncompatibleVariableOverride]  # a Query has any model
        self.state = EMPTY_STATE
        self.params: tuple[object, ...] = ()
        self.database = using
        self.prefetches: tuple[Prefetch, ...] = ()
        #: The rows, where they are known already (a loaded relation).
        self.cached: list[_R] | None = None
        #: What every row of the result is known to refer to: (name of the foreign key, instance).
        self.known: tuple[str, Any] | None = None

    def derive(self, state: QueryState, params: tuple[object, ...]) -> Self:
        """Return a queryset like this one with another state."""
        new = object.__new__(type(self))
        new.model = self.model
        new.state = state
        new.params = params
        new.database = self.database
        new.prefetches = self.prefetches
        new.cached = None
        new.known = self.known
        return new

    def _change(self, **changes: Any) -> Self:
        return self.derive(self.state._replace(**changes), self.params)

    def tokenizer(self) -> Tokenizer:
        """Return a tokenizer that continues the parameters of this query."""
        return Tokenizer(self.model._meta, self.state, list(self.params))

    # -- which rows ------------------------------------------------------------------------

    def all(self) -> Self:
        """Return the same rows, as a queryset of its own."""
        new = self.derive(self.state, self.params)
        new.cached = self.cached
        return new

    def none(self) -> Self:
        """No rows, and no question to the database."""
        return self._change(empty=True)

    def filter(self, *conditions: Q, **lookups: Any) -> Self:
        """Keep the rows for which everything holds.

        >>> User.objects.filter(Q(is_staff=True) | Q(age__gt=60), name__startswith="A")

        ``WHERE (is_staff = $1 OR age > $2) AND name LIKE $3``
        """
        if self.state.limit is not None or self.state.offset is not None:
            raise builders.already_sliced("filter")
        return self.derive(*add_conditions(self.model._meta, (self.state, self.params), conditions, lookups))

    def exclude(self, *conditions: Q, **lookups: Any) -> Self:
        """Drop the rows for which everything holds; rows where a compared column is NULL stay (Django's rule)."""
        if self.state.limit is not None or self.state.offset is not None:
            raise builders.already_sliced("exclude")
        query = (self.state, self.params)
        return self.derive(*add_conditions(self.model._meta, query, conditions, lookups, negated=True))

    def distinct(self, *fields: str | Expression[Any]) -> Self:
        """Drop equal rows; with names (PostgreSQL) keep the first row of each combination: DISTINCT ON."""
        return builders.distinct(builders.unsliced(self, "distinct"), fields)

    def union(self, *others: QuerySet[Any, Any], all: bool = False) -> Self:
        """Put the rows of several querysets together; equal rows are one, unless ``all`` says to keep them.

        >>> User.objects.filter(age__lt=18).union(User.objects.filter(age__gt=65)).order_by("name")

        ``SELECT .. FROM ((SELECT .. WHERE age < $1) UNION (SELECT .. WHERE age > $2)) AS users ORDER BY name``
        """
        return combination.combine(self, others, "UNION ALL" if all else "UNION")

    def intersection(self, *others: QuerySet[Any, Any]) -> Self:
        """Keep the rows that are in all of several querysets: ``INTERSECT``."""
        return combination.combine(self, others, "INTERSECT")

    def difference(self, *others: QuerySet[Any, Any]) -> Self:
        """Keep the rows that are in none of the other querysets: ``EXCEPT``."""
        return combination.combine(self, others, "EXCEPT")

    def __and__(self, other: QuerySet[Any, Any]) -> Self:
        return combination.together(self, other, "AND")

    def __or__(self, other: QuerySet[Any, Any]) -> Self:
        return combination.together(self, other, "OR")

    def __xor__(self, other: QuerySet[Any, Any]) -> Self:
        return combination.together(self, other, "XOR")

    def limit(self, n: int, /) -> Self:
        """At most ``n`` rows."""
        return builders.limit(self, n)

    def offset(self, n: int, /) -> Self:
        """Skip the first ``n`` rows."""
        return builders.offset(self, n)

    @overload
    def __getitem__(self, index: int, /) -> Awaitable[_R]: ...
    @overload
    def __getitem__(self, index: slice, /) -> Self: ...
    def __getitem__(self, index: int | slice, /) -> Any:
        if isinstance(index, slice):
            return builders.sliced(self, index)
        return builders.RowAt(self, index)

    # -- order -----------------------------------------------------------------------------

    def order_by(self, *fields: str | Expression[Any] | OrderBy) -> Self:
        """Sort: ``order_by("last_name", "-age", User.id.desc())``, ``"?"`` at random; replaces an earlier order."""
        if self.state.limit is not None or self.state.offset is not None:
            raise builders.already_sliced("order_by")
        tokenizer = self.tokenizer()
        tokenizer.hiding = True
        tokens = tuple(tokenizer.order(field) for field in fields)
        return self.derive(tokenizer.state._replace(order_by=tokens, reversed=False), tuple(tokenizer.params))

    def reverse(self) -> Self:
        """Turn the order around."""
        builders.unsliced(self, "reverse")
        return self._change(reversed=not self.state.reversed)

    # -- columns ---------------------------------------------------------------------------

    def annotate(self, *aggregates: Aggregate[Any], **expressions: Expression[Any] | Q | FilteredRelation) -> Self:
        """Put a value on each row: ``annotate(post_count=Count("posts"))``. After ``values()`` it groups by them."""
        return builders.annotate(self, aggregates, expressions)

    def alias(self, *aggregates: Aggregate[Any], **expressions: Expression[Any] | Q) -> Self:
        """Name a value without selecting it: ``alias(n=Count("posts")).filter(n__gt=2)``."""
        return builders.annotate(self, aggregates, expressions, hidden=True)

    def group_by(self, *keys: str | Expression[Any], **named: Expression[Any] | Q) -> QuerySet[_M, dict[str, Any]]:
        """Make one row, a dict, of each combination of the keys: ``group_by("city").annotate(n=Count("id"))``.

        ``SELECT city, COUNT(id) FROM users GROUP BY city``. Named expressions are selected, unnamed ones are not.
        """
        return cast("QuerySet[_M, dict[str, Any]]", grouping.group_by(self, keys, named))

    def having(self, *conditions: Q, **lookups: Any) -> Self:
        """Keep the groups for which everything holds: ``having(Count("id") > 2)``, ``having(n__gt=2)``."""
        return grouping.having(builders.unsliced(self, "having"), conditions, lookups)

    def only(self, *fields: str | Expression[Any]) -> Self:
        """Load these fields (and the key) only; another one is loaded by ``await instance``."""
        return builders.only(self, fields)

    def defer(self, *fields: str | Expression[Any]) -> Self:
        """Load all fields but these."""
        return builders.defer(self, fields)

    def values(self, *fields: str | Expression[Any], **expressions: Expression[Any]) -> QuerySet[_M, dict[str, Any]]:
        """Give dicts: ``values("city", "author__name")``; without names all columns."""
        return cast("QuerySet[_M, dict[str, Any]]", builders.values(self, fields, expressions))

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
        """Give tuples; ``flat=True`` the values of one field; ``named=True`` named tuples."""
        return builders.values_list(self, fields, flat=flat, named=named)

    def into(self, row: type[_Row], /, **paths: str | Expression[Any]) -> QuerySet[_M, _Row]:
        """Give objects of ``row``, whose fields say which columns: ``into(Line, by="author__name")``.

        It is a TypedDict, a dataclass, a NamedTuple, or of attrs, msgspec or pydantic; keywords say what fields are.
        """
        return cast("QuerySet[_M, _Row]", objects.into(self, row, paths))

    def dates(
        self, field: str | Expression[Any], kind: calendar.DateKind, order: calendar.Order = "ASC"
    ) -> QuerySet[_M, dt.date]:
        """Give the years, months, weeks or days in which there are rows, as dates, each once.

        >>> await Post.objects.dates("created", "month")  # [date(2024, 1, 1), date(2024, 3, 1)]
        """
        return cast("QuerySet[_M, dt.date]", calendar.dates(builders.unsliced(self, "dates"), field, kind, order))

    def datetimes(
        self,
        field: str | Expression[Any],
        kind: calendar.MomentKind,
        order: calendar.Order = "ASC",
        tzinfo: dt.tzinfo | None = None,
    ) -> QuerySet[_M, dt.datetime]:
        """Give the same for datetimes, down to the second, cut in a time zone (UTC)."""
        return cast(
            "QuerySet[_M, dt.datetime]",
            calendar.datetimes(builders.unsliced(self, "datetimes"), field, kind, order, tzinfo),
        )

    # -- related rows ----------------------------------------------------------------------

    def select_related(self, *relations: str | RelationReference) -> Self:
        """Bring related rows along: to one by JOIN, to many (``"posts"``) by one more query."""
        return builders.select_related(self, relations)

    def prefetch_related(self, *relations: str | RelationReference | Prefetch) -> Self:
        """Load related rows of the whole result: ``prefetch_related("posts__comments")`` asks once a relation."""
        new = self.derive(self.state, self.params)
        for item in relations:
            if self.state.filtered:
                prefetch.refuse_filtered(item, self.state)
            new.prefetches = (*new.prefetches, prefetch.as_prefetch(self.model, item, new.prefetches))
        return new

    def fetch_mode(self, mode: FetchMode, /) -> Self:
        """Say what awaiting an unloaded relation of the rows does.

        ``"peers"`` (the default) loads it for all rows of the result in one query, ``"one"`` for that row alone,
        ``"raise"`` raises ``NotLoaded``. ``Meta.fetch_mode`` and ``set_fetch_mode()`` say it for more than one query.
        """
        return self._change(fetch_mode=execution.checked_fetch_mode(mode))

    def using(self, alias: str) -> Self:
        """Ask another database."""
        new = self.derive(self.state, self.params)
        new.database = alias
        return new

    # -- reading ---------------------------------------------------------------------------

    def fetch(self, want: execution.Want = "rows") -> Coroutine[Any, Any, list[_R]]:
        """Return the coroutine that asks for the rows, or for those of them that are wanted."""
        if self.prefetches or self.known is not None:
            return prefetch.fetch_with_relations(self, want)
        return execution.fetch_all(self, want)

    def __await__(self) -> Generator[Any, Any, list[_R]]:
        return self.fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[_R]:
        for row in await self:
            yield row

    async def iterator(self, chunk_size: int = 2000) -> AsyncIterator[_R]:
        """Stream the rows: memory is bounded by one chunk. ``async for user in qs.iterator()``."""
        if chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, not {chunk_size}.")
        async with aclosing(execution.stream(self, chunk_size)) as chunks:
            async for rows in chunks:
                await prefetch.complete(self, rows)
                for row in rows:
                    yield row

    async def get(self, *conditions: Q, **lookups: Any) -> _R:
        """Return the one row; none is ``Model.DoesNotExist``, several ``Model.MultipleObjectsReturned``."""
        found = self.filter(*conditions, **lookups) if conditions or lookups else self
        rows = await found.fetch("one")
        if len(rows) == 1:
            return rows[0]
        raise builders.not_one(self.model, len(rows))

    async def get_or_none(self, *conditions: Q, **lookups: Any) -> _R | None:
        """Return the one row, or None; several are still ``Model.MultipleObjectsReturned``."""
        found = self.filter(*conditions, **lookups) if conditions or lookups else self
        rows = await found.fetch("one")
        if len(rows) > 1:
            raise builders.not_one(self.model, len(rows))
        return rows[0] if rows else None

    async def first(self) -> _R | None:
        """Return the first row in the order given, or by primary key; None without rows."""
        rows = await self.fetch("first")
        return rows[0] if rows else None

    async def last(self) -> _R | None:
        """Return the last row in the order given, or by primary key; None without rows."""
        rows = await builders.unsliced(self, "last").fetch("last")
        return rows[0] if rows else None

    async def earliest(self, *fields: str | Expression[Any]) -> _R:
        """Return the first row by these fields, or by ``Meta.get_latest_by``; none is ``DoesNotExist``."""
        ordered = self.order_by(*builders.latest_by(self.model, fields))
        rows = await ordered.fetch("first")
        return builders.some(self.model, rows)

    async def latest(self, *fields: str | Expression[Any]) -> _R:
        """Return the last row by these fields, or by ``Meta.get_latest_by``; none is ``DoesNotExist``."""
        ordered = self.order_by(*builders.latest_by(self.model, fields))
        rows = await ordered.fetch("last")
        return builders.some(self.model, rows)

    async def count(self) -> int:
        """Return the number of rows: ``SELECT COUNT(*)``."""
        return len(self.cached) if self.cached is not None else await execution.count(self, self.database)

    async def exists(self) -> bool:
        """Return whether there is a row: ``SELECT 1 .. LIMIT 1``."""
        return bool(self.cached) if self.cached is not None else await execution.exists(self, self.database)

    async def contains(self, instance: _M, /) -> bool:
        """Return whether this instance is among the rows."""
        if not isinstance(instance, self.model):
            raise TypeError(f"contains() takes a {self.model.__name__}, not a {type(instance).__name__}.")
        return await self.filter(pk=instance.pk).exists()

    def prepare(self) -> Prepared[_R]:
        """Return a callable for this query with other values each time; ``Param`` marks where they go.

        >>> older = User.objects.filter(age__gt=Param("age")).prepare()
        >>> await older(age=18)
        """
        return Prepared(self)

    def batched(self, field: str = "pk") -> Batched[_R]:
        """Return what looks rows up by key; look-ups of one turn of the event loop share a query."""
        return Batched(self, field)

    async def aggregate(self, *aggregates: Aggregate[Any], **expressions: Expression[Any]) -> dict[str, Any]:
        """Return values over all rows: ``aggregate(Avg("age"), oldest=Max("age"))`` gives a dict."""
        params, wanted = builders.aggregates(self, aggregates, expressions)
        return await execution.aggregate(self, params, self.database, wanted)

    async def in_bulk(self, ids: Iterable[_K] | None = None, /, *, field: str | Expression[_K] = "pk") -> dict[_K, _R]:
        """Return rows by key: ``in_bulk([1, 2])`` gives ``{1: ..., 2: ...}``; ``field`` must be unique."""
        return await builders.in_bulk(self, ids, field)

    # -- writing ---------------------------------------------------------------------------

    async def create(self, **values: Any) -> _M:
        """Insert one row and return it: ``INSERT .. RETURNING id``."""
        return await upserts.create(self, values)

    async def get_or_create(self, /, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[_M, bool]:
        """Return (row, created). Safe when several tasks try the same key that is unique."""
        return await upserts.get_or_create(self, defaults or {}, lookups)

    async def bulk_create(
        self,
        objs: Iterable[_M],
        *,
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Iterable[str] = (),
        unique_fields: Iterable[str] = (),
    ) -> list[_M]:
        """Insert many rows in few statements, all or none; keys are set on the instances."""
        conflict = bulk.conflict_of(self.model, ignore_conflicts, update_conflicts, update_fields, unique_fields)
        return await bulk.bulk_create(self.model, objs, self.database, batch_size, conflict)

    async def bulk_update(
        self, objs: Iterable[_M], fields: Iterable[str | Expression[Any]], *, batch_size: int | None = None
    ) -> int:
        """Store these fields of many instances, all or none; return how many rows there were."""
        return await bulk_updates.bulk_update(self.model, objs, fields, self.database, batch_size)

    async def update(self, **values: Any) -> int:
        """Change all rows in one statement: ``update(age=F("age") + 1)``; return how many there were."""
        return await writes.update(self, values)

    async def delete(self) -> tuple[int, dict[str, int]]:
        """Delete all rows and what ``on_delete`` takes with them; return (count, {label: count})."""
        return await deletion.delete(self)

    # -- a queryset is no list -------------------------------------------------------------

    if TYPE_CHECKING:
        # Not just absent: `for` would fall back to __getitem__(0), __getitem__(1) ... and never end.
        __iter__: None
    else:

        def __iter__(self) -> NoReturn:
            raise builders.not_a_list("for row in queryset", "async for row in queryset")

    def __bool__(self) -> bool:
        raise builders.not_a_list("bool(queryset)", "await queryset.exists()")

    if not TYPE_CHECKING:

        def __len__(self) -> NoReturn:
            raise builders.not_a_list("len(queryset)", "await queryset.count()")

        def __contains__(self, item: object) -> NoReturn:
            raise builders.not_a_list("x in queryset", "await queryset.contains(x)")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model.__name__}>"

    @classmethod
    def as_manager(cls) -> QuerySetManager[Self]:
        """Return what makes ``Model.objects`` a fresh queryset of this class."""
        return QuerySetManager(cls)


class QuerySetManager(Generic[_QS]):
    """``objects = UserQuerySet.as_manager()``: reading it gives a fresh ``UserQuerySet`` on that model."""

    def __init__(self, queryset_class: type[_QS]) -> None:
        self.queryset_class = queryset_class

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> _QS: ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> object: ...
    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        if instance is not None:
            raise AttributeError(f"Managers belong to the class: use {owner.__name__}.objects.")
        owner._meta.require_concrete()
        return self.queryset_class(owner)
