"""Foreign keys to models whose primary key has several columns: what the class says, and what the table gets."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    CharField,
    CompositePrimaryKey,
    ForeignKey,
    GenericForeignKey,
    IntegerField,
    Model,
    ModelDefinitionError,
    OneToOneField,
)
from covet.database.orm.metaclass import ModelMeta
from covet.database.orm.tables import table_of
from tests.models.orders import Invoice, Item, Note, Remark, Shipment, Tenant


class Lone(Model):
    """A key of one column, likewise."""


class Target(Model):
    """What the models that single tests define refer to: its rows are not deleted, and it is nobody else's."""

    pk = CompositePrimaryKey("tenant", "number")
    tenant = ForeignKey(Tenant, related_name="+", on_delete="DO_NOTHING")
    number = IntegerField()


def test_the_table_has_a_column_and_one_constraint_for_the_whole_key() -> None:
    table = table_of(Note)
    columns = {column.name: column.nullable for column in table.columns}
    assert columns == {"id": False, "order_tenant_id": True, "order_number": True, "text": False, "parent_id": True}
    (key,) = [key for key in table.foreign_keys if key.target == "orders"]
    assert (key.columns, key.target_columns) == (("order_tenant_id", "order_number"), ("tenant_id", "number"))
    assert key.on_delete == "SET NULL"
    assert [column.key for column in table.indexes[0].columns] == ["order_tenant_id", "order_number"]


def test_the_columns_are_part_of_the_own_key_where_it_names_the_relation() -> None:
    table = table_of(Item)
    assert table.primary_key is not None
    assert table.primary_key.columns == ("order_tenant_id", "order_number", "position")
    assert table.indexes == ()  # the key's own index serves
    assert [f.columns for f in table_of(Remark).foreign_keys] == [
        ("item_order_tenant_id", "item_order_number", "item_position")
    ]


def test_a_one_to_one_relation_may_be_the_key() -> None:
    table = table_of(Invoice)
    assert table.primary_key is not None
    assert table.primary_key.columns == ("t", "n")
    assert (table.uniques, table.indexes) == ((), ())


def test_fields_that_are_there_make_a_foreign_key_without_columns_of_its_own() -> None:
    table = table_of(Shipment)
    assert [column.name for column in table.columns] == ["tenant_id", "code", "order_number", "after_code"]
    keys = [(key.columns, key.target, key.on_delete) for key in table.foreign_keys]
    assert keys == [
        (("tenant_id",), "tenants", "CASCADE"),
        # The tenant is not nullable: the database must not set it NULL. The collector sets order_number.
        (("tenant_id", "order_number"), "orders", "NO ACTION"),
        (("tenant_id", "after_code"), "shipments", "NO ACTION"),
    ]


def test_options_of_the_constraint_hold_for_all_columns() -> None:
    class Free(Model):
        order = ForeignKey(Target, db_constraint=False, db_index=False, related_name="+", db_columns=("x", "y"))
        other = OneToOneField(Target, related_name="+", on_delete="CASCADE", deferrable=True, on_update="CASCADE")

        class Meta:
            unique_together = (("order", "id"),)

    table = table_of(Free)
    assert [c.name for c in table.columns] == ["id", "x", "y", "other_tenant_id", "other_number"]
    (key,) = table.foreign_keys
    assert (key.columns, key.deferrable, key.on_update) == (("other_tenant_id", "other_number"), True, "CASCADE")
    assert [unique.columns for unique in table.uniques] == [("other_tenant_id", "other_number"), ("x", "y", "id")]
    assert table.indexes == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"db_column": "x"}, r"Bad\.order: 2 columns refer to Target\.pk; db_columns=\(\.\.\.\) names them"),
        ({"db_columns": ("x",)}, "db_columns takes 2 names, for tenant, number in this order"),
        ({"from_fields": ("a",)}, "from_fields takes 2 names, for tenant, number in this order"),
        ({"from_fields": ("a", "text")}, "from_fields pairs 'text' with .*Target.number.*another type"),
        ({"from_fields": ("a", "b"), "nullable": True}, r"it is nullable, and none of its fields \(a, b\) may be NULL"),
        ({"from_fields": ("a", "c")}, "one of its fields may be NULL, so it needs nullable=True"),
        ({"from_fields": ("a", "b"), "default": (1, 2)}, "the defaults are those of the fields"),
        ({"from_fields": ("a", "order")}, "names 'order', which has no column yet"),
        ({"default": 3}, "the default of a key of 2 fields is a tuple of 2 values"),
    ],
)
def test_options_that_do_not_fit_are_refused_when_the_class_is_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelDefinitionError, match=message):
        ModelMeta(
            "Bad",
            (Model,),
            {
                "__module__": __name__, "__qualname__": "Bad", "a": ForeignKey(Lone, related_name="+"),
                "b": IntegerField(), "c": IntegerField(nullable=True), "text": CharField(max_length=3),
                "order": ForeignKey(Target, related_name="+", **options),
            },
        )  # fmt: skip


def test_a_column_that_is_there_already_asks_for_from_fields() -> None:
    with pytest.raises(ModelDefinitionError, match=r"two fields are called 'order_number'.*from_fields=\(\.\.\.\)"):

        class Twice(Model):
            order_number = IntegerField()
            order = ForeignKey(Target, related_name="+")


def test_options_of_several_columns_are_refused_for_one() -> None:
    with pytest.raises(ModelDefinitionError, match=r"db_columns is for keys of several fields, not for .*Lone\.id"):

        class Bad(Model):
            tenant = ForeignKey(Lone, db_columns=("a", "b"), related_name="+")


def test_a_generic_relation_needs_a_key_of_one_column() -> None:
    class Remarked(Model):
        content = GenericForeignKey()

    with pytest.raises(ModelDefinitionError, match=r"Target has a primary key of several fields \(tenant, number\)"):
        Remarked(content=Target(pk=(1, 2)))


def test_the_database_cannot_empty_a_part_of_a_key() -> None:
    with pytest.raises(ModelDefinitionError, match="on_delete='DB_SET_NULL' would set every one of its columns NULL"):

        class Unable(Model):
            tenant = ForeignKey(Lone, related_name="+")
            number = IntegerField(nullable=True)
            order = ForeignKey(
                Target, from_fields=("tenant", "number"), nullable=True, on_delete="DB_SET_NULL", related_name="+"
            )
