"""create, get_or_create and update_or_create of a queryset. Right when several tasks try the same key at once."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from covet.database.orm.query.writes import insert
from covet.database.routing import writing
from covet.database.transaction import transaction
from covet.exceptions import UniqueViolation

if TYPE_CHECKING:
    from covet.database.orm.model import Model
    from covet.database.orm.query.queryset import QuerySet

_M = TypeVar("_M", bound="Model[Any]")


async def create(queryset: QuerySet[_M, Any], values: Mapping[str, Any]) -> _M:
    """Build an instance, with what the queryset knows of it, and insert it."""
    known = {} if queryset.known is None else {queryset.known[0]: queryset.known[1]}
    instance = queryset.model(**{**known, **values})
    await insert_new(instance, queryset.database)
    return instance


def insert_new(instance: Any, database: str | None) -> Coroutine[Any, Any, None]:
    """Run the instance's own check; awaited, insert it."""
    instance.clean()
    return insert(instance, database)


async def get_or_create(
    queryset: QuerySet[_M, Any], defaults: Mapping[str, Any], lookups: Mapping[str, Any]
) -> tuple[_M, bool]:
    """Return (row, created).

    The insert runs in a block of its own: when another task was first, its unique violation rolls back only that block
    and the row of the other task is returned. That needs a unique constraint over ``lookups``.
    """
    database = writing(queryset.database, queryset.model).alias
    queryset = queryset.using(database)  # the look-up must see what the insert would conflict with
    found = await _find(queryset, lookups)
    if found is not None:
        return found, False
    values = {**{key: value for key, value in lookups.items() if "__" not in key}, **_called(defaults)}
    try:
        async with transaction(using=database):
            return await create(queryset, values), True
    except UniqueViolation:
        found = await _find(queryset, lookups)
        if found is None:
            raise  # the conflict is with another key than the one looked up
        return found, False


async def _find(queryset: QuerySet[_M, Any], lookups: Mapping[str, Any]) -> _M | None:
    return cast("_M | None", await queryset.get_or_none(**lookups))


def _called(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value() if callable(value) else value for key, value in values.items()}


async def update_or_create(
    queryset: QuerySet[_M, Any],
    defaults: Mapping[str, Any],
    lookups: Mapping[str, Any],
    create_defaults: Mapping[str, Any] | None = None,
) -> tuple[_M, bool]:
    """Update the row that matches, locked where the database locks rows, or create it."""
    adapter = writing(queryset.database, queryset.model)
    queryset = queryset.using(adapter.alias)
    async with transaction(using=adapter.alias):
        locked = queryset.select_for_update() if adapter.dialect.supports_row_locks else queryset
        found, created = await get_or_create(locked, defaults if create_defaults is None else create_defaults, lookups)
        if created:
            return found, True
        for name, value in _called(defaults).items():
            if not found.has_settable(name):
                raise type(found).unknown_attribute(name)
            setattr(found, name, value)
        await found.save(update_fields=list(defaults), using=queryset.database)
        return found, False
