"""Collector: what one ``delete()`` takes with it, found before anything is written.

It goes level by level: the rows of the query, the rows that refer to those, and so on; a level asks each relation once.
A row is found once, so circles end. Rows that nothing refers to are not read: they go by the keys that they refer to.
Keys travel as one parameter, so no statement is cut into pieces however many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from covet.database.orm.conditions import Q
from covet.database.orm.on_delete import CASCADE, LEFT_TO_THE_DATABASE, PROTECT, RESTRICT
from covet.database.orm.query.keyed import related, where_keys
from covet.exceptions import ProtectedError, RestrictedError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.relations import Relation

#: The values of the columns that others refer to, and of the primary key.
_Values: TypeAlias = "tuple[Any, ...]"
_Keys: TypeAlias = "dict[Relation, dict[Any, None]]"

#: How many of the objects that are in the way a message shows.
_SHOWN = 3


def followed(model: type[Any]) -> list[Relation]:
    """Return the foreign keys to a model whose rule is not left to the database."""
    options: Options = model._meta
    return [relation for relation in options.dependants if _action(relation) not in LEFT_TO_THE_DATABASE]


def _action(relation: Relation) -> object:
    if relation.far_type is not None:
        return CASCADE  # a generic relation that has another rule is no dependant
    return cast("object", getattr(relation.foreign_key, "on_delete", "DO_NOTHING"))


def rows_of(model: type[Any], alias: str, keys: Iterable[_Values]) -> QuerySet[Any, Any]:
    """Return the rows with these primary keys."""
    options: Options = model._meta
    base = _base(model, alias)
    return base.derive(*where_keys((base.state, ()), options.resolve("pk__in"), _primary_keys(model, keys)))


def _primary_keys(model: type[Any], keys: Iterable[_Values]) -> list[Any]:
    """Return keys as ``pk__in`` takes them: tuples where a key has several columns."""
    options: Options = model._meta
    return list(keys) if len(options.key) > 1 else [key[0] for key in keys]


def _base(model: type[Any], alias: str) -> QuerySet[Any, Any]:
    return cast("QuerySet[Any, Any]", model._meta.base_queryset()).using(alias)


def _columns(model: type[Any]) -> dict[str, int]:
    """Return the attributes to read of rows that are deleted, with their places: the key, and what is referred to."""
    options: Options = model._meta
    names = [*(field.attname for field in options.key), *(r.local_field.attname for r in followed(model))]
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


class Collector:
    """What is deleted, changed and in the way."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        #: Rows that are deleted by their key: model -> key -> what was read.
        self.rows: dict[type[Any], dict[_Values, _Values]] = {}
        #: Rows that are deleted unread: model -> relation to it -> the keys that they refer to.
        self.unread: dict[type[Any], _Keys] = {}
        #: Rows that refer to something else afterwards: relation -> the keys that they refer to.
        self.changed: _Keys = {}
        self._restricted: _Keys = {}
        self._protected: dict[Relation, list[Any]] = {}

    def models(self) -> list[type[Any]]:
        """Return the models whose rows are deleted."""
        return [*self.unread, *reversed(self.rows)]

    # -- collecting ------------------------------------------------------------------------

    async def collect(self, queryset: QuerySet[Any, Any]) -> None:
        """Find everything, or raise ``ProtectedError`` or ``RestrictedError``."""
        level = {queryset.model: await self._read(queryset)}
        while level:
            following: dict[type[Any], list[_Values]] = {}
            for model, rows in level.items():
                new = self._add(model, rows)
                places = _columns(model)
                for relation in followed(model) if new else ():
                    place = places[relation.local_field.attname]
                    keys = dict.fromkeys(relation.converted(row[place]) for row in new)
                    await self._follow(relation, keys, following)
            level = following
        if self._protected:
            raise _in_the_way(ProtectedError, queryset.model, self._protected)
        await self._check_restricted(queryset.model)

    async def _read(self, queryset: QuerySet[Any, Any]) -> list[_Values]:
        state = queryset.state._replace(select_related=(), only=None, defer=frozenset())
        plain = queryset.derive(state, queryset.params)
        plain.prefetches = ()
        return await plain.values_list(*_columns(queryset.model))

    def _add(self, model: type[Any], rows: Iterable[_Values]) -> list[_Values]:
        """Take rows; return those that are new."""
        options: Options = model._meta
        known, width = self.rows.setdefault(model, {}), len(options.key)
        new = {row[:width]: row for row in rows if row[:width] not in known}
        known.update(new)
        return list(new.values())

    async def _follow(
        self, relation: Relation, keys: dict[Any, None], following: dict[type[Any], list[_Values]]
    ) -> None:
        """Do with the rows that refer to ``keys`` what their foreign key says."""
        action = _action(relation)
        keys.pop(None, None)
        if not keys:
            return
        if action == CASCADE and not followed(relation.remote):
            self.unread.setdefault(relation.remote, {}).setdefault(relation, {}).update(keys)
        elif action == CASCADE:
            if found := await self._read(self._referring(relation, keys)):
                following.setdefault(relation.remote, []).extend(found)
        elif action == PROTECT:
            if found := await _known_by_key(self._referring(relation, keys)):
                self._protected.setdefault(relation, []).extend(found)
        else:
            later = self._restricted if action == RESTRICT else self.changed
            later.setdefault(relation, {}).update(keys)

    async def _check_restricted(self, root: type[Any]) -> None:
        """Refuse to leave rows behind whose foreign key says RESTRICT; what goes too is not in the way."""
        found: dict[Relation, list[Any]] = {}
        for relation, keys in self._restricted.items():
            if objects := await _known_by_key(self.staying(relation, keys)):
                found[relation] = objects
        if found:
            raise _in_the_way(RestrictedError, root, found)

    # -- rows ------------------------------------------------------------------------------

    def _referring(self, relation: Relation, keys: Iterable[Any]) -> QuerySet[Any, Any]:
        """Return the rows that refer to these keys."""
        base = _base(relation.remote, self.alias)
        options: Options = relation.remote._meta
        if relation.far_type is not None:
            return base.derive(*related(options, (base.state, ()), relation, keys))
        path = options.resolve(f"{relation.foreign_key.attname}__in")
        return base.derive(*where_keys((base.state, ()), path, keys))

    def staying(self, relation: Relation, keys: Iterable[Any]) -> QuerySet[Any, Any]:
        """Return the rows that refer to these keys and are not deleted."""
        found = self._referring(relation, keys)
        if rows := self.rows.get(relation.remote):
            found = found.exclude(pk__in=_primary_keys(relation.remote, rows))
        if relation.remote in self.unread:
            found = found.exclude(self._refers(relation.remote))
        return found

    def going(self, model: type[Any]) -> QuerySet[Any, Any]:
        """Return the rows of a model that are deleted."""
        if model in self.unread:
            return _base(model, self.alias).filter(self._refers(model))
        return rows_of(model, self.alias, self.rows[model])

    def _refers(self, model: type[Any]) -> Q:
        conditions = Q()
        for relation, keys in self.unread[model].items():
            mark = relation.far_type
            of_type = {} if mark is None else {mark.field.name: mark.label}
            conditions |= Q(**{f"{relation.foreign_key.attname}__in": list(keys)}, **of_type)
        return conditions


