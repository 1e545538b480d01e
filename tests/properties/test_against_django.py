"""Random queries, asked of Django and of covet over the same rows of one SQLite file, compared as multisets.

Where covet differs on purpose the queries stay away from it: aggregates over several relations (covet's counts never
multiply, Django's do), a filter across a relation to many after an annotation that counts it (the same), and
``posts__views__in=[]`` as one side of an OR (Django repeats a row for each post although none is asked about), and one
``filter()`` with a condition and a negated condition across the same relation: covet's NOT speaks of all related rows,
Django's of the row that the other condition joined, or of all of them, depending on which was written first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from pathlib import Path
from typing import Any

import django.db.models as dj
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import covet
from covet import create_all
from covet.database import DatabaseConfig
from tests.models import twins
from tests.properties import django_oracle

common = settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def twins_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Store the rows through covet and let Django read the file."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    path = tmp_path / "twins.sqlite3"
    DatabaseConfig(url=f"sqlite:///{path}", replace=True)
    await create_all(models=[twins.User, twins.Post, twins.Comment])
    await twins.store_twins()
    django_oracle.open_file(path)
    yield
    django_oracle.close()
    await covet.database.close_all()


@dataclass(frozen=True)
class Node:
    """A condition: a keyword, or several nodes under a connector, maybe negated."""

    key: str = ""
    value: Any = None
    connector: str = "AND"
    negated: bool = False
    children: tuple[Node, ...] = ()

    def build(self, library: Any) -> Any:
        """Return the Q of ``library``, which is covet or django.db.models."""
        if not self.children:
            return library.Q(**{self.key: self.value})
        joined = reduce(and_ if self.connector == "AND" else or_, [child.build(library) for child in self.children])
        return ~library.Q(joined) if self.negated else joined

    def across(self, *, negated: bool = False) -> set[bool]:
        """Say whether conditions across a relation to many stand in here as they are (False) and negated (True)."""
        if not self.children:
            return {negated} if self.key.startswith("posts") else set()
        return set().union(*(child.across(negated=negated or self.negated) for child in self.children))

    def __repr__(self) -> str:
        if not self.children:
            return f"{self.key}={self.value!r}"
        inner = f" {self.connector} ".join(map(repr, self.children))
        return f"{'NOT ' if self.negated else ''}({inner})"


numbers = st.integers(-1, 3)


def number_tests(path: str, *, shortest: int = 0) -> st.SearchStrategy[Node]:
    """Test a number at the end of ``path``; lists have ``shortest`` items or more."""
    return st.one_of(
        st.builds(Node, st.sampled_from([path, f"{path}__gt", f"{path}__gte", f"{path}__lt", f"{path}__lte"]), numbers),
        st.builds(Node, st.just(f"{path}__in"), st.lists(numbers, min_size=shortest, max_size=3)),
        st.builds(Node, st.just(f"{path}__range"), st.tuples(numbers, numbers)),
        st.builds(Node, st.just(f"{path}__isnull"), st.booleans()),
        st.builds(Node, st.just(path), st.none()),
    )


def text_tests(path: str, values: list[str], *, shortest: int = 0) -> st.SearchStrategy[Node]:
    """Test a text at the end of ``path``; lists have ``shortest`` items or more."""
    texts = st.sampled_from(values)
    return st.one_of(
        st.builds(Node, st.sampled_from([path, f"{path}__startswith", f"{path}__icontains"]), texts),
        st.builds(Node, st.just(f"{path}__in"), st.lists(texts, min_size=shortest, max_size=2)),
        st.builds(Node, st.just(f"{path}__isnull"), st.booleans()),
    )


def null_tests(path: str) -> st.SearchStrategy[Node]:
    """Test whether there is a related row."""
    return st.builds(Node, st.just(f"{path}__isnull"), st.booleans())


def key_tests(path: str) -> st.SearchStrategy[Node]:
    """Test the key of a related row."""
    keys = st.integers(0, 9)
    return st.one_of(
        st.builds(Node, st.sampled_from([path, f"{path}_id", f"{path}__id", f"{path}__gt", f"{path}__id__lte"]), keys),
        st.builds(Node, st.just(f"{path}__in"), st.lists(keys, max_size=3)),
        st.builds(Node, st.just(path), st.none()),
    )


own_user = st.one_of(
    number_tests("age"), text_tests("city", ["x", "y", ""]), st.builds(Node, st.just("is_active"), st.booleans())
)
posts_of_user = st.one_of(
    number_tests("posts__views", shortest=1), text_tests("posts__status", ["live", "draft"], shortest=1)
)
comments_of_user = number_tests("posts__comments__stars", shortest=1)
own_post = st.one_of(number_tests("views"), text_tests("status", ["live", "draft"]))
author_of_post = st.one_of(
    number_tests("author__age"), text_tests("author__city", ["x"]), null_tests("author"), key_tests("author")
)


def trees(leaves: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Join conditions to trees."""

    def join(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return st.builds(
            Node,
            connector=st.sampled_from(["AND", "OR"]),
            negated=st.booleans(),
            children=st.lists(children, min_size=1, max_size=3).map(tuple),
        )

    return st.recursive(leaves, join, max_leaves=6).filter(lambda node: len(node.across()) < 2)


def apply(query: Any, library: Any, steps: list[tuple[str, Node]]) -> Any:
    """Chain ``filter`` and ``exclude``."""
    for method, node in steps:
        query = getattr(query, method)(node.build(library))
    return query


def steps_of(leaves: st.SearchStrategy[Node], size: int = 3) -> st.SearchStrategy[list[tuple[str, Node]]]:
    return st.lists(st.tuples(st.sampled_from(["filter", "exclude"]), trees(leaves)), min_size=1, max_size=size)


async def assert_same(ours: Any, theirs: Any) -> None:
    """Compare two queries of values as multisets."""
    mine = Counter(await ours)
    other = Counter(theirs)
    event(f"{min(len(other), 3)} rows or more")
    assert mine == other, f"\ncovet - django: {mine - other}\ndjango - covet: {other - mine}\n{theirs.query}"
    assert await ours.count() == theirs.count()
    assert await ours.exists() == theirs.exists()


@given(steps=steps_of(own_user))
@common
async def test_conditions_on_own_columns(twins_stored: None, steps: list[tuple[str, Node]]) -> None:
    await assert_same(
        apply(twins.User.objects.all(), covet, steps).values_list("id", flat=True),
        apply(django_oracle.User.objects.all(), dj, steps).values_list("id", flat=True),
    )


@given(steps=steps_of(st.one_of(own_post, author_of_post)))
@common
async def test_conditions_across_a_nullable_foreign_key(twins_stored: None, steps: list[tuple[str, Node]]) -> None:
    await assert_same(
        apply(twins.Post.objects.all(), covet, steps).values_list("id", flat=True),
        apply(django_oracle.Post.objects.all(), dj, steps).values_list("id", flat=True),
    )


@given(steps=steps_of(st.one_of(own_user, posts_of_user), size=2))
@common
async def test_conditions_across_a_reverse_key(twins_stored: None, steps: list[tuple[str, Node]]) -> None:
    await assert_same(
        apply(twins.User.objects.all(), covet, steps).values_list("id", flat=True),
        apply(django_oracle.User.objects.all(), dj, steps).values_list("id", flat=True),
    )


@given(steps=steps_of(st.one_of(own_user, posts_of_user, comments_of_user, null_tests("posts")), size=2))
@common
async def test_conditions_across_two_reverse_keys(twins_stored: None, steps: list[tuple[str, Node]]) -> None:
    await assert_same(
        apply(twins.User.objects.all(), covet, steps).values_list("id", flat=True).distinct(),
        apply(django_oracle.User.objects.all(), dj, steps).values_list("id", flat=True).distinct(),
    )


@given(before=steps_of(st.one_of(own_user, posts_of_user), size=1), condition=trees(posts_of_user), limit=numbers)
@common
async def test_annotations_over_a_reverse_key(
    twins_stored: None, before: list[tuple[str, Node]], condition: Node, limit: int
) -> None:
    def ask(query: Any, library: Any) -> Any:
        return (
            apply(query, library, before)
            .annotate(
                n=library.Count("posts"),
                matching=library.Count("posts", filter=condition.build(library)),
                views=library.Sum("posts__views"),
                least=library.Min("posts__views"),
                mean=library.Avg("posts__views"),
                kinds=library.Count("posts__status", distinct=True),
            )
            .filter(n__gte=limit)
            .values_list("id", "n", "matching", "views", "least", "mean", "kinds")
        )

    await assert_same(ask(twins.User.objects.all(), covet), ask(django_oracle.User.objects.all(), dj))


@given(before=steps_of(own_user, size=2), after=steps_of(own_user, size=1))
@common
async def test_groups_by_values(
    twins_stored: None, before: list[tuple[str, Node]], after: list[tuple[str, Node]]
) -> None:
    def ask(query: Any, library: Any) -> Any:
        grouped = apply(query, library, before).values("city", "is_active")
        counted = grouped.annotate(n=library.Count("id"), oldest=library.Max("age"))
        return counted.filter(library.Q(n__gt=1) | library.Q(oldest=1)).values_list("city", "is_active", "n", "oldest")

    def ask_posts(query: Any, library: Any) -> Any:
        grouped = apply(query, library, before).values("city")
        counted = grouped.annotate(n=library.Count("posts"), views=library.Sum("posts__views"))
        return counted.filter(n__lt=5).values_list("city", "n", "views")

    await assert_same(ask(twins.User.objects.all(), covet), ask(django_oracle.User.objects.all(), dj))
    await assert_same(ask_posts(twins.User.objects.all(), covet), ask_posts(django_oracle.User.objects.all(), dj))
    counted = apply(twins.User.objects.all(), covet, [*before, *after])
    oracle = apply(django_oracle.User.objects.all(), dj, [*before, *after])
    mine = await counted.aggregate(n=covet.Count("id"), total=covet.Sum("age"), mean=covet.Avg("age"))
    assert mine == oracle.aggregate(n=dj.Count("id"), total=dj.Sum("age"), mean=dj.Avg("age"))


@given(steps=steps_of(st.one_of(own_user, posts_of_user), size=2))
@common
async def test_membership_of_a_query(twins_stored: None, steps: list[tuple[str, Node]]) -> None:
    def ask(posts: Any, users: Any, library: Any, method: str) -> Any:
        chosen = apply(users, library, steps).values("id")
        return getattr(posts, method)(author__in=chosen).values_list("id", flat=True)

    for method in ("filter", "exclude"):
        await assert_same(
            ask(twins.Post.objects.all(), twins.User.objects.all(), covet, method),
            ask(django_oracle.Post.objects.all(), django_oracle.User.objects.all(), dj, method),
        )


@given(
    steps=steps_of(own_post, size=1),
    order=st.lists(
        st.sampled_from(["views", "-views", "status", "-status", "author__age", "-author__city"]), max_size=3
    ),
    low=st.integers(0, 5),
    size=st.integers(0, 10),
)
@common
async def test_order_and_slices(
    twins_stored: None, steps: list[tuple[str, Node]], order: list[str], low: int, size: int
) -> None:
    # NULL sorts last in covet on every database; Django takes what SQLite does, so it is told here.
    keys = [
        (dj.F(key.removeprefix("-")).desc(nulls_first=True) if key.startswith("-") else dj.F(key).asc(nulls_last=True))
        for key in order
    ]
    mine = apply(twins.Post.objects.all(), covet, steps).order_by(*order, "id")[low : low + size]
    theirs = apply(django_oracle.Post.objects.all(), dj, steps).order_by(*keys, "id")[low : low + size]
    assert [post.id for post in await mine] == [post.id for post in theirs]
