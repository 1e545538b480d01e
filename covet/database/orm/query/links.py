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
    from covet.database.orm.fields.base import Field
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
    _check_shared(through, pairs)
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


def _check_shared(through: Through, pairs: Sequence[tuple[object, object]]) -> None:
    """Refuse a link of two rows that differ in a column which both foreign keys have, such as the tenant."""
    near, far = through.source.parts, through.target.parts
    shared = [(i, k) for i, one in enumerate(near) for k, other in enumerate(far) if one is other]
    for one, other in cast("Sequence[tuple[Sequence[object], Sequence[object]]]", pairs if shared else ()):
        for i, k in shared:
            if one[i] != other[k]:
                raise ValueError(
                    f"{through.source.label} and {through.target.label} share {near[i].name!r}, "
                    "and the two rows differ in it: they cannot be linked."
                )


def _names(through: Through) -> tuple[str, str]:
    return through.source.attname, through.target.attname


def _conflict(through: Through) -> OnConflict | None:
    columns = dict.fromkeys(part.column for field in (through.source, through.target) for part in field.parts)
    return OnConflict(tuple(columns)) if through.unique else None


async def _insert_keys(through: Through, pairs: Sequence[tuple[object, object]], database: str | None) -> None:
    """Insert links that are nothing but their keys, without an instance each."""
    adapter = writing(database, through.model)
    sides = (through.source, through.target)
    fields = tuple(part for side in sides for part in side.parts)
    rows = [
        tuple(
            [
                encoded(part, item)
                for side, key in zip(sides, pair, strict=True)
                for part, item in zip(side.parts, _values(side, side.clean(key)), strict=True)
            ]
        )
        for pair in pairs
    ]
    await bulk.insert_rows(adapter, through.model, fields, rows, _conflict(through))


def _values(side: Field[Any], key: Any) -> Sequence[object]:
    return (key,) if len(side.parts) == 1 else cast("Sequence[object]", key)


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
