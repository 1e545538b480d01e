"""What a test leaves behind in its event loop fails it: running tasks, and errors that nobody looked at."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

__all__ = ["tidy_event_loop", "watch_event_loop"]


@pytest.fixture(autouse=True)
def watch_event_loop(request: pytest.FixtureRequest) -> None:
    """Watch the event loop of every test that has one."""
    if request.node.get_closest_marker("asyncio") is not None:
        request.getfixturevalue("tidy_event_loop")


@pytest.fixture
async def tidy_event_loop() -> AsyncIterator[None]:
    """Fail the test for a task that still runs, is destroyed while it waits, or whose error nobody retrieved."""
    complaints: list[str] = []

    def complain(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        complaints.append(f"{context['message']}: {context.get('exception')!r} {context.get('task', '')}")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(complain)
    before = asyncio.all_tasks()
    yield
    strays = asyncio.all_tasks() - before - {asyncio.current_task()}
    complaints += [f"Task still runs after the test: {task!r}" for task in strays]
    for task in strays:
        task.cancel()
    await asyncio.gather(*strays, return_exceptions=True)
    strays.clear()
    gc.collect()  # errors that nobody retrieved are reported when their task is collected
    loop.set_exception_handler(None)
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)
