"""bulk_update: the SQL, how many statements, and what becomes of rows that are odd."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    CharField,
    DateTimeField,
    F,
    FieldError,
    IntegerField,
    IntegrityError,
    JSONField,
    Model,
    NotLoaded,
    Value,
    create_all,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models import orders
from tests.models.columns import Everything
from tests.models.orders import Item, Note, Order, Tenant


class Gauge(Model):
    name = CharField(max_length=10)
    level = IntegerField(nullable=True)
    code = IntegerField(nullable=True, unique=True)
    extra = JSONField(nullable=True)
    changed = DateTimeField(auto_now=True)

    class Meta:
        db_table = "v"  # the name that the values would have


@pytest.fixture
async def gauges(database: Database) -> list[Gauge]:
    await create_all(models=[Gauge])
    return await Gauge.objects.bulk_create([Gauge(name=f"g{n}", level=n, code=n) for n in range(7)])


async def stored(name: str) -> list[Any]:
    return await Gauge.objects.order_by("id").values_list(name, flat=True)


async def test_many_rows_are_one_statement(gauges: list[Gauge], database: Database) -> None:
    for gauge in gauges:
        gauge.level, gauge.name = None if gauge.code == 3 else (gauge.code or 0) * 10, f"new {gauge.code}"
    with capture_queries(transactions=True) as queries:
        assert await Gauge.objects.bulk_update(gauges, ["level", Gauge.name]) == 7
    values = "unnest($1::bigint[], $2::integer[], $3::varchar[])"
    source = f'{values} AS "w"("column1", "column2", "column3")'
    if database.name == "sqlite":
        source = f'(VALUES {", ".join(["(?, ?, ?)"] * 7)}) AS "w"'
    assert [event.sql for event in queries] == [
        f'UPDATE "v" SET "level" = "w"."column2", "name" = "w"."column3" FROM {source} WHERE "v"."id" = "w"."column1"'
    ]
    assert await stored("level") == [0, 10, 20, None, 40, 50, 60]
    assert await stored("name") == [f"new {n}" for n in range(7)]
    assert await stored("code") == list(range(7))


async def test_batches_are_one_transaction(gauges: list[Gauge]) -> None:
    with capture_queries(transactions=True) as queries:
        assert await Gauge.objects.bulk_update(gauges, ["level"], batch_size=3) == 7
    assert [event.sql.split()[0] for event in queries] == ["BEGIN", "UPDATE", "UPDATE", "UPDATE", "COMMIT"]
    gauges[0].level, gauges[6].code = 77, 2  # the last batch breaks the unique constraint
    with pytest.raises(IntegrityError) as caught:
        await Gauge.objects.bulk_update(gauges, ["level", "code"], batch_size=3)
    assert caught.value.model is Gauge
    assert await stored("level") == list(range(7))
    with pytest.raises(ValueError, match="batch_size must be at least 1, not 0"):
        await Gauge.objects.bulk_update(gauges, ["level"], batch_size=0)


async def test_more_rows_than_a_statement_takes_are_batched(gauges: list[Gauge]) -> None:
    more = await Gauge.objects.bulk_create([Gauge(name="x", level=0) for _ in range(11_000)])
    for gauge in more:
        gauge.level = gauge.id
    with capture_queries() as queries:
        assert await Gauge.objects.bulk_update(iter(more), ["level"]) == 11_000
    assert len(queries) == 3
    assert await Gauge.objects.filter(level=F("id")).count() == 11_000


async def test_rows_that_are_gone_are_not_counted(gauges: list[Gauge]) -> None:
    await Gauge.objects.filter(code__in=[1, 2]).delete()
    assert await Gauge.objects.bulk_update(gauges, ["level"]) == 5
    assert await Gauge.objects.bulk_update([], ["level"]) == 0


async def test_last_instance_of_a_key_counts(gauges: list[Gauge]) -> None:
    twice = [Gauge(id=gauges[0].id, level=level) for level in (100, 200, 300)]
    assert await Gauge.objects.bulk_update([*twice, gauges[1]], ["level"]) == 2
    assert (await stored("level"))[:2] == [300, 1]


async def test_expressions_are_computed_beside_plain_values(gauges: list[Gauge]) -> None:
    gauges[0].level = F("level") + 5  # type: ignore[assignment]
    gauges[1].level = 11
    gauges[2].level = F("code") * 2  # type: ignore[assignment]
    with capture_queries() as queries:
        assert await Gauge.objects.bulk_update(gauges[:4], ["level"]) == 4
    assert len(queries) == 3
    assert (await stored("level"))[:4] == [5, 11, 4, 3]
    assert [gauge.level for gauge in gauges[:4]] == [5, 11, 4, 3]


async def test_expressions_of_one_row_follow_each_other(gauges: list[Gauge]) -> None:
    key = gauges[0].id
    steps: list[Any] = [F("level") + 1, 50, F("level") + 1, F("level") + 1]
    gone = Gauge(id=10_000, level=1)
    assert await Gauge.objects.bulk_update([*(Gauge(id=key, level=step) for step in steps), gone], ["level"]) == 1
    assert (await stored("level"))[0] == 52


async def test_json_null_and_null_are_two_things(gauges: list[Gauge]) -> None:
    gauges[0].extra, gauges[1].extra, gauges[2].extra = Value(None, JSONField()), None, {"a": [1, None]}
    assert await Gauge.objects.bulk_update(gauges[:3], ["extra"]) == 3
    assert await Gauge.objects.filter(extra__isnull=True).count() == 5
    assert (await Gauge.objects.get(id=gauges[2].id)).extra == {"a": [1, None]}


async def test_moment_of_the_change_is_stored_where_it_is_named(gauges: list[Gauge]) -> None:
    before = gauges[0].changed
    await Gauge.objects.bulk_update(gauges[:1], ["level"])
    assert (await stored("changed"))[0] == before
    await Gauge.objects.bulk_update([await Gauge.objects.only("level").get(id=gauges[0].id)], ["level", "changed"])
    assert (await stored("changed"))[0] > before


async def test_mistakes_are_found_before_a_statement(gauges: list[Gauge]) -> None:
    deferred = await Gauge.objects.only("name").order_by("id")
    with capture_queries(transactions=True) as queries:
        with pytest.raises(NotLoaded, match=r"^bulk_update\(\): Gauge\.level of objs\[1\] has no value to save"):
            await Gauge.objects.bulk_update([gauges[0], deferred[1]], ["level"])
        with pytest.raises(TypeError, match=r"bulk_update\(\) of Gauge got a Tenant"):
            await Gauge.objects.bulk_update([Tenant(id=1, name="x")], ["level"])  # type: ignore[list-item]
        with pytest.raises(ValueError, match="a Gauge has no key yet"):
            await Gauge.objects.bulk_update([Gauge(name="new")], ["level"])
        with pytest.raises(ValueError, match="takes at least one field"):
            await Gauge.objects.bulk_update(gauges, [])
        with pytest.raises(ValueError, match="cannot change a primary key"):
            await Gauge.objects.bulk_update(gauges, ["id"])
        with pytest.raises(FieldError, match="nothing"):
            await Gauge.objects.bulk_update(gauges, ["nothing"])
    assert queries == []


async def test_keys_of_several_columns_and_foreign_keys_to_them(database: Database) -> None:
    await create_all(orders.ALL)
    await Tenant.objects.bulk_create([Tenant(name="a"), Tenant(name="b")])
    made = await Order.objects.bulk_create([Order(tenant_id=t, number=n) for t in (1, 2) for n in (1, 2)])
    items = await Item.objects.bulk_create([Item(order=order, position=p) for order in made for p in (1, 2)])
    for at, item in enumerate(items):
        item.name = f"item {at}"
    with capture_queries() as queries:
        assert await Item.objects.bulk_update(items, ["name"]) == 8
    assert queries[0].sql.endswith(
        'WHERE "items"."order_tenant_id" = "v"."column1" AND "items"."order_number" = "v"."column2"'
        ' AND "items"."position" = "v"."column3"'
    )
    assert await Item.objects.order_by("pk").values_list("name", flat=True) == [f"item {at}" for at in range(8)]
    notes = await Note.objects.bulk_create([Note(order=order) for order in made])
    for note, order in zip(notes, [*made[1:], None], strict=True):
        note.order = order
    assert await Note.objects.bulk_update(notes, ["order"]) == 4
    assert await Note.objects.order_by("id").values_list("order", flat=True) == [(1, 2), (2, 1), (2, 2), None]


async def test_arrays_are_rows_of_values(database: Database) -> None:
    await create_all(models=[Everything])
    rows = await Everything.objects.bulk_create([Everything() for _ in range(3)])
    rows[0].numbers, rows[1].numbers, rows[2].numbers = [1, 2], [], None
    with capture_queries() as queries:
        assert await Everything.objects.bulk_update(rows, ["numbers"]) == 3
    typed = (
        "($1::bigint, $2::integer[]), ($3, $4), ($5, $6)" if database.name == "postgresql" else "(?, ?), (?, ?), (?, ?)"
    )
    assert len(queries) == 1
    assert queries[0].sql == (
        'UPDATE "everything" SET "numbers" = "v"."column2" '
        f'FROM (VALUES {typed}) AS "v" WHERE "everything"."id" = "v"."column1"'
    )
    assert await Everything.objects.order_by("id").values_list("numbers", flat=True) == [[1, 2], [], None]
