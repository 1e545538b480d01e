"""Every Python block of the README and of docs/ runs on both databases and does what the page says."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import covet
import covet.database
from covet.database.config import forget
from covet.database.orm import registry
from tests.conftest import Database
from tests.docs import pages

_PAGES = pages.pages()


def _named(path: Path) -> str:
    return path.stem


@pytest.fixture
def page_names(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Give a page a module, models, files and databases of its own; what it configures as default is this test's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_models", {})
    monkeypatch.setattr(registry, "_waiting", [])
    configure = _configure(database)
    monkeypatch.setattr(covet, "DatabaseConfig", configure)
    monkeypatch.setattr(covet.database, "DatabaseConfig", configure)
    module = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    yield module.__dict__
    forget()


def _configure(database: Database) -> Callable[..., covet.DatabaseConfig]:
    real = covet.DatabaseConfig

    def configure(url: str | None = None, **options: Any) -> covet.DatabaseConfig:
        """Check the settings as the page writes them; of the default database only the alias is taken."""
        if options.get("alias", "default") != "default" or options.get("register") is False:
            return real(url, **options)
        shown = real(url, **{**options, "register": False})
        real(database.url, alias="default")
        return shown

    return configure


@pytest.mark.parametrize("path", _PAGES, ids=_named)
async def test_the_examples_of_a_page_do_what_it_says(
    path: Path, database: Database, page_names: dict[str, Any]
) -> None:
    for example in pages.examples(path):
        if example.is_program or example.only not in {None, database.name}:
            continue
        printed, sent = await pages.run(example, page_names)
        pages.check_output(example, printed)
        pages.check_sql(example, database.name, sent)


_PROGRAMS = [example for path in _PAGES for example in pages.examples(path) if example.is_program]


@pytest.mark.parametrize("example", _PROGRAMS, ids=lambda example: f"{example.page}:{example.line}")
def test_the_programs_of_a_page_run_as_they_stand(example: pages.Example, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(example.source, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(pages.ROOT)}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "program.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    pages.check_output(example, done.stdout)


def test_the_prompt_of_the_tutorial_runs_queries_and_ends_quietly(tmp_path: Path) -> None:
    # One line a statement: fed by a pipe, the prompt of some Pythons cuts statements of several lines apart.
    typed = [
        "from covet import DatabaseConfig, get_adapter",
        "_ = DatabaseConfig(url='sqlite:///typed.sqlite3')",
        "_ = await get_adapter().execute('CREATE TABLE notes (text)')",
        "_ = await get_adapter().execute('INSERT INTO notes VALUES ($1)', ['kept'])",
        "print('rows:', await get_adapter().fetch_value('SELECT count(*) FROM notes'))",
    ]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "asyncio"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(pages.ROOT)}, input="\n".join([*typed, ""]),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "rows: 1" in done.stdout, done.stderr
    assert "Error" not in done.stderr, done.stderr
    assert "Warning" not in done.stderr, done.stderr


def test_pages_link_only_to_what_is_there() -> None:
    missing = [
        f"{path.name}: {target}"
        for path in [pages.ROOT / "README.md", *(pages.ROOT / "docs").glob("*.md")]
        for target in pages.links(path)
        if not pages.leads_somewhere(path, target)
    ]
    assert missing == []
