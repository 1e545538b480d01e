"""Orders of tenants: keys of several columns, and foreign keys to them of every kind."""

from __future__ import annotations

from typing import Any

from covet import (
    CharField,
    CompositePrimaryKey,
    ForeignKey,
    IntegerField,
    ManyToManyField,
    Model,
    OneToOneField,
    ReverseManager,
    ReverseOneToOne,
)


class Tenant(Model):
    name = CharField(max_length=20)

    orders: ReverseManager[Order]


class Label(Model[tuple[str, int]]):
    """The other end of a many-to-many relation, with a key of several columns too."""

    pk = CompositePrimaryKey("word", "size")
    word = CharField(max_length=20)
    size = IntegerField()

    orders: Any


class Order(Model[tuple[int, int]]):
    """The key is a foreign key and a number."""

    pk = CompositePrimaryKey("tenant", "number")
    tenant = ForeignKey(Tenant, related_name="orders")
    number = IntegerField()
    title = CharField(max_length=20, default="")
    labels = ManyToManyField(Label, related_name="orders")

    tenant_id: int
    items: ReverseManager[Item]
    notes: ReverseManager[Note]
    invoice: ReverseOneToOne[Invoice]
    shipments: ReverseManager[Shipment]


class Item(Model[tuple[int, int, int]]):
    """Its key contains the foreign key, so it has three columns."""

    pk = CompositePrimaryKey("order", "position")
    order = ForeignKey(Order, related_name="items")
    position = IntegerField()
    name = CharField(max_length=20, default="")

    order_id: tuple[int, int]
    order_tenant_id: int
    order_number: int
    remarks: ReverseManager[Remark]


class Note(Model):
    """A nullable foreign key, which owns its columns."""

    order = ForeignKey(Order, on_delete="SET_NULL", nullable=True, related_name="notes")
    text = CharField(max_length=20, default="")
    parent = ForeignKey("self", nullable=True, related_name="answers")

    order_id: tuple[int, int] | None
    order_tenant_id: int | None
    order_number: int | None


class Remark(Model):
    """A foreign key to a key that contains a foreign key."""

    item = ForeignKey("Item", related_name="remarks", on_delete="PROTECT")
    text = CharField(max_length=20, default="")

    item_id: tuple[int, int, int]


class Shipment(Model[tuple[int, int]]):
    """Shares the column of its tenant between its own key and its foreign keys."""

    pk = CompositePrimaryKey("tenant", "code")
    tenant = ForeignKey(Tenant, related_name="shipments")
    code = IntegerField()
    order_number = IntegerField(nullable=True)
    order = ForeignKey(
        Order, from_fields=("tenant", "order_number"), nullable=True, on_delete="SET_NULL", related_name="shipments"
    )
    after_code = IntegerField(nullable=True)
    after = ForeignKey(
        "self", from_fields=("tenant", "after_code"), nullable=True, on_delete="SET_NULL", related_name="next"
    )

    tenant_id: int
    order_id: tuple[int, int] | None
    after_id: tuple[int, int] | None
    next: ReverseManager[Shipment]


class Invoice(Model[tuple[int, int]]):
    """The foreign key is the primary key."""

    order = OneToOneField(Order, primary_key=True, related_name="invoice", db_columns=("t", "n"))
    total = IntegerField(default=0)

    order_id: tuple[int, int]


class Stock(Model):
    """Links with a shared column of their own: an item of a tenant in a depot of the same tenant."""

    tenant = ForeignKey(Tenant, related_name="+")
    number = IntegerField()
    code = IntegerField()
    order = ForeignKey(Order, from_fields=("tenant", "number"), related_name="stocks")
    depot = ForeignKey("Depot", from_fields=("tenant", "code"), related_name="stocks")
    amount = IntegerField(default=1)

    class Meta:
        unique_together = (("order", "depot"),)


class Depot(Model):
    pk = CompositePrimaryKey("tenant", "code")
    tenant = ForeignKey(Tenant, related_name="+")
    code = IntegerField()
    name = CharField(max_length=20, default="")
    orders = ManyToManyField(Order, through=Stock, related_name="depots")


ALL: list[type[Any]] = [Tenant, Order, Label, Item, Note, Remark, Shipment, Invoice, Depot, Stock]
