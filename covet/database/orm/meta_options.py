"""``class Meta`` of a model -> Options. Unknown and contradictory options are refused where the class is made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from covet.database.orm.indexes import CheckConstraint, ExclusionConstraint, Index, UniqueConstraint
from covet.database.orm.peers import FETCH_MODES
from covet.database.orm.suggestions import choices
from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.options import Options

_INHERITED = (
    "ordering",
    "get_latest_by",
    "default_related_name",
    "fetch_mode",
    "schema",
    "indexes",
    "constraints",
    "unique_together",
)
_NAMES = ("db_table", "schema", "default_related_name", "db_table_comment", "generic_label")
_LISTS = ("ordering", "indexes", "constraints", "get_latest_by")
_ITEMS: dict[str, type[object] | tuple[type[object], ...]] = {
    "indexes": Index,
    "constraints": (UniqueConstraint, CheckConstraint, ExclusionConstraint),
}
_KNOWN = frozenset({*_INHERITED, *_NAMES, *_LISTS, "table_name", "abstract", "managed"})
#: Accepted without effect: they belong to frameworks that models come from.
_IGNORED = frozenset({"app_label", "verbose_name", "verbose_name_plural"})
#: Refused with the reason.
_REFUSED = {
    "proxy": "proxy models are not supported; a custom manager or a mixin does the same",
    "inheritance": "table inheritance is not supported; use 'abstract = True'",
    "polymorphic_on": "polymorphic models are not supported; use a plain field and filter by it",
    "polymorphic_identity": "polymorphic models are not supported; use a plain field and filter by it",
}


def read_meta(options: Options, meta: type | None, parents: Iterable[Any], *, abstract: bool) -> None:
    """Set the options from ``Meta``; what it leaves out comes from the nearest abstract parent."""
    for parent in parents:
        for name in _INHERITED:
            setattr(options, name, getattr(parent._meta, name))
        break
    given = _given(options, meta)
    options.abstract = abstract or bool(given.pop("abstract", False))
    options.managed = bool(given.pop("managed", True))
    table = given.pop("table_name", None) or given.pop("db_table", None)
    if "unique_together" in given:
        options.unique_together = _combinations(options, given.pop("unique_together"))
    for name, value in given.items():
        setattr(options, name, _checked(options, name, value))
    options.db_table = _checked(options, "db_table", table) if table else default_table_name(options.label)


def _given(options: Options, meta: type | None) -> dict[str, Any]:
    """Return what a ``Meta`` class says, what it inherits from another Meta included."""
    if meta is None:
        return {}
    given: dict[str, Any] = {}
    for base in reversed(meta.__mro__[:-1]):
        given.update({name: value for name, value in vars(base).items() if not name.startswith("_")})
    if "abstract" in given and "abstract" not in vars(meta):
        del given["abstract"]  # being abstract is not inherited
    for name in list(given):
        if name in _REFUSED:
            raise ModelDefinitionError(f"{options.label}.Meta.{name}: {_REFUSED[name]}.")
        if name in _IGNORED:
            del given[name]
        elif name not in _KNOWN:
            raise ModelDefinitionError(f"{options.label}.Meta has no option {name!r}. {choices(name, _KNOWN)}")
    return given


def _checked(options: Options, name: str, value: Any) -> Any:
    if name in _NAMES:
        if not isinstance(value, str) or not value or "\0" in value:
            raise ModelDefinitionError(f"{options.label}.Meta.{name} must be a string, not {value!r}.")
        return value
    if name == "fetch_mode":
        if value not in FETCH_MODES:
            raise ModelDefinitionError(f"{options.label}.Meta.fetch_mode: {choices(str(value), FETCH_MODES)}")
        return value
    if name == "get_latest_by" and isinstance(value, str):
        return (value,)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ModelDefinitionError(f"{options.label}.Meta.{name} must be a list, not {value!r}.")
    items = tuple(cast("Iterable[object]", value))
    wanted = _ITEMS.get(name, object)
    for item in items:
        if not isinstance(item, wanted):
            raise ModelDefinitionError(f"{options.label}.Meta.{name} holds {item!r}, which is none.")
    return items


def _combinations(options: Options, value: Any) -> tuple[tuple[str, ...], ...]:
    """Accept ``("a", "b")`` and ``[("a", "b"), ("c", "d")]``."""
    items = list(value)
    if items and all(isinstance(item, str) for item in items):
        return (tuple(items),)
    if any(isinstance(item, str) for item in items):
        raise ModelDefinitionError(f"{options.label}.Meta.unique_together must be a list of lists of names.")
    return tuple(tuple(item) for item in items)


def default_table_name(name: str) -> str:
    """Return the table of a model without ``db_table``: snake case and ``s``.

    >>> default_table_name("UserProfile")
    'user_profiles'
    >>> default_table_name("HTTPRequest")
    'http_requests'
    """
    words = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", name)
    return f"{words.lower()}s"