async def _known_by_key(rows: QuerySet[Any, Any]) -> list[Any]:
    """Return rows as instances of which only the key is loaded."""
    options: Options = rows.model._meta
    return await rows.only(*(field.name for field in options.key))


def _in_the_way(
    error: type[ProtectedError | RestrictedError], root: type[Any], found: dict[Relation, list[Any]]
) -> ProtectedError | RestrictedError:
    """Return the error that names what refers to rows that would be deleted."""
    parts: list[str] = []
    for relation, objects in found.items():
        remote, key = relation.remote.__name__, relation.foreign_key
        rows, refer = ("1 row", "refers") if len(objects) == 1 else (f"{len(objects)} rows", "refer")
        whom = "it" if relation.model is root else relation.model.__name__
        shown = ", ".join(map(repr, objects[:_SHOWN])) + (", …" if len(objects) > _SHOWN else "")
        parts.append(
            f"{rows} of {remote} {refer} to {whom} by {remote}.{key.name} (on_delete={_action(relation)}): {shown}"
        )
    first = next(iter(found))
    made = error(
        f"Cannot delete {root.__name__}: {'; '.join(parts)}.",
        dict.fromkeys(row for objects in found.values() for row in objects),
        table=first.remote._meta.db_table,
        columns=tuple(part.column for part in first.foreign_key.parts),
    )
    made.model = first.remote
    return made
