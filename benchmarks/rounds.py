"""The rounds: every operation by every peer, in an order that changes from round to round.

What disturbs the machine for a while disturbs all peers of that round, so the ratio within a round stays right where
the times are not. Of the rounds' ratios the median counts.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from benchmarks.answers import check
from benchmarks.database import Database
from benchmarks.operations import POOL_SIZE, Operation
from benchmarks.peer import Peer, Work
from benchmarks.writes import check_written

# A connection of a pool has statements of its own, which PostgreSQL plans anew for the first five executions. Where a
# sample is a few long statements, planning is nothing, and one execution on each connection will do.
_WARM_TURNS = 6 * POOL_SIZE
_LONG = 4

Seconds = list[float]
Advance = Callable[[int, int], None]


@dataclass(slots=True)
class Samples:
    """Seconds an operation took once, by operation and peer, one for each round."""

    seconds: defaultdict[str, defaultdict[str, Seconds]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often, and what."""

    count: int
    operations: Sequence[Operation]
    share: float
    """Of the repetitions of a sample: less than one for a short run."""

    async def run(self, database: Database, peers: Sequence[Peer], advance: Advance) -> Samples:
        """Check every answer, warm up for a round, then time."""
        for operation in self.operations:
            for peer in peers:
                if work := peer.works().get(operation.name):
                    await _check(database, peer, operation, work)
                    if not operation.writes:
                        turns = POOL_SIZE if operation.repeats <= _LONG else _WARM_TURNS
                        await _time_tasks(work, range(turns), peer.connections)
        samples = Samples()
        shuffled = random.Random(1)  # the same order in every run
        for number in range(self.count + 1):
            for operation in shuffled.sample(self.operations, len(self.operations)):
                for peer in shuffled.sample(peers, len(peers)):
                    if operation.name in peer.works():
                        seconds = await self._sample(database, peer, operation, number)
                        if number:  # the first round fills caches and pools
                            samples.seconds[operation.name][peer.name].append(seconds)
            advance(number, self.count)
        return samples

    async def _sample(self, database: Database, peer: Peer, operation: Operation, number: int) -> float:
        repeats = max(1, round(operation.repeats * self.share))
        turns = range(number * repeats, (number + 1) * repeats)
        work = peer.works()[operation.name]
        gc.collect()  # nobody pays for what another one left
        if operation.tasks > 1:
            seconds = await _time_tasks(work, turns, operation.tasks)
        else:
            seconds = await _time(work, turns)
        if operation.writes:
            await database.reset()
        return seconds / repeats


async def _time(work: Work, turns: range) -> float:
    begun = perf_counter()
    for turn in turns:
        await work(turn)
    return perf_counter() - begun


async def _time_tasks(work: Work, turns: range, tasks: int) -> float:
    begun = perf_counter()
    async with asyncio.TaskGroup() as group:
        for first in range(min(tasks, len(turns))):
            group.create_task(_time(work, turns[first::tasks]))
    return perf_counter() - begun


async def _check(database: Database, peer: Peer, operation: Operation, work: Work) -> None:
    for turn in (0, 1):  # the second time everything is cached
        answer = await work(turn)
        if operation.writes:
            await check_written(database, peer, operation.name, answer, turn)
            await database.reset()
        else:
            check(peer.name, operation.name, peer.rows(operation.name, answer), turn)
