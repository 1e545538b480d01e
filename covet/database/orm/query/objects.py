"""Objects of row classes: ``into()``, with paths for the fields whose names are not those of columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from covet.database.orm.expressions import Expression
from covet.database.orm.query.builders import shaped, with_expressions
from covet.database.orm.query.row_classes import row_fields
from covet.database.orm.query.state import Shape
from covet.database.orm.suggestions import choices
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.query.queryset import QuerySet


def into(
    queryset: QuerySet[Any, Any], row: type[Any], paths: Mapping[str, str | Expression[Any]]
) -> QuerySet[Any, Any]:
    """Objects of a row class, whose fields name the columns; ``paths`` says what those of other names are."""
    declared = row_fields(row)
    if not declared:
        raise TypeError(
            f"into() takes a TypedDict, a dataclass, a NamedTuple or a class of attrs, msgspec or pydantic; {row!r} "
            "declares no fields."
        )
    known = [field.name for field in declared]
    for name in paths:
        if name not in known:
            raise TypeError(f"into({name}=...): {row.__name__} has no field {name!r}. {choices(name, known)}")
    queryset, names = with_expressions(queryset, tuple(paths.get(name, name) for name in known))
    _check_given(queryset, row, [name for name in known if name not in paths])
    return shaped(queryset, Shape("into", names, row, tuple(field.keyword for field in declared)))


def _check_given(queryset: QuerySet[Any, Any], row: type[Any], names: Iterable[str]) -> None:
    """Refuse a row class with fields that the query does not give; the message lists all of them."""
    missing: list[str] = []
    for name in names:
        try:
            queryset.tokenizer().path(name)
        except FieldError:
            missing.append(repr(name))
    if missing:
        first = missing[0].strip("'")
        raise FieldError(
            f"into({row.__name__}): the query of {queryset.model.__name__} gives no {', '.join(missing)}. "
            f'Annotate it, or say what it is: into({row.__name__}, {first}="path").'
        )
