"""Constraints and indexes of a table. Names are given by the producer; None means the database's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from covet._frozen import Frozen

if TYPE_CHECKING:
    from covet.database.sql.nodes import Expression

ReferentialAction = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]


class PrimaryKey(Frozen):
    """PRIMARY KEY (columns)."""

    columns: tuple[str, ...]
    name: str | None = None


class Unique(Frozen):
    """UNIQUE (columns); with ``condition`` it becomes a partial unique index."""

    name: str
    columns: tuple[str, ...]
    condition: Expression | None = None
    nulls_distinct: bool = True


class Check(Frozen):
    """CHECK (expression)."""

    name: str
    expression: Expression


class Exclusion(Frozen):
    """EXCLUDE USING method (column WITH operator, ...): no two rows for which all operators hold."""

    name: str
    elements: tuple[tuple[str, str], ...]
    method: str = "gist"
    condition: Expression | None = None
    deferrable: bool = False


class ForeignKeyConstraint(Frozen):
    """FOREIGN KEY (columns) REFERENCES target (target_columns)."""

    name: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    target_schema: str | None = None
    on_delete: ReferentialAction = "NO ACTION"
    on_update: ReferentialAction = "NO ACTION"
    deferrable: bool = False


class IndexColumn(Frozen):
    """One key of an index: a column name or an expression."""

    key: str | Expression
    descending: bool = False
    operator_class: str | None = None


class Index(Frozen):
    """CREATE [UNIQUE] INDEX."""

    name: str
    columns: tuple[IndexColumn, ...]
    unique: bool = False
    condition: Expression | None = None
    include: tuple[str, ...] = ()
    method: str | None = None
