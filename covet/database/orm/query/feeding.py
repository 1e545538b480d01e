"""insert_from and insert_many: rows from a query, and rows from an iterable of any length in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, cast

from typing_extensions import TypeVar

from covet._frozen import replace
from covet.database.orm.fields.base import Field
from covet.database.orm.query.bulk import MAX_ROWS, check_batch_size, conflict_of, insert_only
from covet.database.orm.query.plan import Plan
from covet.database.orm.query.planner import SelectPlanner
from covet.database.orm.query.upserting import Upserting, whole_table
from covet.database.orm.query.upserts import update_or_create
from covet.database.orm.query.writes import encoded, execute, table_ref
from covet.database.routing import writing
from covet.database.sql import nodes
from covet.database.sql.statements import InsertSelect, OnConflict, Selected
from covet.database.transaction import transaction
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet

_M = TypeVar("_M", default=Any)
Progress = Callable[[int], object]
Fields = tuple[Field[Any], ...]


async def insert_from(
    queryset: QuerySet[Any, Any], source: QuerySet[Any, Any], names: Iterable[str], conflict: OnConflict | None
) -> int:
    """INSERT the rows of a query; return how many."""
    whole_table(queryset, "insert_from")
    model = queryset.model
    options: Options = model._meta
    fields = tuple(options.named(names))
    adapter = writing(queryset.database, model)
    if writing(source.database, source.model) is not adapter:
        raise TypeError("insert_from() takes a queryset of the same database.")
    if source.state.empty:
        return 0
    rest, values = _defaults(options, fields)
    key = (model, "insert from", fields, rest, conflict, source.model, source.state)
    plan: Plan | None = adapter.plans.get(key)
    if plan is None:
        statement = _insert_select(options, fields, rest, source, conflict)
        plan = Plan(adapter.dialect.compile(statement), list)
        adapter.plans.put(key, plan)
    number: int = await execute(adapter, model, plan, (*source.params, *values), rows=False)
    return number


def _insert_select(
    options: Options, fields: Fields, rest: Fields, source: QuerySet[Any, Any], conflict: OnConflict | None
) -> InsertSelect:
    select, _ = SelectPlanner(source.model, source.state).rows()
    if not fields or len(select.columns) != len(fields) or source.state.shape is None:
        raise FieldError(
            f"insert_from() takes a queryset with values() or values_list() of one value a column: it has "
            f"{len(select.columns)}, and the fields are {len(fields)}."
        )
    constant = [
        Selected(nodes.Param(at, field.logical_type)) for at, field in enumerate(rest, start=len(source.params))
    ]
    columns = tuple(field.column for field in (*fields, *rest))
    select = replace(select, columns=(*select.columns, *constant))
    return InsertSelect(table_ref(options, aliased=False), columns, select, conflict)


def _defaults(options: Options, fields: Fields) -> tuple[Fields, list[object]]:
    """Return the other fields that Python has a value for, and those values: the same in every row."""
    named = {field.attname for field in fields}
    blank = object.__new__(options.model)
    rest: list[Field[Any]] = []
    values: list[object] = []
    for field in options.fields:
        if field.attname in named:
            continue
        value = field.get_default() if field.has_default() else field.pre_save(blank, adding=True)
        if value is None:
            continue  # what the database puts there: NULL, or a default of its own
        if field.unique or field.attname in options.key_names:
            raise FieldError(f"insert_from(): {field.label} would be the same in every row; name it among the fields.")
        rest.append(field)
        values.append(encoded(field, field.clean(value)))
    return tuple(rest), values


async def insert_many(
    queryset: QuerySet[Any, Any],
    objs: Iterable[Any] | AsyncIterable[Any],
    batch_size: int,
    conflict: OnConflict | None,
    progress: Progress | None,
) -> int:
    """INSERT instances as they come, all or none; at most ``batch_size`` of them are in memory."""
    whole_table(queryset, "insert_many")
    check_batch_size(batch_size)
    adapter = writing(queryset.database, queryset.model)
    done = 0
    async with transaction(using=adapter.alias):
        async for batch in _batches(objs, batch_size):
            await insert_only(adapter, queryset.model, batch, conflict)
            done += len(batch)
            if progress is not None:
                progress(done)
    return done


async def _batches(objs: Iterable[Any] | AsyncIterable[Any], size: int) -> AsyncIterator[list[Any]]:
    if isinstance(objs, AsyncIterable):
        batch: list[Any] = []
        async for each in objs:
            batch.append(each)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch
        return
    iterator = iter(objs)
    while batch := list(islice(iterator, size)):
        yield batch


class Writing(Upserting[_M], Generic[_M]):
    """``update_or_create()``, ``insert_from()``, ``insert_many()`` and the upserts, of querysets and of managers."""

    __slots__ = ()

    async def update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[_M, bool]:
        """Update the row that matches, or insert one; return (row, created).

        >>> await Author.objects.update_or_create({"city": "Bern"}, email="ann@example.org")

        A new row has ``create_defaults`` instead of ``defaults``, where they are given.
        """
        queryset = cast("QuerySet[Any, Any]", self).all()
        return await update_or_create(queryset, defaults or {}, lookups, create_defaults)

    async def insert_from(
        self, source: QuerySet[Any, Any], fields: Iterable[str], *, ignore_conflicts: bool = False
    ) -> int:
        """Insert the rows of a query without reading them; return how many.

        >>> old = Post.objects.filter(views=0).values_list("title", "views")
        >>> await Archive.objects.insert_from(old, ["title", "views"])
        ... # INSERT INTO archive (title, views) SELECT title, views FROM posts WHERE views = $1

        The values go in the order of ``values_list()`` into ``fields``, and no field checks them. Other fields have
        their defaults (and ``auto_now``), asked once: the same in every row.
        """
        queryset = cast("QuerySet[Any, Any]", self).all()
        conflict = OnConflict() if ignore_conflicts else None
        return await insert_from(queryset, source, fields, conflict)

    async def insert_many(
        self,
        objs: Iterable[_M] | AsyncIterable[_M],
        *,
        batch_size: int = MAX_ROWS,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Iterable[str] = (),
        unique_fields: Iterable[str] = (),
        progress: Progress | None = None,
    ) -> int:
        """Insert what an iterable gives, however long it is, all or none; return how many instances there were.

        >>> await Reading.objects.insert_many(read_file(path), progress=print)  # 5000, 10000 ...

        Only ``batch_size`` instances are kept at a time, and they learn neither their keys nor that they are rows now.
        PostgreSQL gets them by COPY, unless a conflict is to be met or a column is JSON. ``progress`` is called after
        each batch with how many there were so far.
        """
        queryset = cast("QuerySet[Any, Any]", self).all()
        conflict = conflict_of(queryset.model, ignore_conflicts, update_conflicts, update_fields, unique_fields)
        return await insert_many(queryset, objs, batch_size, conflict, progress)
