"""Table and Column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from covet.database.schema.constraints import Check, Exclusion, ForeignKeyConstraint, Index, PrimaryKey, Unique
from covet.database.schema.types import LogicalType

if TYPE_CHECKING:
    from covet.database.sql.nodes import Expression


@dataclass(frozen=True, slots=True)
class DefaultValue:
    """A constant column default, written into the DDL as a literal of the column's type."""

    value: object


@dataclass(frozen=True, slots=True)
class DefaultExpression:
    """A column default that the database computes, such as ``now()``."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``identity``: the database numbers the rows."""

    name: str
    type: LogicalType
    nullable: bool = False
    default: DefaultValue | DefaultExpression | None = None
    identity: bool = False
    collation: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table with everything that belongs to it."""

    name: str
    columns: tuple[Column, ...]
    primary_key: PrimaryKey | None = None
    foreign_keys: tuple[ForeignKeyConstraint, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    schema: str | None = None
    comment: str | None = None
    exclusions: tuple[Exclusion, ...] = ()
