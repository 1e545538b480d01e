"""Cancelling a task at every single step, once, again and again, or between any two rounds of the event loop."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from covet.database import Adapter

#: More steps than any scenario has.
MOST_STEPS = 5_000
MODES = ["once", "again and again", "each round of the loop"]


class CancelledAt(Awaitable[None]):
    """Runs a coroutine and asks its task to cancel itself at one step, or at that and all that follow."""

    def __init__(self, work: Coroutine[Any, Any, None], step: int, *, persistent: bool) -> None:
        self._work = work
        self._step = step
        self._persistent = persistent
        self.cancelled = 0

    def __await__(self) -> Generator[Any, Any, None]:
        task = asyncio.current_task()
        assert task is not None
        step = 0
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waited_for = self._work.throw(error) if error is not None else self._work.send(value)
            except StopIteration:
                return
            if step == self._step or (self._persistent and self._step < step < self._step + 20):
                task.cancel()
                self.cancelled += 1
            step += 1
            value = error = None
            try:
                value = yield waited_for
            except BaseException as exc:  # noqa: BLE001 - it belongs to the coroutine
                error = exc


async def run_cancelled(work: Coroutine[Any, Any, None], step: int, mode: str) -> bool:
    """Run ``work``, cancelled at ``step``; return whether the cancellation came before the end. Then it is heard of."""
    if mode == "each round of the loop":
        task = asyncio.create_task(work)
        for _ in range(step):
            await asyncio.sleep(0)
        cancelled = task.cancel()
        await asyncio.wait([task])
    else:
        run = CancelledAt(work, step, persistent=mode == "again and again")

        async def main() -> None:
            await run

        task = asyncio.create_task(main())
        await asyncio.wait([task])
        cancelled = run.cancelled > 0
    if not task.cancelled():
        task.result()
        assert not cancelled, f"the cancellation at step {step} was swallowed"
    return cancelled


@contextmanager
def quietly() -> Iterator[None]:
    """Let nothing be said aloud: no warning, and nothing that the event loop could only log."""
    spoken: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: spoken.append(context))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in warned] == []
    assert spoken == []


async def pool_is_full(adapter: Adapter) -> None:
    for _ in range(400):
        if adapter.pool_status().in_use == 0:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"The pool is not full: {adapter.pool_status()}")
