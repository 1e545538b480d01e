"""The pytest plugin, in a pytest of its own: what fails, and with which words."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

_CONFTEST = """
import pytest
import pytest_asyncio
from covet import CharField, DatabaseConfig, ForeignKey, Model, close_all, create_all


class Writer(Model):
    name = CharField(max_length=20)


class Post(Model):
    author = ForeignKey(Writer, related_name="posts")


@pytest_asyncio.fixture(autouse=True)
async def rows(tmp_path):
    DatabaseConfig(url=f"sqlite:///{tmp_path / 'x.sqlite3'}", replace=True)
    await create_all()
    for name in ("a", "b", "c"):
        await Post.create(author=await Writer.create(name=name))
    for writer in await Writer.objects.all():
        await writer.posts.all()  # what fixtures do is not the test's
    yield
    await close_all()


async def loop():
    for writer in await Writer.objects.all():
        await writer.posts.all()


@pytest.fixture
def work():
    return loop
"""


def run(folder: Path, test: str, *options: str) -> str:
    """Run a test file with the plugin; return what pytest prints."""
    (folder / "conftest.py").write_text(_CONFTEST, "utf-8")
    (folder / "test_it.py").write_text(test, "utf-8")
    plugins = [option for name in ("covet.testing.pytest_plugin", "pytest_asyncio.plugin") for option in ("-p", name)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    settings = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function", "-W", "error"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *plugins, *settings, *options],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_the_fixture_fails_the_test_with_line_and_cure(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        "async def test_it(work, no_n_plus_one):\n    await work()\n\n\n"
        "async def test_allowed(work, no_n_plus_one):\n"
        "    no_n_plus_one.allow = ('Writer.posts',)\n    await work()\n\n\n"
        "async def test_plain(work):\n    await work()\n",
    )
    assert "1 failed, 2 passed" in printed
    assert "NPlusOneError: N+1: 3 queries for Writer.posts at conftest.py:" in printed
    assert "Add .prefetch_related('posts') to the query that loads Writer." in printed


def test_marks_set_budgets_and_exact_numbers(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        "import pytest\n\n\n"
        "@pytest.mark.max_queries(3)\nasync def test_over(work):\n    await work()\n\n\n"
        "@pytest.mark.max_queries(4)\nasync def test_within(work):\n    await work()\n\n\n"
        "@pytest.mark.assert_num_queries(5)\nasync def test_under(work):\n    await work()\n\n\n"
        "async def test_fixtures(work, max_queries, assert_num_queries):\n"
        "    async with max_queries(4), assert_num_queries(4):\n        await work()\n",
    )
    assert "2 failed, 2 passed" in printed
    assert "QueryCountError: 4 queries were sent, at most 3 allowed:" in printed
    assert "QueryCountError: 4 queries were sent, exactly 5 expected:" in printed


def test_a_setting_watches_every_test_and_a_mark_makes_exceptions(tmp_path: Path) -> None:
    test = (
        "import pytest\n\n\n"
        "async def test_it(work):\n    await work()\n\n\n"
        "@pytest.mark.n_plus_one('off')\nasync def test_off(work):\n    await work()\n\n\n"
        "@pytest.mark.n_plus_one(threshold=4)\nasync def test_threshold(work):\n    await work()\n"
    )
    assert "1 failed, 2 passed" in run(tmp_path, test, "-o", "covet_n_plus_one=raise")
    assert "3 passed" in run(tmp_path, test)
    assert "covet_n_plus_one is off, raise or warn or collect, not 'loud'." in run(
        tmp_path, test, "-o", "covet_n_plus_one=loud"
    )
    warned = run(tmp_path, test, "-o", "covet_n_plus_one=warn", "-W", "default")
    assert "3 passed, 1 warning" in warned
    assert "NPlusOneWarning: N+1: 3 queries for Writer.posts" in warned


def test_a_test_that_fails_by_itself_says_so(tmp_path: Path) -> None:
    printed = run(tmp_path, "async def test_it(work, no_n_plus_one):\n    await work()\n    assert 1 == 2\n")
    assert "assert 1 == 2" in printed
    assert "NPlusOneError" not in printed


def test_the_package_declares_the_plugin_and_covet_does_not_import_pytest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"covet": "covet.testing.pytest_plugin"}
    code = "import sys, covet, covet.testing; sys.exit('pytest' in sys.modules or 'covet.testing' not in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize("module", ["covet", "covet.database", "covet.database.orm"])
def test_the_program_itself_does_not_import_what_is_for_tests(module: str) -> None:
    code = f"import sys, {module}; sys.exit('covet.testing' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
