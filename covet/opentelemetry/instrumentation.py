"""Instrumentation: listens on the query hook and tells OpenTelemetry.

A span is made when its statement has ended, with the times of its beginning and end, in the context of the task that
sent the statement: so its parent is what that task was doing. Nothing stands in the way of the statement itself.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from opentelemetry.metrics import Histogram, MeterProvider, get_meter
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider, get_tracer

from covet.database.adapters.instrumentation import QueryEvent, add_query_hook, remove_query_hook
from covet.database.sql.digest import digest
from covet.opentelemetry.attributes import SCHEMA_URL, Attributes, Targets, of_span, of_statement, span_name
from covet.opentelemetry.pools import PoolMetrics

_SCOPE: Final = "covet"
#: Seconds, those of the conventions.
_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
_NANOSECONDS: Final = 1_000_000_000


class Instrumentation:
    """Tells OpenTelemetry of statements and pools while it runs; ``instrument()`` makes one and starts it."""

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        using: str | None = None,
        transactions: bool = True,
    ) -> None:
        self._using = using
        self._transactions = transactions
        self._running = False
        self._targets = Targets()
        self._tracer = get_tracer(_SCOPE, None, tracer_provider, SCHEMA_URL)
        meter = get_meter(_SCOPE, "", meter_provider, SCHEMA_URL)
        self._duration: Histogram = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Duration of database client operations.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._pools = PoolMetrics(meter, using, lambda: self._running)

    def start(self) -> None:
        """Begin to listen."""
        if not self._running:
            self._running = True
            add_query_hook(self._hear)

    def stop(self) -> None:
        """Stop listening."""
        if self._running:
            self._running = False
            remove_query_hook(self._hear)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _hear(self, event: QueryEvent) -> None:
        if self._using is not None and event.alias != self._using:
            return
        if event.kind == "transaction" and not self._transactions:
            return
        found = digest(event.sql)
        target = self._targets.of(event.alias)
        common: Attributes = {**target, **of_statement(event, found)}
        self._duration.record(event.duration, common)
        ended = time.time_ns()
        span = self._tracer.start_span(
            span_name(found, target),
            kind=SpanKind.CLIENT,
            attributes={**common, **of_span(event, found)},
            start_time=ended - int(event.duration * _NANOSECONDS),
        )
        if event.error is not None:
            span.set_status(Status(StatusCode.ERROR, str(event.error)))
        span.end(ended)


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    using: str | None = None,
    transactions: bool = True,
) -> Instrumentation:
    """Make a span of every statement, and metrics of statements and pools.

    ::

        from covet.opentelemetry import instrument

        instrument()                                 # with the providers that the program has set globally
        instrument(tracer_provider=mine, using="archive", transactions=False)

    ``using`` keeps to one database; ``transactions=False`` leaves out BEGIN, COMMIT and their kind. A span is called
    ``SELECT users``, and its parent is the span that is current where the statement was awaited. ``stop()`` of what
    this returns ends it.
    """
    instrumentation = Instrumentation(
        tracer_provider=tracer_provider, meter_provider=meter_provider, using=using, transactions=transactions
    )
    instrumentation.start()
    return instrumentation
