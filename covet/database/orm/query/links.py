"""Links: the rows of the table between two models. Each function is one statement, however many links it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from covet.database.orm.conditions import Q
from covet.database.orm.query import bulk
from covet.database.orm.query.writes import encoded
from covet.database.routing import writing
from covet.database.sql.statements import OnConflict
from covet.database.transaction import transaction

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.relations import Through


def _rows(through: Through, database: str | None) -> QuerySet[Any, Any]:
    options: Options = through.model._meta
    found = cast("QuerySet[Any, Any]", options.base_queryset())
    found.database = database
    return found


def _between(through: Through, key: object, others: Sequence[object] | None) -> Q:
    """Return the condition for the links of ``key`` with ``others`` (None: with anything), stored either way round."""
    ways = [(through.source.name, through.target.name)]
    if through.symmetrical:
        ways.append((through.target.name, through.source.name))
    found: Q | None = None
    for near, far in ways:
        one = Q(**{near: key}) if others is None else Q(**{near: key, f"{far}__in": others})
        found = one if found is None else found | one
    return cast("Q", found)


async def remove(through: Through, key: object, others: Sequence[object] | None, database: str | None) -> None:
    """Delete the links of ``key`` with ``others``; None: all of them."""
    await _rows(through, database).filter(_between(through, key, others)).delete()


async def keep(through: Through, key: object, others: Sequence[object], database: str | None) -> None:
    """Delete the links of ``key`` with anything but ``others``."""
    stay = _between(through, key, others) if through.symmetrical else Q(**{f"{through.target.name}__in": others})
    await _rows(through, database).filter(_between(through, key, None)).exclude(stay).delete()


async def add(
    through: Through, key: object, others: Sequence[object], defaults: Mapping[str, Any], database: str | None
) -> None:
    """Insert the links of ``key`` with ``others`` that are not there yet."""
    pairs = _pairs(through, key, others)
    if not pairs:
        return
    if through.automatic and not defaults:
        await _insert_keys(through, pairs, database)
    elif through.unique:
        await _insert_rows(through, pairs, defaults, database)
    else:
        # Nothing in the table refuses a second link: look what is there first.
        async with transaction(using=writing(database, through.model).alias):
            known = _rows(through, database).filter(_between(through, key, others))
            found = cast("list[tuple[object, object]]", await known.values_list(*_names(through)))
            there = set(found)
            await _insert_rows(through, [pair for pair in pairs if pair not in there], defaults, database)


def _pairs(through: Through, key: object, others: Sequence[object]) -> list[tuple[object, object]]:
    pairs = [(key, other) for other in others]
    if through.symmetrical:
        pairs += [(other, key) for other in others if other != key]
    return pairs


def _names(through: Through) -> tuple[str, str]:
    return through.source.attname, through.target.attname


def _conflict(through: Through) -> OnConflict | None:
    return OnConflict((through.source.column, through.target.column)) if through.unique else None


async def _insert_keys(through: Through, pairs: Sequence[tuple[object, object]], database: str | None) -> None:
    """Insert links that are nothing but their keys, without an instance each."""
    adapter = writing(database, through.model)
    fields = (through.source, through.target)
    rows = [tuple([encoded(f, f.clean(v)) for f, v in zip(fields, pair, strict=True)]) for pair in pairs]
    await bulk.insert_rows(adapter, through.model, fields, rows, _conflict(through))


async def _insert_rows(
    through: Through, pairs: Sequence[tuple[object, object]], defaults: Mapping[str, Any], database: str | None
) -> None:
    names = _names(through)
    rows = [
        through.model(
            **dict(zip(names, pair, strict=True)),
            **{name: value() if callable(value) else value for name, value in defaults.items()},
        )
        for pair in pairs
    ]
    await bulk.bulk_create(through.model, rows, database, None, _conflict(through))
