"""Report: what the demonstration prints, as rich tables. No query is made here."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBars
from rich.syntax import Syntax
from rich.table import Table

from demo.dirt import DIRT
from demo.loading import Loaded, Progress
from demo.questions import Answer, Question

__all__ = ["print_answer", "print_dirt", "print_loaded", "progress_bars", "source_of"]


@contextmanager
def progress_bars(console: Console, totals: Mapping[str, int]) -> Iterator[Progress]:
    """Show a bar for each table while the block runs; yield what moves them. Silent where nobody could watch."""
    columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
    with ProgressBars(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks = {name: bars.add_task(name, total=total, start=False) for name, total in totals.items()}

        def advance(table: str, rows: int) -> None:
            bars.start_task(tasks[table])
            bars.advance(tasks[table], rows)

        yield advance


def print_loaded(console: Console, report: Sequence[Loaded]) -> None:
    """Print how many rows each table was given and how many it has."""
    table = Table("table", title="Loaded", title_justify="left")
    for heading in ("rows in the file", "rows in the database", "lost", "seconds", "rows a second"):
        table.add_column(heading, justify="right")
    for loaded in report:
        table.add_row(
            loaded.table,
            f"{loaded.lines:,}",
            f"{loaded.stored:,}",
            str(loaded.lines - loaded.stored),
            f"{loaded.seconds:.2f}",
            f"{loaded.stored / loaded.seconds:,.0f}",
        )
    console.print(table)


def print_dirt(console: Console, read: Counter[str], found: Mapping[str, int]) -> None:
    """Print what was dirty: how often the files had it, how often the database has it."""
    table = Table("dirt", "stored as", title="Dirty, and kept", title_justify="left")
    table.add_column("in the files", justify="right")
    table.add_column("in the database", justify="right")
    for dirt in DIRT:
        table.add_row(dirt.what, dirt.stored_as, f"{read[dirt.what]:,}", f"{found[dirt.what]:,}")
    console.print(table)


def print_answer(console: Console, number: int, question: Question, answer: Answer, seconds: float) -> None:
    """Print a question, the Python that asked it, its answer and how long it took."""
    console.rule(f"[bold]{number}. {escape(inspect.getdoc(question) or '')}", align="left")
    source = source_of(question)
    if console.is_terminal:
        console.print(Syntax(source, "python", background_color="default", word_wrap=True))
    else:
        console.print(source, markup=False)
    table = Table()
    for heading, value in answer[0].items() if answer else ():
        table.add_column(heading.replace("__", " ").replace("_", " "), justify=_justify(value))
    for row in answer:
        table.add_row(*(escape(_show(value)) for value in row.values()))
    console.print(table)
    console.print(f"{len(answer)} {'row' if len(answer) == 1 else 'rows'} in {seconds * 1000:,.1f} ms\n")


def source_of(question: Question) -> str:
    """Return the very source that runs, without the docstring, which is printed above it."""
    lines = inspect.getsource(question).rstrip().splitlines()
    function = ast.parse("\n".join(lines)).body[0]
    if isinstance(function, ast.AsyncFunctionDef) and ast.get_docstring(function) is not None:
        docstring = function.body[0]
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    return "\n".join(lines)


def _justify(value: object) -> Literal["left", "right"]:
    return "right" if isinstance(value, int | float) else "left"


def _show(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "-" if value is None else str(value)
