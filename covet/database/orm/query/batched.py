"""Batched look-ups: what several tasks ask by key in one turn of the event loop is asked in one query."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from covet.database.routing import reading
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.adapters.block import Block
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet

_R = TypeVar("_R", default=Any)


class Batched(Generic[_R]):
    """Looks rows up by a unique field; look-ups of the same turn of the event loop share a query.

    >>> users = User.objects.batched()
    >>> await asyncio.gather(users.get(1), users.get(2))  # SELECT .. WHERE id = ANY($1)

    Made for what resolves many keys from many tasks, a GraphQL server for one. Nothing is kept: the next turn asks
    again. The same instance is given to all who ask for one key in one turn. Look-ups inside a transaction share a
    query with those of the same block only.
    """

    def __init__(self, queryset: QuerySet[Any, _R], field: str = "pk") -> None:
        options: Options = queryset.model._meta
        found = options.get_field(field)
        if not (found.primary_key or found.unique or field == "pk"):
            raise FieldError(f"batched({field!r}): {found!r} is not unique, so a key is not one row.")
        if queryset.state.shape is not None or queryset.state.limit is not None or queryset.state.offset is not None:
            raise TypeError("batched() is for querysets of instances without slices.")
        self._queryset = queryset
        self._field = field
        self._attname = found.attname
        self._prepare = found.prepare
        #: By the block that the look-ups belong to: what a transaction sees is nothing for other tasks.
        self._waiting: dict[Block | None, dict[Hashable, asyncio.Future[_R | None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: Any) -> _R:
        """Return the row with this key; there is none: ``DoesNotExist``."""
        found = await self.get_or_none(key)
        if found is None:
            name = self._queryset.model.__name__
            raise self._queryset.model.DoesNotExist(f"No {name} has this {self._field}.")
        return found

    async def get_or_none(self, key: Any) -> _R | None:
        """Return the row with this key, or None."""
        checked: Hashable = self._prepare(key)
        block = reading(self._queryset.database, self._queryset.model).block()
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(block)
        if waiting is None:
            waiting = self._waiting[block] = {}
            loop.call_soon(self._send, block)  # in the context of this task, and so inside its block
        future = waiting.get(checked)
        if future is None:
            future = waiting[checked] = loop.create_future()
        # A task that is cancelled leaves the others their answer.
        return await asyncio.shield(future)

    def _send(self, block: Block | None) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(self._waiting.pop(block)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, waiting: dict[Hashable, asyncio.Future[_R | None]]) -> None:
        try:
            rows = await self._queryset.filter(**{f"{self._field}__in": list(waiting)})
        except BaseException as error:
            for future in waiting.values():
                future.set_exception(error)
                future.exception()  # the task that asked may be gone; then nobody else hears of it
            if not isinstance(error, Exception):
                raise
            return
        found = {getattr(row, self._attname): row for row in rows}
        for key, future in waiting.items():
            future.set_result(found.get(key))

    def __repr__(self) -> str:
        return f"<Batched {self._queryset!r} by {self._field}>"
