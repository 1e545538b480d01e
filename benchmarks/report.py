"""The tables as a terminal shows them and as Markdown, from the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.covet_peer import Covet
from benchmarks.operations import AWAITED_TARGET, BY_NAME, IMPORT_TARGET_MS, MEMORY_LATER, MEMORY_TARGET
from benchmarks.results import DatabaseResult, OperationResult, Ratio, Results

_NONE = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table; ``met`` says whether its target is reached, None that there is none."""

    cells: tuple[str, ...]
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table without a form."""

    title: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]


def sheets(results: Results) -> Iterator[Sheet]:
    """Lay out a run: one table a database, then the imports."""
    for database in results.databases:
        yield _database(database)
    if results.imports:
        yield _imports(results.imports)


def show(console: Console, results: Results) -> None:
    """Print the tables."""
    console.print(", ".join(f"{name} {value}" for name, value in results.environment.items()))
    for sheet in sheets(results):
        table = Table(title=sheet.title, title_justify="left")
        for number, head in enumerate(sheet.heads):
            table.add_column(head, justify="right" if number else "left", no_wrap=True)
        for line in sheet.lines:
            table.add_row(*line.cells, style={True: "green", False: "red", None: ""}[line.met])
        console.print(table)


def markdown(results: Results) -> str:
    """Write the tables as Markdown, the environment before them."""
    parts = ["\n".join(f"- {name}: {value}" for name, value in results.environment.items())]
    for sheet in sheets(results):
        heads = f"| {' | '.join(sheet.heads)} |"
        rule = f"| --- |{' ---: |' * (len(sheet.heads) - 1)}"
        parts.append(
            "\n".join((f"### {sheet.title}\n", heads, rule, *(f"| {' | '.join(line.cells)} |" for line in sheet.lines)))
        )
    return "\n\n".join(parts)


def _database(result: DatabaseResult) -> Sheet:
    others = [name for name in _peers(result) if name != Covet.name]
    heads = ("operation", f"{result.measure}, us", *others, "covet", "middle half", "target", "later")
    lines = [_operation(result.name, operation, others) for operation in result.operations]
    if result.awaited is not None:
        ratio = result.awaited
        cells = [*([_NONE] * len(others)), f"{ratio.median:.2f}", f"{ratio.low:.2f} to {ratio.high:.2f}"]
        met = ratio.median <= AWAITED_TARGET
        lines.append(Line(("awaited / prefetch", _NONE, *cells, f"{AWAITED_TARGET:.2f}", _NONE), met))
    if result.memory is not None:
        memory = result.memory
        cells = [f"{memory.ratios[name]:.2f}" if name in memory.ratios else _NONE for name in (*others, Covet.name)]
        base = f"{memory.bytes[result.measure] / 1e6:.1f} MB"
        met = memory.ratios[Covet.name] <= MEMORY_TARGET
        lines.append(Line(("memory of 10,000", base, *cells, _NONE, f"{MEMORY_TARGET:.2f}", MEMORY_LATER), met))
    return Sheet(f"{result.version}: ratio to {result.measure}", heads, tuple(lines))


def _peers(result: DatabaseResult) -> list[str]:
    names: dict[str, None] = {}
    for operation in result.operations:
        names.update(dict.fromkeys(sorted(operation.ratios)))
    if result.memory is not None:
        names.update(dict.fromkeys(sorted(result.memory.ratios)))
    return list(names)


def _operation(database: str, result: OperationResult, others: list[str]) -> Line:
    operation = BY_NAME[result.name]
    target = operation.target.get(database)
    ratio = result.ratios.get(Covet.name)
    return Line(
        (
            result.name,
            f"{result.microseconds:,.0f}",
            *(_ratio(result.ratios.get(name)) for name in others),
            _ratio(ratio),
            f"{ratio.low:.2f} to {ratio.high:.2f}" if ratio else _NONE,
            f"{target:.2f}" if target else _NONE,
            operation.later.get(database, _NONE),
        ),
        None if target is None or ratio is None else ratio.median <= target,
    )


def _ratio(ratio: Ratio | None) -> str:
    return _NONE if ratio is None else f"{ratio.median:.2f}"


def _imports(milliseconds: dict[str, float]) -> Sheet:
    lines = []
    for case, taken in milliseconds.items():
        aimed = case.startswith("covet,")
        cells = (case, f"{taken:.0f}", f"{IMPORT_TARGET_MS:.0f}" if aimed else _NONE)
        lines.append(Line(cells, taken <= IMPORT_TARGET_MS if aimed else None))
    return Sheet("Import, ms beyond a bare interpreter", ("import", "ms", "later"), tuple(lines))
