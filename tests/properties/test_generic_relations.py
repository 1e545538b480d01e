"""Random rows that refer to rows of several models, against what Python says for the same rows.

Keys are equal across the models, so a condition or a query that forgets the label finds too much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from covet import Count, GenericForeignKey, GenericRelation, IntegerField, Model, Prefetch, Q, TextField, create_all
from tests.conftest import Database

pytestmark = pytest.mark.usefixtures("tables")

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class Label(Model):
    """Keys of their own type."""

    size = IntegerField()
    on = GenericForeignKey("kind", "key", nullable=True)


class Tack(Model):
    """Keys as text."""

    size = IntegerField()
    kind = TextField(nullable=True)
    key = TextField(nullable=True)
    on = GenericForeignKey("kind", "key")


class Box(Model):
    number = IntegerField(primary_key=True)
    labels = GenericRelation(Label, related_query_name="box")
    tacks = GenericRelation(Tack, related_query_name="box")


class Crate(Model):
    number = IntegerField(primary_key=True)
    labels = GenericRelation(Label, related_query_name="crate")
    tacks = GenericRelation(Tack, related_query_name="crate")


BOTH: tuple[tuple[type[Any], str], ...] = ((Label, "labels"), (Tack, "tacks"))


@pytest.fixture
async def tables(database: Database) -> None:
    await create_all([Label, Tack, Box, Crate])


@dataclass(frozen=True)
class Store:
    """The numbers of boxes and crates, and for each label its size and what its columns say."""

    boxes: frozenset[int]
    crates: frozenset[int]
    labels: tuple[tuple[int, str | None, int | None], ...]

    def there(self, kind: str | None, key: int | None) -> bool:
        """Return whether the two columns refer to a row."""
        return (kind == "Box" and key in self.boxes) or (kind == "Crate" and key in self.crates)

    def of(self, kind: str, key: int) -> list[int]:
        """Return the sizes of the labels on a row."""
        return sorted(size for size, *where in self.labels if where == [kind, key])


numbers = st.integers(1, 3)
rows = st.frozensets(numbers, max_size=3)
columns = st.tuples(st.integers(0, 2), st.sampled_from(["Box", "Crate", None]), st.none() | numbers)
stores = st.builds(Store, rows, rows, st.lists(columns, max_size=6).map(tuple))


async def fill(store: Store) -> None:
    for model in (Label, Tack, Box, Crate):
        await model.objects.all().delete()
    await Box.objects.bulk_create([Box(number=number) for number in store.boxes])
    await Crate.objects.bulk_create([Crate(number=number) for number in store.crates])
    for size, kind, key in store.labels:
        await Label.objects.create(size=size, kind=kind, key=key)
        await Tack.objects.create(size=size, kind=kind, key=None if key is None else str(key))


def shown(row: Any) -> tuple[str, int] | None:
    return None if row is None else (type(row).__name__, row.number)


@FEW
@given(store=stores)
async def test_every_way_of_loading_finds_the_same_rows(store: Store) -> None:
    await fill(store)
    wanted = [(kind, key) if store.there(kind, key) else None for _, kind, key in store.labels]
    event(f"{len(set(wanted) - {None})} rows")
    for model, _ in BOTH:
        ordered = model.objects.order_by("id")
        assert [shown(row.on) for row in await ordered.prefetch_related("on")] == wanted
        assert [shown(await row.load(model.on)) for row in await ordered] == wanted
        assert [shown(await row.load(model.on)) for row in await ordered.fetch_mode("one")] == wanted
        joined = await ordered.values_list("box__number", "crate__number")
        assert [box or crate for box, crate in joined] == [None if each is None else each[1] for each in wanted]
        assert [box is not None for box, _ in joined] == [each is not None and each[0] == "Box" for each in wanted]


@FEW
@given(store=stores, limit=st.integers(0, 2))
async def test_every_way_to_the_other_side_finds_the_same_rows(store: Store, limit: int) -> None:
    await fill(store)
    sides: tuple[type[Any], ...] = (Box, Crate)
    for side in sides:
        for model, name in BOTH:
            wanted = [
                store.of(side.__name__, number) for number in sorted(store.boxes if side is Box else store.crates)
            ]
            ordered = side.objects.order_by("number")
            top = Prefetch(name, model.objects.order_by("size")[:limit], to_attr="some")
            loaded: list[Any] = await ordered.prefetch_related(name, top)
            assert [sorted(label.size for label in getattr(row, name)) for row in loaded] == wanted
            assert [[label.size for label in row.some] for row in loaded] == [sizes[:limit] for sizes in wanted]
            assert [sorted(label.size for label in await getattr(row, name)) for row in await ordered] == wanted
            managed = [await getattr(row, name).order_by("size").values_list("size", flat=True) for row in loaded]
            assert managed == wanted
            counted = await ordered.annotate(n=Count(name)).values_list("n", flat=True)
            assert counted == [len(sizes) for sizes in wanted]


@FEW
@given(store=stores, size=st.integers(0, 2), other=st.integers(0, 2))
async def test_conditions_across_it_are_those_of_its_own_rows(store: Store, size: int, other: int) -> None:
    await fill(store)
    for _, name in BOTH:
        sizes = {number: store.of("Box", number) for number in store.boxes}
        one, two = Q(**{f"{name}__size": size}), Q(**{f"{name}__size": other})
        cases = (
            (one, {n for n, s in sizes.items() if size in s}),
            (~one, {n for n, s in sizes.items() if size not in s}),
            (one | ~two, {n for n, s in sizes.items() if size in s or other not in s}),
            (~(one | two), {n for n, s in sizes.items() if size not in s and other not in s}),
            (Q(**{f"{name}__isnull": True}), {n for n, s in sizes.items() if not s}),
        )
        for condition, wanted in cases:
            assert {row.number for row in await Box.objects.filter(condition)} == wanted
            assert {row.number for row in await Box.objects.exclude(~condition)} == wanted


@FEW
@given(store=stores, number=numbers, data=st.data())
async def test_conditions_on_what_is_referred_to(store: Store, number: int, data: st.DataObject) -> None:
    await fill(store)
    every = [("Box", n) for n in store.boxes] + [("Crate", n) for n in store.crates]
    chosen = set(data.draw(st.lists(st.sampled_from(every), max_size=3))) if every else set[tuple[str, int]]()
    instances = [Box(number=n) if kind == "Box" else Crate(number=n) for kind, n in chosen]
    for model, _ in BOTH:
        ids = [row.id for row in await model.objects.order_by("id")]
        places = dict(zip(ids, [(kind, key) for _, kind, key in store.labels], strict=True))
        inside = {row.id for row in await model.objects.filter(on__in=instances)}
        assert inside == {each for each, place in places.items() if place in chosen}
        assert {row.id for row in await model.objects.exclude(on__in=instances)} == set(ids) - inside
        exact = {row.id for row in await model.objects.filter(on=Box(number=number))}
        assert exact == {each for each, place in places.items() if place == ("Box", number)}
        empty = {row.id for row in await model.objects.filter(on=None)}
        assert empty == {each for each, place in places.items() if None in place}


@FEW
@given(store=stores, number=numbers)
async def test_deleting_takes_exactly_its_own_rows_along(store: Store, number: int) -> None:
    await fill(store)
    deleted = await Box.objects.filter(number=number).delete()
    gone = len(store.of("Box", number)) if number in store.boxes else 0
    assert deleted[1].get("Label", 0) == deleted[1].get("Tack", 0) == gone
    assert await Label.objects.count() == await Tack.objects.count() == len(store.labels) - gone
