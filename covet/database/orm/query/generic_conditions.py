"""Conditions on a generic relation (``content=post``, ``content__in=[...]``) -> conditions on its two columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from covet.database.orm.expressions.functions import Cast
from covet.database.orm.fields import TextField
from covet.database.orm.lookups import EXACT, IN, ISNULL, Lookup
from covet.database.orm.query.state import Query
from covet.database.orm.query.tokens import Group, Never, Predicate
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.generics import GenericKey
    from covet.database.orm.options import GenericPath, Options
    from covet.database.orm.query.queryset import QuerySet

#: What may follow the relation, and whether it is negated.
_LOOKUPS: Final[dict[str, tuple[Lookup, bool]]] = {
    "exact": (EXACT, False),
    "in": (IN, False),
    "isnull": (ISNULL, False),
    "not": (EXACT, True),
    "not_in": (IN, True),
}

#: What the keys of a queryset are called where they are compared as text.
_KEY: Final = "generic_key_as_text"


class Lookups(Protocol):
    """What a tokenizer gives: its model, and the token of one keyword."""

    options: Options

    def lookup(self, key: str, value: Any) -> Predicate:
        """Tokenize one keyword."""
        ...


def generic_condition(tokenizer: Lookups, path: GenericPath, value: Any) -> Predicate:
    """Tokenize one keyword that ends in a generic relation."""
    generic = path.generic
    known = _LOOKUPS.get("__".join(path.rest) or "exact")
    if known is None:
        raise _refused(path)
    lookup, negated = known
    if value is None and lookup is EXACT:
        lookup, value = ISNULL, True
    if lookup is ISNULL and not isinstance(value, bool):
        raise FieldError(f"{generic.label}: 'isnull' takes True or False, not {type(value).__name__}.")
    if path.before and not (lookup is ISNULL and value):
        # The row that refers is one: a query of its own, so that both columns are asked of the same row.
        rows: Query = generic.model._meta.base_queryset().filter(**{f"{generic.name}__{lookup.name}": value})
        found = tokenizer.lookup(f"{path.before}__in", rows)
    elif lookup is ISNULL:
        found = _is_null(tokenizer, path)
        negated = negated or not value
    else:
        found = _is(tokenizer, generic, value) if lookup is EXACT else _is_in(tokenizer, generic, value)
    return Group("group", "AND", True, (found,)) if negated else found


def _refused(path: GenericPath) -> FieldError:
    return FieldError(path.generic.no_path(f" (in {'__'.join((path.generic.name, *path.rest))[:80]!r})"))


def _is_null(tokenizer: Lookups, path: GenericPath) -> Predicate:
    before = f"{path.before}__" if path.before else ""
    names = (path.generic.type_field.name, path.generic.key_field.name)
    return Group("group", "OR", False, tuple(tokenizer.lookup(f"{before}{name}__isnull", True) for name in names))


def _is(tokenizer: Lookups, generic: GenericKey, value: Any) -> Predicate:
    if isinstance(value, Query):
        raise FieldError(f"{generic.label}: a queryset stands on the right of 'in' only.")
    label, key = _columns(generic, value)
    return _both(tokenizer, generic, label, "", key)


def _is_in(tokenizer: Lookups, generic: GenericKey, value: Any) -> Predicate:
    if isinstance(value, Query):
        return _in_query(tokenizer, generic, value)
    if not isinstance(value, Iterable):
        raise FieldError(f"{generic.label}: 'in' takes instances or a queryset, not {type(value).__name__}.")
    keys: dict[str, list[Any]] = {}
    for item in cast("Iterable[object]", value):  # a text's characters are no instances either
        if item is not None:
            label, key = _columns(generic, item)
            keys.setdefault(label, []).append(key)
    if not keys:
        return Never("never")
    parts = tuple(_both(tokenizer, generic, label, "__in", keys[label]) for label in sorted(keys))
    return parts[0] if len(parts) == 1 else Group("group", "OR", False, parts)


def _in_query(tokenizer: Lookups, generic: GenericKey, query: Query) -> Predicate:
    if query.state.shape is not None:
        raise FieldError(f"{generic.label}: 'in' takes a queryset of instances, not of values.")
    label = _label(generic, query.model)
    if generic.to_column(query.model) is not None:
        rows, keys = cast("QuerySet[Any, Any]", query), {_KEY: Cast[Any]("pk", TextField())}
        query = rows.annotate(**keys).values_list(_KEY, flat=True)
    return _both(tokenizer, generic, label, "__in", query)


def _both(tokenizer: Lookups, generic: GenericKey, label: str, lookup: str, key: Any) -> Predicate:
    """Return ``type = label AND key = ..`` as one condition."""
    one = tokenizer.lookup(generic.type_field.name, label)
    other = tokenizer.lookup(f"{generic.key_field.name}{lookup}", key)
    return Group("group", "AND", False, (one, other))


def _label(generic: GenericKey, model: type[Any]) -> str:
    try:
        return generic.label_of(model)
    except TypeError as error:
        raise FieldError(str(error)) from error


def _columns(generic: GenericKey, value: Any) -> tuple[str, Any]:
    try:
        return generic.columns(value)
    except TypeError as error:
        raise FieldError(str(error)) from error
