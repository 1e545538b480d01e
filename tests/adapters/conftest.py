"""Fixtures of the conformance suite: what every adapter must do, on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from covet.database import Adapter, DatabaseConfig, close_all, get_adapter
from covet.database.config import forget
from tests.conftest import Database

CREATE_PARENT = "CREATE TABLE parent (id integer PRIMARY KEY, name text NOT NULL UNIQUE)"
CREATE_CHILD = """
    CREATE TABLE child (
        id integer PRIMARY KEY,
        parent_id integer NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY IMMEDIATE,
        age integer CONSTRAINT age_is_not_negative CHECK (age >= 0)
    )
"""


@pytest.fixture
async def adapter(database: Database) -> AsyncIterator[Adapter]:
    """Yield the adapter of an empty database."""
    yield get_adapter()
    await close_all()


@pytest.fixture
async def tables(adapter: Adapter) -> Adapter:
    """Give the database two tables."""
    await adapter.run_script([CREATE_PARENT, CREATE_CHILD])
    return adapter


@pytest.fixture
def configure(database_target: Database) -> object:
    """Return a function that configures the test's database under another alias with other options."""

    def make(alias: str = "other", **options: object) -> Adapter:
        DatabaseConfig(database_target.url, alias=alias, replace=True, **options)  # type: ignore[arg-type]  # free options
        return get_adapter(alias)

    return make


@pytest.fixture(autouse=True)
def forget_databases() -> Iterator[None]:
    """Leave no settings behind for the next test."""
    yield
    forget()
