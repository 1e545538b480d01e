"""What the columns of a result mean: which attribute of which instance, or which key, each becomes. Frozen data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from covet.database.schema.types import LogicalType


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of a result. ``name`` is the attribute or key; ``nullable``: NULL may come.

    ``decode`` turns the logical type's value into the field's own, for the few fields that have one (enums).
    """

    name: str
    position: int
    type: LogicalType | None
    nullable: bool
    decode: Callable[[Any], Any] | None = None
    #: The columns of a key of several: the value is a tuple, and ``position`` that of the first.
    parts: tuple[ResultColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class RelatedEntity:
    """An instance that a JOIN brings along. ``optional``: there may be none, which its key's NULL tells.

    ``back`` is the attribute of that instance that gets the one it was joined to, where it can have one only;
    ``absent``: that there is none is remembered.
    """

    cache_name: str
    entity: Entity
    optional: bool
    back: str | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """Columns that make an instance. ``partial``: some fields are deferred.

    ``key`` are the positions of the primary key. With ``link`` the result is pairs: the key of a parent, and the rows
    of that parent. ``back`` is their attribute that gets the parent; ``shared``: the same row may come for several
    parents, and is one instance.
    """

    model: type[Any]
    columns: tuple[ResultColumn, ...]
    key: tuple[int, ...]
    partial: bool = False
    related: tuple[RelatedEntity, ...] = ()
    link: ResultColumn | None = None
    back: str | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """Columns that make a dict, a tuple, a single value or a row class."""

    kind: str
    columns: tuple[ResultColumn, ...]
    row: type[Any] | None = None


Result = Entity | Record


def columns_of(result: Result) -> list[ResultColumn]:
    """Return every column of a result, those of related instances included."""
    if isinstance(result, Record):
        return [part for column in result.columns for part in column.parts or (column,)]
    found = list(result.columns)
    if result.link is not None:
        found.extend(result.link.parts or (result.link,))
    for child in result.related:
        found.extend(columns_of(child.entity))
    return found
