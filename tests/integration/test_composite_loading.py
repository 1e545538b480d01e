"""Relations to keys of several columns, loaded: joins, prefetches, awaited loops, slices a parent, chunks."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from covet import FieldError, NotLoaded, Prefetch, create_all, prefetch_related_objects
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.orders import ALL, Invoice, Item, Label, Note, Order, Remark, Shipment, Tenant


@pytest.fixture
async def shop(database: Database) -> Database:
    await create_all(ALL)
    for name in "ab":
        tenant = await Tenant.create(name=name)
        for number in (1, 2):
            await Order.create(tenant=tenant, number=number, title=f"{name}{number}")
    orders = await Order.objects.order_by("pk")
    await Item.objects.bulk_create(
        [Item(order=o, position=p, name=f"{o.title}.{p}") for o in orders for p in (1, 2, 3)]
    )
    await Note.objects.bulk_create([*(Note(order=o, text=o.title) for o in orders[:3]), Note(text="alone")])
    await Invoice.create(order=orders[2], total=9)
    await Remark.create(item_id=(1, 2, 3), text="late")
    await Shipment.create(order=orders[0], code=1)
    await Shipment.create(tenant_id=1, code=2, after_code=1)
    red, blue = await Label.create(word="red", size=1), await Label.create(word="blue", size=2)
    await orders[0].labels.add(red, blue)
    await orders[3].labels.add(red)
    return database


async def test_a_loop_that_awaits_costs_one_more_query(shop: Database) -> None:
    with capture_queries() as queries:
        found = [(await item.order).title for item in await Item.objects.order_by("pk")]
    assert len(queries) == 2
    assert found == ["a1"] * 3 + ["a2"] * 3 + ["b1"] * 3 + ["b2"] * 3
    assert "unnest" in queries[1].sql or "IN (VALUES" in queries[1].sql
    with capture_queries() as queries:
        counts = [len(await order.items) for order in await Order.objects.order_by("pk")]
    assert (len(queries), counts) == (2, [3, 3, 3, 3])
    with capture_queries() as queries:
        words = [sorted([each.word for each in await order.labels]) for order in await Order.objects.order_by("pk")]
    assert (len(queries), words) == (2, [["blue", "red"], [], [], ["red"]])
    with capture_queries() as queries:
        invoices: list[Any] = [await order.load(Order.invoice) for order in await Order.objects.order_by("-pk")]
        totals = [invoice and invoice.total for invoice in invoices]
    assert (len(queries), totals) == (2, [None, 9, None, None])


async def test_rows_of_one_parent_share_it(shop: Database) -> None:
    for queryset in (Item.objects.select_related("order"), Item.objects.prefetch_related("order")):
        items = await queryset.order_by("pk")
        assert items[0].order is items[2].order
        assert items[0].order is not items[3].order
    items = await Item.objects.order_by("pk")
    await items[0].order
    assert items[1].order is items[2].order


async def test_select_related_joins_whatever_the_key(shop: Database) -> None:
    with capture_queries() as queries:
        notes = await Note.objects.select_related("order__tenant").order_by("pk")
        found = [(n.text, n.order and (n.order.title, n.order.tenant.name)) for n in notes]
    assert len(queries) == 1
    assert found == [("a1", ("a1", "a")), ("a2", ("a2", "a")), ("b1", ("b1", "b")), ("alone", None)]
    assert queries[0].sql.count("LEFT JOIN") == 2
    with capture_queries() as queries:
        (remark,) = await Remark.objects.select_related("item__order__tenant")
        assert remark.item.order.tenant.name == "a"
    assert len(queries) == 1


async def test_select_related_joins_a_reverse_one_to_one(shop: Database) -> None:
    with capture_queries() as queries:
        orders: list[Any] = await Order.objects.select_related("invoice").order_by("pk")
        totals = [order.invoice and order.invoice.total for order in orders]
        assert orders[2].invoice.order is orders[2]
    assert (len(queries), totals) == (1, [None, None, 9, None])
    with capture_queries() as queries:
        items: list[Any] = await Item.objects.filter(position=1).select_related("order__invoice").order_by("pk")
        assert [item.order.invoice and item.order.invoice.pk for item in items] == [None, None, (2, 1), None]
    assert len(queries) == 1


async def test_prefetch_related_goes_both_ways(shop: Database) -> None:
    with capture_queries() as queries:
        tenants = await Tenant.objects.prefetch_related("orders__items__remarks", "orders__labels").order_by("pk")
        found = [[(o.title, len(o.items), sorted([each.word for each in o.labels])) for o in t.orders] for t in tenants]
        texts = [r.text for t in tenants for o in t.orders for i in o.items for r in i.remarks]
    assert len(queries) == 5
    assert [sorted(each) for each in found] == [
        [("a1", 3, ["blue", "red"]), ("a2", 3, [])],
        [("b1", 3, []), ("b2", 3, ["red"])],
    ]
    assert texts == ["late"]
    assert all(item.order is order for t in tenants for order in t.orders for item in order.items)
    with capture_queries() as queries:
        labels = await Label.objects.prefetch_related("orders__tenant").order_by("word")
        assert [[o.tenant.name for o in label.orders] for label in labels] == [["a"], ["a", "b"]]
        assert labels[0].orders[0] is labels[1].orders[0]
    assert len(queries) == 3


async def test_a_slice_counts_for_each_parent(shop: Database) -> None:
    last = Prefetch("items", Item.objects.order_by("-position")[:2], to_attr="last")
    with capture_queries() as queries:
        orders: list[Any] = await Order.objects.prefetch_related(last).order_by("pk")
    assert len(queries) == 2
    assert 'PARTITION BY "items"."order_tenant_id", "items"."order_number"' in queries[1].sql
    assert [[item.position for item in order.last] for order in orders] == [[3, 2]] * 4
    first = Prefetch("labels", Label.objects.order_by("word")[:1])
    orders = await Order.objects.prefetch_related(first).order_by("pk")
    assert [[label.word for label in order.labels] for order in orders] == [["blue"], [], [], ["red"]]


async def test_a_lean_prefetch_still_knows_its_parent(shop: Database) -> None:
    lean = Prefetch("notes", Note.objects.only("text"))
    with capture_queries() as queries:
        orders = await Order.objects.prefetch_related(lean).order_by("pk")
        assert [[(n.text, n.order_id) for n in o.notes] for o in orders] == [
            [("a1", (1, 1))], [("a2", (1, 2))], [("b1", (2, 1))], [],
        ]  # fmt: skip
    assert len(queries) == 2


async def test_shared_columns_are_loaded_like_others(shop: Database) -> None:
    with capture_queries() as queries:
        shipments = await Shipment.objects.select_related("tenant").prefetch_related("order", "after").order_by("code")
        assert [(s.tenant.name, s.order and s.order.title, s.after and s.after.pk) for s in shipments] == [
            ("a", "a1", None),
            ("a", None, (1, 1)),
        ]
    assert len(queries) == 3
    assert shipments[1].after == shipments[0]
    (second,) = await Shipment.objects.select_related("after__order").filter(after__code=1)
    assert second.after is not None
    assert second.after.order is not None
    assert second.after.order.title == "a1"


async def test_iterator_prefetches_by_chunk(shop: Database) -> None:
    with capture_queries() as queries:
        orders = Order.objects.prefetch_related("items").order_by("pk")
        found = [len(order.items) async for order in orders.iterator(chunk_size=2)]
    assert found == [3, 3, 3, 3]
    assert len([query for query in queries if '"items"' in query.sql]) == 2


async def test_instances_that_are_there_are_completed(shop: Database) -> None:
    orders = await Order.objects.order_by("pk")
    with capture_queries() as queries:
        await prefetch_related_objects(orders, "items", "invoice", "tenant")
        assert [len(order.items) for order in orders] == [3, 3, 3, 3]
        assert [order.tenant.name for order in orders] == ["a", "a", "b", "b"]
    assert len(queries) == 3
    copied = pickle.loads(pickle.dumps(orders[0].items[0]))
    assert (copied.pk, copied.order_id) == ((1, 1, 1), (1, 1))


async def test_the_fetch_mode_raise_names_the_cure(shop: Database) -> None:
    (note,) = await Note.objects.fetch_mode("raise").filter(text="a1")
    with pytest.raises(NotLoaded, match=r"Note.order is not loaded.*select_related\('order'\)"):
        await note.load(Note.order)
    with pytest.raises(FieldError, match="Order has no relation 'ordr'"):
        Item.objects.select_related("order__ordr")


async def test_a_reference_survives_being_pickled(shop: Database) -> None:
    (note,) = await Note.objects.filter(text="a1")
    copied = pickle.loads(pickle.dumps(note.order))
    assert copied.pk == (1, 1)
    assert (await copied).title == "a1"
