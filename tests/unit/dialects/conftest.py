"""Two tables with a few rows, and a check of what both dialects print."""

from __future__ import annotations

import pytest

from covet.database.schema.constraints import PrimaryKey, Unique
from covet.database.schema.table import Column, DefaultValue, Table
from covet.database.schema.types import Boolean, Integer, Text, Varchar
from covet.database.sql.ddl import CreateTable
from covet.database.sql.statements import (
    InsertRows,
    TableRef,
)


@pytest.fixture
def prints(dialects):
    """Return a check of what both dialects print, SQLite's text given only where it differs but for placeholders."""

    def check(statement, postgresql, sqlite=None):
        assert dialects[1].compile(statement).sql == postgresql
        assert dialects[0].compile(statement).sql == (postgresql.replace("$", "?") if sqlite is None else sqlite)

    return check


@pytest.fixture
async def people(session):
    users = Table(
        "users",
        (
            Column("id", Integer(64), identity=True),
            Column("name", Varchar(50)),
            Column("age", Integer(), nullable=True, default=DefaultValue(7)),
            Column("ok", Boolean(), default=DefaultValue(value=True)),
        ),
        PrimaryKey(("id",)),
        uniques=(Unique("users_name", ("name",)),),
    )
    posts = Table("posts", (Column("user_id", Integer(64)), Column("title", Text())))
    await session.create(CreateTable(users), CreateTable(posts))
    rows = InsertRows(TableRef("users"), ("name", "age"), (Varchar(50), Integer()), 4)
    await session.run(rows, "a", 30, "b", None, "c", 10, "d", 20)
    await session.run(
        InsertRows(TableRef("posts"), ("user_id", "title"), (Integer(64), Text()), 3), 1, "x", 1, "y", 3, "z"
    )
    return session
