"""The blocks of ``docs/relations.md``, run in order as they stand."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from covet.database import capture_queries
from covet.database.orm import registry
from tests.conftest import Database

PAGE = Path(__file__).parent.parent.parent / "docs" / "relations.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def registry_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the page a registry of its own: its ``create_all()`` is about its models."""
    monkeypatch.setattr(registry, "_models", {})
    monkeypatch.setattr(registry, "_waiting", [])


async def run(statement: ast.stmt, names: dict[str, Any]) -> None:
    module = ast.Module([statement], [])
    work = eval(compile(module, str(PAGE), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), names)  # noqa: S307 - the project's own page
    if inspect.isawaitable(work):
        await work


async def test_every_block_of_the_page_runs(database: Database, registry_of_the_page: None) -> None:
    page = PAGE.read_text("utf-8")
    lines = page.splitlines()
    names: dict[str, Any] = {"__name__": "relations_page", "print": lambda *_: None}
    counted: list[int] = []
    for block in _BLOCK.finditer(page):
        # Padded, so that a traceback has the line of the page.
        padding = "\n" * page[: block.start(1)].count("\n")
        for statement in ast.parse(padding + block.group(1)).body:
            with capture_queries() as queries:
                await run(statement, names)
            said = re.search(r"# (\d) queries", lines[(statement.end_lineno or 0) - 1])
            if said is not None:
                counted.append(int(said.group(1)))
                assert len(queries) == counted[-1], (statement.lineno, queries.sql)
    assert counted == [2, 3, 2]
