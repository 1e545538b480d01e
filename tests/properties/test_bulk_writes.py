"""Bulk writes and one write a row leave the same tables, on both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import F, create_all
from covet.database import DatabaseConfig, close_all
from tests import postgresql_server
from tests.models.columns import Everything, Level, Status

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=10)
DOCUMENTS = st.recursive(
    st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))
#: Values of every kind of column.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**31), 2**31 - 1),
    "big": st.integers(-(2**63), 2**63 - 1),
    "small": st.integers(-(2**15), 2**15 - 1),
    "char": TEXT,
    "text": TEXT,
    "flag": st.booleans(),
    "moment": MOMENTS.map(lambda moment: moment.replace(tzinfo=dt.UTC)),
    "naive_moment": MOMENTS,
    "day": st.dates(dt.date(1, 1, 2), dt.date(9999, 12, 30)),  # the first and the last one of all are refused
    "clock": st.times(),
    "free_decimal": st.decimals(-(10**20), 10**20, places=9),
    "price": st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents).scaleb(-2)),
    "number": st.floats(allow_nan=False),
    "document": DOCUMENTS,
    "old_document": DOCUMENTS,
    "numbers": st.lists(st.integers(-9, 9), max_size=3),
    "words": st.lists(st.none() | TEXT, max_size=3),
    "status": st.sampled_from(Status),
    "named_status": st.sampled_from(Status),
    "level": st.sampled_from(Level),
    "binary": st.binary(max_size=9),
    "uuid": st.uuids(),
    "took": st.timedeltas(dt.timedelta(days=-999), dt.timedelta(days=999)),
    "address": st.sampled_from(["192.168.0.1", "2001:db8::1"]),
}
ROWS = 5
NAMES = st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=6, unique=True)
playing = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def two_databases(postgresql_url: str, tmp_path: Path) -> AsyncIterator[None]:
    await postgresql_server.empty(postgresql_url)
    DatabaseConfig(url=f"sqlite:///{tmp_path / 'one.sqlite3'}", alias="one", replace=True)
    DatabaseConfig(url=postgresql_url, alias="two", replace=True)
    for alias in ("one", "two"):
        await create_all(models=[Everything], using=alias)
    yield
    await close_all()


async def rows_of(alias: str) -> list[Any]:
    return await Everything.objects.using(alias).order_by("id").values()


@st.composite
def changes(draw: st.DrawFn) -> tuple[list[str], list[dict[str, Any]]]:
    """Return names of fields, and rows with a key that may be missing in the table or be there twice."""
    names = draw(NAMES)
    row = st.fixed_dictionaries({"id": st.integers(1, ROWS + 2), **{name: st.none() | VALUES[name] for name in names}})
    rows = draw(st.lists(row, max_size=8))
    if "integer" in names and draw(st.booleans()):
        for each in rows[::2]:
            each["integer"] = F("small") + 1
    return names, rows


async def start(alias: str, before: list[dict[str, Any]]) -> None:
    rows = Everything.objects.using(alias)
    await rows.delete()
    await rows.bulk_create([Everything(id=at, **row) for at, row in enumerate(before, 1)])


@playing
@given(data=st.data(), batch_size=st.none() | st.integers(1, 3))
async def test_bulk_update_leaves_what_saving_one_by_one_leaves(
    two_databases: None, data: st.DataObject, batch_size: int | None
) -> None:
    names, rows = data.draw(changes())
    full = st.fixed_dictionaries({name: st.none() | VALUES[name] for name in {*names, "small"}})
    before = data.draw(st.lists(full, min_size=ROWS, max_size=ROWS))
    left: list[list[Any]] = []
    for alias in ("one", "two"):
        await start(alias, before)
        count = await Everything.objects.using(alias).bulk_update(
            [Everything(**row) for row in rows], names, batch_size=batch_size
        )
        assert count == len({row["id"] for row in rows if row["id"] <= ROWS})
        left.append(await rows_of(alias))
        await start(alias, before)
        for row in rows:
            with suppress(Everything.DoesNotExist):
                await Everything(**row).save(update_fields=names, using=alias)
        left.append(await rows_of(alias))
    assert left[0] == left[1] == left[2] == left[3]


@playing
@given(data=st.data(), batch_size=st.none() | st.integers(1, 3))
async def test_bulk_create_leaves_what_creating_one_by_one_leaves(
    two_databases: None, data: st.DataObject, batch_size: int | None
) -> None:
    names = data.draw(NAMES)
    some = st.fixed_dictionaries({}, optional={name: st.none() | VALUES[name] for name in names})
    rows = data.draw(st.lists(some, max_size=8))
    left: list[list[Any]] = []
    for alias in ("one", "two"):
        table = Everything.objects.using(alias)
        await table.delete()
        made = [Everything(id=at, **row) for at, row in enumerate(rows, 1)]
        assert await table.bulk_create(made, batch_size=batch_size) == made
        left.append(await rows_of(alias))
        await table.delete()
        for at, row in enumerate(rows, 1):
            await table.create(id=at, **row)
        left.append(await rows_of(alias))
        await table.delete()
        streamed = (Everything(id=at, **row) for at, row in enumerate(rows, 1))
        assert await table.insert_many(streamed, batch_size=batch_size or 5) == len(rows)
        left.append(await rows_of(alias))
    assert all(each == left[0] for each in left)


@playing
@given(data=st.data(), batch_size=st.none() | st.integers(1, 3))
async def test_bulk_upsert_leaves_what_upserting_one_by_one_leaves(
    two_databases: None, data: st.DataObject, batch_size: int | None
) -> None:
    names = data.draw(NAMES)
    values = {name: st.none() | VALUES[name] for name in names}
    before = data.draw(st.lists(st.fixed_dictionaries(values), min_size=ROWS, max_size=ROWS))
    keys = data.draw(st.lists(st.integers(1, ROWS + 4), max_size=8, unique=True))
    rows = [{"id": key, **data.draw(st.fixed_dictionaries(values))} for key in keys]
    left: list[list[Any]] = []
    told: list[list[bool]] = [[key > ROWS for key in keys]]
    for alias in ("one", "two"):
        await start(alias, before)
        table = Everything.objects.using(alias)
        pairs = await table.bulk_upsert(
            [Everything(**row) for row in rows], unique_fields=["id"], update_fields=names, batch_size=batch_size
        )
        told.append([created for _, created in pairs])
        left.append(await rows_of(alias))
        await start(alias, before)
        told.append([(await table.upsert({name: row[name] for name in names}, id=row["id"]))[1] for row in rows])
        left.append(await rows_of(alias))
        assert [vars(each)[name] for each, _ in pairs for name in names] == [
            row[name] for row in rows for name in names
        ]
    assert all(each == left[0] for each in left)
    assert all(each == told[0] for each in told)
