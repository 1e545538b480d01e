"""What ``Meta.indexes`` and ``Meta.constraints`` hold: indexes, and constraints of uniqueness, checks, exclusion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from covet.database.orm.conditions import Q
from covet.exceptions import ModelDefinitionError

#: An operator of PostgreSQL that begins no comment.
_OPERATOR: Final = re.compile(r"(?!.*(--|/\*))[-+*/<>=~!@#%^&|`?]{1,63}\Z")


@dataclass(frozen=True, slots=True)
class Index:
    """An index: ``Index(fields=["-created_at"], condition=Q(is_active=True))``.

    ``CREATE INDEX "users_created_at_idx" ON "users" ("created_at" DESC) WHERE "is_active"``. The name is made from
    table and columns when none is given. ``include`` and ``using`` are PostgreSQL's.
    """

    fields: Sequence[str]
    name: str | None = None
    unique: bool = False
    condition: Q | None = None
    include: Sequence[str] = ()
    using: str | None = None


@dataclass(frozen=True, slots=True)
class UniqueConstraint:
    """Rows differ in these fields: ``UniqueConstraint(fields=["author", "title"])``; with ``condition`` among those."""

    fields: Sequence[str]
    name: str | None = None
    condition: Q | None = None
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True)
class CheckConstraint:
    """Every row satisfies a condition: ``CheckConstraint(Q(age__gte=0), name="age_not_negative")``."""

    condition: Q
    name: str


@dataclass(frozen=True, slots=True)
class ExclusionConstraint:
    """No two rows for which all operators hold: no room is booked twice at a time. PostgreSQL.

    >>> ExclusionConstraint(name="no_overlap", expressions=[("room", "="), ("booked", "&&")])

    ``CONSTRAINT "no_overlap" EXCLUDE USING "gist" ("room_id" WITH =, "booked" WITH &&)``. Each pair is a field and an
    operator that is the same both ways round; ``condition`` chooses among the rows. ``=`` in a ``gist`` needs the
    extension btree_gist. Two rows that exclude each other are a ``UniqueViolation``.
    """

    expressions: Sequence[tuple[str, str]]
    name: str
    condition: Q | None = None
    using: str = "gist"
    deferrable: bool = False

    def __post_init__(self) -> None:
        if not self.expressions:
            raise ModelDefinitionError(f"ExclusionConstraint {self.name!r}: expressions= is empty.")
        for field, operator in self.expressions:
            if not _OPERATOR.match(operator):
                raise ModelDefinitionError(
                    f"ExclusionConstraint {self.name!r}: what stands with {field!r} is no operator; '=' and '&&' are."
                )
