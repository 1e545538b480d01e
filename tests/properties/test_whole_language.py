"""Random querysets of the whole query language, asked of Django and of covet, on both databases: the same answers.

``make soak`` asks 2,000 on each database with a new seed, which it prints; COVET_SEED asks those of a seed again.
What Django refuses is not compared. Where covet answers something else on purpose the texts stay away from it:
``docs/django-differences.md`` has each of these places, with an example that ``test_django_differences`` runs.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.properties import archive
from tests.properties.query_texts import make
from tests.soak import SOAK, long

NUMBER = int(long(2_000, short=300))
SEED = os.environ.get("COVET_SEED") or (secrets.token_hex(4) if SOAK else "covet")


@pytest.fixture
async def stored(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    async with archive.stored(database, tmp_path):
        yield


@pytest.mark.timeout(1_200 if SOAK else 60)
@pytest.mark.usefixtures("stored")
async def test_random_querysets_have_the_answers_of_django(database: Database) -> None:
    print(f"\nCOVET_SEED={SEED}")  # noqa: T201 - to ask the same again
    differences: list[str] = []
    compared = with_rows = 0
    for number in range(NUMBER):
        seed = f"{SEED}:{number}"
        asked = make(seed, sqlite=database.name == "sqlite")
        theirs = archive.of_django(asked.text, ordered=asked.ordered)
        ours = await archive.of_covet(asked.text, ordered=asked.ordered)
        if theirs.error is not None:
            continue
        compared += 1
        with_rows += bool(theirs.rows)
        if ours != theirs:
            differences.append(f"{seed}\n{asked.text}\ncovet:  {ours}\nDjango: {theirs}")
    assert not differences, "\n\n".join(differences)
    # The test is about something: Django takes nearly all, and most have rows.
    assert compared > 0.95 * NUMBER
    assert with_rows > 0.6 * NUMBER
