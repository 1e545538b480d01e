"""DDL nodes: what is done to tables and indexes. Frozen data without SQL."""

from __future__ import annotations

from covet._frozen import Frozen
from covet.database.schema.constraints import ForeignKeyConstraint, Index
from covet.database.schema.table import Table


class CreateSchema(Frozen):
    """CREATE SCHEMA IF NOT EXISTS; nothing where the database has no schemas."""

    name: str


class CreateTable(Frozen):
    """CREATE TABLE with its constraints, followed by its indexes.

    ``foreign_keys`` false leaves the foreign keys to ``AddForeignKey`` (tables that refer to each other).
    """

    table: Table
    if_not_exists: bool = False
    foreign_keys: bool = True


class AddForeignKey(Frozen):
    """ALTER TABLE .. ADD CONSTRAINT .. FOREIGN KEY."""

    table: str
    schema: str | None
    constraint: ForeignKeyConstraint


class CreateIndex(Frozen):
    """CREATE INDEX."""

    table: str
    schema: str | None
    index: Index
    if_not_exists: bool = False


class DropTable(Frozen):
    """DROP TABLE."""

    name: str
    schema: str | None = None
    if_exists: bool = False
    cascade: bool = False


DDLStatement = CreateSchema | CreateTable | AddForeignKey | CreateIndex | DropTable
