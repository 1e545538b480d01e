"""Random rows, random filters and aggregates across relations, against what Python counts.

The rule: all filters choose the users. The first ``filter()`` that crosses the relation of an aggregate also chooses
the related rows that it is over: a condition on such a row, or on rows beyond it of which one has to fulfil it. Every
row that is meant is counted once, whatever else is asked in the same query.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from covet import Count, Max, Q, Sum, create_all
from covet.database.orm import Aggregate
from tests.conftest import Database
from tests.models.community import ALL, Comment, Order, Post, User

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
CITIES = (None, "a", "b")


@dataclass(frozen=True)
class PostRow:
    views: int
    comments: tuple[str, ...]


@dataclass(frozen=True)
class UserRow:
    city: str | None
    posts: tuple[PostRow, ...]
    orders: tuple[int, ...]


@dataclass(frozen=True)
class Filter:
    """A ``filter()`` call: the relation that it crosses, and which rows of that relation it means."""

    q: Q
    relation: str
    post: Callable[[PostRow], bool] = lambda _: True
    comment: Callable[[str], bool] = lambda _: True
    order: Callable[[int], bool] = lambda _: True
    deep: bool = False  #: a post needs a comment

    def posts(self, user: UserRow) -> list[PostRow]:
        """Return the posts that are meant."""
        return [p for p in user.posts if self.post(p) and (not self.deep or any(map(self.comment, p.comments)))]

    def holds(self, user: UserRow) -> bool:
        return bool(self.posts(user)) if self.relation == "posts" else any(map(self.order, user.orders))

    def __repr__(self) -> str:
        return repr(self.q)


numbers = st.integers(0, 2)
letters = st.sampled_from("xy")
filters = st.one_of(
    numbers.map(lambda n: Filter(Q(posts__views=n), "posts", post=lambda p: p.views == n)),
    letters.map(lambda c: Filter(Q(posts__comments__text=c), "posts", comment=lambda t: t == c, deep=True)),
    st.builds(
        lambda n, c: Filter(
            Q(posts__views__gte=n, posts__comments__text=c),
            "posts",
            post=lambda p: p.views >= n,
            comment=lambda t: t == c,
            deep=True,
        ),
        numbers,
        letters,
    ),
    numbers.map(lambda n: Filter(Q(orders__total=n), "orders", order=lambda o: o == n)),
)
users = st.builds(
    UserRow,
    st.sampled_from(CITIES),
    st.lists(st.builds(PostRow, numbers, st.lists(letters, max_size=3).map(tuple)), max_size=3).map(tuple),
    st.lists(numbers, max_size=3).map(tuple),
)


@dataclass(frozen=True)
class Wanted:
    """An aggregate, and its value over some users; the first filters across posts and across orders are given."""

    name: str
    aggregate: Aggregate[Any]
    oracle: Callable[[Sequence[UserRow], Filter | None, Filter | None], object]

    def __repr__(self) -> str:
        return self.name


def posts_of(rows: Sequence[UserRow], chosen: Filter | None) -> list[PostRow]:
    return [p for user in rows for p in (user.posts if chosen is None else chosen.posts(user))]


def comments_of(rows: Sequence[UserRow], chosen: Filter | None) -> list[str]:
    return [t for p in posts_of(rows, chosen) for t in p.comments if chosen is None or chosen.comment(t)]


def orders_of(rows: Sequence[UserRow], chosen: Filter | None) -> list[int]:
    return [o for user in rows for o in user.orders if chosen is None or chosen.order(o)]


AGGREGATES = [
    Wanted("posts", Count("posts"), lambda u, p, _: len(posts_of(u, p))),
    Wanted("views", Sum("posts__views", default=0), lambda u, p, _: sum(row.views for row in posts_of(u, p))),
    Wanted("comments", Count("posts__comments"), lambda u, p, _: len(comments_of(u, p))),
    Wanted("orders", Count("orders"), lambda u, _, o: len(orders_of(u, o))),
    Wanted("most", Max("orders__total", default=Decimal(-1)), lambda u, _, o: max([-1, *orders_of(u, o)])),
    Wanted(
        "commented",
        Count("posts", filter=Q(posts__comments__text="x")),
        lambda u, p, _: sum("x" in row.comments for row in posts_of(u, p)),
    ),
    Wanted(
        "rich",
        Count("posts", filter=Q(orders__total__gt=0)),
        lambda u, p, _: sum(len(posts_of([user], p)) for user in u if any(total > 0 for total in user.orders)),
    ),
]


@pytest.fixture
async def tables(database: Database) -> None:
    await create_all(ALL)


async def store(rows: Sequence[UserRow]) -> list[int]:
    await User.objects.all().delete()
    made = await User.objects.bulk_create([User(username=f"u{i}", city=row.city) for i, row in enumerate(rows)])
    pairs = [
        (post, Post(title="", views=post.views, author=u)) for u, r in zip(made, rows, strict=True) for post in r.posts
    ]
    await Post.objects.bulk_create([post for _, post in pairs])
    await Comment.objects.bulk_create([Comment(text=text, post=post) for row, post in pairs for text in row.comments])
    totals = [(u, total) for u, row in zip(made, rows, strict=True) for total in row.orders]
    await Order.objects.bulk_create([Order(user=user, total=Decimal(total)) for user, total in totals])
    return [user.id for user in made]


@FEW
@given(
    rows=st.lists(users, min_size=1, max_size=4),
    calls=st.lists(filters, max_size=2),
    wanted=st.lists(st.sampled_from(AGGREGATES), min_size=1, max_size=4, unique_by=lambda each: each.name),
)
async def test_aggregates_count_what_is_meant_once(
    tables: None, rows: list[UserRow], calls: list[Filter], wanted: list[Wanted]
) -> None:
    keys = await store(rows)
    found = User.objects.all()
    for call in calls:
        found = found.filter(call.q)
    chosen = [(key, row) for key, row in zip(keys, rows, strict=True) if all(call.holds(row) for call in calls)]
    event(f"{min(len(chosen), 2)} users, {len(calls)} filters")
    about_posts = next((call for call in calls if call.relation == "posts"), None)
    about_orders = next((call for call in calls if call.relation == "orders"), None)
    asked = {f"n_{each.name}": each.aggregate for each in wanted}

    def oracle(some: Sequence[UserRow]) -> dict[str, object]:
        return {f"n_{each.name}": each.oracle(some, about_posts, about_orders) for each in wanted}

    assert await found.aggregate(**asked) == oracle([row for _, row in chosen])
    annotated = await found.annotate(**asked).order_by("id").values("id", *asked)
    assert annotated == [{"id": key, **oracle([row])} for key, row in chosen]
    cities: dict[str | None, list[UserRow]] = defaultdict(list)
    for _, row in chosen:
        cities[row.city].append(row)
    grouped = {row.pop("city"): row for row in await found.values("city").annotate(**asked)}
    assert grouped == {city: oracle(some) for city, some in cities.items()}
