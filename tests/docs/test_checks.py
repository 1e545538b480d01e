"""The checks of pages see what is wrong: a value, an error, an output, a statement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from covet.database import get_adapter
from tests.conftest import Database
from tests.docs import pages
from tests.docs.pages import Example


async def _run(source: str, **said: Any) -> tuple[Example, str, list[tuple[str, str]]]:
    example = Example("page.md", 1, source, **said)
    return (example, *await pages.run(example, {"get_adapter": get_adapter}))


async def test_a_value_has_to_be_the_one_that_is_shown() -> None:
    await _run("1 + 1  # -> 2")
    with pytest.raises(AssertionError, match=r"page\.md:2: 2 and not 3"):
        await _run("1 + 1  # -> 3")
    with pytest.raises(AssertionError, match=r"page\.md:3: 2 and not 3"):
        await _run("1\n1 + 1\n# -> 3")


async def test_a_promise_behind_what_has_no_value_is_an_error() -> None:
    with pytest.raises(AssertionError, match="no statement keeps"):
        await _run("x = 1  # -> 1")


async def test_an_error_has_to_be_the_one_that_is_shown() -> None:
    await _run("int('a')  # raises ValueError")
    await _run("x = int('a')\n# raises ValueError: invalid … 'a'")
    with pytest.raises(AssertionError, match="no error and not ValueError"):
        await _run("int('1')  # raises ValueError")
    with pytest.raises(AssertionError, match="ValueError: invalid"):
        await _run("int('a')  # raises TypeError")
    with pytest.raises(ValueError, match="invalid"):
        await _run("int('a')")


async def test_the_output_has_to_be_the_one_that_is_shown() -> None:
    example, printed, _ = await _run("print(1)\nint('a')", output="1\nValueError: … 'a'\n")
    pages.check_output(example, printed)
    for output in ("2\nValueError: … 'a'", "1", None):
        with pytest.raises(AssertionError, match="printed"):
            pages.check_output(Example("page.md", 1, "", output=output), printed)


async def test_the_statements_have_to_be_those_that_are_shown(database: Database) -> None:
    source = "await get_adapter().fetch_all('SELECT 1')\nawait get_adapter().fetch_all('SELECT 2')"
    example, _, sent = await _run(source)
    for right in ("SELECT 1;\nSELECT 2", "SELECT 1; -- first\nSELECT\n  2;"):
        example.sql["sqlite"] = right
        pages.check_sql(example, "sqlite", sent)
    for wrong in ("SELECT 1", "SELECT 1;\nSELECT 3", "-- nothing is sent", "SELECT …;\nSELECT 2"):
        example.sql["sqlite"] = wrong
        with pytest.raises(AssertionError, match="sent"):
            pages.check_sql(example, "sqlite", sent)


def test_blocks_belong_to_the_python_that_stands_right_above_them(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("```python\nx\n```\n\n```text\ny\n```\n\n```sql\nz\n```\n\nWords.\n\n```text\nno\n```\n")
    assert pages.examples(page) == [Example("page.md", 1, "x\n", output="y\n", sql={"postgresql": "z\n"})]
    page.write_text("```python\nx\n```\n\nWords.\n\n```sql\nz\n```\n")
    with pytest.raises(AssertionError, match="the SQL of no example"):
        pages.examples(page)
