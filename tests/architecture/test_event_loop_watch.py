"""The watch over the event loop: each kind of thing left behind fails the test that left it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT

_CONFTEST = "from tests.event_loop import tidy_event_loop, watch_event_loop\n"

_TESTS = """
import asyncio

waiting = []

async def fail():
    raise ValueError("lost")

async def test_tidy():
    await asyncio.create_task(asyncio.sleep(0))

def test_synchronous():
    pass

async def test_error_never_retrieved():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)

async def test_error_never_retrieved_in_a_cycle():
    task = asyncio.create_task(fail())
    task.add_done_callback(lambda _, cycle=[task]: cycle)
    await asyncio.sleep(0)

async def test_task_still_runs():
    waiting.append(asyncio.create_task(asyncio.sleep(60)))

async def test_error_in_a_callback():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)

async def test_coroutine_never_awaited():
    fail()
"""


def test_what_a_test_leaves_in_its_event_loop_fails_it(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_left_behind.py").write_text(_TESTS)
    settings = ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={tmp_path}"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *settings, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    reports = [line for line in run.stdout.splitlines() if line.startswith(("ERROR ", "FAILED "))]
    assert {line.split("::")[1].partition(" ")[0] for line in reports} == {
        "test_error_never_retrieved",
        "test_error_never_retrieved_in_a_cycle",
        "test_task_still_runs",
        "test_error_in_a_callback",
        "test_coroutine_never_awaited",
    }, run.stdout + run.stderr
