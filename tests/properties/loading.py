"""Ways of loading relations, and what each must find: the same rows, by as many queries as it says.

A path of relations is walked from every row of a model, by select_related, by prefetch_related, by awaiting in a loop
(for all siblings at once, and row by row), and by plain queries for each row. What they find is compared, as a tree of
keys, with what Python finds among the rows that were stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import event
from hypothesis import strategies as st

from covet import set_fetch_mode
from covet.database import capture_queries

#: A row by its model and key, and what a path finds from it.
Tree = tuple[int, Any]
Kind = Literal["forward", "one", "many"]


@dataclass(frozen=True)
class Step:
    """A relation: of which model, to which, and the plain query for its rows."""

    name: str
    model: type[Any]
    remote: type[Any]
    kind: Kind
    plain: Callable[[Any], Awaitable[list[Any]]]
    #: The relation that is known without a query on the rows that this one finds.
    known: str | None = None

    def __repr__(self) -> str:
        return f"{self.model.__name__}.{self.name}"


def forward(name: str, model: type[Any], remote: type[Any], known: str | None = None) -> Step:
    async def plain(row: Any) -> list[Any]:
        key = getattr(row, f"{name}_id")
        return [] if key is None else [await remote.objects.get(pk=key)]

    return Step(name, model, remote, "forward", plain, known)


def backward(name: str, model: type[Any], remote: type[Any], by: str, kind: Kind = "many") -> Step:
    async def plain(row: Any) -> list[Any]:
        return list(await remote.objects.filter(**{by: row.id}))

    return Step(name, model, remote, kind, plain, known=by)


def through(name: str, model: type[Any], remote: type[Any], source: str, target: str, table: Callable[[], Any]) -> Step:
    async def plain(row: Any) -> list[Any]:
        keys = await table().objects.filter(**{source: row.id}).values_list(f"{target}_id", flat=True)
        return [await remote.objects.get(pk=key) for key in keys]

    return Step(name, model, remote, "many", plain)


@st.composite
def paths(draw: st.DrawFn, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Draw one to three relations that follow each other; none that is known from the one before."""
    chain = [draw(st.sampled_from(steps))]
    for _ in range(draw(st.integers(0, 2))):
        last = chain[-1]
        following = [step for step in steps if step.model is last.remote and step.name != last.known]
        if not following:
            break
        chain.append(draw(st.sampled_from(following)))
    return tuple(chain)


@dataclass
class Rows:
    """Keys by model, and for each relation the keys that it leads to."""

    keys: dict[type[Any], list[int]] = field(default_factory=dict)
    related: dict[Step, dict[int, list[int]]] = field(default_factory=dict)

    def tree(self, key: int, path: tuple[Step, ...]) -> Tree:
        """Return what a path finds from one row."""
        if not path:
            return key, ()
        return key, tuple(self.tree(each, path[1:]) for each in sorted(self.related[path[0]].get(key, [])))

    def levels(self, path: tuple[Step, ...]) -> Iterator[tuple[Step, list[int]]]:
        """Yield each relation of a path with the rows that it is asked of, a row as often as it is reached."""
        at = self.keys[path[0].model]
        for step in path:
            yield step, at
            at = [each for key in at for each in self.related[step].get(key, [])]

    def is_asked(self, step: Step, keys: list[int]) -> bool:
        """Whether there is anything to ask: a foreign key that is NULL needs no query."""
        return any(self.related[step].get(key) for key in keys) if step.kind == "forward" else bool(keys)


# -- ways of loading -------------------------------------------------------------------------


def loaded(row: Any, path: tuple[Step, ...]) -> Tree:
    """Return what is loaded on a row along a path."""
    if not path:
        return row.id, ()
    found = getattr(row, path[0].name)
    rows = list(found) if path[0].kind == "many" else [] if found is None else [found]
    return row.id, tuple(sorted(loaded(each, path[1:]) for each in rows))


async def walked(
    rows: list[Any], path: tuple[Step, ...], next_rows: Callable[[Any, Step], Awaitable[list[Any]]]
) -> list[Tree]:
    """Return what a path finds from rows, walked level by level, as a user's loops do."""
    if not path:
        return [(row.id, ()) for row in rows]
    found = [await next_rows(row, path[0]) for row in rows]
    below = iter(await walked([each for group in found for each in group], path[1:], next_rows))
    return [(row.id, tuple(sorted(next(below) for _ in group))) for row, group in zip(rows, found, strict=True)]


async def awaited(row: Any, step: Step) -> list[Any]:
    if step.kind == "many":
        return list(await getattr(row, step.name))
    found = await row.load(getattr(step.model, step.name))
    return [] if found is None else [found]


async def plainly(row: Any, step: Step) -> list[Any]:
    return await step.plain(row)


@contextmanager
def row_by_row() -> Iterator[None]:
    set_fetch_mode("one")
    try:
        yield
    finally:
        set_fetch_mode("peers")


async def compare(stored: Rows, path: tuple[Step, ...]) -> None:
    """Load a path in every way, and compare what is found, and by how many queries."""
    model, name = path[0].model, "__".join(step.name for step in path)
    wanted = [stored.tree(key, path) for key in stored.keys[model]]
    levels = list(stored.levels(path))
    asked = sum(stored.is_asked(step, keys) for step, keys in levels)
    event(f"{len(path)} relations, {asked} of them asked")
    everything = model.objects.order_by("id")

    with capture_queries() as queries:
        rows = await everything.prefetch_related(name)
    assert [loaded(row, path) for row in rows] == wanted
    assert len(queries) == 1 + asked

    with capture_queries() as queries:
        rows = await everything.select_related(name)
    assert [loaded(row, path) for row in rows] == wanted
    joined = next((i for i, step in enumerate(path) if step.kind == "many"), len(path))
    assert len(queries) == 1 + sum(stored.is_asked(step, keys) for step, keys in levels[joined:])

    with capture_queries() as queries:
        assert await walked(await everything, path, awaited) == wanted
    assert len(queries) == 1 + asked

    each = sum(stored.is_asked(step, [key]) for step, keys in levels for key in keys)
    with row_by_row(), capture_queries() as queries:
        assert await walked(await everything, path, awaited) == wanted
    assert len(queries) == 1 + each

    assert await walked(await everything, path, plainly) == wanted
