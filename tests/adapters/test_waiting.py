"""Waiting in a row, and work that is not cut off."""

from __future__ import annotations

import asyncio

import pytest

from covet.database.adapters.waiting import Waiters, finish


async def test_thing_that_is_handed_to_a_task_cancelled_in_that_moment_comes_back():
    waiters: Waiters[str] = Waiters()
    back: list[str] = []
    task = asyncio.create_task(waiters.wait(None, back.append))
    await asyncio.sleep(0)
    assert waiters.hand("connection")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert back == ["connection"]


async def test_cancelled_waiter_is_passed_over():
    waiters: Waiters[str] = Waiters()
    first = asyncio.create_task(waiters.wait(None, lambda _: None))
    second = asyncio.create_task(waiters.wait(None, lambda _: None))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    assert len(waiters) == 1
    assert waiters.hand("connection")
    assert await second == "connection"
    assert not waiters.hand("another")


async def test_waiting_ends_at_its_limit():
    waiters: Waiters[str] = Waiters()
    with pytest.raises(TimeoutError):
        await waiters.wait(0.01, lambda _: None)
    assert len(waiters) == 0


async def test_work_is_finished_before_the_cancellation_goes_on():
    steps: list[int] = []

    async def work() -> None:
        for step in range(5):
            await asyncio.sleep(0.005)
            steps.append(step)

    task = asyncio.create_task(finish(work()))
    for _ in range(3):
        await asyncio.sleep(0.004)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == [0, 1, 2, 3, 4]


async def test_failure_of_cancelled_work_is_the_cause_of_the_cancellation():
    async def work() -> None:
        await asyncio.sleep(0.01)
        raise RuntimeError

    task = asyncio.create_task(finish(work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert isinstance(caught.value.__cause__, RuntimeError)
