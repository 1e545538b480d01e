"""docs/reliability.md: every promise has its test."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reliability.md"
LINK = re.compile(r"\[(?P<test>test_\w+)\]\((?P<file>[\w./]+)\)")


def test_every_promise_names_a_test_that_exists() -> None:
    links = list(LINK.finditer(PAGE.read_text()))
    assert len(links) > 30
    for link in links:
        source = (PAGE.parent / link["file"]).read_text()
        assert re.search(rf"^(async )?def {link['test']}\(", source, re.MULTILINE), link[0]


def test_every_row_of_a_table_names_a_test() -> None:
    promises = PAGE.read_text().partition("## What always holds")[2]
    rows = [line for line in promises.splitlines() if line.startswith("| ") and "---" not in line]
    assert [row for row in rows if not LINK.search(row)] == ["| promise | test |"] * 8
