"""The operations of the workload, how often a sample repeats each, and the targets its ratio is held against."""

from __future__ import annotations

from dataclasses import dataclass, field

TASKS = 64
POOL_SIZE = 10
INLINE_BUDGET = 0.0005
"""Seconds: what the documentation of the option proposes."""
POSTGRESQL = "postgresql"
SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the workload. ``target`` is due now, ``later`` is where the ORM has to arrive, by database."""

    name: str
    work: str
    repeats: int
    """Repetitions in one timed sample; what is short needs many to rise above the clock and the scheduler."""
    writes: bool = False
    tasks: int = 1
    target: dict[str, float] = field(default_factory=dict)
    later: dict[str, str] = field(default_factory=dict)


def _later(postgresql: str, sqlite: str) -> dict[str, str]:
    return {POSTGRESQL: postgresql, SQLITE: sqlite}


def _target(postgresql: float, sqlite: float) -> dict[str, float]:
    return {POSTGRESQL: postgresql, SQLITE: sqlite}


OPERATIONS = (
    Operation(
        "get_pk",
        "one post by primary key, one after the other",
        100,
        target=_target(0.8, 1.4),
        later=_later("0.55", "1.25"),
    ),
    Operation(
        "get_pk_concurrent",
        f"the same from {TASKS} tasks on a pool of {POOL_SIZE}",
        640,
        tasks=TASKS,
        later=_later("0.55", "1.20"),
    ),
    Operation(
        "filter_100",
        "100 posts by a filter with a limit",
        40,
        target=_target(1.15, 1.4),
        later=_later("0.85", "1.25"),
    ),
    Operation(
        "filter_10000",
        "all posts",
        2,
        target=_target(1.25, 1.25),
        later=_later("1.15", "1.15"),
    ),
    Operation("values_10000", "all posts as dicts", 2, later=_later("1.35", "1.30")),
    Operation("values_10000_tuples", "all posts as tuples", 2, later=_later("1.10", "1.10")),
    Operation(
        "fk_join_1000",
        "1,000 posts with their author by one join",
        8,
        target=_target(1.25, 1.25),
        later=_later("1.15", "1.20"),
    ),
    Operation("fk_prefetch_1000", "1,000 posts and their authors: 2 queries", 8),
    Operation("fk_awaited_1000", "the same, each author awaited in a loop: 2 queries", 8),
    Operation(
        "prefetch",
        "100 authors, their 1,000 posts, the posts' 3,000 tags: 3 queries",
        4,
        target=_target(1.2, 1.2),
        later=_later("1.15", "1.10"),
    ),
    Operation("insert_one", "create one post", 100, writes=True, later=_later("0.60", "1.25")),
    Operation("update_one", "load, change, save one post", 50, writes=True, later=_later("0.75", "1.10")),
    Operation("bulk_insert_1000", "1,000 new posts", 1, writes=True, later=_later("1.00", "1.25")),
    Operation("bulk_insert_10000", "10,000 new posts", 1, writes=True, later=_later("0.95", "1.30")),
    Operation("bulk_update_1000", "a new title for each of 1,000 posts", 1, writes=True),
    Operation("tx", "begin, one insert, one update, commit", 40, writes=True, later=_later("0.80", "1.15")),
    Operation(
        "aggregate",
        "authors by age with count and average views over a join, having",
        4,
        later=_later("1.05", "1.05"),
    ),
    Operation(
        "complex",
        "(a or b) and not c across a join, ordered, limit 20",
        20,
        later=_later("0.85", "1.20"),
    ),
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}

MEMORY_TARGET = 1.3
AWAITED_TARGET = 1.3
MEMORY_LATER = "1.25"
IMPORT_TARGET_MS = 60.0
