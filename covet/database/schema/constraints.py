"""Constraints and indexes of a table. Names are given by the producer; None means the database's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from covet.database.sql.nodes import Expression

ReferentialAction = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]


@dataclass(frozen=True, slots=True)
class PrimaryKey:
    """PRIMARY KEY (columns)."""

    columns: tuple[str, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Unique:
    """UNIQUE (columns); with ``condition`` it becomes a partial unique index."""

    name: str
    columns: tuple[str, ...]
    condition: Expression | None = None
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """CHECK (expression)."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Exclusion:
    """EXCLUDE USING method (column WITH operator, ...): no two rows for which all operators hold."""

    name: str
    elements: tuple[tuple[str, str], ...]
    method: str = "gist"
    condition: Expression | None = None
    deferrable: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKeyConstraint:
    """FOREIGN KEY (columns) REFERENCES target (target_columns)."""

    name: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    target_schema: str | None = None
    on_delete: ReferentialAction = "NO ACTION"
    on_update: ReferentialAction = "NO ACTION"
    deferrable: bool = False


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """One key of an index: a column name or an expression."""

    key: str | Expression
    descending: bool = False
    operator_class: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """CREATE [UNIQUE] INDEX."""

    name: str
    columns: tuple[IndexColumn, ...]
    unique: bool = False
    condition: Expression | None = None
    include: tuple[str, ...] = ()
    method: str | None = None
