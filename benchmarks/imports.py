"""Time of imports, each in a fresh interpreter, whose own start does not count."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from statistics import median

_PROGRAM = """
from time import perf_counter
{before}
begun = perf_counter()
import {module}
print(perf_counter() - begun)
"""

#: What is shown -> the module that is timed, and what is imported before the clock starts.
CASES = {
    "asyncpg": ("asyncpg", ""),
    "aiosqlite": ("aiosqlite", ""),
    "covet": ("covet", ""),
    "covet, asyncpg being there": ("covet", "import asyncpg"),
    "covet, aiosqlite being there": ("covet", "import aiosqlite"),
}


def measure_imports(rounds: int) -> dict[str, float]:
    """Take the median of each import in milliseconds."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        for case, (module, before) in CASES.items():
            taken = _import(module, before)
            if number:  # the first one may have to compile
                seconds[case].append(taken)
    return {case: median(values) * 1e3 for case, values in seconds.items()}


def _import(module: str, before: str) -> float:
    # What is installed has its bytecode, so the first of all may write it for a checkout, too.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", _PROGRAM.format(module=module, before=before)]
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this interpreter, our own words
    return float(ran.stdout)
