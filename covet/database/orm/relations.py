"""Relation: one link between two models, as data. Joins, prefetching and managers read it and nothing else.

Forward and reverse differ only in data: nobody asks for the class of a field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field

RelationKind = Literal["forward", "reverse"]


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One step from ``model`` to ``remote``: rows match where ``local_field`` equals ``remote_field``.

    Compared and hashed by identity; there is one object for each direction of a foreign key.
    """

    name: str  #: how a path names it: ``author``, ``posts``
    kind: RelationKind
    model: type[Any]
    remote: type[Any]
    local_field: Field[Any]
    remote_field: Field[Any]
    many: bool  #: a row may have several
    optional: bool  #: a row may have none
    accessor: str  #: the attribute of the instance: ``author``, ``posts``; empty: none
    foreign_key: Field[Any]  #: the field that makes the relation

    @property
    def label(self) -> str:
        """``Post.author``, for messages."""
        return f"{self.model.__name__}.{self.accessor}"

    @property
    def cache_name(self) -> str:
        """The instance attribute that holds what was loaded."""
        return f"_related_{self.name}"


class RelationReference:
    """What ``select_related``, ``prefetch_related`` and ``load`` take for a name: ``Post.author``, ``User.posts``."""

    @property
    def relation_name(self) -> str:
        """The name of the relation on its model."""
        raise NotImplementedError(type(self).__name__)
