"""Managers of relations to keys of several columns, links between them, counting and deleting."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    FieldError,
    ManyToManyField,
    Model,
    ValidationError,
    create_all,
)
from covet.database import capture_queries
from covet.exceptions import ProtectedError
from tests.conftest import Database
from tests.models.orders import ALL, Depot, Invoice, Item, Label, Note, Order, Remark, Shipment, Stock, Tenant


@pytest.fixture
async def shop(database: Database) -> Database:
    await create_all(ALL)
    for name in "ab":
        tenant = await Tenant.create(name=name)
        for number in (1, 2):
            order = await Order.create(tenant=tenant, number=number, title=f"{name}{number}")
            await Item.create(order=order, position=1, name=f"{name}{number} pen")
            await Item.create(order=order, position=2, name=f"{name}{number} ink")
    await Note.create(order_id=(1, 1), text="urgent")
    await Note.create(text="alone")
    await Invoice.create(order_id=(2, 1), total=9)
    return database


async def names(rows: Any) -> list[str]:
    return sorted(getattr(row, "name", None) or getattr(row, "title", None) or row.text for row in await rows)


async def test_the_reverse_manager_reads_and_writes(shop: Database) -> None:
    order = await Order.objects.get(pk=(1, 1))
    assert await names(order.items.all()) == ["a1 ink", "a1 pen"]
    assert (await order.items.count(), await order.items.filter(position=2).exists()) == (2, True)
    item = await order.items.create(position=3, name="new")
    assert (item.pk, item.order) == ((1, 1, 3), order)
    assert (await order.items.get(position=1)).order is order
    notes = await Note.objects.order_by("text")
    with capture_queries() as queries:
        await order.notes.add(*notes)
    assert len(queries) == 1
    assert await names(order.notes.all()) == ["alone", "urgent"]
    assert notes[0].order is order
    await order.notes.remove(notes[0])
    assert notes[0].order is None
    assert await names(order.notes.all()) == ["urgent"]
    await order.notes.set([notes[0]])
    assert await names(order.notes.all()) == ["alone"]
    await order.notes.clear()
    assert await order.notes.count() == 0
    with pytest.raises(FieldError, match="needs a nullable"):
        await order.items.clear()
    with pytest.raises(ValueError, match="this Order has no key yet"):
        await Order().items.all()


async def test_managers_of_rows_with_composite_keys_take_tuples(shop: Database) -> None:
    tenant = await Tenant.objects.get(name="a")
    order = await Order.objects.get(pk=(1, 2))
    await Shipment.objects.bulk_create([Shipment(tenant=tenant, code=code) for code in (1, 2, 3)])
    await order.shipments.add((1, 1), await Shipment.objects.get(code=2))
    assert sorted([s.code for s in await order.shipments.all()]) == [1, 2]
    await order.shipments.remove((1, 1))
    assert [s.pk for s in await order.shipments.all()] == [(1, 2)]
    await order.shipments.set([(1, 3)])
    assert [s.pk for s in await order.shipments.all()] == [(1, 3)]
    assert await Shipment.objects.filter(tenant=tenant).count() == 3
    with pytest.raises(ValidationError, match="is a tuple, not int"):
        await order.shipments.add(3)


async def test_the_other_side_of_one_to_one(shop: Database) -> None:
    order = await Order.objects.get(pk=(2, 1))
    invoice = await order.invoice
    assert (invoice.total, invoice.order, invoice.pk) == (9, order, (2, 1))
    other = await Order.objects.get(pk=(1, 1))
    assert await other.load(Order.invoice) is None
    with pytest.raises(Invoice.DoesNotExist):
        await (await Order.objects.get(pk=(1, 2))).invoice
    fresh = await Invoice.create(order=other, total=1)
    assert (await Order.objects.get(invoice=fresh)).pk == (1, 1)


async def test_many_to_many_between_composite_keys(shop: Database) -> None:
    red, blue = await Label.create(word="red", size=1), await Label.create(word="blue", size=2)
    order = await Order.objects.get(pk=(1, 1))
    with capture_queries() as queries:
        await order.labels.add(red, ("blue", 2))
        await order.labels.add(red)
    assert len(queries) == 2
    assert sorted([label.pk for label in await order.labels.all()]) == [("blue", 2), ("red", 1)]
    assert await names(red.orders.all()) == ["a1"]
    assert await names(Order.objects.filter(labels=red)) == ["a1"]
    assert await names(Order.objects.filter(labels__word="blue")) == ["a1"]
    assert await names(Order.objects.exclude(labels=("red", 1))) == ["a2", "b1", "b2"]
    assert await names(Order.objects.filter(labels__isnull=True)) == ["a2", "b1", "b2"]
    with capture_queries() as queries:
        assert await names(Order.objects.filter(labels__pk__in=[("red", 1), ("blue", 2)]).distinct()) == ["a1"]
    assert '"labels"' not in queries[0].sql
    await order.labels.remove(("blue", 2))
    assert [label.pk for label in await order.labels.all()] == [("red", 1)]
    await order.labels.set([blue])
    assert [label.pk for label in await order.labels.all()] == [("blue", 2)]
    made = await order.labels.create(word="green", size=3)
    assert await order.labels.filter(size=3).get() == made
    assert (await Label.objects.filter(pk=("blue", 2)).delete()) == (2, {"Order_labels": 1, "Label": 1})
    await order.labels.clear()
    assert await order.labels.count() == 0


async def test_a_through_model_may_share_a_column_between_both_ends(shop: Database) -> None:
    depot = await Depot.create(tenant_id=1, code=5, name="north")
    order, foreign = await Order.objects.get(pk=(1, 2)), await Order.objects.get(pk=(2, 2))
    await depot.orders.add(order, (1, 1), through_defaults={"amount": 4})
    await depot.orders.add(order)
    assert await names(depot.orders.all()) == ["a1", "a2"]
    assert await Stock.objects.order_by("number").values_list("tenant", "number", "code", "amount") == [
        (1, 1, 5, 4),
        (1, 2, 5, 4),
    ]
    assert await names(order.depots.all()) == ["north"]  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"Stock.depot and Stock.order share 'tenant', and the two rows differ in it"):
        await depot.orders.add(foreign)
    await depot.orders.remove(order)
    (found,) = await Depot.objects.prefetch_related("orders")
    assert [o.pk for o in found.orders] == [(1, 1)]


# -- counting links --------------------------------------------------------------------------


async def test_counting_links_does_not_join_the_target(shop: Database) -> None:
    order = await Order.objects.get(pk=(1, 1))
    await order.labels.create(word="red", size=1)
    await order.labels.create(word="blue", size=1)
    with capture_queries() as queries:
        assert await order.labels.count() == 2
        assert await order.labels.exists() is True
        assert await order.labels.order_by("word").count() == 2
    for query in queries:
        assert '"labels"' not in query.sql
        assert "JOIN" not in query.sql
        assert 'FROM "orders_labels" WHERE' in query.sql
    with capture_queries() as queries:
        assert await order.labels.filter(word="red").count() == 1
        assert await order.labels.exclude(word="red").count() == 1
        assert await order.labels.all()[:1].count() == 1
        assert await order.labels.distinct().count() == 2
    assert all('"labels"' in query.sql for query in queries)


class Loose(Model):
    tags = ManyToManyField("LooseTag", db_constraint=False, related_name="+")


class LooseTag(Model):
    pass


async def test_links_that_may_dangle_are_counted_with_their_target(database: Database) -> None:
    await create_all([Loose, LooseTag])
    loose, tag = await Loose.create(), await LooseTag.create()
    await loose.tags.add(tag, 99)
    with capture_queries() as queries:
        assert await loose.tags.count() == 1
        assert len(await loose.tags.all()) == 1
    assert "JOIN" in queries[0].sql


# -- deleting --------------------------------------------------------------------------------


async def test_deleting_follows_every_rule(shop: Database) -> None:
    order = await Order.objects.get(pk=(1, 1))
    await Shipment.create(tenant_id=1, code=1, order=order)
    await order.labels.create(word="red", size=1)
    assert await order.delete() == (4, {"Item": 2, "Order_labels": 1, "Order": 1})
    assert await names(Note.objects.filter(order=None)) == ["alone", "urgent"]
    assert await Shipment.objects.values_list("pk", "order_number") == [((1, 1), None)]
    assert await names(Order.objects.all()) == ["a2", "b1", "b2"]


async def test_protected_rows_stay(shop: Database) -> None:
    item = await Item.objects.get(pk=(2, 1, 1))
    remark = await Remark.create(item=item)
    with pytest.raises(ProtectedError, match=r"1 row of Remark refers to Item by Remark\.item") as caught:
        await Order.objects.filter(title="b1").delete()
    assert caught.value.columns == ("item_order_tenant_id", "item_order_number", "item_position")
    assert await Order.objects.count() == 4
    await remark.delete()
    assert await Tenant.objects.filter(name="b").delete() == (
        8,
        {"Item": 4, "Invoice": 1, "Order": 2, "Tenant": 1},
    )


async def test_a_chain_of_shared_keys_is_taken_apart(shop: Database) -> None:
    first = await Shipment.create(tenant_id=1, code=1)
    second = await Shipment.create(tenant_id=1, code=2, after=first)
    await Shipment.create(tenant_id=1, code=3, after=second)
    assert [s.pk for s in await first.next.all()] == [(1, 2)]
    assert await second.delete() == (1, {"Shipment": 1})
    assert await Shipment.objects.order_by("code").values_list("code", "after") == [(1, None), (3, None)]
