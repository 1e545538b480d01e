"""Integrity errors: class, constraint, table and columns, on every database."""

from __future__ import annotations

import pytest

from covet.database import Adapter
from covet.database.transaction import transaction
from covet.exceptions import (
    CheckViolation,
    ForeignKeyViolation,
    IntegrityError,
    NotNullViolation,
    UniqueViolation,
)


@pytest.fixture(autouse=True)
async def one_parent(tables: Adapter) -> None:
    await tables.execute("INSERT INTO parent VALUES (1, 'ann')")


async def test_unique_violation_names_table_and_column(tables: Adapter):
    with pytest.raises(UniqueViolation) as caught:
        await tables.execute("INSERT INTO parent VALUES ($1, $2)", [2, "ann"])
    assert (caught.value.table, caught.value.columns) == ("parent", ("name",))
    assert caught.value.statement is not None
    assert "'ann'" not in str(caught.value)
    if tables.dialect.name == "postgresql":  # SQLite does not say it
        assert caught.value.constraint == "parent_name_key"


async def test_primary_key_violation_is_a_unique_violation(tables: Adapter):
    with pytest.raises(UniqueViolation) as caught:
        await tables.execute("INSERT INTO parent VALUES (1, 'bob')")
    assert caught.value.columns == ("id",)


async def test_not_null_violation_names_the_column(tables: Adapter):
    with pytest.raises(NotNullViolation) as caught:
        await tables.execute("INSERT INTO parent VALUES ($1, $2)", [2, None])
    assert (caught.value.table, caught.value.columns) == ("parent", ("name",))


async def test_check_violation_names_the_constraint(tables: Adapter):
    with pytest.raises(CheckViolation) as caught:
        await tables.execute("INSERT INTO child VALUES (1, 1, $1)", [-1])
    assert caught.value.constraint == "age_is_not_negative"


async def test_foreign_key_violation(tables: Adapter):
    with pytest.raises(ForeignKeyViolation) as caught:
        await tables.execute("INSERT INTO child VALUES (1, 99, 1)")
    assert isinstance(caught.value, IntegrityError)
    assert not caught.value.retryable
    with pytest.raises(ForeignKeyViolation):
        async with transaction():
            await tables.execute("INSERT INTO child VALUES (1, 1, 1)")
            await tables.execute("DELETE FROM parent")
    assert await tables.fetch_value("SELECT COUNT(*) FROM parent") == 1


async def test_deferred_foreign_key_fails_at_commit_and_rolls_back(adapter: Adapter, tables: Adapter):
    reference = "REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED"
    await adapter.run_script([f"CREATE TABLE late (id integer PRIMARY KEY, parent_id integer {reference})"])
    with pytest.raises(ForeignKeyViolation):
        async with transaction():
            await adapter.execute("INSERT INTO late VALUES (1, 99)")
    assert await adapter.fetch_value("SELECT COUNT(*) FROM late") == 0
    assert adapter.pool_status().in_use == 0
