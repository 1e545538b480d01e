"""References by name: which model they mean."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from covet.exceptions import ModelDefinitionError

ELSEWHERE = """
from covet import CharField, Model

class {wagon}(Model):
    name = CharField(max_length=10)
"""
HERE = """
from covet import CharField, ForeignKey, Model

class Train(Model):
    last = ForeignKey({reference}, related_name="+")
"""
OWN = """
class {wagon}(Model):
    name = CharField(max_length=10)
"""


def load(name: str, source: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - a module of the test
    return module


def test_a_name_that_meant_another_module_cannot_be_defined_afterwards() -> None:
    load("wagons_a", ELSEWHERE.format(wagon="WagonA"))
    with pytest.raises(ModelDefinitionError, match=r"trains_a has used the name 'WagonA' before this class, and got"):
        load("trains_a", HERE.format(reference='"WagonA"') + OWN.format(wagon="WagonA"))


def test_a_function_means_the_class_that_is_defined_further_down() -> None:
    load("wagons_b", ELSEWHERE.format(wagon="WagonB"))
    module = load("trains_b", HERE.format(reference="lambda: WagonB") + OWN.format(wagon="WagonB"))
    assert module.Train._meta.relations["last"].remote is module.WagonB
