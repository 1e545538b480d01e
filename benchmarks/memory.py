"""Memory of 10,000 posts held: growth of the resident size, each time in a fresh process, peers in turn.

The resident size is what one pays for, allocator and all; it includes what fetching left behind, for every peer alike.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from statistics import median

from benchmarks.results import MemoryResult


def measure_memory(database: str, url: str, peers: list[str], measure: str, rounds: int) -> MemoryResult:
    """Take the median growth of each peer, and the medians of the rounds' ratios."""
    growth: defaultdict[str, list[int]] = defaultdict(list)
    for _ in range(rounds):
        for peer in peers:
            growth[peer].append(_probe(database, peer, url))
    return MemoryResult(
        {peer: round(median(values)) for peer, values in growth.items()},
        {
            peer: median(one / other for one, other in zip(values, growth[measure], strict=True))
            for peer, values in growth.items()
            if peer != measure
        },
    )


def _probe(database: str, peer: str, url: str) -> int:
    command = [sys.executable, "-m", "benchmarks.memory_probe", database, peer, url]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this interpreter, our own words
    return int(done.stdout)
