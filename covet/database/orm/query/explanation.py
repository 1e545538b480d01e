"""What a query is sent as, and how the database would run it: ``sql()``, ``explain()``, ``explain_plan()``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, cast

from covet.database.dialects.plans import PlanNode
from covet.database.orm.query.execution import rows_plan
from covet.database.routing import reading

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter
    from covet.database.orm.query.queryset import QuerySet


_LONGEST_TAG: Final = 200


class SQL(NamedTuple):
    """A statement and its parameters, as the driver gets them."""

    text: str
    params: tuple[object, ...]


def statement(queryset: QuerySet[Any, Any]) -> SQL:
    """Return the statement of a query without running it."""
    adapter = reading(queryset.database, queryset.model)
    text, params = rows_plan(adapter, queryset.model, queryset.state).compiled.bind(queryset.params)
    return SQL(text, tuple(params))


async def explain(queryset: QuerySet[Any, Any], form: str | None, options: Mapping[str, bool]) -> str:
    """Return what the database says about how it runs the query."""
    adapter = reading(queryset.database, queryset.model)
    return adapter.dialect.plan_text(await _ask(adapter, queryset, form, options))


async def explain_plan(queryset: QuerySet[Any, Any], options: Mapping[str, bool]) -> PlanNode:
    """Return how the database runs the query, as a tree."""
    adapter = reading(queryset.database, queryset.model)
    return adapter.dialect.read_plan(await _ask(adapter, queryset, adapter.dialect.plan_format, options))


async def _ask(
    adapter: Adapter, queryset: QuerySet[Any, Any], form: str | None, options: Mapping[str, bool]
) -> Sequence[Any]:
    text, params = statement(queryset)
    prefix = adapter.dialect.explain_prefix(form, options)
    # ANALYZE runs the statement, and one that locks rows is no read.
    if options.get("analyze") or queryset.state.lock is not None:
        return await adapter.fetch_write(f"{prefix} {text}", params)
    return await adapter.fetch(f"{prefix} {text}", params)


class Explained:
    """What a queryset says about itself."""

    __slots__ = ()

    @property
    def db(self) -> str:
        """The alias of the database that would be asked now."""
        queryset = _query(self)
        return reading(queryset.database, queryset.model).alias

    def tag(self, text: str, /) -> Self:
        """Say in the statement what it is for: ``qs.tag("monthly report")`` ends it with ``/* monthly report */``.

        The comment is seen in the database's logs and statistics. It is part of the statement, so texts that are new
        each time cost a plan each; printable characters without ``/*`` and ``*/``, 200 at most.
        """
        if len(text) > _LONGEST_TAG or not text.isprintable() or "/*" in text or "*/" in text or not text.strip():
            raise ValueError("tag() takes a printable text of at most 200 characters without /* and */.")
        queryset = _query(self)
        return cast("Self", queryset.derive(queryset.state._replace(tag=text.strip()), queryset.params))

    def sql(self) -> SQL:
        """Return the statement and its parameters, without running it."""
        return statement(_query(self))

    async def explain(self, *, format: str | None = None, **options: bool) -> str:
        """Return how the database runs the query: ``EXPLAIN``; on SQLite ``EXPLAIN QUERY PLAN``.

        ``format`` (PostgreSQL: text, json, xml, yaml) and options such as ``analyze=True``, which runs the query.
        """
        return await explain(_query(self), format, options)

    async def explain_plan(self, **options: bool) -> PlanNode:
        """Return how the database runs the query as a tree: ``(await qs.explain_plan()).indexes``."""
        return await explain_plan(_query(self), options)


def _query(explained: Explained) -> QuerySet[Any, Any]:
    return cast("QuerySet[Any, Any]", explained)
