"""Run the workload on the databases asked for, print the tables and write them where asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.covet_peer import Covet
from benchmarks.database import Database
from benchmarks.environment import environment
from benchmarks.imports import measure_imports
from benchmarks.memory import measure_memory
from benchmarks.operations import POSTGRESQL, SQLITE
from benchmarks.options import Options, parse
from benchmarks.pages import PAGE, write_figures
from benchmarks.peers import CONNECT, connected
from benchmarks.postgresql import PostgreSQL
from benchmarks.report import markdown, show
from benchmarks.results import DatabaseResult, OperationResult, Ratio, Results, awaited, summarise
from benchmarks.rounds import Advance, Rounds
from benchmarks.sqlite import SQLite, sqlite_file
from tests.postgresql_server import database_on, test_database

_FRESH_PROCESSES = 7
_TABLE_WIDTH = 110


def main() -> None:
    """Measure, print, write."""
    options = parse()
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    with Progress(console=console, transient=True) as progress:
        wanted = options.databases if options.operations or options.memory else ()
        databases = [_MEASURE[name](options, _bar(progress, name)) for name in wanted]
        imports = measure_imports(_processes(options)) if options.imports else {}
    results = Results(environment(options.rounds), databases, imports)
    show(console, results)
    if options.json is not None:
        options.json.write_text(json.dumps(results.as_json(), indent=2) + "\n", encoding="utf-8")
    if options.markdown:
        write_figures(PAGE, markdown(results))


def _bar(progress: Progress, name: str) -> Advance:
    task = progress.add_task(name, total=None)
    return lambda done, total: progress.update(task, completed=done, total=total)


def _sqlite(options: Options, advance: Advance) -> DatabaseResult:
    async def measure(path: Path) -> DatabaseResult:
        async with SQLite.opened(path) as database:
            return await _measure(options, database, advance)

    with sqlite_file() as path:
        return asyncio.run(measure(path))


def _postgresql(options: Options, advance: Advance) -> DatabaseResult:
    async def measure(url: str) -> DatabaseResult:
        async with PostgreSQL.opened(url) as database:
            return await _measure(options, database, advance)

    with test_database() if options.server is None else database_on(options.server) as url:
        return asyncio.run(measure(url))


async def _measure(options: Options, database: Database, advance: Advance) -> DatabaseResult:
    await database.load()
    names = list(CONNECT[database.name])
    measure = names[0]
    operations: list[OperationResult] = []
    loop: Ratio | None = None
    if options.operations:
        async with connected(database.name, database.url) as peers:
            rounds = Rounds(options.rounds, options.operations, options.share)
            samples = await rounds.run(database, peers, advance)
            operations, loop = summarise(samples, measure), awaited(samples, Covet.name)
    memory = None
    if options.memory:
        memory = await asyncio.to_thread(
            measure_memory, database.name, database.url, names, measure, _processes(options)
        )
    return DatabaseResult(database.name, await database.version(), measure, operations, memory, loop)


def _processes(options: Options) -> int:
    return min(options.rounds, _FRESH_PROCESSES)


_MEASURE = {SQLITE: _sqlite, POSTGRESQL: _postgresql}

if __name__ == "__main__":
    main()
