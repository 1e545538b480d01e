"""RawQuerySet: SQL of the user's own, its rows as instances."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Mapping
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from covet.database.orm.query.execution import remembered
from covet.database.orm.query.hydration import build_hydrator
from covet.database.orm.query.plan import Hydrate
from covet.database.orm.query.raw_columns import raw_entity
from covet.database.routing import reading, writing

if TYPE_CHECKING:
    from covet.database.orm.model import Model

_M = TypeVar("_M", bound="Model[Any]")


class RawQuerySet(Generic[_M]):
    """``await User.objects.raw(sql, params)`` is a list of users; ``async for`` works too."""

    __slots__ = ("database", "model", "params", "sql", "translations")

    def __init__(
        self,
        model: type[_M],
        sql: str,
        params: tuple[object, ...],
        database: str | None,
        translations: Mapping[str, str],
    ) -> None:
        self.model = model
        self.sql = sql
        self.params = params
        self.database = database
        self.translations = dict(translations)

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
        key = (self.model, "raw", names, tuple(self.translations.items()))
        hydrate: Hydrate | None = adapter.plans.get(key)
        if hydrate is None:
            entity = raw_entity(self.model, names, self.translations)
            hydrate = build_hydrator(entity, adapter.dialect, len(names), remembered(adapter))
            adapter.plans.put(key, hydrate)
        return hydrate(rows)

    def __repr__(self) -> str:
        return f"<RawQuerySet of {self.model.__name__}>"
