"""OpenTelemetry: spans and metrics by the conventions for databases, with no value in them, and nothing while off."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from covet import CharField, DatabaseConfig, Model, create_all
from covet.database import Adapter, get_adapter
from covet.database.adapters.instrumentation import HOOKS
from covet.database.transaction import transaction
from covet.exceptions import IntegrityError, PoolTimeout
from covet.opentelemetry import Instrumentation, instrument

SECRET = "a secret of the user"


class TracedNote(Model):
    text = CharField(max_length=50, unique=True)


class Told(NamedTuple):
    """What OpenTelemetry was told."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    tracers: TracerProvider
    instrumentation: Instrumentation

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def names(self) -> list[str]:
        return [span.name for span in self.spans()]

    def points(self, metric: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        found = [] if data is None else data.resource_metrics
        return [
            point
            for resource in found
            for scope in resource.scope_metrics
            for each in scope.metrics
            if each.name == metric
            for point in each.data.data_points
        ]

    def pool(self, metric: str, alias: str, **attributes: str) -> int:
        wanted = {"db.client.connection.pool.name": alias}
        wanted.update({f"db.client.connection.{name}": value for name, value in attributes.items()})
        (value,) = [point.value for point in self.points(metric) if dict(point.attributes) == wanted]
        return int(value)


@pytest.fixture
async def told(adapter: Adapter) -> AsyncIterator[Told]:
    await create_all([TracedNote])
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    meters = MeterProvider([reader])
    instrumentation = instrument(tracer_provider=tracers, meter_provider=meters)
    yield Told(exporter, reader, tracers, instrumentation)
    instrumentation.stop()
    tracers.shutdown()
    meters.shutdown()


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_span_says_what_was_asked_of_which_database(told: Told, adapter: Adapter):
    note = await TracedNote.create(text=SECRET)
    assert [found.text for found in await TracedNote.objects.filter(text=SECRET)] == [SECRET]
    await TracedNote.objects.filter(id=note.id).update(text="other")
    insert, select, update = told.spans()
    assert told.names() == ["INSERT traced_notes", "SELECT traced_notes", "UPDATE traced_notes"]
    assert {span.kind for span in told.spans()} == {SpanKind.CLIENT}
    config = adapter.config
    wanted = {
        "db.system.name": adapter.dialect.name,
        "db.namespace": config.database,
        "db.operation.name": "SELECT",
        "db.collection.name": "traced_notes",
        "db.response.returned_rows": 1,
    }
    if config.hosts:
        host, port = config.hosts[0]
        wanted["server.address"] = host
        if not host.startswith("/"):
            wanted["server.port"] = port
    found = attributes_of(select)
    assert found.pop("db.query.text").startswith('SELECT "traced_notes"."id"')
    assert found == wanted
    assert attributes_of(insert)["db.response.returned_rows"] == 1
    assert "db.response.returned_rows" not in attributes_of(update)
    assert select.start_time is not None
    assert select.end_time is not None
    assert 0 < select.end_time - select.start_time < 5_000_000_000
    assert SECRET not in repr([span.to_json() for span in told.spans()])


async def test_literals_of_raw_sql_without_parameters_are_masked(told: Told, adapter: Adapter):
    await adapter.fetch_all(f"SELECT id FROM traced_notes WHERE text = '{SECRET}' AND id > 5")
    await adapter.fetch_all("SELECT id FROM traced_notes WHERE text = $1 AND id > 5", [SECRET])
    mark = "$1" if adapter.dialect.name == "postgresql" else "?1"
    assert [attributes_of(span)["db.query.text"] for span in told.spans()] == [
        "SELECT id FROM traced_notes WHERE text = ? AND id > ?",
        f"SELECT id FROM traced_notes WHERE text = {mark} AND id > 5",
    ]


async def test_parent_is_what_the_task_is_doing(told: Told):
    tracer = told.tracers.get_tracer("the program")
    await TracedNote.objects.count()

    async def work(name: str) -> None:
        with tracer.start_as_current_span(name):
            async with transaction():
                await TracedNote.create(text=name)

    await asyncio.gather(work("first"), work("second"))
    spans = told.spans()
    assert spans[0].parent is None
    for name in ("first", "second"):
        (outer,) = [span for span in spans if span.name == name]
        inner = [span for span in spans if span.parent is not None and span.parent.span_id == outer.context.span_id]
        assert [span.name.partition(" ")[0] for span in inner] == ["BEGIN", "INSERT", "COMMIT"]
        assert {span.context.trace_id for span in inner} == {outer.context.trace_id}


async def test_failed_statement_names_its_error(told: Told, adapter: Adapter):
    await TracedNote.create(text=SECRET)
    with pytest.raises(IntegrityError) as failure:
        await TracedNote.create(text=SECRET)
    span = told.spans()[-1]
    found = attributes_of(span)
    assert found["error.type"] == "covet.exceptions.UniqueViolation"
    assert found["db.response.status_code"] == failure.value.sqlstate
    assert span.status.status_code is StatusCode.ERROR
    assert SECRET not in span.to_json()
    errors = [point for point in told.points("db.client.operation.duration") if "error.type" in point.attributes]
    assert [point.count for point in errors] == [1]


async def test_cancelled_statement_is_a_failed_one(told: Told, adapter: Adapter):
    slow = {
        "postgresql": "SELECT pg_sleep(5)",
        "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT SUM(i) FROM n",
    }
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await adapter.fetch_all(slow[adapter.dialect.name])
    assert attributes_of(told.spans()[-1])["error.type"] == "asyncio.exceptions.CancelledError"


async def test_durations_are_in_the_buckets_of_the_conventions(told: Told, adapter: Adapter):
    for _ in range(3):
        await TracedNote.objects.count()
    (point,) = told.points("db.client.operation.duration")
    assert point.count == 3
    assert 0 < point.sum < 3
    assert list(point.explicit_bounds) == [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
    found = dict(point.attributes)
    assert (found["db.operation.name"], found["db.collection.name"]) == ("SELECT", "traced_notes")
    assert not {"db.query.text", "db.response.returned_rows"} & set(found)


async def test_pools_tell_idle_used_waiting_and_timed_out(told: Told, configure: Callable[..., Adapter]):
    other = configure(pool_size=1, max_overflow=0, pool_timeout=0.1)

    def states() -> tuple[int, int]:
        count = "db.client.connection.count"
        return told.pool(count, "other", state="idle"), told.pool(count, "other", state="used")

    async with transaction(using="other"):
        await other.execute("CREATE TABLE held (id integer)")
        used = states()[1]
        assert used >= 1
        task = asyncio.create_task(asyncio.wait_for(in_other_context(other), 5))
        await asyncio.sleep(0.05)
        assert told.pool("db.client.connection.pending_requests", "other") == 1
        with pytest.raises(PoolTimeout):
            await task
    assert told.pool("db.client.connection.pending_requests", "other") == 0
    assert told.pool("db.client.connection.timeouts", "other") == 1
    assert states() == (used, 0)
    assert told.pool("db.client.connection.max", "other") >= 1
    await other.close()
    assert states() == (0, 0)
    assert told.pool("db.client.connection.timeouts", "other") == 1  # what was counted stays counted


async def in_other_context(adapter: Adapter) -> None:
    """Ask for the connection that writes, as a task that is in no block."""
    session, pool = await adapter.checkout(write=True)
    pool.give(session)


async def test_one_database_and_no_commands_if_that_is_wanted(adapter: Adapter, configure: Callable[..., Adapter]):
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    other = configure()
    with Instrumentation(tracer_provider=tracers, using="other", transactions=False) as instrumentation:
        instrumentation.start()  # a second time is none
        await adapter.fetch_value("SELECT 1")
        async with transaction(using="other"):
            await other.fetch_value("SELECT 2")
    await other.fetch_value("SELECT 3")
    assert [attributes_of(span)["db.query.text"] for span in exporter.get_finished_spans()] == ["SELECT ?"]
    assert not HOOKS.callbacks


async def test_settings_that_are_replaced_are_told_anew(told: Told, configure: Callable[..., Adapter]):
    await configure().fetch_value("SELECT 1")
    DatabaseConfig("sqlite:///:memory:", alias="other", replace=True)
    await get_adapter("other").fetch_value("SELECT 1")
    assert attributes_of(told.spans()[-1])["db.namespace"] == ":memory:"


def test_nothing_of_opentelemetry_is_imported_without_the_extra():
    program = "import sys, covet, covet.database; print([name for name in sys.modules if 'opentelemetry' in name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_extra_is_an_error_that_says_what_to_install():
    program = "import sys; sys.modules['opentelemetry'] = None; import covet.opentelemetry"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "ImportError: covet.opentelemetry needs OpenTelemetry: pip install covet-orm[opentelemetry]" in done.stderr
