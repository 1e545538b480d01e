"""Index, UniqueConstraint and CheckConstraint: what ``Meta.indexes`` and ``Meta.constraints`` hold."""

from __future__ import annotations

from collections.abc import Sequence

from covet._frozen import Frozen
from covet.database.orm.conditions import Q


class Index(Frozen):
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


class UniqueConstraint(Frozen):
    """Rows differ in these fields: ``UniqueConstraint(fields=["author", "title"])``; with ``condition`` among those."""

    fields: Sequence[str]
    name: str | None = None
    condition: Q | None = None
    nulls_distinct: bool = True


class CheckConstraint(Frozen):
    """Every row satisfies a condition: ``CheckConstraint(Q(age__gte=0), name="age_not_negative")``."""

    condition: Q
    name: str
