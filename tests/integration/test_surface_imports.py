"""Every import of the guide, exactly as it is spelled there. The two migration packages come later."""

from __future__ import annotations

import importlib

import pytest

import covet
import covet.database.orm
from covet.database.orm import fields

IMPORTS = [
    ("covet.database.orm", "Model"),
    ("covet.database.orm", "Index"),
    ("covet.database.orm.fields", "CharField"),
    ("covet.database.orm.fields", "EmailField"),
    ("covet.database.orm.fields", "BooleanField"),
    ("covet.database.orm.fields", "DateTimeField"),
    ("covet.database.orm.fields", "TextField"),
    ("covet.database.orm.fields", "IntegerField"),
    ("covet.database.orm.fields", "BigIntegerField"),
    ("covet.database.orm.fields", "JSONField"),
    ("covet.database", "DatabaseConfig"),
    ("covet.database", "get_adapter"),
    ("covet.database.orm.query", "Q"),
    ("covet.database.orm.query", "F"),
    ("covet.database.orm.aggregates", "Count"),
    ("covet.database.orm.aggregates", "Avg"),
    ("covet.database.orm.aggregates", "Sum"),
    ("covet.database.orm.aggregates", "Min"),
    ("covet.database.orm.aggregates", "Max"),
    ("covet.database.orm.relationships", "ForeignKey"),
    ("covet.database.transaction", "transaction"),
]


@pytest.mark.parametrize(("module", "name"), IMPORTS)
def test_import_of_the_guide_works(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("name", sorted({name for module, name in IMPORTS if module.startswith("covet.database.orm")}))
def test_name_of_the_orm_is_one_object_wherever_it_is_imported_from(name: str) -> None:
    found = [getattr(importlib.import_module(module), name) for module, other in IMPORTS if other == name]
    found += [getattr(place, name) for place in (covet, covet.database.orm) if hasattr(place, name)]
    assert len(found) > 1
    assert all(thing is found[0] for thing in found)


@pytest.mark.parametrize("name", [name for name in fields.__all__ if name.endswith("Field")])
def test_field_is_the_same_object_in_the_package_and_in_its_facade(name: str) -> None:
    assert getattr(covet.database.orm, name) is getattr(fields, name)
    assert getattr(covet, name) is getattr(fields, name)


def test_transaction_of_the_facade_does_not_hide_the_module() -> None:
    module = importlib.import_module("covet.database.transaction")
    assert module.transaction is covet.transaction
    assert module.__name__ == "covet.database.transaction"
