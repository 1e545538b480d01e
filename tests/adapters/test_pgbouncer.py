"""Behind a real pgbouncer in transaction mode, where the next statement may run in another session.

Collected only where pgbouncer is installed: see ``tests/conftest.py``. It has two connections to the server, so
statements of several clients meet on them.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from covet import CharField, ForeignKey, JSONField, Model, ReverseManager, create_all
from covet.database import Adapter, DatabaseConfig, close_all, get_adapter
from covet.database.transaction import advisory_lock, transaction
from covet.exceptions import ConfigurationError, NotSupportedError, QueryTimeout
from tests import postgresql_server
from tests.programs import PGBOUNCER

CONFIGURATION = """
[databases]
{database} = host={host} port={port} user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
"""


STREAMS = """
import asyncio, sys
from covet.database import DatabaseConfig, get_adapter

DatabaseConfig(sys.argv[1], transaction_pooler=True)

async def main():
    count = 0
    for _ in range(20):
        async for rows in get_adapter().stream("SELECT id FROM bounced_authors", (), 20):
            count += len(rows)
    print(count)

asyncio.run(main())
"""


class BouncedAuthor(Model):
    name = CharField(max_length=50)
    books: ReverseManager[BouncedBook]
    data = JSONField(null=True)


class BouncedBook(Model):
    title = CharField(max_length=50)
    author = ForeignKey(BouncedAuthor, related_name="books")


@pytest.fixture(scope="module")
def bouncer(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start pgbouncer before the server of the tests; yield the URL that leads through it."""
    assert PGBOUNCER is not None
    target = urlsplit(postgresql_url)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = probe.getsockname()[1]
    file = tmp_path_factory.mktemp("pgbouncer") / "pgbouncer.ini"
    database = target.path.removeprefix("/")
    host = parse_qs(target.query).get("host", [target.hostname or "localhost"])[0]
    file.write_text(CONFIGURATION.format(database=database, host=host, port=target.port or 5432, listen=listen))
    command = [PGBOUNCER, "-q", str(file)]
    if os.getuid() == 0:  # it refuses to be root, and reads its file before it is somebody else
        command[1:1] = ["-u", Path(host).owner() if host.startswith("/") else "nobody"]
        make_reachable(file)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(listen)
        yield f"postgresql://postgres@127.0.0.1:{listen}/{database}"
        process.terminate()


def make_reachable(file: Path) -> None:
    file.chmod(0o644)
    for folder in file.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o011)


def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("pgbouncer does not answer")


@pytest.fixture
async def adapter(postgresql_url: str, bouncer: str) -> AsyncIterator[Adapter]:
    # Not by ending the other sessions: pgbouncer's would be among them.
    DatabaseConfig(postgresql_url, alias="direct")
    await get_adapter("direct").run_script(["DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public"])
    DatabaseConfig(bouncer, transaction_pooler=True)
    await create_all([BouncedAuthor, BouncedBook])
    yield get_adapter()
    await close_all()
    await postgresql_server.empty(postgresql_url)


async def test_models_work_for_many_tasks_over_two_connections_of_the_server(adapter: Adapter):
    async def work(number: int) -> None:
        author = await BouncedAuthor.create(name=f"author {number}", data={"n": number})
        await BouncedBook.objects.bulk_create([BouncedBook(title=f"{number}.{n}", author=author) for n in range(3)])
        async with transaction():
            found = await BouncedAuthor.objects.prefetch_related("books").get(id=author.id)
            assert len(found.books) == 3
            assert found.data == {"n": number}
            await BouncedBook.objects.filter(author=author).update(title=f"of {number}")

    await asyncio.gather(*(work(number) for number in range(60)))
    assert await BouncedBook.objects.filter(title__startswith="of ").count() == 180
    assert adapter.pool_status().in_use == 0
    assert adapter.pool_status().size == 15
    servers = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'postgres'"
    assert await get_adapter("direct").fetch_value(f"{servers} AND pid <> pg_backend_pid()") <= 2


async def test_statements_of_one_task_run_in_different_sessions(adapter: Adapter):
    pids = set()
    for _ in range(50):
        busy = asyncio.create_task(adapter.fetch_value("SELECT pg_sleep(0.002)"))
        await asyncio.sleep(random.random() * 0.004)
        pids.add(await adapter.fetch_value("SELECT pg_backend_pid()"))
        await busy
    assert len(pids) == 2


