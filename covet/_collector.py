"""The garbage collector and large results.

Thousands of new instances make CPython's collector visit all of them, twice, to find that each is in use. So it is
paused while a large result is made (``docs/architecture.md`` has the measurement), and what was made goes straight to
the oldest generation (``gc.freeze`` and ``gc.unfreeze``, both a few pointer changes), where the two visits would have
brought it. CPython looks at that generation when it has grown by a quarter; since it does not count what comes this
way, it is counted here, and the whole is collected by the same rule.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: Python 3.14 collects in small steps; there is nothing to be saved.
_GENERATIONS = sys.version_info < (3, 14)
#: The oldest generation grows by at least so many objects before it is collected.
_LEAST_GROWTH = 300_000
#: Rows that are let go of at once.
_PIECE = 100


class _OldGeneration:
    """What was sent to the oldest generation since it was last collected, and how much that may be."""

    grown = 0
    limit = _LEAST_GROWTH


def paused(make: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call ``make`` with the collector paused; what it made is taken to be in use."""
    if not gc.isenabled():
        return make(*args, **kwargs)
    gc.disable()
    try:
        return make(*args, **kwargs)
    finally:
        _promote()
        gc.enable()


def consumed(rows: list[_R]) -> Iterator[_R]:
    """Yield the items of a list while it is emptied: the memory of the first serves for what is made of the next."""
    return chain.from_iterable(_pieces(rows))


def _pieces(rows: list[_R]) -> Iterator[list[_R]]:
    rows.reverse()
    while rows:
        piece = rows[-_PIECE:]
        del rows[-_PIECE:]
        piece.reverse()
        yield piece


def _promote() -> None:
    """Send all that is young to the oldest generation, or collect everything where that has grown enough."""
    if not _GENERATIONS or gc.get_freeze_count():  # a program that froze objects wants them to stay frozen
        return
    young, middle, _ = gc.get_count()
    _OldGeneration.grown += young + middle * gc.get_threshold()[0]
    if _OldGeneration.grown < _OldGeneration.limit:
        gc.freeze()
        gc.unfreeze()
        return
    gc.collect()
    gc.freeze()
    _OldGeneration.limit = max(_LEAST_GROWTH, gc.get_freeze_count() // 4)
    _OldGeneration.grown = 0
    gc.unfreeze()
