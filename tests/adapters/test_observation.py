"""The query hook and what stands on it: events, the log, the monitor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from covet import CharField, Model, create_all
from covet.database import (
    Adapter,
    QueryEvent,
    QueryMonitor,
    QueryRecord,
    add_query_hook,
    capture_queries,
    remove_query_hook,
)
from covet.database.transaction import transaction
from covet.exceptions import NotSupportedError, ProgrammingError

SLEEP = {
    "postgresql": "SELECT pg_sleep(0.05)",
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT SUM(i) FROM n",
}


class WatchedNote(Model):
    text = CharField(max_length=50)


@pytest.fixture
async def events(adapter: Adapter) -> AsyncIterator[list[QueryEvent]]:
    await create_all([WatchedNote])
    events: list[QueryEvent] = []
    add_query_hook(events.append)
    yield events
    remove_query_hook(events.append)


def here(event: QueryEvent) -> bool:
    return event.caller is not None and event.caller.rpartition(":")[0] == __file__


async def test_event_tells_rows_task_and_caller(events: list[QueryEvent], adapter: Adapter):
    async def work() -> None:
        await WatchedNote.objects.bulk_create([WatchedNote(text=f"{number}") for number in range(3)])
        assert len(await WatchedNote.objects.filter(text__gt="0")) == 2
        await WatchedNote.objects.update(text="x")
        await adapter.execute("DELETE FROM watched_notes WHERE id < $1", [3])
        assert await WatchedNote.objects.count() == 1

    await asyncio.create_task(work(), name="the worker")
    statements = [event for event in events if event.kind == "statement"]
    assert [event.rows for event in statements] == [3, 2, 3, 2, 1]
    assert {event.task for event in events} == {"the worker"}
    assert {event.alias for event in events} == {"default"}
    assert all(here(event) for event in statements)
    lines = [int((event.caller or "").rpartition(":")[2]) for event in statements]
    assert [line - lines[0] for line in lines] == [0, 1, 2, 3, 4]


async def test_event_of_a_large_result_tells_its_rows(events: list[QueryEvent], adapter: Adapter):
    await WatchedNote.objects.bulk_create([WatchedNote(text=f"{number}") for number in range(1200)])
    assert len(await WatchedNote.objects.all()) == 1200
    assert events[-1].rows == 1200


async def test_event_of_a_failed_statement_has_its_place_too(events: list[QueryEvent], adapter: Adapter):
    with pytest.raises(ProgrammingError):
        await adapter.execute("SELECT nothing_like_this")
    assert events[-1].error is not None
    assert events[-1].rows is None
    assert here(events[-1])


async def test_commands_of_a_block_are_marked(events: list[QueryEvent], adapter: Adapter):
    async with transaction():
        await adapter.fetch_value("SELECT 1")
    assert [event.kind for event in events] == ["transaction", "statement", "transaction"]
    # COMMIT has a task of its own, which a cancellation does not reach.
    assert [here(event) for event in events] == [True, True, False]
    assert len({event.task for event in events}) == 1


async def test_hook_that_fails_on_a_statement_fails_the_statement(adapter: Adapter):
    def forbid(event: QueryEvent) -> None:
        raise AssertionError(event.sql)

    add_query_hook(forbid)
    try:
        with pytest.raises(AssertionError, match="SELECT 1"):
            await adapter.fetch_value("SELECT 1")
    finally:
        remove_query_hook(forbid)
    assert await adapter.fetch_value("SELECT 1") == 1
    assert adapter.pool_status().in_use == 0


async def test_hook_that_fails_does_not_make_a_commit_look_failed(adapter: Adapter, caplog: pytest.LogCaptureFixture):
    await create_all([WatchedNote])

    def fail(event: QueryEvent) -> None:
        if event.sql == "COMMIT":
            raise RuntimeError

    add_query_hook(fail)
    try:
        async with transaction():
            await WatchedNote.create(text="kept")
    finally:
        remove_query_hook(fail)
    assert await WatchedNote.objects.count() == 1
    assert "a query hook failed" in caplog.text


async def test_hook_that_fails_does_not_hide_the_error_of_a_statement(adapter: Adapter):
    def fail(event: QueryEvent) -> None:
        raise RuntimeError

    add_query_hook(fail)
    try:
        with pytest.raises(ProgrammingError):
            await adapter.execute("SELECT nothing_like_this")
    finally:
        remove_query_hook(fail)


async def test_monitor_counts_and_times_every_statement(adapter: Adapter):
    await create_all([WatchedNote])
    monitor = QueryMonitor()
    with monitor:
        for number in range(5):
            await WatchedNote.create(text=f"{number}")
        for number in range(3):
            assert len(await WatchedNote.objects.filter(text__gt=f"{number}")) == 4 - number
        with pytest.raises(ProgrammingError):
            await adapter.execute("SELECT nothing_like_this")
    await WatchedNote.objects.count()
    metrics = monitor.get_metrics()
    assert (metrics["count"], metrics["errors"], metrics["slow"], metrics["rows"]) == (9, 1, 0, 5 + 4 + 3 + 2)
    assert 0 < metrics["p50_ms"] <= metrics["p95_ms"] <= metrics["p99_ms"] <= metrics["max_ms"] <= metrics["total_ms"]
    stats = {entry.sql.partition(" ")[0]: entry for entry in monitor.get_query_stats() if not entry.errors}
    assert {verb: (entry.count, entry.rows) for verb, entry in stats.items()} == {"INSERT": (5, 5), "SELECT": (3, 9)}
    assert stats["INSERT"].min_ms <= stats["INSERT"].mean_ms <= stats["INSERT"].max_ms
    assert monitor.get_query_history(1)[0].error == "ProgrammingError"
    assert len(monitor.get_query_history()) == 9
    assert len(monitor.get_query_history(include_errors=False)) == 8
    monitor.reset()
    assert monitor.get_metrics()["count"] == 0


async def test_slow_statement_is_recorded_logged_and_told(adapter: Adapter, caplog: pytest.LogCaptureFixture):
    told: list[QueryRecord] = []
    slow = SLEEP[adapter.dialect.name]
    with QueryMonitor(slow_query_threshold_ms=20, on_slow=told.append) as monitor:
        await adapter.fetch_value("SELECT 1")
        await adapter.fetch_value(slow)
    (record,) = monitor.get_slow_queries()
    assert told == [record]
    assert record.sql == slow
    assert record.duration_ms > 20
    assert record.caller is not None
    assert Path(record.caller.rpartition(":")[0]) == Path(__file__)
    assert monitor.get_metrics()["slow"] == 1
    assert monitor.get_slow_queries(threshold_ms=0)[-1].sql == "SELECT 1"
    (warning,) = [entry for entry in caplog.records if entry.levelno == logging.WARNING]
    assert warning.name == "covet.slow"
    assert slow in warning.getMessage()


async def test_function_for_slow_statements_that_fails_harms_no_statement(
    adapter: Adapter, caplog: pytest.LogCaptureFixture
):
    def fail(record: QueryRecord) -> None:
        raise RuntimeError

    with QueryMonitor(slow_query_threshold_ms=0, on_slow=fail):
        assert await adapter.fetch_value("SELECT 1") == 1
    assert "on_slow function of a QueryMonitor failed" in caplog.text


async def test_values_are_recorded_only_when_asked_for(adapter: Adapter):
    sql = "SELECT CAST($1 AS text)"
    with QueryMonitor() as monitor, QueryMonitor(record_args=True) as curious:
        await adapter.fetch_value(sql, ["secret value"])
    assert "secret value" not in repr(monitor.get_query_history())
    assert curious.get_query_history()[0].args == ("secret value",)


async def test_monitor_keeps_a_bounded_history(adapter: Adapter):
    with QueryMonitor(max_history_size=3) as monitor:
        for number in range(5):
            await adapter.fetch_value(f"SELECT {number}")
    assert [record.sql for record in monitor.get_query_history()] == ["SELECT 4", "SELECT 3", "SELECT 2"]
    assert monitor.get_metrics()["count"] == 5


async def test_monitor_shows_the_plan_of_a_statement(adapter: Adapter):
    await create_all([WatchedNote])
    sql = "SELECT * FROM watched_notes WHERE id = $1"
    plan = await QueryMonitor().explain_query(sql, [1])
    assert "watched_notes" in repr(plan)
    if adapter.dialect.name == "sqlite":
        with pytest.raises(NotSupportedError, match="no EXPLAIN option 'analyze'"):
            await QueryMonitor().explain_query(sql, [1], analyze=True)
    else:
        assert "actual" in repr(await QueryMonitor().explain_query(sql, [1], analyze=True))


async def test_two_captures_and_a_monitor_do_not_disturb_each_other(adapter: Adapter):
    with QueryMonitor() as monitor, capture_queries() as outer:
        await adapter.fetch_value("SELECT 1")
        with capture_queries() as inner:
            await adapter.fetch_value("SELECT 2")
    assert (outer.sql, inner.sql) == (["SELECT 1", "SELECT 2"], ["SELECT 2"])
    assert monitor.get_metrics()["count"] == 2
