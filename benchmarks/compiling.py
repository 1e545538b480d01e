"""Time from a query that nobody asked before to its SQL, without a database: ``python -m benchmarks.compiling``."""

from __future__ import annotations

import gc
import sys
from statistics import median
from time import perf_counter

from benchmarks.models import Post
from covet import DatabaseConfig, Q, QuerySet, get_adapter

#: Nothing is sent, so none of them needs to be there.
URLS = {"SQLite": "sqlite:///:memory:", "PostgreSQL": "postgresql://nobody@localhost/nothing"}


def query() -> QuerySet[Post]:
    """Return a query of 20 conditions: one to one column each, under AND, OR and NOT."""
    either = Q(title="a") | Q(title="b") | Q(title__startswith="c") | Q(views=1) | Q(views=2) | Q(views__gt=90)
    neither = Q(views=3) | Q(views=4) | Q(title="d") | Q(title__contains="e")
    several = Post.objects.filter(either, ~neither, views__gte=1, views__lt=99, title__gte="a", title__lt="z")
    several = several.filter(id__gt=1, id__lt=9_999, author_id__gt=1, author_id__lt=99)
    return several.exclude(id__in=[5, 6]).exclude(author_id__in=[7, 8]).order_by("-views", "id")[:20]


def measure(rounds: int) -> dict[str, float]:
    """Take the median in microseconds, the cache of plans being empty each time."""
    found: dict[str, float] = {}
    for name, url in URLS.items():
        DatabaseConfig(url=url, alias="default", replace=True)
        taken = [_once() for _ in range(rounds)][rounds // 10 :]
        found[name] = median(taken) * 1e6
    return found


def _once() -> float:
    asked = query()
    get_adapter().plans.clear()
    gc.disable()
    begun = perf_counter()
    asked.sql()
    taken = perf_counter() - begun
    gc.enable()
    return taken


if __name__ == "__main__":
    for database, microseconds in measure(int(sys.argv[1]) if sys.argv[1:] else 1_000).items():
        print(f"{database}: {microseconds:.0f} µs for 20 conditions, planned and compiled")
