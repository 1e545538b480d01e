"""What differs by database stands in the dialects and adapters; nothing else knows that databases have names."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT, code_words, modules

_HOMES = ("covet/database/dialects/", "covet/database/adapters/")
_BRANCHES = re.compile(r"\bdialect\s*\.\s*name\s*(==|!=|in\b|not\b)|(==|!=|\bin)\s*\w*\.?dialect\s*\.\s*name\b")
_WORDS = re.compile(r"postgres|sqlite|mysql|mariadb|asyncpg", re.IGNORECASE)


def test_no_code_outside_the_dialects_branches_on_the_name_of_a_dialect() -> None:
    found = []
    for path in modules("covet"):
        relative = path.relative_to(ROOT).as_posix()
        if relative.startswith(_HOMES):
            continue
        code = " ".join(word for _, word in code_words(path.read_text("utf-8")))
        if _BRANCHES.search(code.replace(" . ", ".")):
            found.append(relative)
    assert found == []


def test_no_code_of_schema_sql_and_orm_names_a_database() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{line}: {word}"
        for path in modules("covet/database/schema", "covet/database/sql", "covet/database/orm")
        for line, word in code_words(path.read_text("utf-8"))
        if _WORDS.search(word)
    ]
    assert found == []


def test_comments_and_docstrings_may_name_a_database_and_strings_may_not() -> None:
    source = '"""For SQLite."""\n\nx = 1  # as PostgreSQL does\n"""An attribute, on SQLite."""\ny = "sqlite"\n'
    assert [word for _, word in code_words(source) if _WORDS.search(word)] == ['"sqlite"']


def test_a_branch_on_the_name_of_a_dialect_is_seen_in_each_spelling() -> None:
    for line in ('if self.dialect.name == "x": ...', 'if "x" != dialect.name: ...', 'a = dialect.name in ("x",)'):
        assert _BRANCHES.search(" ".join(word for _, word in code_words(line)).replace(" . ", ".")), line
