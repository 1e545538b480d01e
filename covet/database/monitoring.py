"""Query monitoring: how often each statement runs, how long it takes, and which ones are slow.

It listens on the query hook, so it sees every statement of every database, whoever sends it. Values are not recorded
unless ``record_args=True`` asks for them.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from covet._frozen import Frozen
from covet.database.adapters.instrumentation import QueryEvent, add_query_hook, remove_query_hook
from covet.database.adapters.rows import Row
from covet.database.connections import DEFAULT, get_adapter

_LOG: Final = logging.getLogger("covet.slow")
#: Durations that are kept for the percentiles of one statement, and how many statements are kept apart.
_SAMPLES: Final = 1000
_STATEMENTS: Final = 1000
_OTHERS: Final = "(other statements)"


class QueryRecord(Frozen):
    """One statement that was sent. Times are milliseconds."""

    sql: str
    alias: str
    duration_ms: float
    rows: int | None
    #: The name of the error's class.
    error: str | None
    task: str | None
    caller: str | None
    #: Seconds since the epoch, when it ended.
    at: float
    args: Sequence[object] | None = None


class QueryStats(Frozen):
    """All runs of one statement. Times are milliseconds; percentiles are those of the last 1000 runs."""

    sql: str
    count: int
    errors: int
    rows: int
    total_ms: float
    mean_ms: float
    min_ms: float
    max_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class _Tally:
    """What is known of one statement so far."""

    __slots__ = ("count", "errors", "last", "longest", "rows", "shortest", "total")

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self.rows = 0
        self.total = 0.0
        self.shortest = math.inf
        self.longest = 0.0
        self.last: deque[float] = deque(maxlen=_SAMPLES)

    def add(self, event: QueryEvent) -> None:
        took = event.duration * 1000
        self.count += 1
        self.errors += event.error is not None
        self.rows += event.rows or 0
        self.total += took
        self.shortest = min(self.shortest, took)
        self.longest = max(self.longest, took)
        self.last.append(took)

    def stats(self, sql: str) -> QueryStats:
        ordered = sorted(self.last)
        return QueryStats(
            sql=sql,
            count=self.count,
            errors=self.errors,
            rows=self.rows,
            total_ms=self.total,
            mean_ms=self.total / self.count if self.count else 0.0,
            min_ms=self.shortest if self.count else 0.0,
            max_ms=self.longest,
            p50_ms=_percentile(ordered, 50),
            p95_ms=_percentile(ordered, 95),
            p99_ms=_percentile(ordered, 99),
        )


class QueryMonitor:
    """Counts and times statements while it runs.

    ::

        monitor = QueryMonitor(slow_query_threshold_ms=100, on_slow=lambda query: print(query.caller, query.sql))
        with monitor:
            await User.objects.count()
        monitor.get_metrics()["count"]  # 1
        monitor.get_query_stats()[0].p95_ms
        monitor.get_slow_queries()

    ``start()`` and ``stop()`` do the same without a block. Slow statements go to the logger ``covet.slow``, too.
    """

    def __init__(
        self,
        *,
        slow_query_threshold_ms: float = 1000.0,
        max_history_size: int = 1000,
        record_args: bool = False,
        using: str | None = None,
        on_slow: Callable[[QueryRecord], object] | None = None,
    ) -> None:
        self.slow_query_threshold_ms = slow_query_threshold_ms
        self._record_args = record_args
        self._using = using
        self._on_slow = on_slow
        self._history: deque[QueryRecord] = deque(maxlen=max_history_size)
        self._slow: deque[QueryRecord] = deque(maxlen=max_history_size)
        self._tallies: dict[str, _Tally] = {}
        self._all = _Tally()
        self._running = False

    # ------------------------------------------------------------------------------------------ running

    def start(self) -> None:
        """Begin to listen."""
        if not self._running:
            self._running = True
            add_query_hook(self._hear)

    def stop(self) -> None:
        """Stop listening; what was heard stays."""
        if self._running:
            self._running = False
            remove_query_hook(self._hear)

    def reset(self) -> None:
        """Forget what was heard."""
        self._history.clear()
        self._slow.clear()
        self._tallies.clear()
        self._all = _Tally()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _hear(self, event: QueryEvent) -> None:
        if event.kind == "transaction" or (self._using is not None and event.alias != self._using):
            return
        self._all.add(event)
        tally = self._tallies.get(event.sql)
        if tally is None:
            name = event.sql if len(self._tallies) < _STATEMENTS else _OTHERS
            tally = self._tallies.setdefault(name, _Tally())
        tally.add(event)
        record = self._record(event)
        self._history.append(record)
        if record.duration_ms >= self.slow_query_threshold_ms:
            self._slow.append(record)
            self._tell(record)

    def _record(self, event: QueryEvent) -> QueryRecord:
        return QueryRecord(
            sql=event.sql,
            alias=event.alias,
            duration_ms=event.duration * 1000,
            rows=event.rows,
            error=None if event.error is None else type(event.error).__name__,
            task=event.task,
            caller=event.caller,
            at=time.time(),
            args=tuple(event.args) if self._record_args else None,
        )

    def _tell(self, record: QueryRecord) -> None:
        _LOG.warning("[%s] %.0f ms %s (%s)", record.alias, record.duration_ms, record.sql, record.caller or record.task)
        if self._on_slow is not None:
            try:
                self._on_slow(record)
            except Exception:  # noqa: BLE001 - the query has done nothing wrong
                _LOG.exception("The on_slow function of a QueryMonitor failed")

    # ------------------------------------------------------------------------------------------ asking

    def get_metrics(self) -> dict[str, float]:
        """Return the numbers over all statements: count, errors, slow, rows, and times in milliseconds."""
        total = self._all.stats("")
        return {
            "count": total.count,
            "errors": total.errors,
            "slow": len(self._slow),
            "rows": total.rows,
            "total_ms": total.total_ms,
            "mean_ms": total.mean_ms,
            "max_ms": total.max_ms,
            "p50_ms": total.p50_ms,
            "p95_ms": total.p95_ms,
            "p99_ms": total.p99_ms,
        }

    def get_query_stats(self) -> list[QueryStats]:
        """Return the numbers of each statement, those that took most time altogether first."""
        stats = [tally.stats(sql) for sql, tally in self._tallies.items()]
        return sorted(stats, key=lambda entry: entry.total_ms, reverse=True)

    def get_slow_queries(self, threshold_ms: float | None = None) -> list[QueryRecord]:
        """Return the statements of the history that took at least ``threshold_ms``, the slowest first."""
        found = list(self._slow)
        if threshold_ms is not None:
            found = [record for record in self._history if record.duration_ms >= threshold_ms]
        return sorted(found, key=lambda record: record.duration_ms, reverse=True)

    def get_query_history(self, limit: int | None = None, *, include_errors: bool = True) -> list[QueryRecord]:
        """Return the last statements, the newest first."""
        found = [record for record in reversed(self._history) if include_errors or record.error is None]
        return found[:limit]

    async def explain_query(self, sql: str, *params: object, analyze: bool = False, using: str = DEFAULT) -> list[Row]:
        """Return the plan of a statement as the database prints it.

        ``await monitor.explain_query("SELECT * FROM users WHERE id = $1", [7])``

        ``analyze=True`` runs the statement, too; SQLite has no such thing and raises.
        """
        adapter = get_adapter(using)
        explain = adapter.dialect.explain_prefix(None, {"analyze": True} if analyze else {})
        return await adapter.fetch_all(f"{explain} {sql}", *params)


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of sorted numbers."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
