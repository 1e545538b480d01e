"""Results of many rows: made while they come, and a failure on the way leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from covet import CharField, DatabaseConfig, Field, IntegerField, Model, create_all, get_adapter
from covet.database.schema.types import Integer
from covet.exceptions import QueryTimeout
from tests.conftest import Database

ROWS = 1_500


class Fragile(Field[int]):
    """Refuses what the database gives for one row."""

    @property
    def logical_type(self) -> Integer:
        return Integer(64)

    def from_db(self, value: Any) -> int:
        if value == ROWS - 1:
            raise ValueError("this value cannot be read")
        return int(value)


class Reading(Model):
    name = CharField(max_length=20)
    number = IntegerField()


class FragileReading(Model):
    name = CharField(max_length=20)
    number = Fragile()

    class Meta:
        db_table = "readings"


@pytest.fixture
async def readings(database: Database) -> Database:
    await create_all([Reading])
    await Reading.objects.bulk_create([Reading(name=f"n{i}", number=i) for i in range(ROWS)])
    return database


async def test_every_row_of_a_large_result_is_there_once_and_in_order(readings: Database) -> None:
    found = await Reading.objects.order_by("number")
    assert [each.number for each in found] == list(range(ROWS))
    assert len(await Reading.objects.values_list("name", flat=True)) == ROWS
    assert [row["number"] for row in await Reading.objects.order_by("-number").values("number")][:2] == [1499, 1498]


@pytest.mark.parametrize("limit", [499, 500, 501, 599, 600, 601])
async def test_results_of_about_the_size_of_a_piece(readings: Database, limit: int) -> None:
    found = await Reading.objects.order_by("number")[:limit]
    assert [each.number for each in found] == list(range(limit))


async def test_a_value_that_cannot_be_read_is_its_own_error_and_the_connection_stays(readings: Database) -> None:
    with pytest.raises(ValueError, match="this value cannot be read"):
        await FragileReading.objects.order_by("number")
    assert await Reading.objects.count() == ROWS
    status = get_adapter().pool_status()
    assert status.in_use == 0


async def test_a_large_result_can_be_cancelled(readings: Database) -> None:
    endless = Reading.objects.order_by("number")
    for delay in (0, 0.001, 0.003):
        task = asyncio.ensure_future(endless.fetch())
        await asyncio.sleep(delay)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            assert len(await task) == ROWS
    assert len(await endless) == ROWS


async def test_a_large_result_is_bound_by_the_statement_timeout(database: Database) -> None:
    DatabaseConfig(url=database.url, alias="default", replace=True, statement_timeout=0.2)
    adapter = get_adapter()
    if database.name == "postgresql":
        sql = "SELECT g FROM generate_series(1, 100000000) g"
    else:
        sql = "WITH RECURSIVE c(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM c LIMIT 100000000) SELECT g FROM c"
    with pytest.raises(QueryTimeout):
        await adapter.fetch_made(sql, (), list)
