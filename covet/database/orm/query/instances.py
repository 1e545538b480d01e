"""Instances and querysets of a related model as the value of a comparison -> keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from covet.database.orm.query.state import Query, Shape
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.options import ResolvedPath


def keys_of(path: ResolvedPath, value: Any) -> Any:
    """Replace instances of the related model by their keys; refuse other and unsaved instances."""
    if path.lookup.takes_list and not isinstance(value, str | bytes | Mapping) and isinstance(value, Iterable):
        return [_key_of(path, item) for item in cast("Iterable[object]", value)]
    return _key_of(path, value)


def _key_of(path: ResolvedPath, value: Any) -> Any:
    target = path.target
    if target is None or not hasattr(value.__class__, "_meta"):
        return value
    if not isinstance(value, target):
        raise FieldError(f"{path.path!r} takes a {target.__name__}, not a {type(value).__name__}.")
    # At the end of a reverse relation stands the related model's own key, at that of a forward one a foreign key.
    own_key = path.field is target._meta.pk and bool(path.relations)
    key = getattr(value, path.field.attname if own_key else target_attname(path.field), None)
    if key is None:
        raise ValueError(f"{path.path!r}: this {target.__name__} has no key yet; save it first.")
    return key


def of_target(path: ResolvedPath, query: Query) -> Query:
    """Return a query of instances as one of what is compared with them; refuse instances of another model."""
    if path.target is None or query.state.shape is not None:
        return query
    if query.model is not path.target:
        raise FieldError(f"{path.path!r} takes a queryset of {path.target.__name__}, not of {query.model.__name__}.")
    remote: Field[Any] | None = getattr(path.field, "remote_field", None)
    if remote is None or remote.model is not path.target or remote.primary_key:
        return query
    found = Query()
    found.database = query.database
    found.model, found.params = query.model, query.params
    found.state = query.state._replace(shape=Shape("flat", (remote.name,)))
    return found


def target_attname(field: Field[Any]) -> str:
    """Return the attribute of a related instance that a foreign key holds."""
    remote: Field[Any] | None = getattr(field, "remote_field", None)
    return remote.attname if remote is not None else "pk"
