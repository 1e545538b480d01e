"""The SQL of the lookups on each database, and the page that shows it. Needs no database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from covet.database.orm.query.planner import SelectPlanner
from covet.exceptions import NotSupportedError
from tests.functions.page import DIALECTS, cell, shown_parameters
from tests.lookups.cases import GROUPS, Case, Group

PATH = Path(__file__).parents[2] / "docs" / "lookups.md"

_HEAD = Path(__file__).with_name("head.md")


def sql_of(group: Group, case: Case, dialect: str) -> tuple[str, list[Any]]:
    """Return the SQL of a condition, with the joins before it but without the rest of its query, and its parameters."""
    query = group.query(case)
    select, _ = SelectPlanner(query.model, query.state).rows()
    text, params = DIALECTS[dialect].compile(select).bind(query.params)
    table = group.model._meta.db_table
    found = re.fullmatch(rf'SELECT .*? FROM "{table}"(?: (.*JOIN .*?))? WHERE (.*) ORDER BY .*', text)
    assert found is not None, text
    joins, condition = (part and part.replace(f'"{table}".', "").replace('"', "") for part in found.groups())
    return f"{joins} WHERE {condition}" if joins else condition, list(params)


def render() -> str:
    """Return the text of the page."""
    parts = [_HEAD.read_text("utf-8").rstrip(), *(f"## {group.title}\n\n{_table(group)}" for group in GROUPS)]
    return "\n\n".join(parts) + "\n"


def _table(group: Group) -> str:
    names = ["postgresql"] if group.postgresql_only else list(DIALECTS)
    titles = [DIALECTS[name].title for name in names]
    lines = [
        f"| condition | {' | '.join(titles)} | parameters |",
        f"| {' | '.join(['---'] * (len(names) + 2))} |",
    ]
    for case in group.cases:
        made = [sql_of(group, case, name) for name in names]
        cells = [f"`{cell(text)}`" for text in (case.source, *(sql for sql, _ in made))]
        lines.append(f"| {' | '.join(cells)} | {shown_parameters([params for _, params in made])} |")
    if group.postgresql_only:
        lines += ["", f"On SQLite: {_refusal(group)}"]
    return "\n".join(lines)


def _refusal(group: Group) -> str:
    with pytest.raises(NotSupportedError) as caught:
        sql_of(group, group.cases[0], "sqlite")
    return f"`NotSupportedError: {caught.value}`"
