"""``pk`` of a key of several columns in queries: comparisons, order, values, bulk, writes through joins."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from covet import (
    BinaryField,
    CharField,
    CompositePrimaryKey,
    Count,
    DateField,
    DecimalField,
    F,
    FieldError,
    FloatField,
    ForeignKey,
    IntegerField,
    Max,
    Model,
    ModelDefinitionError,
    Q,
    UUIDField,
    ValidationError,
    create_all,
)
from covet.database import capture_queries
from covet.database.orm.tables import table_of
from tests.conftest import Database
from tests.models.orders import ALL, Item, Label, Note, Order, Shipment, Tenant


@pytest.fixture
async def shop(database: Database) -> Database:
    await create_all(ALL)
    await Tenant.objects.bulk_create([Tenant(name="a"), Tenant(name="b")])
    await Order.objects.bulk_create(
        [
            Order(tenant_id=tenant, number=number, title=f"{tenant}.{number}")
            for tenant in (1, 2)
            for number in (1, 2, 3)
        ]
    )
    await Item.objects.bulk_create([Item(order_id=(1, 1), position=p, name=f"item {p}") for p in (1, 2)])
    return database


async def titles(rows: Any) -> list[str]:
    return [row.title for row in await rows.order_by("pk")]


async def test_get_by_pk_compares_column_with_column(shop: Database) -> None:
    with capture_queries() as queries:
        order = await Order.objects.get(pk=(2, 3))
    assert order.title == "2.3"
    mark = "?" if shop.name == "sqlite" else "$"
    assert queries[0].sql.endswith(f'WHERE "orders"."tenant_id" = {mark}1 AND "orders"."number" = {mark}2 LIMIT 2')
    assert (await Order.objects.get(pk=[2, 3])) == order
    assert (await Order.objects.get(pk=(await Tenant.objects.get(name="b"), 3))) == order
    assert await Order.objects.filter(pk=(2, 4)).exists() is False
    assert await Order.objects.contains(order)
    with pytest.raises(Order.DoesNotExist):
        await Order.objects.get(pk=(3, 1))


async def test_pk_in_is_one_statement_of_one_shape(shop: Database) -> None:
    with capture_queries() as queries:
        assert await titles(Order.objects.filter(pk__in=[(1, 1), (2, 3), (9, 9)])) == ["1.1", "2.3"]
        assert await titles(Order.objects.filter(pk__in=[(1, 2)])) == ["1.2"]
    assert len(queries) == 2
    if shop.name == "sqlite":
        assert '("orders"."tenant_id", "orders"."number") IN (VALUES (?1, ?2), (?3, ?4), (?5, ?6))' in queries[0].sql
    else:
        rows = "IN (SELECT * FROM unnest($1::bigint[], $2::integer[]))"
        assert f'("orders"."tenant_id", "orders"."number") {rows}' in queries[0].sql
        assert queries[0].sql == queries[1].sql
    assert await Order.objects.filter(pk__in=[]) == []
    assert await titles(Order.objects.exclude(pk__in=[(1, 1), (1, 2), (1, 3), (2, 1)])) == ["2.2", "2.3"]
    assert await titles(Order.objects.exclude(pk=(1, 1))) == ["1.2", "1.3", "2.1", "2.2", "2.3"]
    assert await titles(Order.objects.filter(~Q(pk=(1, 1)), pk__not_in=[(2, 1)])) == ["1.2", "1.3", "2.2", "2.3"]


async def test_more_keys_than_a_statement_has_parameters(shop: Database) -> None:
    keys = [(1, number) for number in range(3, 40_000)]
    with capture_queries() as queries:
        assert await titles(Order.objects.filter(pk__in=keys)) == ["1.3"]
    assert len(queries) == 1
    assert ("json_each" in queries[0].sql) is (shop.name == "sqlite")


async def test_every_kind_of_value_finds_its_row(database: Database) -> None:
    class Reading(Model):
        pk = CompositePrimaryKey("sensor", "day", "amount", "code", "weight")
        sensor = UUIDField()
        day = DateField()
        amount = DecimalField(max_digits=8, decimal_places=2)
        code = BinaryField()
        weight = FloatField()

    await create_all([Reading])
    key = (uuid4(), date(2024, 2, 29), Decimal("1.50"), b"\x00\xff", 1.5)
    reading = await Reading.create(pk=key)
    await Reading.create(pk=(uuid4(), *key[1:]))
    assert await Reading.objects.filter(pk=key) == [reading]
    assert await Reading.objects.filter(pk__in=[key]) == [reading]
    assert await Reading.objects.filter(pk__in=[(*key[:2], Decimal("1.5"), *key[3:])]) == [reading]
    many = [(UUID(int=number), *key[1:]) for number in range(8_000)]
    assert await Reading.objects.filter(pk__in=[*many, key]) == [reading]
    assert (await Reading.objects.in_bulk([key]))[key].pk == key
    assert await Reading.objects.filter(pk__lte=key, pk__gte=key) == [reading]


async def test_keys_are_ordered_as_rows(shop: Database) -> None:
    assert await titles(Order.objects.filter(pk__gt=(1, 2))) == ["1.3", "2.1", "2.2", "2.3"]
    assert await titles(Order.objects.filter(pk__lte=(1, 2))) == ["1.1", "1.2"]
    assert await Order.objects.filter(pk__gte=(2, 2)).order_by("pk").values_list("title", flat=True)[:1] == ["2.2"]
    assert [o.pk for o in await Order.objects.order_by("-pk")[:2]] == [(2, 3), (2, 2)]
    with capture_queries() as queries:
        await Order.objects.filter(pk__lt=(1, 2)).order_by("pk")
    assert '("orders"."tenant_id", "orders"."number") < (' in queries[0].sql
    assert queries[0].sql.endswith('ORDER BY "orders"."tenant_id", "orders"."number"')
    assert [o.pk for o in await Order.objects.order_by(Order.pk)] == sorted(o.pk for o in await Order.objects.all())
    first = await Order.objects.first()
    assert first is not None
    assert first.pk == (1, 1)


async def test_pk_is_a_tuple_in_values(shop: Database) -> None:
    assert await Order.objects.filter(tenant=1).order_by("pk").values("pk", "title") == [
        {"pk": (1, number), "title": f"1.{number}"} for number in (1, 2, 3)
    ]
    assert await Order.objects.order_by("pk").values_list("pk", flat=True)[:2] == [(1, 1), (1, 2)]
    assert await Item.objects.order_by("pk").values_list("order", "order_id", "pk") == [
        ((1, 1), (1, 1), (1, 1, 1)),
        ((1, 1), (1, 1), (1, 1, 2)),
    ]
    await Note.create(text="alone")
    assert await Note.objects.values_list("order", flat=True) == [None]
    assert await Item.objects.values("order").annotate(n=Count("position")) == [{"order": (1, 1), "n": 2}]


async def test_in_bulk_gives_rows_by_tuple(shop: Database) -> None:
    with capture_queries() as queries:
        found = await Order.objects.in_bulk([(1, 1), (2, 2), (7, 7)])
    assert len(queries) == 1
    assert sorted(found) == [(1, 1), (2, 2)]
    assert found[2, 2].title == "2.2"
    assert len(await Order.objects.in_bulk()) == 6


async def test_a_subquery_of_keys(shop: Database) -> None:
    some = Order.objects.filter(number=1)
    assert await titles(Order.objects.filter(pk__in=some)) == ["1.1", "2.1"]
    assert await titles(Order.objects.filter(pk__in=some.values_list("tenant", "number"))) == ["1.1", "2.1"]
    assert await titles(Order.objects.filter(pk__in=Item.objects.values_list("order"))) == ["1.1"]
    assert await titles(Order.objects.filter(pk__in=Order.objects.order_by("-title")[:2])) == ["2.2", "2.3"]
    assert await titles(Order.objects.filter(pk__in=Order.objects.order_by("-title").distinct()[:1])) == ["2.3"]
    assert len(await Order.objects.exclude(pk__in=some)) == 4
    with pytest.raises(FieldError, match="must have 2 columns, those of the key"):
        await Order.objects.filter(pk__in=Order.objects.values_list("number"))
    with pytest.raises(FieldError, match="must have one column"):
        await Order.objects.filter(number__in=Order.objects.all())


async def test_a_number_that_no_column_holds_is_no_key(shop: Database) -> None:
    assert await Order.objects.filter(pk=(1, 2**40)) == []
    assert len(await Order.objects.exclude(pk=(1, 2**40))) == 6
    assert await titles(Order.objects.filter(pk__in=[(1, 2**40), (1, 1)])) == ["1.1"]
    with pytest.raises(ValidationError, match="has no place in its order"):
        Order.objects.filter(pk__lt=(1, 2**40))


async def test_wrong_keys_are_refused_before_sql(shop: Database) -> None:
    for wrong, message in [
        (3, r"Order\.pk: a key of several fields \(tenant, number\) is a tuple, not int"),
        ("12", "is a tuple, not str"),
        ((1,), r"the key has 2 values \(tenant, number\), not 1"),
        ((1, None), "none of the 2 values"),
        ((1, "x"), r"Order\.number"),
    ]:
        with pytest.raises(ValidationError, match=message):
            Order.objects.filter(pk=wrong)
    with pytest.raises(ValidationError, match="is a tuple, not int"):
        Order.objects.filter(pk__in=[1, 2])
    with pytest.raises(ValidationError, match="'in' takes a list"):
        Order.objects.filter(pk__in=5)
    with pytest.raises(
        FieldError,
        match=r"Order.pk has no lookup 'contains'. Choices: exact, gt, gte, in, isnull, lt, lte, not, not_in",
    ):
        Order.objects.filter(pk__contains="x")
    with pytest.raises(
        FieldError, match=r"'pk' is a key of several fields; an expression takes one of them: tenant, n"
    ):
        Order.objects.filter(pk=F("number"))
    with pytest.raises(FieldError, match="an expression takes one of them"):
        Order.objects.annotate(key=F("pk"))
    with pytest.raises(FieldError, match="name one of the fields of the key"):
        Order.objects.annotate(n=Max("items"))
    with pytest.raises(TypeError, match="both 'pk' and 'tenant', 'number'"):
        Order(pk=(1, 2), tenant_id=1, number=2)


async def test_update_and_delete_through_a_join(shop: Database) -> None:
    with capture_queries() as queries:
        assert await Order.objects.filter(tenant__name="b").update(title="all of b") == 3
    assert len(queries) == 1
    assert (
        'WHERE ("orders"."tenant_id", "orders"."number") IN (SELECT "q"."tenant_id", "q"."number" FROM'
        in queries[0].sql
    )
    assert await Order.objects.filter(title="all of b").count() == 3
    assert await Order.objects.order_by("-pk")[:1].update(title="last") == 1
    assert (await Order.objects.get(pk=(2, 3))).title == "last"
    assert await Item.objects.filter(order__tenant__name="a", position=1).delete() == (1, {"Item": 1})
    assert await Label.objects.filter(orders__title="x").delete() == (0, {})
    assert await Order.objects.filter(items__name="item 2").delete() == (2, {"Item": 1, "Order": 1})
    assert await Order.objects.count() == 5


async def test_bulk_writes_know_the_key(shop: Database) -> None:
    orders = await Order.objects.filter(tenant=1).order_by("pk")
    for order in orders:
        order.title = f"new {order.number}"
    assert await Order.objects.bulk_update(orders, ["title"]) == 3
    assert await titles(Order.objects.filter(tenant=1)) == ["new 1", "new 2", "new 3"]
    with pytest.raises(ValueError, match="cannot change a primary key"):
        await Order.objects.bulk_update(orders, ["number"])
    await Order.objects.bulk_create(
        [Order(pk=(1, 1), title="again"), Order(pk=(1, 4), title="fresh")],
        update_conflicts=True, update_fields=["title"], unique_fields=["pk"],
    )  # fmt: skip
    assert await titles(Order.objects.filter(tenant=1)) == ["again", "new 2", "new 3", "fresh"]
    order, created = await Order.objects.get_or_create(pk=(2, 9), defaults={"title": "made"})
    assert (created, order.pk) == (True, (2, 9))
    assert await Order.objects.get_or_create(pk=(2, 9)) == (order, False)
    order, created = await Order.objects.update_or_create(pk=(2, 9), defaults={"title": "changed"})
    assert (created, order.title) == (False, "changed")


async def test_deferred_fields_are_loaded_for_all_peers_at_once(shop: Database) -> None:
    orders = await Order.objects.only("number").order_by("pk")
    with capture_queries() as queries:
        for order in orders:
            await order
    assert len(queries) == 1
    assert [order.title for order in orders] == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"]
    with pytest.raises(FieldError, match="primary key cannot be deferred"):
        Order.objects.defer("pk")


async def test_instances_are_rows_by_their_whole_key(shop: Database) -> None:
    one, other = await Order.objects.get(pk=(1, 1)), await Order.objects.get(pk=(2, 1))
    assert one != other
    assert {one: 1}[await Order.objects.get(pk=(1, 1))] == 1
    one.title = "saved"
    await one.save()
    await one.refresh_from_db()
    assert (one.title, (await Order.objects.get(pk=(2, 1))).title) == ("saved", "2.1")
    assert Order().pk is None
    assert repr(one) == "<Order: (1, 1)>"


async def test_count_across_a_composite_key_counts_rows(shop: Database) -> None:
    counted = await Order.objects.annotate(n=Count("items"), m=Count("shipments")).order_by("pk").values_list("n", "m")
    assert counted == [(2, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)]
    await Shipment.create(tenant_id=1, code=1, order_number=1)
    await Shipment.create(tenant_id=1, code=2)
    assert await Shipment.objects.aggregate(n=Count("order"), all=Count("*")) == {"n": 1, "all": 2}
    await Note.create(order_id=(1, 1))
    await Note.objects.bulk_create([Note(order_tenant_id=1)])
    assert await Note.objects.aggregate(n=Count("order")) == {"n": 1}
    with pytest.raises(
        FieldError, match="fields of the key, items__order_tenant_id, items__order_number, items__position"
    ):
        Order.objects.annotate(n=Count("items", distinct=True))


async def test_raw_rows_have_their_key(shop: Database) -> None:
    rows = await Order.objects.raw("SELECT tenant_id, number, title, 5 AS order_id FROM orders WHERE number = 1")
    assert sorted(row.pk for row in rows) == [(1, 1), (2, 1)]


async def test_iterator_walks_in_chunks(shop: Database) -> None:
    found = [o.pk async for o in Order.objects.order_by("pk").iterator(chunk_size=2)]
    assert found == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]


def test_names_of_a_key_are_checked_when_the_class_is_made() -> None:
    with pytest.raises(FieldError, match="Bad has no field 'x'"):

        class Bad(Model):
            pk = CompositePrimaryKey("a", "x")
            a = IntegerField()

    with pytest.raises(ModelDefinitionError, match="several primary keys"):

        class Worse(Model):
            pk = CompositePrimaryKey("a", "b")
            a = IntegerField(primary_key=True)
            b = IntegerField()


async def test_a_key_may_contain_a_key_whose_model_comes_later(database: Database) -> None:
    class Cell(Model):
        pk = CompositePrimaryKey("sheet", "place")
        sheet = ForeignKey("Sheet", related_name="cells")
        place = IntegerField()

    class Mark(Model):
        cell = ForeignKey("Cell", related_name="marks")

    class Sheet(Model):
        pk = CompositePrimaryKey("book", "page")
        book = CharField(max_length=5)
        page = IntegerField()

    await create_all([Sheet, Cell, Mark])
    await Sheet.create(pk=("b", 1))
    cell = await Cell.create(sheet_id=("b", 1), place=2)
    assert cell.pk == ("b", 1, 2)
    mark = await Mark.create(cell=cell)
    assert await Mark.objects.get(cell__sheet=("b", 1)) == mark
    assert await Mark.objects.get(cell__sheet__book="b", cell__place=2) == mark


def test_a_key_whose_model_never_comes_is_named() -> None:
    class Page(Model):
        pk = CompositePrimaryKey("volume", "place")
        volume = ForeignKey("VolumeThatIsMissing", related_name="+")
        place = IntegerField()

    class Footnote(Model):
        page = ForeignKey(Page, related_name="+")

    with pytest.raises(
        ModelDefinitionError,
        match=r"Footnote.page refers to 'VolumeThatIsMissing' \(by the key of Page\), and no model of that name",
    ):
        table_of(Footnote)
