"""Integrity errors of models: constraint, columns, table, model and fields, the same on both databases."""

from __future__ import annotations

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


async def test_foreign_key_of_several_is_named_where_the_database_names_it() -> None:
    with pytest.raises(ForeignKeyViolation) as caught:
        await ViolVisit.create(shop_id=1, tag_id=99)
    assert (caught.value.model, caught.value.table) == (ViolVisit, "viol_visits")
    if get_adapter().dialect.name == "postgresql":
        assert caught.value.field == "tag"
    else:
        assert (caught.value.field, caught.value.constraint) == (None, None)


async def test_row_that_others_refer_to_is_refused_in_the_name_of_those(shop: ViolShop) -> None:
    await ViolSale.create(shop=shop)
    with pytest.raises(ForeignKeyViolation) as caught:
        await shop.delete()
    assert caught.value.columns != ("id",)
    if get_adapter().dialect.name == "postgresql":
        assert told(caught.value) == (
            "viol_sales_shop_id_fkey",
            "viol_sales",
            ("shop_id",),
            ViolSale,
            ("shop",),
            "shop",
        )


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
