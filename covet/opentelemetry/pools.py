"""Metrics of the pools: read when somebody collects them, so that nothing is counted twice and idle costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from covet.database.adapters.lifecycle import PoolTotals
from covet.database.connections import adapters

_POOL = "db.client.connection.pool.name"
_STATE = "db.client.connection.state"


class PoolMetrics:
    """Gauges of all pools, or of those of one alias. ``watching`` says whether they are wanted now."""

    def __init__(self, meter: Meter, using: str | None, watching: Callable[[], bool]) -> None:
        self._using = using
        self._watching = watching
        meter.create_observable_up_down_counter(
            "db.client.connection.count",
            [self._count],
            unit="{connection}",
            description="The number of connections that are currently in the state described by the state attribute.",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.max",
            [self._most],
            unit="{connection}",
            description="The maximum number of open connections allowed.",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.pending_requests",
            [self._pending],
            unit="{request}",
            description="The number of current pending requests for an open connection.",
        )
        meter.create_observable_counter(
            "db.client.connection.timeouts",
            [self._timeouts],
            unit="{timeout}",
            description="The number of connection timeouts that have occurred trying to obtain a connection.",
        )

    def _totals(self) -> Iterator[tuple[str, PoolTotals]]:
        """Give the numbers of each alias. The thread that collects metrics asks, not an event loop."""
        if not self._watching():
            return
        for adapter in set(adapters()):
            if self._using is None or adapter.alias == self._using:
                yield adapter.alias, adapter.pool_totals()

    def _count(self, _: CallbackOptions) -> Iterable[Observation]:
        for alias, totals in self._totals():
            yield Observation(totals.idle, {_POOL: alias, _STATE: "idle"})
            yield Observation(totals.in_use, {_POOL: alias, _STATE: "used"})

    def _most(self, _: CallbackOptions) -> Iterable[Observation]:
        for alias, totals in self._totals():
            yield Observation(totals.limit, {_POOL: alias})

    def _pending(self, _: CallbackOptions) -> Iterable[Observation]:
        for alias, totals in self._totals():
            yield Observation(totals.waiting, {_POOL: alias})

    def _timeouts(self, _: CallbackOptions) -> Iterable[Observation]:
        for alias, totals in self._totals():
            yield Observation(totals.timeouts, {_POOL: alias})
