"""Random rows with keys of several columns: every way of loading their relations finds the same, as Python does.

The ways: a JOIN (``select_related``), a prefetch, a loop that awaits (peers), and one query a row. The conditions
across the relations are compared with what Python says of the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import Q, create_all
from tests.conftest import Database
from tests.models.orders import ALL, Invoice, Item, Label, Note, Order, Tenant

pytestmark = pytest.mark.usefixtures("tables")

FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
Key = tuple[int, int]


@pytest.fixture
async def tables(database: Database) -> None:
    await create_all(ALL)
    await Tenant.objects.bulk_create([Tenant(id=number, name=str(number)) for number in (1, 2)])


@dataclass(frozen=True)
class Graph:
    """Keys of orders, of their items, what notes refer to, who has an invoice, and which labels an order has."""

    orders: tuple[Key, ...]
    items: frozenset[tuple[Key, int]]
    notes: tuple[Key | None, ...]
    invoices: frozenset[Key]
    links: frozenset[tuple[Key, int]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw rows whose keys have parts in common."""
    keys = st.tuples(st.integers(1, 2), st.integers(1, 3))
    orders = draw(st.lists(keys, min_size=1, max_size=5, unique=True))
    one = st.sampled_from(orders)
    return Graph(
        tuple(orders),
        draw(st.frozensets(st.tuples(one, st.integers(1, 3)), max_size=6)),
        tuple(draw(st.lists(st.none() | one, max_size=4))),
        draw(st.frozensets(one, max_size=3)),
        draw(st.frozensets(st.tuples(one, st.integers(1, 3)), max_size=6)),
    )


async def store(graph: Graph) -> None:
    for model in (Item, Note, Invoice, Order.labels.through, Order, Label):
        await model.objects.delete()
    await Label.objects.bulk_create([Label(word="w" * size, size=size) for size in (1, 2, 3)])
    await Order.objects.bulk_create([Order(pk=key, title=f"{key}") for key in graph.orders])
    await Item.objects.bulk_create([Item(order_id=key, position=position) for key, position in graph.items])
    await Note.objects.bulk_create([Note(order_id=key, text=str(i)) for i, key in enumerate(graph.notes)])
    await Invoice.objects.bulk_create([Invoice(order_id=key) for key in graph.invoices])
    for key, size in graph.links:
        order = await Order.objects.get(pk=key)
        await order.labels.add(("w" * size, size))


async def forward(strategy: str) -> list[Any]:
    """Return text, key and title of the order of each note, loaded that way."""
    queryset = Note.objects.order_by("text")
    if strategy == "join":
        notes: Sequence[Note] = await queryset.select_related("order")
    elif strategy == "prefetch":
        notes = await queryset.prefetch_related("order")
    else:
        notes = await queryset.fetch_mode("peers" if strategy == "peers" else "one")
        for note in notes:
            await note.load(Note.order)
    return [(note.text, note.order and (note.order.pk, note.order.title)) for note in notes]


async def backward(strategy: str) -> list[Any]:
    """Return the items, the labels and the invoice of each order, loaded that way."""
    queryset = Order.objects.order_by("pk")
    if strategy == "join":
        orders: Sequence[Order] = await queryset.select_related("invoice", "items", "labels")
    elif strategy == "prefetch":
        orders = await queryset.prefetch_related("invoice", "items", "labels")
    else:
        orders = await queryset.fetch_mode("peers" if strategy == "peers" else "one")
        for order in orders:
            await order.items
            await order.labels
            await order.load(Order.invoice)
    return [
        (
            order.pk,
            sorted([item.position for item in order.items]),
            sorted([label.size for label in order.labels]),
            None if vars(order)[Order._meta.relations["invoice"].cache_name] is None else order.invoice.pk,
        )
        for order in orders
    ]


@FEW
@given(graph=graphs())
async def test_every_way_of_loading_finds_the_same(graph: Graph) -> None:
    await store(graph)
    notes = [(str(i), key and (key, f"{key}")) for i, key in enumerate(graph.notes)]
    orders = [
        (
            key,
            sorted([position for owner, position in graph.items if owner == key]),
            sorted([size for owner, size in graph.links if owner == key]),
            key if key in graph.invoices else None,
        )
        for key in sorted(graph.orders)
    ]
    for strategy in ("join", "prefetch", "peers", "one"):
        assert await forward(strategy) == notes
        assert await backward(strategy) == orders


@FEW
@given(graph=graphs(), data=st.data())
async def test_conditions_mean_what_they_say(graph: Graph, data: st.DataObject) -> None:
    await store(graph)
    key = data.draw(st.sampled_from(graph.orders))
    position = data.draw(st.integers(1, 3))

    async def found(*conditions: Q, negated: bool = False) -> list[Key]:
        queryset = Order.objects.exclude(*conditions) if negated else Order.objects.filter(*conditions)
        return sorted(set(await queryset.values_list("pk", flat=True)))

    def wanted(holds: set[Key], *, negated: bool = False) -> list[Key]:
        return sorted(order for order in graph.orders if (order in holds) is not negated)

    cases: list[tuple[Q, set[Key]]] = [
        (Q(pk=key), {key}),
        (Q(pk__in=[key, (9, 9)]), {key}),
        (Q(pk__lt=key), {order for order in graph.orders if order < key}),
        (Q(pk__gte=key), {order for order in graph.orders if order >= key}),
        (Q(items=(*key, position)), {key} if (key, position) in graph.items else set()),
        (Q(items__position=position), {order for order, place in graph.items if place == position}),
        (Q(items__isnull=False), {order for order, _ in graph.items}),
        (Q(labels=("w" * position, position)), {order for order, size in graph.links if size == position}),
        (Q(invoice=key), {key} & graph.invoices),
        (Q(notes__isnull=False), {order for order in graph.notes if order is not None}),
        (Q(pk__in=Note.objects.exclude(order=None).values_list("order")), {o for o in graph.notes if o is not None}),
    ]
    for condition, holds in cases:
        for negated in (False, True):
            assert await found(condition, negated=negated) == wanted(holds, negated=negated), (condition, negated)
    for negated in (False, True):
        queryset = Note.objects.exclude(order=key) if negated else Note.objects.filter(order=key)
        texts = {str(i) for i, order in enumerate(graph.notes) if (order == key) is not negated}
        assert set(await queryset.values_list("text", flat=True)) == texts
