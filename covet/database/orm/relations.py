"""Relation: one link between two models, as data. Joins, prefetching and managers read it and nothing else.

Forward, reverse and many-to-many differ only in data: nobody asks for the class of a field. A relation through a table
of its own is two steps, to that table and on from it; a path consists of steps: joins and conditions know only these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field

RelationKind = Literal["forward", "reverse", "through"]


@dataclass(frozen=True, slots=True, eq=False)
class Through:
    """The table of a many-to-many relation, seen from one side. Its rows are links."""

    model: type[Any]
    source: Field[Any]  #: the foreign key to this side
    target: Field[Any]  #: the foreign key to the other side
    #: From the other side to the table. An object of its own: the rows of ``post.tags`` are found by this join, and
    #: what the user says about ``tag.posts`` is another one.
    back: Relation
    symmetrical: bool  #: a link is stored both ways
    unique: bool  #: the table itself refuses a second link between the same rows
    automatic: bool  #: made by the relation, with the two keys and nothing else


@dataclass(frozen=True, slots=True, eq=False)
class Discriminator:
    """What a column holds in the rows of a relation: the label of the model that the key beside it belongs to."""

    field: Field[Any]
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """A way from ``model`` to ``remote``: rows match where ``local_field`` equals ``remote_field``.

    Compared and hashed by identity; there is one object for each direction of a foreign key or many-to-many relation.
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
    foreign_key: Field[Any]  #: what makes the relation; with a table between, that table's field for ``model``
    origin: tuple[str, str, str]  #: where it is declared: module, class and attribute
    through: Through | None = None
    inverse: Relation | None = None  #: the same link from the other side
    _steps: tuple[Relation, ...] = ()
    near_type: Discriminator | None = None  #: only rows of ``model`` with this belong to it: a generic relation
    far_type: Discriminator | None = None  #: only rows of ``remote`` with this
    #: The value of ``local_field`` -> that of ``remote_field``, or None where it can be none; None: they are the same.
    convert: Callable[[Any], Any] | None = None
    #: The instance attribute that holds what was loaded.
    cache_name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cache_name", f"_related_{self.name}")

    @property
    def pairs(self) -> tuple[tuple[Field[Any], Field[Any]], ...]:
        """The columns that are equal, here and there: one pair, or one for each part of a key of several."""
        return tuple(zip(self.local_field.parts, self.remote_field.parts, strict=True))

    def local_for(self, remote_field: object) -> Field[Any] | None:
        """Return the field of this side that holds what ``remote_field`` does, if one does."""
        if remote_field is self.remote_field:
            return self.local_field
        return next((local for local, remote in self.pairs if remote is remote_field), None)

    @property
    def steps(self) -> tuple[Relation, ...]:
        """What a path crosses: the relation itself, or to the table between and on from it."""
        return self._steps or (self,)

    @property
    def back(self) -> str | None:
        """The attribute by which a row at the end knows the one at the start, where it can belong to one only."""
        inverse = self.inverse
        return inverse.cache_name if inverse is not None and inverse.accessor and not inverse.many else None

    def converted(self, key: Any) -> Any:
        """Return a value of ``local_field`` as ``remote_field`` holds it."""
        return key if self.convert is None or key is None else self.convert(key)

    def keys_of(self, instances: Iterable[Any]) -> list[Any]:
        """Return what the rows at the end know each instance by."""
        name = self.local_field.attname
        keys = [getattr(instance, name) for instance in instances]
        return keys if self.convert is None else [self.converted(key) for key in keys]

    @property
    def label(self) -> str:
        """``Post.tags``, for messages."""
        return f"{self.model.__name__}.{self.accessor or self.name}"


def pair(one: Relation, other: Relation) -> None:
    """Make two relations the two directions of one link."""
    for relation, inverse in ((one, other), (other, one)):
        object.__setattr__(relation, "inverse", inverse)  # frozen: only while they are made


class RelationReference:
    """What ``select_related``, ``prefetch_related`` and ``load`` take for a name: ``Post.author``, ``User.posts``."""

    @property
    def relation_name(self) -> str:
        """The name of the relation on its model."""
        raise NotImplementedError(type(self).__name__)
