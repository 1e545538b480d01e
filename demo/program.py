"""Program: from an empty database to ten answers."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

from rich.console import Console

from covet import create_all, drop_all
from covet.database import DatabaseConfig, close_all
from demo.dataset import Dataset
from demo.dirt import DIRT
from demo.loading import TABLES, load
from demo.questions import QUESTIONS
from demo.report import print_answer, print_dirt, print_loaded, progress_bars

__all__ = ["default_url", "run"]

# A folder that git ignores.
FILE = Path("build", "demo", "nycflights13.sqlite3")


def default_url() -> str:
    """Return the URL of a SQLite file in ``build/demo`` that does not exist yet: what a former run left is deleted."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        FILE.with_name(FILE.name + suffix).unlink(missing_ok=True)
    return f"sqlite:///{FILE}"


async def run(console: Console, dataset: Dataset, url: str) -> None:
    """Load the data set into the database at ``url`` and print the answers. Only the demonstration's tables change."""
    DatabaseConfig(url=url)
    try:
        models = [table.model for table in TABLES]
        await drop_all(models)
        await create_all(models)
        await _load(console, dataset, url)
        for number, question in enumerate(QUESTIONS, start=1):
            started = perf_counter()
            answer = await question()
            print_answer(console, number, question, answer, perf_counter() - started)
    finally:
        await close_all()


async def _load(console: Console, dataset: Dataset, url: str) -> None:
    console.print(f"Loading {dataset.folder.parent.name} into {_place(url)}\n", highlight=False)
    totals = {table.name: dataset.count(table.name) for table in TABLES}
    with progress_bars(console, totals) as progress:
        report, dirt = await load(dataset, progress)
    print_loaded(console, report)
    print_dirt(console, dirt, {kind.what: await kind.rows.count() for kind in DIRT})


def _place(url: str) -> str:
    """Describe the database, without the user and the password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}, {host}{parts.path}" if host else f"{parts.scheme}, {parts.path.removeprefix('/')}"
