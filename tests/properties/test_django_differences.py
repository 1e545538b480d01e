"""Every difference that ``docs/django-differences.md`` lists is one: covet and Django both answer what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.properties import archive

PAGE = Path(__file__).parents[2] / "docs" / "django-differences.md"
_EXAMPLE = re.compile(r"^```text(?: (\w+))?\n(\w+\.objects.*)\ncovet:  (.*)\nDjango: (.*)\n```$", re.MULTILINE)
EXAMPLES: list[tuple[str, str, str, str]] = _EXAMPLE.findall(PAGE.read_text())


@pytest.fixture
async def stored(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    async with archive.stored(database, tmp_path):
        yield


def test_the_page_has_examples_for_every_database() -> None:
    assert {database for database, *_ in EXAMPLES} == {"", "sqlite", "postgresql"}
    assert len(EXAMPLES) == PAGE.read_text().count("Django: ")


@pytest.mark.usefixtures("stored")
async def test_both_answer_what_the_page_says(database: Database) -> None:
    for only, text, ours, theirs in EXAMPLES:
        if only in ("", database.name):
            assert str(await archive.of_covet(text, ordered=True)) == ours, text
            assert str(archive.of_django(text, ordered=True)) == theirs, text
            assert ours != theirs
