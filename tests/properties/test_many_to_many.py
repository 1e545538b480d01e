"""Random links and random conditions across them, against what Python says for the same rows.

The rule: a condition across the links holds for an article when one of its topics (or one of their articles) fulfils
it; NOT turns that around. Conditions of one ``filter()`` call speak of the same topic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from covet import Count, IntegerField, ManyToManyField, Model, Prefetch, Q, create_all
from tests.conftest import Database

pytestmark = pytest.mark.usefixtures("tables")

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class Topic(Model):
    size = IntegerField(nullable=True)

    articles: Any


class Article(Model):
    rank = IntegerField()
    topics = ManyToManyField(Topic, related_name="articles")


@pytest.fixture
async def tables(database: Database) -> None:
    await create_all([Topic, Article])


@dataclass(frozen=True)
class Graph:
    """Sizes of topics, ranks of articles, and who is linked with whom, by position."""

    sizes: tuple[int | None, ...]
    ranks: tuple[int, ...]
    links: frozenset[tuple[int, int]]

    def topics(self, article: int) -> list[int]:
        """Return the topics of an article."""
        return [topic for topic in range(len(self.sizes)) if (article, topic) in self.links]

    def articles(self, topic: int) -> list[int]:
        """Return the articles of a topic."""
        return [article for article in range(len(self.ranks)) if (article, topic) in self.links]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    sizes = tuple(draw(st.lists(st.none() | st.integers(0, 2), min_size=1, max_size=4)))
    ranks = tuple(draw(st.lists(st.integers(0, 2), min_size=1, max_size=4)))
    pairs = st.tuples(st.integers(0, len(ranks) - 1), st.integers(0, len(sizes) - 1))
    return Graph(sizes, ranks, frozenset(draw(st.lists(pairs, max_size=10))))


@dataclass(frozen=True)
class Node:
    """A condition on an article: a test with its oracle, or several under one connector."""

    text: str
    q: Q
    holds: Callable[[Graph, int], bool]

    def __repr__(self) -> str:
        return self.text


def on_topic(name: str, value: object, test: Callable[[Graph, int], bool]) -> Node:
    """Return the condition that one of the topics fulfils ``test``."""
    path = f"topics{name}"
    return Node(f"{path}={value}", Q(**{path: value}), lambda g, a: any(test(g, topic) for topic in g.topics(a)))


numbers = st.integers(0, 2)
leaves = st.one_of(
    numbers.map(lambda n: on_topic("__size", n, lambda g, t: g.sizes[t] == n)),
    numbers.map(lambda n: on_topic("__size__gt", n, lambda g, t: (size := g.sizes[t]) is not None and size > n)),
    numbers.map(lambda n: on_topic("__articles__rank", n, lambda g, t: any(g.ranks[a] == n for a in g.articles(t)))),
    numbers.map(lambda n: Node(f"rank={n}", Q(rank=n), lambda g, a: g.ranks[a] == n)),
    st.just(Node("no topics", Q(topics__isnull=True), lambda g, a: not g.topics(a))),
    st.just(Node("some topics", Q(topics__isnull=False), lambda g, a: bool(g.topics(a)))),
)


def both(one: Node, other: Node, *, negated: bool) -> Node:
    """Return OR of two conditions, or NOT OR: neither depends on which tag is spoken of."""
    joined = one.q | other.q
    text = f"({one} or {other})"
    if negated:
        return Node(f"not {text}", ~joined, lambda g, a: not (one.holds(g, a) or other.holds(g, a)))
    return Node(text, joined, lambda g, a: one.holds(g, a) or other.holds(g, a))


trees = st.recursive(leaves, lambda inner: st.builds(both, inner, inner, negated=st.booleans()), max_leaves=4)
steps = st.lists(st.tuples(st.booleans(), trees), min_size=1, max_size=3)


async def store(graph: Graph) -> tuple[list[Article], list[Topic]]:
    await Article.objects.all().delete()
    await Topic.objects.all().delete()
    articles = await Article.objects.bulk_create([Article(rank=rank) for rank in graph.ranks])
    topics = await Topic.objects.bulk_create([Topic(size=size) for size in graph.sizes])
    for article in range(len(articles)):
        await articles[article].topics.add(*(topics[topic] for topic in graph.topics(article)))
    return articles, topics


@FEW
@given(graph=graphs(), chain=steps)
async def test_chains_of_filters_and_excludes_across_links(graph: Graph, chain: list[tuple[bool, Node]]) -> None:
    articles, _ = await store(graph)
    queryset = Article.objects.all()
    for excluded, node in chain:
        queryset = queryset.exclude(node.q) if excluded else queryset.filter(node.q)
    wanted = {
        articles[a].id
        for a in range(len(articles))
        if all(node.holds(graph, a) is not excluded for excluded, node in chain)
    }
    event(f"{min(len(wanted), 2)} rows or more")
    assert {row.id for row in await queryset} == wanted
    assert await queryset.distinct().count() == len(wanted)


@FEW
@given(graph=graphs(), low=numbers, high=numbers)
async def test_conditions_of_one_call_speak_of_one_topic(graph: Graph, low: int, high: int) -> None:
    articles, _ = await store(graph)
    together = Article.objects.filter(topics__size__gte=low, topics__size__lte=high)
    apart = Article.objects.filter(topics__size__gte=low).filter(topics__size__lte=high)
    sizes = [[size for t in graph.topics(a) if (size := graph.sizes[t]) is not None] for a in range(len(articles))]
    one = Counter({articles[a].id: n for a, s in enumerate(sizes) if (n := sum(low <= x <= high for x in s))})
    two = {articles[a].id for a, s in enumerate(sizes) if any(x >= low for x in s) and any(x <= high for x in s)}
    assert Counter(row.id for row in await together) == one
    assert {row.id for row in await apart} == two


@FEW
@given(graph=graphs(), limit=st.integers(0, 2), skip=st.integers(0, 2))
async def test_every_way_of_loading_finds_the_same_rows(graph: Graph, limit: int, skip: int) -> None:
    articles, topics = await store(graph)
    wanted = [[topics[t].id for t in graph.topics(a)] for a in range(len(articles))]
    top = Prefetch("topics", Topic.objects.order_by("id")[skip : skip + limit], to_attr="some")
    rows: list[Any] = await Article.objects.prefetch_related("topics", top).order_by("id")
    assert [sorted(t.id for t in row.topics) for row in rows] == wanted
    assert [[t.id for t in row.some] for row in rows] == [ids[skip : skip + limit] for ids in wanted]
    awaited = await Article.objects.order_by("id")
    assert [sorted(t.id for t in await row.topics) for row in awaited] == wanted
    assert [[t.id for t in await row.topics.order_by("id")] for row in articles] == wanted
    counted = await Article.objects.annotate(n=Count("topics")).order_by("id").values_list("n", flat=True)
    assert counted == [len(ids) for ids in wanted]


@FEW
@given(graph=graphs(), actions=st.lists(st.tuples(st.integers(0, 3), st.frozensets(st.integers(0, 3))), max_size=5))
async def test_add_remove_set_and_clear_are_those_of_a_set(
    graph: Graph, actions: list[tuple[int, frozenset[int]]]
) -> None:
    articles, topics = await store(graph)
    article, expected = articles[0], {topics[t].id for t in graph.topics(0)}
    for kind, chosen in actions:
        keys = {topics[t].id for t in chosen if t < len(topics)}
        if kind == 0:
            await article.topics.add(*keys)
            expected |= keys
        elif kind == 1:
            await article.topics.remove(*keys)
            expected -= keys
        elif kind == 2:
            await article.topics.set(keys)
            expected = keys
        else:
            await article.topics.clear()
            expected = set()
        assert {topic.id for topic in await article.topics.all()} == expected
