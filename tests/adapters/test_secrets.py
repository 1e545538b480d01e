"""A password is nowhere: in no message, log, repr, pickle, nor among the variables of a traceback."""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import subprocess
import sys
import traceback
from contextlib import suppress

import pytest

from covet.database import Adapter, DatabaseConfig, close_all, get_adapter
from covet.database.transaction import transaction
from covet.exceptions import CovetError
from tests.adapters.own_server import own_server

MARKER = "m4rk3d-s3cr3t"
PROGRAM = """
import asyncio, logging, sys
logging.basicConfig(level=logging.DEBUG)
from covet.database import DatabaseConfig, get_adapter
DatabaseConfig(sys.argv[1], echo=True, echo_pool=True)
async def main():
    print(get_adapter(), get_adapter().config, await get_adapter().fetch_value("SELECT 1"))
asyncio.run(main(), debug=True)
"""


def shown(error: BaseException) -> str:
    """Return what tools make of an error: the chain with the variables of each frame."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join([*told.format(chain=True), repr(error), str(vars(error))])


async def all_that_is_told(adapter: Adapter) -> str:
    """Use a database, well and badly, and return everything that is said of it."""
    config = adapter.config
    said = [repr(config), str(config), config.safe_url, repr(adapter)]
    work = [
        adapter.connect,
        lambda: adapter.fetch_value("SELECT 1"),
        lambda: adapter.fetch_value("SELECT nothing FROM nowhere"),
        lambda: adapter.fetch_value("SELECT 1 / $1", [0]),
    ]
    for each in work:
        try:
            await each()
        except Exception as error:  # noqa: BLE001 - whatever it is
            said.append(shown(error))
    with suppress(CovetError):
        async with transaction(using=adapter.alias) as block:
            said.append(repr(block))
            await adapter.fetch_value("SELECT 1")
        said.append(f"{await adapter.get_pool_stats()} {adapter.pool} {vars(adapter.pool)}")
        session, pool = await adapter.checkout(write=True)
        said.append(f"{session!r} {pool._full()}")
        pool.give(session)
    with suppress(TypeError, AttributeError):
        said.append(pickle.dumps(adapter).decode("latin-1"))
    await adapter.close()
    return "\n".join(said)


async def test_password_is_nowhere(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]):
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    with own_server() as server:
        await server.execute(f"CREATE ROLE ann LOGIN PASSWORD '{MARKER}'")
        await server.demand_password("ann")
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            nobody = f"postgresql://ann:{MARKER}@127.0.0.1:{unused.getsockname()[1]}/shop"
            right = server.url.replace("postgres@", f"ann:{MARKER}@")
            wrong = server.url.replace("postgres@", f"ann:{MARKER}-wrong@")
            for url in (right, wrong, nobody):
                DatabaseConfig(url, alias="told", replace=True, echo=True, echo_pool=True, connect_timeout=2)
                told = await all_that_is_told(get_adapter("told"))
                assert MARKER not in told
                # Told of at all: where the password is right there is a pool, else the error of a connection.
                assert ("closed while" in told or "All 15 are in use" in told) == (url == right)
                assert ("Cannot connect to PostgreSQL" in told) == (url != right)
        command = [sys.executable, "-X", "dev", "-c", PROGRAM, right]
        program = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = await program.communicate()
        assert MARKER not in output.decode()
        assert " 1\n" in output.decode(), output.decode()
    await close_all()
    assert MARKER not in caplog.text
    assert MARKER not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{MARKER}@[::1/shop",
        f"postgresql://ann:{MARKER}@localhost:port/shop",
        f"postgresql://ann:{MARKER}@localhost/shop?poolsize=3",
        f"postgresql://ann:{MARKER}@localhost/shop?sslmode=never",
        f"postgres//ann:{MARKER}@localhost/shop",
        f"mysql://ann:{MARKER}@localhost/shop",
        f"postgresql://ann:{MARKER}@x:5432@y/shop",
    ],
)
def test_password_of_a_url_that_is_wrong_is_nowhere(url: str):
    with pytest.raises(CovetError) as caught:
        DatabaseConfig(url, register=False)
    assert MARKER not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)
