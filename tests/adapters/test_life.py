"""Life of connections: opened on first use, one pool a loop, nothing to close."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from covet.database import (
    DatabaseConfig,
    QueryEvent,
    add_query_hook,
    capture_queries,
    close_all,
    get_adapter,
    remove_query_hook,
)
from covet.database.transaction import transaction
from covet.exceptions import ConfigurationError, ProgrammingError
from tests.conftest import Database

SCRIPT = """
import asyncio, sys
from covet.database import DatabaseConfig, get_adapter
from covet.database.transaction import transaction

DATABASE = DatabaseConfig(sys.argv[1])

async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # the machine may be busy
    adapter = await get_adapter("default")
    async with transaction():
        assert await adapter.fetch_value("SELECT 1") == 1
    assert await adapter.fetch_value("SELECT 1") == 1

{run}
print("done")
"""
ENDINGS = {
    "asyncio.run": "asyncio.run(main())",
    "twice": "asyncio.run(main()); asyncio.run(main())",
    "without shutdown": "loop = asyncio.new_event_loop(); loop.run_until_complete(main()); loop.close()",
    "in a thread": "import threading; t = threading.Thread(target=asyncio.run, args=(main(),)); t.start(); t.join()",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_script_that_closes_nothing_ends_quietly(database_target: Database, ending: str):
    # A loop that is closed without shutdown_asyncgens leaves its sockets to the garbage collector, which in development
    # mode says so.
    sockets_left = ending == "without shutdown" and database_target.name == "postgresql"
    options = [] if sockets_left else ["-X", "dev", "-W", "error"]
    started = time.monotonic()
    script = subprocess.run(
        [sys.executable, *options, "-c", SCRIPT.format(run=ENDINGS[ending]), database_target.url],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (script.returncode, script.stdout, script.stderr) == (0, "done\n", "")
    assert time.monotonic() - started < 5


def test_two_runs_in_a_row_use_two_pools(database_target: Database):
    DatabaseConfig(database_target.url)
    adapter = get_adapter()

    async def work() -> object:
        async with transaction():
            return await adapter.fetch_value("SELECT 1")

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        assert runner.run(work()) == 1
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        assert runner.run(work()) == 1


async def test_nothing_is_opened_before_the_first_statement():
    DatabaseConfig("postgresql://ann@127.0.0.1:1/shop")
    assert get_adapter().pool_status().size == 0


async def test_settings_may_be_replaced_until_the_database_was_used(tmp_path):
    DatabaseConfig(f"sqlite:///{tmp_path}/one.db")
    first = get_adapter()
    DatabaseConfig(f"sqlite:///{tmp_path}/two.db")
    second = get_adapter()
    assert second is not first
    await second.fetch_value("SELECT 1")
    DatabaseConfig(f"sqlite:///{tmp_path}/two.db")
    assert get_adapter() is second
    with pytest.raises(ConfigurationError, match=r"already open with other settings.*close_all"):
        DatabaseConfig(f"sqlite:///{tmp_path}/three.db")
    DatabaseConfig(f"sqlite:///{tmp_path}/three.db", replace=True)
    await get_adapter().fetch_value("SELECT 1")
    await close_all()
    DatabaseConfig(f"sqlite:///{tmp_path}/four.db")


async def test_closed_database_opens_again(database: Database):
    adapter = get_adapter()
    assert await adapter.fetch_value("SELECT 1") == 1
    await close_all()
    assert await adapter.fetch_value("SELECT 1") == 1


async def test_without_configuration_the_error_shows_how(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match=r"(?s)No database is configured.*DatabaseConfig\(.*DATABASE_URL"):
        _ = get_adapter()


async def test_database_url_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:///:memory:")
    assert await get_adapter().fetch_value("SELECT 1") == 1
    with pytest.raises(ConfigurationError, match=r"alias 'replica'.*Configured: default"):
        _ = get_adapter("replica")
    await close_all()


async def test_captures_belong_to_their_task_and_its_children(database: Database):
    adapter = get_adapter()

    async def other() -> None:
        await adapter.fetch_value("SELECT 2")

    stranger = asyncio.create_task(other())
    with capture_queries() as queries:
        await stranger
        await adapter.fetch_value("SELECT 1")
        await asyncio.gather(adapter.fetch_value("SELECT 3"))
    await adapter.fetch_value("SELECT 4")
    assert queries.sql == ["SELECT 1", "SELECT 3"]
    assert queries[0].alias == "default"
    assert queries[0].duration > 0


async def test_hooks_hear_of_every_statement_and_its_error(database: Database):
    adapter = get_adapter()
    events: list[QueryEvent] = []
    add_query_hook(events.append)
    try:
        await adapter.fetch_value("SELECT CAST($1 AS integer)", [1])
        with pytest.raises(ProgrammingError) as caught:
            await adapter.execute("SELECT nothing")
    finally:
        remove_query_hook(events.append)
    await adapter.fetch_value("SELECT 2")
    assert [(list(event.args), event.kind, event.error) for event in events] == [
        ([1], "statement", None),
        ([], "statement", caught.value),
    ]


async def test_echo_logs_statements_without_values(database_target: Database, caplog):
    DatabaseConfig(database_target.url, alias="loud", echo=True, echo_pool=True)
    with caplog.at_level("INFO"):
        await get_adapter("loud").fetch_value("SELECT CAST($1 AS text)", ["secret value"])
    assert "SELECT CAST(" in caplog.text
    assert "connection opened" in caplog.text
    assert "secret value" not in caplog.text
    await close_all()


def test_adapter_in_another_thread_has_its_own_pool(database_target: Database):
    DatabaseConfig(database_target.url)
    adapter = get_adapter()

    async def work() -> object:
        return await adapter.fetch_value("SELECT 1")

    async def main() -> list[object]:
        there = asyncio.to_thread(lambda: asyncio.run(work()))
        return [await work(), await there, await work()]

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        assert runner.run(main()) == [1, 1, 1]
