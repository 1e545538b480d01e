"""RawQuerySet: SQL of the user's own, its rows as instances."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from covet.database.orm.query.execution import remembered
from covet.database.orm.query.hydration import build_hydrator
from covet.database.orm.query.plan import Hydrate
from covet.database.orm.query.results import Entity, ResultColumn
from covet.database.routing import reading, writing
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter
    from covet.database.orm.model import Model
    from covet.database.orm.options import Options

_M = TypeVar("_M", bound="Model[Any]")


class RawQuerySet(Generic[_M]):
    """``await User.objects.raw(sql, params)`` is a list of users; ``async for`` works too."""

    __slots__ = ("database", "model", "params", "sql")

    def __init__(self, model: type[_M], sql: str, params: tuple[object, ...], database: str | None) -> None:
        self.model = model
        self.sql = sql
        self.params = params
        self.database = database

    def __await__(self) -> Generator[Any, Any, list[_M]]:
        return self._fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[_M]:
        for row in await self._fetch():
            yield row

    async def _fetch(self) -> list[_M]:
        adapter = writing(self.database, self.model)
        if adapter.read_raw(self.sql).reads:
            adapter = reading(self.database, self.model)
        rows = await adapter.fetch_all(self.sql, list(self.params))
        if not rows:
            return []
        names = tuple(rows[0].keys())
        key = (self.model, "raw", names)
        hydrate: Hydrate | None = adapter.plans.get(key)
        if hydrate is None:
            hydrate = _hydrator(adapter, self.model, names)
            adapter.plans.put(key, hydrate)
        return hydrate(rows)

    def __repr__(self) -> str:
        return f"<RawQuerySet of {self.model.__name__}>"


def _hydrator(adapter: Adapter, model: type[Any], names: tuple[str, ...]) -> Hydrate:
    options: Options = model._meta
    by_column = {field.column: field for field in options.fields}
    columns: list[ResultColumn] = []
    for position, name in enumerate(names):
        field = by_column.get(name) or options.find_field(name)
        if field is None or len(field.parts) > 1:
            columns.append(ResultColumn(name, position, None, True))
        else:
            columns.append(ResultColumn(field.attname, position, field.logical_type, True, field.decode))
    found = {column.name for column in columns}
    if not options.key_names <= found:
        columns_of_key = ", ".join(repr(field.column) for field in options.key)
        raise FieldError(
            f"raw() of {options.label} must select the primary key {columns_of_key}; it selects {', '.join(names)}."
        )
    partial = any(field.attname not in found for field in options.fields)
    key = tuple(column.position for column in columns if column.name in options.key_names)
    entity = Entity(model, tuple(columns), key, partial)
    return build_hydrator(entity, adapter.dialect, len(names), remembered(adapter))
