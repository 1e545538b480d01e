"""Integrity errors of models: constraint, columns, table, model and fields, the same on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from covet import (
    CASCADE,
    DO_NOTHING,
    CharField,
    CheckConstraint,
    ForeignKey,
    Index,
    IntegerField,
    ManyToManyField,
    Model,
    PositiveIntegerField,
    Q,
    UniqueConstraint,
    create_all,
    get_adapter,
    transaction,
)
from covet.exceptions import (
    CheckViolation,
    ForeignKeyViolation,
    IntegrityError,
    NotNullViolation,
    UniqueViolation,
)
from tests.conftest import Database


class ViolTag(Model):
    name = CharField(max_length=20, unique=True)


class ViolShop(Model):
    name = CharField(max_length=20, db_column="shop_name", unique=True)
    city = CharField(max_length=20, default="")
    street = CharField(max_length=20, default="")
    rooms = PositiveIntegerField(default=1)
    opened = IntegerField(default=1)
    closed = IntegerField(default=2)
    tags = ManyToManyField(ViolTag)

    class Meta:
        constraints = (
            CheckConstraint(Q(closed__gt=1), name="closes_after_one"),
            UniqueConstraint(fields=["city", "street"], name="one_shop_an_address", condition=~Q(city="")),
        )
        indexes = (Index(fields=["opened", "closed", "rooms"], unique=True, name="hours", condition=Q(opened__gt=100)),)


class ViolSale(Model):
    shop = ForeignKey(ViolShop, on_delete=DO_NOTHING)
    number = IntegerField(default=0)


class ViolVisit(Model):
    shop = ForeignKey(ViolShop, on_delete=CASCADE)
    tag = ForeignKey(ViolTag, on_delete=CASCADE)


@pytest.fixture(autouse=True)
async def shop(database: Database) -> ViolShop:
    await create_all([ViolTag, ViolShop, ViolSale, ViolVisit])
    return await ViolShop.create(name="one")


def told(error: IntegrityError) -> tuple[Any, ...]:
    return error.constraint, error.table, error.columns, error.model, error.fields, error.field


async def test_unique_field_is_named_with_its_constraint_column_model_and_field() -> None:
    with pytest.raises(UniqueViolation) as caught:
        await ViolShop.create(name="one")
    assert told(caught.value) == (
        "viol_shops_shop_name_key",
        "viol_shops",
        ("shop_name",),
        ViolShop,
        ("name",),
        "name",
    )
    assert "'one'" not in str(caught.value)


async def test_primary_key_is_a_constraint_with_a_name() -> None:
    with pytest.raises(UniqueViolation) as caught:
        await ViolShop(id=1, name="other").save(force_insert=True)
    assert told(caught.value) == ("viol_shops_pkey", "viol_shops", ("id",), ViolShop, ("id",), "id")


async def test_constraint_of_several_fields_names_them_all() -> None:
    await ViolShop.create(name="two", city="Ulm", street="Hof")
    with pytest.raises(UniqueViolation) as caught:
        await ViolShop.create(name="three", city="Ulm", street="Hof")
    expected = ("one_shop_an_address", "viol_shops", ("city", "street"), ViolShop, ("city", "street"), None)
    assert told(caught.value) == expected


async def test_unique_index_is_a_constraint_too() -> None:
    await ViolShop.create(name="two", opened=200)
    with pytest.raises(UniqueViolation) as caught:
        await ViolShop.objects.bulk_create([ViolShop(name="three", opened=200)])
    assert caught.value.constraint == "hours"
    assert caught.value.fields == ("opened", "closed", "rooms")


async def test_check_names_the_fields_that_it_speaks_of() -> None:
    with pytest.raises(CheckViolation) as caught:
        await ViolShop.objects.filter(name="one").update(closed=0)
    assert told(caught.value) == ("closes_after_one", "viol_shops", ("closed",), ViolShop, ("closed",), "closed")
    with pytest.raises(CheckViolation) as caught:
        await get_adapter().execute("UPDATE viol_shops SET rooms = -1")
    assert told(caught.value) == ("viol_shops_rooms_check", "viol_shops", ("rooms",), ViolShop, ("rooms",), "rooms")


async def test_not_null_names_its_field_also_for_raw_sql() -> None:
    with pytest.raises(NotNullViolation) as caught:
        await get_adapter().execute("INSERT INTO viol_shops (shop_name) VALUES (NULL)")
    assert (caught.value.model, caught.value.field, caught.value.columns) == (ViolShop, "name", ("shop_name",))


async def test_foreign_key_of_an_insert_is_named_where_there_is_one_only() -> None:
    with pytest.raises(ForeignKeyViolation) as caught:
        async with transaction():
            await ViolSale.create(shop_id=99)
    expected = ("viol_sales_shop_id_fkey", "viol_sales", ("shop_id",), ViolSale, ("shop",), "shop")
    assert told(caught.value) == expected


TAG_OF_VISIT = ("viol_visits_tag_id_fkey", "viol_visits", ("tag_id",), ViolVisit, ("tag",), "tag")
SHOP_OF_SALE = ("viol_sales_shop_id_fkey", "viol_sales", ("shop_id",), ViolSale, ("shop",), "shop")


async def test_foreign_key_of_several_is_named_however_the_row_came() -> None:
    tag = await ViolTag.create(name="a")
    visit = await ViolVisit.create(shop_id=1, tag=tag)
    before = await get_adapter().fetch_value("SELECT count(*) FROM viol_visits")
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: ViolVisit.create(shop_id=1, tag_id=99),
        lambda: ViolVisit.objects.bulk_create([ViolVisit(shop_id=1, tag_id=number) for number in (tag.id, 98, 99)]),
        lambda: ViolVisit.objects.filter(id=visit.id).update(tag_id=99),
        lambda: get_adapter().execute("UPDATE viol_visits SET tag_id = $1", [99]),
        lambda: get_adapter().execute_many("INSERT INTO viol_visits (shop_id, tag_id) VALUES ($1, $2)", [(1, 99)]),
    ]
    for attempt in attempts:
        with pytest.raises(ForeignKeyViolation) as caught:
            await attempt()
        assert told(caught.value) == TAG_OF_VISIT
        with pytest.raises(ForeignKeyViolation) as caught:
            async with transaction():
                await attempt()
        assert told(caught.value) == TAG_OF_VISIT
    assert await get_adapter().fetch_value("SELECT count(*) FROM viol_visits") == before
    assert await ViolVisit.objects.filter(id=visit.id, tag=tag).exists()


async def test_looking_for_the_foreign_key_changes_nothing_in_the_transaction() -> None:
    tag = await ViolTag.create(name="a")
    async with transaction() as tx:
        await ViolVisit.create(shop_id=1, tag=tag)
        with pytest.raises(ForeignKeyViolation) as caught:
            async with tx.savepoint():
                await ViolVisit.create(shop_id=99, tag=tag)
        assert caught.value.field == "shop"
        await ViolTag.create(name="b")
        with pytest.raises(ForeignKeyViolation):  # it is looked at at once, as before
            async with tx.savepoint():
                await ViolVisit.create(shop_id=1, tag_id=99)
    assert await ViolVisit.objects.count() == 1
    assert await ViolTag.objects.count() == 2
    assert get_adapter().pool_status().in_use == 0


async def test_foreign_key_that_is_looked_at_at_commit_is_named_there() -> None:
    deferred = "DEFERRABLE INITIALLY DEFERRED"
    await get_adapter().execute(
        f"CREATE TABLE viol_late (id integer PRIMARY KEY, tag_id bigint REFERENCES viol_tags (id) {deferred}, "
        f"shop_id bigint REFERENCES viol_shops (id) {deferred})"
    )
    with pytest.raises(ForeignKeyViolation) as caught:
        async with transaction():
            await get_adapter().execute("INSERT INTO viol_late VALUES (1, 99, 1)")
            await ViolTag.create(name="a")
    assert caught.value.table == "viol_late"
    if get_adapter().dialect.name == "sqlite":  # PostgreSQL gives the name of the constraint and no columns
        assert caught.value.columns == ("tag_id",)
    async with transaction():
        await get_adapter().execute("INSERT INTO viol_late VALUES (1, 50, 1)")  # refers to nothing until the end
        with pytest.raises(ForeignKeyViolation) as caught:
            async with transaction():
                await ViolVisit.create(shop_id=99, tag_id=50)
        assert caught.value.model is ViolVisit
        await get_adapter().execute("DELETE FROM viol_late")
    assert await ViolTag.objects.count() == 0


async def test_row_that_others_refer_to_is_refused_in_the_name_of_those(shop: ViolShop) -> None:
    await ViolSale.create(shop=shop)
    with pytest.raises(ForeignKeyViolation) as caught:
        await shop.delete()
    assert told(caught.value) == SHOP_OF_SALE
    with pytest.raises(ForeignKeyViolation) as caught:
        await get_adapter().execute("UPDATE viol_shops SET id = 7")
    assert told(caught.value) == SHOP_OF_SALE


async def test_link_that_names_no_row_is_an_error_of_the_table_of_links(shop: ViolShop) -> None:
    with pytest.raises(ForeignKeyViolation) as caught:
        await shop.tags.add(99)
    assert caught.value.model is not None
    assert caught.value.model is not ViolShop
    assert caught.value.table == "viol_shops_tags"


async def test_table_of_no_model_keeps_what_the_database_says() -> None:
    await get_adapter().execute("CREATE TABLE viol_plain (id integer PRIMARY KEY, a integer UNIQUE)")
    await get_adapter().execute("INSERT INTO viol_plain VALUES (1, 1)")
    with pytest.raises(UniqueViolation) as caught:
        await get_adapter().execute("INSERT INTO viol_plain VALUES (2, 1)")
    assert (caught.value.table, caught.value.columns, caught.value.model) == ("viol_plain", ("a",), None)
    assert caught.value.fields == ()


async def test_model_that_wrote_is_named_where_several_have_one_table() -> None:
    class ViolCopy(Model):
        label = CharField(max_length=20, db_column="name")

        class Meta:
            db_table = "viol_tags"

    await ViolTag.create(name="one")
    with pytest.raises(UniqueViolation) as caught:
        await ViolTag.create(name="one")
    assert (caught.value.model, caught.value.field) == (ViolTag, "name")
    with pytest.raises(UniqueViolation) as caught:
        await ViolCopy.create(label="one")
    assert (caught.value.model, caught.value.field) == (ViolCopy, "label")
