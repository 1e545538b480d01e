"""Queries by keys that are known: the rows that a relation gives for keys, and the rows with these keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from covet.database.orm.lookups import IN
from covet.database.orm.query.rows import prepare_row
from covet.database.orm.query.state import Link, QueryState
from covet.database.orm.query.tokens import Leaf

if TYPE_CHECKING:
    from covet.database.orm.options import Options, ResolvedPath
    from covet.database.orm.relations import Discriminator, Relation


def where_keys(
    query: tuple[QueryState, tuple[object, ...]], path: ResolvedPath, keys: Iterable[object]
) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters with ``path``, an IN, of keys that came from the database and need no check."""
    state, params = query
    encode = path.field.encode
    values = tuple(keys) if encode is None else tuple(encode(key) for key in keys)
    return state._replace(where=(*state.where, Leaf("leaf", path, len(params)))), (*params, values)


def linked(
    options: Options, query: tuple[QueryState, tuple[object, ...]], relation: Relation, keys: Iterable[object]
) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters for the rows that ``relation`` gives for ``keys``, put together by key."""
    state, params = related(options, query, relation, keys)
    link = Link(options.key_path(relation), relation.back if relation.many else None)
    return state._replace(link=link), params


def related(
    options: Options, query: tuple[QueryState, tuple[object, ...]], relation: Relation, keys: Iterable[object]
) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters for the rows that ``relation`` gives for ``keys``."""
    found = where_keys(query, options.key_path(relation, IN), keys)
    return found if relation.far_type is None else _of_type(options, found, relation.far_type)


def _of_type(
    options: Options, query: tuple[QueryState, tuple[object, ...]], mark: Discriminator
) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters for those rows that have the label of a model."""
    state, params = query
    leaf = Leaf("leaf", options.resolve(mark.field.name), len(params))
    return state._replace(where=(*state.where, leaf)), (*params, mark.label)


def where_key(options: Options, relation: Relation, key: object) -> tuple[QueryState, tuple[object, ...]]:
    """Return state and parameters for the rows that ``relation`` gives for one key."""
    path = options.key_path(relation)
    if relation.far_type is not None:
        key = relation.converted(key)
    params = prepare_row(path, key) if path.parts else (path.lookup.prepare(path.field, key),)
    found = QueryState((Leaf("leaf", path, 0),)), params
    return found if relation.far_type is None else _of_type(options, found, relation.far_type)
