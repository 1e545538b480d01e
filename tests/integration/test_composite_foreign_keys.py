"""Foreign keys to models whose primary key has several columns: attributes of the instance, and queries."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    CompositePrimaryKey,
    F,
    FieldError,
    ForeignKey,
    IntegerField,
    IntegrityError,
    Model,
    NotLoaded,
    Q,
    ValidationError,
    create_all,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.orders import ALL, Invoice, Item, Note, Order, Remark, Shipment, Tenant


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


# -- attributes ------------------------------------------------------------------------------


async def test_the_key_is_a_tuple_and_needs_no_query(shop: Database) -> None:
    item = await Item.objects.get(name="a1 pen")
    with capture_queries() as queries:
        assert (item.order_id, item.order_tenant_id, item.order_number) == ((1, 1), 1, 1)
        assert item.order.pk == (1, 1)
        assert item.order.number == 1
        assert item.order is item.order
        with pytest.raises(NotLoaded, match=r"Order.title is not loaded.*await instance\.order"):
            _ = item.order.title
    assert len(queries) == 0
    reference = item.order
    assert await item.order is reference
    assert reference.title == "a1"
    alone = await Note.objects.get(text="alone")
    assert alone.order is None
    assert alone.order_id is None


async def test_assigning_sets_the_columns(shop: Database) -> None:
    order = await Order.objects.get(pk=(2, 1))
    note: Any = Note(order=order)
    assert (note.order_id, note.order) == ((2, 1), order)
    note.order_id = (1, 2)
    assert (note.order_tenant_id, note.order_number) == (1, 2)
    assert note.order.pk == (1, 2)
    note.order = None
    assert (note.order_id, note.order_number, note.order) == (None, None, None)
    note.order_id = None
    with pytest.raises(TypeError, match=r"Note\.order takes a Order, not Tenant. Set order_id for a key"):
        note.order = Tenant()
    with pytest.raises(TypeError, match="order_tenant_id, order_number are set by a tuple of 2 values"):
        note.order_id = 5
    with pytest.raises(ValidationError, match="order_number"):
        await Note.create(order_id=(1, "x"))


async def test_an_order_that_is_saved_later_gives_its_key_then(shop: Database) -> None:
    order = Order(number=7, title="late")
    note = Note(order=order, text="n")
    with pytest.raises(ValueError, match="the related Order has no key yet"):
        await note.save()
    order.tenant_id = 1
    await order.save()
    await note.save()
    assert note.order_id == (1, 7)
    assert (await Note.objects.get(text="n")).order_id == (1, 7)


async def test_shared_columns_are_set_with_the_relation(shop: Database) -> None:
    order = await Order.objects.get(pk=(2, 2))
    shipment = await Shipment.create(code=1, order=order)
    assert (shipment.pk, shipment.order_id) == ((2, 1), (2, 2))
    following = await Shipment.create(code=2, after=shipment)
    assert (following.tenant_id, following.after_id) == (2, (2, 1))
    assert await following.load(Shipment.after) is shipment
    following = await Shipment.objects.get(code=2)
    assert following.order is None
    assert await following.load(Shipment.after) == shipment
    following.after = None  # the tenant is its own, and stays
    await following.save()
    assert await Shipment.objects.filter(pk=(2, 2)).values_list("tenant", "after_code") == [(2, None)]
    with pytest.raises(ValueError, match=r"Shipment\.order: this Order has no key yet; save it first"):
        Shipment(code=3, order=Order())


async def test_a_wrong_key_is_refused_by_the_constraint(shop: Database) -> None:
    with pytest.raises(IntegrityError):
        await Item.create(order_id=(1, 9), position=1)
    with pytest.raises(ValidationError, match="null"):
        await Item.create(position=1)
    with pytest.raises(IntegrityError):
        await Invoice.create(order_id=(2, 1))


async def test_defaults_are_tuples(database: Database) -> None:
    class Place(Model):
        pk = CompositePrimaryKey("x", "y")
        x = IntegerField()
        y = IntegerField()

    class Token(Model):
        place = ForeignKey(Place, default=(1, 2), on_delete="SET_DEFAULT", related_name="tokens")
        home = ForeignKey(Place, default=lambda: (3, 4), on_delete="CASCADE", related_name="+")

    await create_all([Place, Token])
    await Place.objects.bulk_create([Place(x=1, y=2), Place(x=3, y=4), Place(x=5, y=6)])
    token: Any = await Token.create(place_id=(5, 6))
    assert (token.place_id, token.home_id) == ((5, 6), (3, 4))
    assert await Place.objects.filter(pk=(5, 6)).delete() == (1, {"Place": 1})
    assert await Token.objects.values_list("place", flat=True) == [(1, 2)]


async def test_refreshing_forgets_what_the_key_no_longer_means(shop: Database) -> None:
    note = await Note.objects.select_related("order").get(text="urgent")
    await Note.objects.filter(text="urgent").update(order=(2, 2))
    await note.refresh_from_db("order")
    assert note.order_id == (2, 2)
    order = await note.load(Note.order)
    assert order is not None
    assert order.title == "b2"
    await Note.objects.filter(text="urgent").update(order=None)
    await note.refresh_from_db()
    assert note.order is None


async def test_only_and_defer_take_the_whole_key(shop: Database) -> None:
    with capture_queries() as queries:
        (note,) = await Note.objects.only("order").filter(text="urgent")
    assert '"notes"."order_tenant_id", "notes"."order_number"' in queries[0].sql
    assert note.order_id == (1, 1)
    (note,) = await Note.objects.defer("order").filter(text="urgent")
    with pytest.raises(NotLoaded, match=r"Note\.order is not loaded: the query deferred it"):
        _ = note.order
    with pytest.raises(NotLoaded):
        _ = note.order_id
    await note
    assert note.order_id == (1, 1)
    note.order_id = (1, 2)
    note.text = "not this"
    await note.save(update_fields=["order"])
    assert await Note.objects.filter(text="urgent", order=(1, 2)).exists()


# -- queries ---------------------------------------------------------------------------------


async def test_filtering_by_instance_key_list_and_null(shop: Database) -> None:
    order = await Order.objects.get(pk=(1, 1))
    assert await names(Item.objects.filter(order=order)) == ["a1 ink", "a1 pen"]
    assert await names(Item.objects.filter(order=(1, 1))) == ["a1 ink", "a1 pen"]
    assert await names(Item.objects.filter(order_id=(1, 1), position=1)) == ["a1 pen"]
    assert await names(Item.objects.filter(Item.order == order)) == ["a1 ink", "a1 pen"]
    assert await names(Item.objects.filter(order__in=[order, (2, 2)], position=1)) == ["a1 pen", "b2 pen"]
    assert await names(Item.objects.exclude(order__in=[order, (2, 2)])) == ["a2 ink", "a2 pen", "b1 ink", "b1 pen"]
    assert await names(Item.objects.filter(order__in=Order.objects.filter(number=2), position=1)) == [
        "a2 pen",
        "b2 pen",
    ]
    assert await names(Note.objects.filter(order__isnull=True)) == ["alone"]
    assert await names(Note.objects.filter(order=None)) == ["alone"]
    assert await names(Note.objects.filter(order__isnull=False)) == ["urgent"]
    assert await names(Note.objects.exclude(order=order)) == ["alone"]
    assert await names(Note.objects.exclude(order=None)) == ["urgent"]
    assert await names(Note.objects.exclude(order__in=[order])) == ["alone"]
    assert await names(Note.objects.exclude(order__in=Order.objects.all())) == ["alone"]


async def test_a_key_is_null_when_a_part_of_it_is(shop: Database) -> None:
    await Note.create(order_tenant_id=1, text="half")
    assert await names(Note.objects.filter(order=None)) == ["alone", "half"]
    assert await names(Note.objects.filter(order__isnull=False)) == ["urgent"]
    assert await names(Note.objects.exclude(order=(1, 1))) == ["alone", "half"]
    half = await Note.objects.get(text="half")
    assert (half.order_id, half.order) == (None, None)
    (half,) = await Note.objects.select_related("order").filter(text="half")
    assert half.order is None
    (half,) = await Note.objects.prefetch_related("order").filter(text="half")
    assert half.order is None


async def test_a_join_has_all_columns_and_parts_of_the_key_need_none(shop: Database) -> None:
    with capture_queries() as queries:
        assert await names(Item.objects.filter(order__title="b1")) == ["b1 ink", "b1 pen"]
        assert await names(Item.objects.filter(order__number=2, order__tenant=1)) == ["a2 ink", "a2 pen"]
        assert await names(Item.objects.filter(order__tenant__name="a", position=1)) == ["a1 pen", "a2 pen"]
        assert await names(Remark.objects.filter(item__position=1, item__order_number=2)) == []
    on = '"t1"."tenant_id" = "items"."order_tenant_id" AND "t1"."number" = "items"."order_number"'
    assert f'INNER JOIN "orders" AS "t1" ON {on} WHERE' in queries[0].sql
    assert "JOIN" not in queries[1].sql
    assert queries[2].sql.count("JOIN") == 2
    assert "JOIN" not in queries[3].sql


async def test_filters_go_the_other_way_too(shop: Database) -> None:
    item = await Item.objects.get(name="b1 ink")
    assert await names(Order.objects.filter(items=item)) == ["b1"]
    assert await names(Order.objects.filter(items=(2, 1, 2))) == ["b1"]
    assert await names(Order.objects.filter(items__in=[item, (1, 2, 1)])) == ["a2", "b1"]
    assert await names(Order.objects.filter(notes__text="urgent")) == ["a1"]
    assert await names(Order.objects.filter(invoice__total=9)) == ["b1"]
    assert await names(Order.objects.filter(invoice__isnull=True)) == ["a1", "a2", "b2"]
    assert await names(Order.objects.filter(notes__isnull=True)) == ["a2", "b1", "b2"]
    assert await names(Tenant.objects.filter(orders__items__name="b2 pen")) == ["b"]
    assert await names(Order.objects.filter(items__name__startswith="a", items__position=2)) == ["a1", "a2"]


async def test_negation_across_many_rows_is_one_not_exists(shop: Database) -> None:
    with capture_queries() as queries:
        assert await names(Order.objects.exclude(items=(2, 1, 2))) == ["a1", "a2", "b2"]
        assert await names(Order.objects.exclude(items__in=[(2, 1, 2), (1, 1, 1)])) == ["a2", "b2"]
        assert await names(Order.objects.filter(~Q(items__name="a1 pen"))) == ["a2", "b1", "b2"]
        assert await names(Order.objects.exclude(notes__isnull=False)) == ["a2", "b1", "b2"]
        assert await names(Tenant.objects.exclude(orders=(2, 1))) == ["a"]
        assert await names(Tenant.objects.exclude(orders__in=Order.objects.filter(title="a1"))) == ["b"]
    for query in queries[:3]:
        assert query.sql.count("EXISTS") == 1
        assert '"tenant_id" AND "t1"."order_number" = "orders"."number"' in query.sql


async def test_columns_of_a_path_to_a_key(shop: Database) -> None:
    rows = await Remark.objects.values_list("item__order", flat=True)
    assert rows == []
    await Remark.create(item_id=(1, 2, 1), text="r")
    assert await Remark.objects.values("item", "item__order", "item__order__title") == [
        {"item": (1, 2, 1), "item__order": (1, 2), "item__order__title": "a2"}
    ]
    assert await Order.objects.filter(title="b1").values_list("invoice", "notes") == [((2, 1), None)]
    assert await Item.objects.order_by("-order", "position").values_list("name", flat=True)[:3] == [
        "b2 pen", "b2 ink", "b1 pen",
    ]  # fmt: skip


async def test_update_takes_instances_tuples_and_none(shop: Database) -> None:
    order = await Order.objects.get(pk=(2, 2))
    with capture_queries() as queries:
        assert await Note.objects.filter(text="alone").update(order=order) == 1
    assert queries[0].sql.startswith('UPDATE "notes" SET "order_tenant_id" = ')
    assert await Note.objects.filter(order=order).count() == 1
    assert await Note.objects.update(order_id=(1, 2)) == 2
    assert await Note.objects.filter(order=(1, 2)).count() == 2
    assert await Note.objects.filter(order__title="a2").update(order=None) == 2
    assert await Note.objects.filter(order=None).count() == 2
    with pytest.raises(ValidationError, match=r"Note.order: .*is a tuple, not int"):
        await Note.objects.update(order=5)
    with pytest.raises(ValidationError, match="null"):
        await Item.objects.update(order=None)
    assert await Note.objects.update(order=F("order")) == await Note.objects.count()
    with pytest.raises(FieldError, match="a key of 2 fields takes a tuple, an instance, or F"):
        await Note.objects.update(order=F("id"))


async def test_get_or_create_and_bulk_create_with_instances(shop: Database) -> None:
    order = await Order.objects.get(pk=(1, 1))
    note, created = await Note.objects.get_or_create(order=order, text="urgent")
    assert (created, note.order_id) == (False, (1, 1))
    note, created = await Note.objects.get_or_create(order=order, text="other")
    assert (created, note.order_id) == (True, (1, 1))
    note, created = await Note.objects.update_or_create({"order": None}, text="other")
    assert (created, note.order_id) == (False, None)
    assert await Note.objects.filter(text="other", order=None).exists()
    with capture_queries() as queries:
        await Item.objects.bulk_create([Item(order=order, position=p) for p in (3, 4)])
    assert len(queries) == 1
    assert await Item.objects.filter(order=order).count() == 4
    notes = await Note.objects.all()
    for note in notes:
        note.order = order
    assert await Note.objects.bulk_update(notes, ["order"]) == 3
    assert await Note.objects.filter(order=order).count() == 3


async def test_wrong_values_are_refused_before_sql(shop: Database) -> None:
    for wrong, error, message in [
        (1, ValidationError, r"^Item\.order: .*a key of several fields \(tenant, number\) is a tuple, not int"),
        (Tenant(), FieldError, "'order' takes a Order, not a Tenant"),
        (Order(), ValueError, "this Order has no key yet; save it first"),
        ((1, "x"), ValidationError, "Order.number"),
        (Tenant.objects.all(), FieldError, "takes a queryset of Order, not of Tenant"),
    ]:
        with pytest.raises(error, match=message):
            Item.objects.filter(order=wrong) if not hasattr(wrong, "filter") else Item.objects.filter(order__in=wrong)
    with pytest.raises(FieldError, match="Order has no field 'contains'"):
        Item.objects.filter(order__contains=1)
