"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.operations import BY_NAME, OPERATIONS, POSTGRESQL, SQLITE, Operation

EXTRAS = ("memory", "imports")


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure and where to write it."""

    databases: tuple[str, ...]
    operations: tuple[Operation, ...]
    memory: bool
    imports: bool
    rounds: int
    share: float
    server: str | None
    json: Path | None
    markdown: bool


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; what cannot be is refused with the choices."""
    parser = argparse.ArgumentParser("python -m benchmarks", description="Time covet against the drivers by hand.")
    names = ", ".join((*BY_NAME, *EXTRAS))
    parser.add_argument("--only", help=f"some of: {names} (separated by commas)")
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL, "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="few rounds, few repetitions: to see that it works")
    parser.add_argument("--rounds", type=_positive, help="timed rounds (21; with --quick 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--markdown", action="store_true", help="write the tables into docs/performance.md")
    given = parser.parse_args(arguments)
    wanted = _names(parser, given.only)
    return Options(
        databases=(SQLITE, POSTGRESQL) if given.database == "both" else (given.database,),
        operations=tuple(operation for operation in OPERATIONS if operation.name in wanted),
        memory="memory" in wanted,
        imports="imports" in wanted,
        rounds=given.rounds or (5 if given.quick else 21),
        share=0.25 if given.quick else 1.0,
        server=os.environ.get("DATABASE_URL"),
        json=given.json,
        markdown=given.markdown,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one")
    return number


def _names(parser: argparse.ArgumentParser, only: str | None) -> set[str]:
    known = {*BY_NAME, *EXTRAS}
    wanted = known if only is None else {name.strip() for name in only.split(",")}
    if unknown := wanted - known:
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Choices: {', '.join((*BY_NAME, *EXTRAS))}")
    return wanted
