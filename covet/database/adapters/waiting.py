"""Waiting in a row, and work that must not be cut off: the two asyncio patterns that need care.

* ``Waiters`` hands things to tasks in the order in which they asked. A task that is cancelled in the very moment in
  which it is handed something gives that back, so that nothing is lost.
* ``finish`` runs a coroutine to its end even if the calling task is cancelled meanwhile, and raises the cancellation
  afterwards: COMMIT, ROLLBACK, the return of a connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiters(Generic[T]):
    """Tasks that wait, first come first served."""

    __slots__ = ("_futures",)

    def __init__(self) -> None:
        self._futures: deque[asyncio.Future[T]] = deque()

    def __len__(self) -> int:
        return sum(not future.done() for future in tuple(self._futures))  # a copy: another thread may ask

    def __bool__(self) -> bool:
        return bool(self._futures)

    def hand(self, thing: T) -> bool:
        """Give ``thing`` to who has waited longest; False if nobody waits."""
        while self._futures:
            future = self._futures.popleft()
            if not future.done():
                future.set_result(thing)
                return True
        return False

    def refuse(self, error: BaseException) -> None:
        """Raise ``error`` in everyone who waits."""
        while self._futures:
            future = self._futures.popleft()
            if not future.done():
                future.set_exception(error)

    async def wait(self, limit: float | None, give_back: Callable[[T], object]) -> T:
        """Wait for a thing, at most ``limit`` seconds (then TimeoutError)."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._futures.append(future)
        timer = loop.call_later(limit, _expire, future) if limit is not None else None
        try:
            return await future
        except (asyncio.CancelledError, TimeoutError):
            if future.done() and not future.cancelled() and future.exception() is None:
                give_back(future.result())
            elif future in self._futures:
                self._futures.remove(future)
            raise
        finally:
            if timer is not None:
                timer.cancel()


def _expire(future: asyncio.Future[T]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


async def finish(work: Coroutine[object, object, T]) -> T:
    """Run ``work`` to its end; a cancellation that comes meanwhile is raised after it.

    If ``work`` fails and a cancellation came, the cancellation is raised with the failure as its context.
    """
    caller = asyncio.current_task()
    task = asyncio.create_task(work, name=None if caller is None else caller.get_name())
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as exc:
            if task.cancelled():  # the loop is shutting down and cancelled everything
                raise
            cancelled = exc
        except BaseException:  # noqa: BLE001 - it is the task's own and raised below
            break
    if cancelled is None:
        return task.result()
    failure = task.exception()
    if failure is not None:
        raise cancelled from failure
    raise cancelled