async def test_streams_of_several_clients_do_not_meet(adapter: Adapter, bouncer: str):
    await BouncedAuthor.objects.bulk_create([BouncedAuthor(name=f"{number}") for number in range(500)])
    DatabaseConfig(bouncer, alias="second", transaction_pooler=True)

    async def read(alias: str) -> int:
        count = 0
        async for rows in get_adapter(alias).stream("SELECT id FROM bounced_authors WHERE id > $1", (0,), 20):
            count += len(rows)
            await asyncio.sleep(0)
        return count

    assert await asyncio.gather(*(read(alias) for alias in ("default", "second") * 4)) == [500] * 8
    async with transaction():
        first = adapter.stream("SELECT id FROM bounced_authors", (), 100)
        second = adapter.stream("SELECT id FROM bounced_authors", (), 100)
        assert len(await anext(first)) == len(await anext(second)) == 100
        await first.aclose()
        await second.aclose()
        assert await adapter.fetch_value("SELECT COUNT(*) FROM pg_cursors WHERE name LIKE 'covet%'") == 0
        assert await adapter.fetch_value("SELECT COUNT(*) FROM bounced_authors") == 500


async def test_streams_of_several_programs_do_not_meet(adapter: Adapter, bouncer: str):
    # Each program counts its statements from 1, so named ones would be in each other's way on the server.
    await BouncedAuthor.objects.bulk_create([BouncedAuthor(name=f"{number}") for number in range(50)])
    command = [sys.executable, "-c", STREAMS, bouncer]
    programs = [
        await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    answers = await asyncio.gather(*(program.communicate() for program in programs))
    assert answers == [(b"1000\n", b"")] * 3


async def test_no_named_statement_stays_on_the_server(adapter: Adapter):
    for _ in range(10):
        await BouncedAuthor.objects.filter(name="x").count()
        assert [row async for row in adapter.stream("SELECT 1", (), 10)] != []
        assert await adapter.fetch_value("SELECT COUNT(*) FROM pg_prepared_statements") == 0


async def test_transactions_cancelled_at_random_leave_nothing_open(adapter: Adapter):
    delay = random.Random(1)

    async def work(number: int) -> None:
        async with transaction() as tx:
            author = await BouncedAuthor.create(name=f"{number}")
            async with tx.savepoint():
                await BouncedBook.create(title=f"{number}", author=author)

    for number in range(150):
        task = asyncio.create_task(work(number))
        await asyncio.sleep(delay.random() * 0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(asyncio.gather(*(work(1000 + number) for number in range(20))), 10)
    assert await BouncedAuthor.objects.count() == await BouncedBook.objects.count()
    assert adapter.pool_status().in_use == 0
    idle = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    assert await get_adapter("direct").fetch_value(idle) == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SET work_mem = '8MB'",
        "RESET ALL",
        "LISTEN news",
        "PREPARE p AS SELECT 1",
        "CREATE TEMP TABLE t (id integer)",
        "CREATE TEMPORARY TABLE t AS SELECT 1",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_lock(1)",
        "LOAD 'auto_explain'",
    ],
)
async def test_statement_that_keeps_something_in_the_session_is_refused(adapter: Adapter, sql: str):
    with pytest.raises(NotSupportedError, match=r"keeps something in the session.*SET LOCAL"):
        await adapter.execute(sql)


async def test_advisory_lock_of_a_session_is_refused_and_that_of_a_transaction_is_not(adapter: Adapter):
    with pytest.raises(NotSupportedError, match="keeps something in the session"):
        async with advisory_lock("import"):
            pass
    held = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert await get_adapter("direct").fetch_value(held) == 0
    async with transaction() as tx:
        await tx.advisory_lock("import")
        assert await get_adapter("direct").fetch_value(held) == 1
    assert await get_adapter("direct").fetch_value(held) == 0


async def test_limits_of_a_block_hold_in_it_and_not_after_it(adapter: Adapter):
    with pytest.raises(QueryTimeout, match=r"statement_timeout=0\.1 s"):
        async with transaction(statement_timeout=0.1):
            await adapter.fetch_value("SELECT pg_sleep(5)")
    async with transaction(lock_timeout=0.25):
        assert await adapter.fetch_value("SHOW lock_timeout") == "250ms"
    assert {await adapter.fetch_value("SHOW lock_timeout") for _ in range(5)} == {"0"}
    await adapter.fetch_value("SELECT pg_sleep(0.2)")


async def test_settings_of_a_transaction_are_allowed(adapter: Adapter):
    async with transaction():
        await adapter.execute("SET LOCAL work_mem = '8MB'")
        await adapter.execute("SELECT pg_advisory_xact_lock(1)")
        assert await adapter.fetch_value("SHOW work_mem") == "8MB"
    assert await adapter.fetch_value("SHOW work_mem") != "8MB"


@pytest.mark.parametrize(
    "option", [{"server_settings": {"work_mem": "8MB"}}, {"lock_timeout": 1}, {"init_commands": ["SET x = 1"]}]
)
async def test_options_of_a_session_are_refused(option: dict):
    with pytest.raises(ConfigurationError, match=r"belongs to a session.*ALTER ROLE"):
        DatabaseConfig("postgresql://h/d", register=False, transaction_pooler=True, **option)
