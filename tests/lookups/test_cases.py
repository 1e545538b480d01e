"""Every lookup keeps on both databases the rows that the table of cases says."""

from __future__ import annotations

from typing import Any

import pytest

from covet import create_all
from covet.database.orm.fields import BooleanField, Field
from covet.database.orm.lookups import LOOKUPS
from covet.exceptions import NotSupportedError
from tests.conftest import Database
from tests.lookups.cases import GROUPS, ITEM, ROOM, Group, Item, Maker, Room
from tests.lookups.page import PATH, render


@pytest.fixture
async def tables(database: Database) -> Database:
    await create_all([Maker, Item])
    ann = await Maker.create(name="Ann")
    await Item.create(**ITEM, maker=ann)
    await Item.create()
    if database.name == "postgresql":
        await create_all([Room])
        await Room.create(**ROOM)
        await Room.create()
    return database


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
async def test_every_lookup_and_its_negation_part_the_rows(tables: Database, group: Group) -> None:
    wrong: list[str] = []
    for case in group.cases:
        if group.postgresql_only and tables.name == "sqlite":
            with pytest.raises(NotSupportedError, match="SQLite has no"):
                await group.query(case)
            continue
        found, rest = await group.query(case), await group.query(case, "exclude")
        wanted = [key for key, kept in ((1, case.keeps), (2, case.keeps_null)) if kept]
        if found != wanted or sorted(found + rest) != [1, 2]:
            wrong.append(f"{case.source} kept {found!r} and left {rest!r}, not {wanted!r}")
    assert wrong == []


def test_every_lookup_has_a_case() -> None:
    text = " ".join(case.source for group in GROUPS for case in group.cases)
    fields: list[Field[Any]] = [*Item._meta.fields, *Room._meta.fields, BooleanField()]
    tables = [LOOKUPS, *(kind.__dict__.get("own_lookups", {}) for field in fields for kind in type(field).__mro__)]
    # Other tests and pages register lookups of their own, which are none of covet's.
    own = {name for table in tables for name, each in table.items() if _module(each).startswith("covet.")}
    named = {name for name in own if not name.startswith("trigram_")}  # of an extension
    assert sorted(name for name in named if f"__{name}=" not in text and name != "exact") == []


def _module(lookup: object) -> str:
    return lookup.__module__ if isinstance(lookup, type) else type(lookup).__module__


def test_the_page_shows_what_the_cases_make() -> None:
    assert PATH.read_text("utf-8") == render(), "run: python -m scripts.write_lookups_page"
