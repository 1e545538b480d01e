"""The SQL of the cases on each database, and the page that shows it. Needs no database."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from covet.database.dialects.base import Dialect
from covet.database.dialects.postgresql import PostgreSQLDialect
from covet.database.dialects.sqlite import SQLiteDialect
from covet.database.orm.query.planner import SelectPlanner
from tests.functions.cases import CONDITIONS, GROUPS, Case, Lookup, Product

PATH = Path(__file__).parents[2] / "docs" / "functions.md"
DIALECTS: dict[str, Dialect] = {"postgresql": PostgreSQLDialect(), "sqlite": SQLiteDialect()}

_HEAD = Path(__file__).with_name("head.md")


def query_of(case: Case | Lookup) -> Any:
    """Return the query that asks for the value of a case."""
    if isinstance(case, Lookup):
        return case.build().order_by("id").values_list("id", flat=True)
    return Product.objects.order_by("id").annotate(value=case.build()).values_list("value", flat=True)


def sql_of(case: Case | Lookup, dialect: str) -> tuple[str, list[Any]]:
    """Return the SQL of the expression or condition, without the rest of its query, and its parameters."""
    query = query_of(case)
    select, _ = SelectPlanner(query.model, query.state).rows()
    text, params = DIALECTS[dialect].compile(select).bind(query.params)
    text = text.replace('"products".', "")
    pattern = (
        r".* WHERE (.*) ORDER BY .*" if isinstance(case, Lookup) else r'SELECT (.*?)(?: AS "\w+")? FROM "products" .*'
    )
    found = re.fullmatch(pattern, text)
    assert found is not None, text
    return found[1].replace('"', ""), list(params)


def render() -> str:
    """Return the text of the page."""
    parts = [_HEAD.read_text("utf-8").rstrip()]
    for title, cases in GROUPS.items():
        parts.append(f"## {title}\n\n" + _table([(case.source, case) for case in cases], "expression"))
    for title, lookups in CONDITIONS.items():
        parts.append(f"## {title}\n\n" + _table([(f"filter({case.source})", case) for case in lookups], "condition"))
    return "\n\n".join(parts) + "\n"


def _table(rows: list[tuple[str, Case | Lookup]], what: str) -> str:
    lines = [f"| {what} | PostgreSQL | SQLite | parameters |", "| --- | --- | --- | --- |"]
    for source, case in rows:
        made = [sql_of(case, name) for name in DIALECTS]
        cells = [f"`{cell(text)}`" for text in (source, *(sql for sql, _ in made))]
        lines.append(f"| {' | '.join(cells)} | {shown_parameters([params for _, params in made])} |")
    return "\n".join(lines)


def shown_parameters(made: list[list[Any]]) -> str:
    """Return the parameters, those of SQLite behind those of PostgreSQL where it keeps them in another form."""
    shown = [", ".join(f"`{cell(_value(value))}`" for value in params) for params in made]
    return shown[0] if shown[0] == shown[-1] else f"{shown[0]}; SQLite: {shown[1]}"


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value) if isinstance(value, dt.date | dt.time | Decimal) else repr(value)


def cell(text: str) -> str:
    return text.replace("|", "\\|")
