"""The table of docs/errors.md says of every code which error it is, and so does the code."""

from __future__ import annotations

import re
from pathlib import Path

from covet import exceptions
from covet.database.dialects.postgresql import errors as postgresql
from covet.database.dialects.sqlite import errors as sqlite

_PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
_ROW = re.compile(r"^\| `(\w+)` \|(.*?)\|(.*?)\|$", re.MULTILINE)


def documented(column: int, code: str) -> dict[str, str]:
    table = _PAGE.read_text("utf-8").partition("## From the databases")[2]
    return {
        name: row[0]
        for row in _ROW.findall(table)
        for name in row[column].strip().split(", ")
        if re.fullmatch(code, name)
    }


def test_every_sqlstate_of_the_table_is_that_error() -> None:
    found = documented(1, r"[0-9A-Z]{2}(?:[0-9A-Z]{3})?")
    assert len(found) > 40
    for code, name in found.items():
        assert postgresql.error_class(code).__name__ == name, code
    missing = set(postgresql._CODES) - set(found) - {"P0"}
    assert missing == set()


def test_every_result_code_of_the_table_is_that_error() -> None:
    found = documented(2, r"[A-Z_]+")
    for code, name in found.items():
        assert sqlite.error_class(f"SQLITE_{code}").__name__ == name, code
    assert {f"SQLITE_{code}" for code in found} == set(sqlite._NAMES)


def test_every_error_of_the_tree_is_on_the_page_and_says_whether_it_is_retryable() -> None:
    page = _PAGE.read_text("utf-8").partition("## What they know")[0]
    for name, kind in vars(exceptions).items():
        if isinstance(kind, type) and issubclass(kind, exceptions.CovetError):
            line = re.search(rf"^.*\b{name}\b.*$", page, re.MULTILINE)
            assert line is not None, name
            if issubclass(kind, exceptions.OperationalError):
                assert ("retryable" in line[0]) is kind.retryable, name
