"""Every function, transform and lookup gives on both databases what the table of cases says."""

from __future__ import annotations

import math
from typing import Any

import pytest

import covet.functions
from covet import Q, create_all
from covet.database.orm.functions import arrays, json, search, window
from tests.conftest import Database
from tests.functions.cases import CONDITIONS, GROUPS, NAMES, VALUES, Lookup, Product
from tests.functions.page import PATH, query_of, render, sql_of

#: What gives another value each time, or needs an extension; documents, arrays, text search, windows.
_ELSEWHERE = {
    *arrays.__all__,
    *json.__all__,
    *search.__all__,
    *(name for name, value in vars(window).items() if isinstance(value, type)),
    "Collate",
    "Now",
    "RandomUUID",
    "Random",
    "SHA1",
    "TransactionNow",
    "UUID4",
    "UUID7",
    "Unaccent",
}


@pytest.fixture
async def products(database: Database) -> Database:
    await create_all([Product])
    await Product.create(**VALUES)
    await Product.create()
    return database


def same(found: Any, wanted: Any) -> bool:
    """Say whether a value is the one that is wanted, of the same type; floats to 14 digits."""
    if isinstance(wanted, float) and isinstance(found, float):
        return math.isclose(found, wanted, rel_tol=1e-14)
    return type(found) is type(wanted) and found == wanted


@pytest.mark.parametrize("group", GROUPS)
async def test_every_function_gives_its_value_and_its_type(products: Database, group: str) -> None:
    wrong = []
    for case in GROUPS[group]:
        found = await query_of(case)
        if not (same(found[0], case.value) and same(found[1], case.of_null)):
            wrong.append(f"{case.source} gave {found!r}, not {[case.value, case.of_null]!r}")
    assert wrong == []


@pytest.mark.parametrize("group", CONDITIONS)
async def test_every_lookup_keeps_the_rows_that_it_should(products: Database, group: str) -> None:
    wrong = []
    for case in CONDITIONS[group]:
        found = await query_of(case)
        wanted = [key for key, kept in ((1, case.keeps), (2, case.keeps_null)) if kept]
        if found != wanted:
            wrong.append(f"{case.source} kept {found!r}, not {wanted!r}")
    assert wrong == []


@pytest.mark.parametrize("group", CONDITIONS)
async def test_every_lookup_and_its_negation_part_the_rows(products: Database, group: str) -> None:
    wrong = []
    for case in CONDITIONS[group]:
        negated = Product.objects.exclude(*_conditions(case)).values_list("id", flat=True)
        kept = await query_of(case)
        if sorted([*kept, *await negated]) != [1, 2]:
            wrong.append(case.source)
    assert wrong == []


def _conditions(case: Lookup) -> list[Q]:
    return [eval(f"Q({case.source})", dict(NAMES))]  # noqa: S307 - the table of cases


def test_every_function_has_a_case() -> None:
    text = " ".join(case.source for cases in GROUPS.values() for case in cases)
    missing = [name for name in covet.functions.__all__ if f"{name}(" not in text and name not in _ELSEWHERE]
    assert missing == []


def test_the_page_shows_what_the_cases_make() -> None:
    assert PATH.read_text("utf-8") == render(), "run: python -m scripts.write_functions_page"


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_values_are_parameters(dialect: str) -> None:
    case = next(case for cases in GROUPS.values() for case in cases if case.source.startswith("Replace("))
    sql, params = sql_of(case, dialect)
    assert params == ["n", "m"]
    assert "'" not in sql
    zoned = next(case for case in GROUPS["Dates and times"] if case.source.startswith('TruncDate("made", tz'))
    sql, params = sql_of(zoned, dialect)
    assert params == ["Europe/Berlin"]
    assert "Berlin" not in sql
