"""What ``import covet`` loads and makes, by number: a time would depend on the machine."""

from __future__ import annotations

import json
import subprocess
import sys

#: A program with two models. It has configured no database and sent no query.
_PROGRAM = """
import asyncio, json, sys
there = set(sys.modules)
import covet
from covet import CharField, ForeignKey, Model

class Author(Model):
    name = CharField(max_length=100)

class Book(Model):
    author = ForeignKey(Author, related_name="books")

loaded = set(sys.modules) - there
covets = [name for name in loaded if name.partition(".")[0] == "covet"]
classes = {
    value
    for name in covets
    for value in vars(sys.modules[name]).values()
    if isinstance(value, type) and value.__module__ == name
}
print(json.dumps({
    "modules": sorted(covets),
    "others": sorted(loaded.difference(covets)),
    "dataclasses": sorted(each.__name__ for each in classes if "__dataclass_fields__" in vars(each)),
    "named tuples": sorted(each.__name__ for each in classes if tuple in each.__bases__),
}))
"""

#: Standard modules that are dear, and the drivers. ``import asyncio`` alone, which all need, loads none of them.
# fmt: off
_DEAR = {
    "aiosqlite", "asyncpg", "csv", "ctypes", "email", "html", "http", "importlib.metadata", "multiprocessing",
    "opentelemetry", "pdb", "pydoc", "sqlite3", "statistics", "tomllib", "unittest", "urllib.request", "xml",
}
# fmt: on
#: Modules that a program asks for by name, and those of a database before it is configured.
_ASKED_FOR = (
    "covet.testing",
    "covet.opentelemetry",
    "covet.database.adapters.a",
    "covet.database.adapters.sqlite",
    "covet.database.dialects.postgresql",
    "covet.database.dialects.sqlite",
)  # fmt: skip


def _loaded() -> dict[str, list[str]]:
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, check=True)
    found: dict[str, list[str]] = json.loads(ran.stdout)
    return found


def test_a_program_of_models_loads_and_makes_no_more_than_it_needs() -> None:
    loaded = _loaded()
    assert _DEAR.intersection(loaded["others"]) == set(), "a dear module, or a driver before a database of its kind"
    assert [name for name in loaded["modules"] if name.startswith(_ASKED_FOR)] == []
    # More of these make the import slower: a module takes 0.2 to 0.5 ms, a dataclass 0.5 to 1 ms (a Frozen class 0.03),
    # a named tuple 0.1 to 0.2 ms. Raise a number only for what belongs to defining models or to every query.
    assert len(loaded["modules"]) <= 215, loaded["modules"]
    assert len(loaded["dataclasses"]) <= 9, loaded["dataclasses"]
    assert len(loaded["named tuples"]) <= 70, loaded["named tuples"]
    assert len(loaded["others"]) <= 60, loaded["others"]
