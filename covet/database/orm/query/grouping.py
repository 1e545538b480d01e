"""Grouping: ``group_by()`` and ``having()``, for who says it as SQL does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression, F
from covet.database.orm.fields.base import Field
from covet.database.orm.query import builders
from covet.database.orm.query.state import Shape
from covet.database.orm.query.tokenizer import add_conditions
from covet.database.orm.query.traversal import aggregates_of
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.query.queryset import QuerySet

_QS = TypeVar("_QS", bound="QuerySet[Any, Any]")


def group_by(
    queryset: QuerySet[Any, Any], keys: tuple[str | Expression[Any], ...], named: Mapping[str, Expression[Any] | Q]
) -> QuerySet[Any, Any]:
    """Make one row of each combination of the keys."""
    if queryset.state.shape is not None or queryset.state.group_by is not None:
        raise TypeError("group_by() comes before values(), and once: it says which columns the rows have.")
    selected: list[str] = []
    unnamed: list[str] = []
    for key in keys:
        if isinstance(key, str | Field | F):
            selected.append(builders.path_of(queryset, key))
        elif isinstance(key, Expression):
            queryset, name = _unnamed(queryset, key)
            unnamed.append(name)
        else:
            raise TypeError(f"group_by() takes names, fields and expressions, not {type(key).__name__}.")
    queryset = builders.annotate(queryset, (), named)
    selected += named
    if not selected and not unnamed:
        raise TypeError("group_by() takes at least one name or expression.")
    queryset = builders.shaped(queryset, Shape("values", tuple(selected)))
    for name in (*selected, *unnamed):
        if not builders.is_key(name, queryset.state):
            raise FieldError(
                f"group_by(): {name!r} is an aggregate or a window; rows are grouped before these are known."
            )
    return queryset.derive(queryset.state._replace(group_by=(*selected, *unnamed)), queryset.params)


def _unnamed(queryset: _QS, key: Expression[Any]) -> tuple[_QS, str]:
    """Annotate a key that is not selected."""
    tokenizer = queryset.tokenizer()
    name = tokenizer.hidden(key).name
    return queryset.derive(tokenizer.state, tuple(tokenizer.params)), name


def having(queryset: _QS, conditions: tuple[Q, ...], lookups: Mapping[str, Any]) -> _QS:
    """Keep the groups for which everything holds."""
    options = queryset.model._meta
    found = queryset.derive(*add_conditions(options, (queryset.state, queryset.params), conditions, lookups))
    state = found.state
    if state.group_by is None and not any(any(aggregates_of(a.expression, state)) for a in state.annotations):
        raise FieldError("having() is about groups: use group_by(), or annotate() an aggregate before it.")
    return found
