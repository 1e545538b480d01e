"""DDL nodes: what is done to tables and indexes. Frozen data without SQL."""

from __future__ import annotations

from dataclasses import dataclass

from covet.database.schema.constraints import ForeignKeyConstraint, Index
from covet.database.schema.table import Table


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """CREATE SCHEMA IF NOT EXISTS; nothing where the database has no schemas."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE with its constraints, followed by its indexes.

    ``foreign_keys`` false leaves the foreign keys to ``AddForeignKey`` (tables that refer to each other).
    """

    table: Table
    if_not_exists: bool = False
    foreign_keys: bool = True


@dataclass(frozen=True, slots=True)
class AddForeignKey:
    """ALTER TABLE .. ADD CONSTRAINT .. FOREIGN KEY."""

    table: str
    schema: str | None
    constraint: ForeignKeyConstraint


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """CREATE INDEX."""

    table: str
    schema: str | None
    index: Index
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropTable:
    """DROP TABLE."""

    name: str
    schema: str | None = None
    if_exists: bool = False
    cascade: bool = False


DDLStatement = CreateSchema | CreateTable | AddForeignKey | CreateIndex | DropTable
