"""Fixtures for every test. ``database`` runs a test on SQLite and again on PostgreSQL."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import hypothesis
import pytest

import covet.database
from covet.database.config import forget
from tests import postgresql_server
from tests.event_loop import tidy_event_loop, watch_event_loop
from tests.programs import PGBOUNCER

__all__ = ["database", "database_target", "postgresql_url", "tidy_event_loop", "watch_event_loop"]

# How long one example takes says something about the machine, not about the code.
hypothesis.settings.register_profile("covet", deadline=None)
hypothesis.settings.load_profile("covet")


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database of one test."""

    name: Literal["sqlite", "postgresql"]
    url: str


#: What cannot run here.
collect_ignore = [] if PGBOUNCER is not None else ["adapters/test_pgbouncer.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    for file in collect_ignore:
        terminalreporter.write_line(f"NOT RUN: tests/{file}, since pgbouncer is not installed here", yellow=True)


def pytest_collection_finish() -> None:
    """Take what is loaded by now out of the garbage collector's sight: it collects after every asynchronous test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Yield the URL of the database of this session; a server that does not start fails every test that asks for it."""
    with postgresql_server.test_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_target(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Name the database of this test. The server starts when the first test needs it."""
    if request.param == "sqlite":
        return Database("sqlite", f"sqlite:///{tmp_path / 'test.sqlite3'}")
    return Database("postgresql", request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def database(database_target: Database) -> AsyncIterator[Database]:
    """Yield an empty database that is configured as the default one."""
    if database_target.name == "postgresql":
        await postgresql_server.empty(database_target.url)
    # From here on covet itself is in play.
    covet.database.DatabaseConfig(url=database_target.url, alias="default", replace=True)
    yield database_target
    await covet.database.close_all()
    forget()
