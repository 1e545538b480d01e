"""The garbage collector and large results: paused while they are made, and garbage still goes."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from covet import _collector
from covet._collector import paused


class Thing:
    """Something that the collector looks at."""

    def __init__(self) -> None:
        self.me: Thing | None = None


def things(count: int) -> list[Thing]:
    return [Thing() for _ in range(count)]


@pytest.fixture(autouse=True)
def nothing_frozen() -> Iterator[None]:
    """Let the collector see everything, as in a program; the tests of this project freeze what is imported."""
    gc.unfreeze()
    gc.collect()
    yield
    gc.collect()
    gc.freeze()


def test_the_collector_is_paused_while_something_is_made() -> None:
    assert not paused(gc.isenabled)
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        paused(lambda: 1 // 0)
    assert gc.isenabled()


def test_a_collector_that_was_switched_off_stays_off() -> None:
    gc.disable()
    try:
        assert len(paused(things, 10)) == 10
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_made_is_not_visited_by_a_young_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_collector._OldGeneration, "grown", 0)
    made = paused(things, 5_000)
    old = {id(each) for each in gc.get_objects(generation=2)}
    assert all(id(each) in old for each in made)
    assert gc.get_count()[0] < 500


def test_garbage_of_results_is_collected_when_the_old_generation_has_grown() -> None:
    alive: list[weakref.ref[Thing]] = []

    def cycles() -> Any:
        made = things(2_000)
        for each in made:
            each.me = each
        alive.append(weakref.ref(made[0]))
        return made

    for _ in range(600):
        paused(cycles)
    living = sum(ref() is not None for ref in alive)
    # A result of 2,000 is garbage at once; so many objects, or a quarter of all, may pile up.
    assert living * 2_000 <= max(_collector._LEAST_GROWTH, len(gc.get_objects()) // 4) + 4_000


def test_objects_that_a_program_froze_stay_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    paused(things, 1_000)
    assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() >= frozen - 100
    gc.unfreeze()
