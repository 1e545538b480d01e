"""Aggregates over several relations, and beside filters that cross relations: nothing is counted twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from covet import Avg, Count, Exists, F, FieldError, FilteredRelation, Max, OuterRef, Q, Sum, create_all
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.community import ALL, Comment, Order, Post, User


@pytest.fixture
async def talk(database: Database) -> None:
    """Store alice (Rome: three posts, of which two have comments c and d; two orders) and bob (Rome: one order)."""
    await create_all(ALL)
    alice = await User.create(username="alice", email="a@example.com", age=30, city="Rome")
    bob = await User.create(username="bob", age=20, city="Rome")
    await User.create(username="cy", age=40)
    posts = await Post.objects.bulk_create([Post(title=f"p{i}", author=alice, views=i) for i in range(3)])
    await Comment.objects.bulk_create([Comment(text=text, post=post) for post in posts[:2] for text in ("c", "d")])
    await Order.objects.bulk_create([Order(user=user, total=Decimal(5)) for user in (alice, alice, bob)])


async def test_a_deeper_filter_chooses_what_is_counted_and_does_not_multiply_it(talk: None) -> None:
    found = User.objects.filter(posts__comments__text__in=["c", "d"]).annotate(n=Count("posts"))
    assert await found.values_list("username", "n") == [("alice", 2)]


async def test_a_deeper_filter_before_an_aggregate_over_all_rows_does_not_multiply_them(talk: None) -> None:
    found = User.objects.filter(posts__comments__text__in=["c", "d"])
    with capture_queries() as queries:
        assert await found.aggregate(n=Count("posts"), views=Sum("posts__views")) == {"n": 2, "views": 1}
    assert 'EXISTS (SELECT 1 FROM "comments"' in queries.sql[0]
    assert await found.aggregate(n=Count("posts__comments")) == {"n": 4}
    assert await found.aggregate(n=Count("posts"), m=Count("posts__comments"), o=Count("orders")) == {
        "n": 2,
        "m": 4,
        "o": 2,
    }
    assert await found.filter(posts__title="p2").aggregate(n=Count("posts")) == {"n": 2}


async def test_a_filter_on_the_rows_themselves_means_the_same_beside_another_aggregate(talk: None) -> None:
    found = User.objects.filter(posts__comments__text="c")
    assert await found.annotate(n=Count("posts__comments")).values_list("n", flat=True) == [2]
    beside = found.annotate(n=Count("posts__comments"), m=Count("orders"), p=Count("posts"))
    assert await beside.values_list("n", "m", "p") == [(2, 2, 2)]


async def test_the_filter_of_an_aggregate_may_go_deeper_than_what_it_counts(talk: None) -> None:
    commented = Count("posts", filter=Q(posts__comments__text__in=["c", "d"]))
    silent = Count("posts", filter=~Q(posts__comments__isnull=False))
    ordered = Count("posts", filter=Q(orders__total__gt=1))
    rows = await User.objects.annotate(n=commented, m=silent, o=ordered).order_by("id").values_list("n", "m", "o")
    assert rows == [(2, 1, 3), (0, 0, 0), (0, 0, 0)]
    assert await User.objects.aggregate(n=commented, m=silent, o=ordered) == {"n": 2, "m": 1, "o": 3}
    writers = Count("id", filter=Q(posts__views__gte=0))
    assert await User.objects.aggregate(n=writers) == {"n": 1}


async def test_groups_over_several_relations_count_each_on_its_own(talk: None) -> None:
    grouped = User.objects.values("city").annotate(
        n=Count("posts"), m=Count("orders"), users=Count("id"), total=Sum("orders__total"), views=Avg("posts__views")
    )
    with capture_queries() as queries:
        rows = await grouped.order_by("-n")
    assert len(queries) == 1
    assert queries.sql[0].count("UNION ALL") == 2
    assert rows == [
        {"city": "Rome", "n": 3, "m": 3, "users": 2, "total": Decimal(15), "views": 1.0},
        {"city": None, "n": 0, "m": 0, "users": 1, "total": None, "views": None},
    ]
    assert await grouped.filter(m__gt=1).order_by("city").values_list("city", "m") == [("Rome", 3)]
    assert (await grouped.count(), await grouped.filter(n=0).count(), await grouped.filter(n=7).exists()) == (
        2,
        1,
        False,
    )
    assert await grouped.filter(m__gt=1, city="Rome").count() == 1
    assert await grouped.filter(Q(n__gt=1) | Q(city__isnull=True)).count() == 2
    assert await grouped.aggregate(most=Max("m")) == {"most": 3}
    assert (await grouped.annotate(both=F("n") + F("m")).order_by("-both")[:1])[0]["both"] == 6


async def test_groups_by_several_keys_and_by_expressions(talk: None) -> None:
    grouped = User.objects.annotate(decade=F("age") / 10).values("city", "decade")
    rows = await grouped.annotate(n=Count("posts"), m=Count("orders")).order_by("decade", "id").values_list("n", "m")
    assert rows == [(0, 1), (3, 2), (0, 0)]
    assert await Post.objects.values("author__city").annotate(n=Count("comments"), m=Count("author__orders")) == [
        {"author__city": "Rome", "n": 4, "m": 6}
    ]


async def test_filters_choose_what_groups_count(talk: None) -> None:
    found = User.objects.filter(posts__comments__text="c").values("city").annotate(n=Count("posts"), m=Count("orders"))
    assert await found == [{"city": "Rome", "n": 2, "m": 2}]
    other = User.objects.filter(orders__total__gt=1).values("city").annotate(n=Count("posts"))
    assert await other == [{"city": "Rome", "n": 3}]
    later = User.objects.values("city").annotate(n=Count("posts"), m=Count("orders")).filter(posts__title="p1")
    assert await later == [{"city": "Rome", "n": 3, "m": 2}]


async def test_groups_that_are_rows_are_counted_as_rows(talk: None) -> None:
    grouped = User.objects.values("id", "username").annotate(n=Count("posts"), m=Count("orders")).order_by("id")
    with capture_queries() as queries:
        assert await grouped.values_list("username", "n", "m") == [("alice", 3, 2), ("bob", 0, 1), ("cy", 0, 0)]
    assert "UNION ALL" not in queries.sql[0]


async def test_expressions_of_aggregates_over_different_relations(talk: None) -> None:
    assert await User.objects.aggregate(n=Count("posts") * Count("orders") + Count("id")) == {"n": 12}
    rows = (
        await User.objects.annotate(n=Count("posts") * 10 + Count("orders")).order_by("id").values_list("n", flat=True)
    )
    assert rows == [32, 1, 0]


async def test_over_all_rows_each_relation_is_grouped_once_and_joined(talk: None) -> None:
    counted = User.objects.annotate(n=Count("posts"), m=Count("orders"), views=Sum("posts__views", default=-1))
    with capture_queries() as queries:
        assert await counted.order_by("id").values_list("n", "m", "views") == [(3, 2, 3), (0, 1, -1), (0, 0, -1)]
        assert [user.username for user in await counted.filter(n__gt=1)] == ["alice"]
    for sql in queries.sql:
        assert sql.count("(SELECT") == sql.count("LEFT JOIN (SELECT") == 2
        assert sql.count("GROUP BY") == 2
    assert await counted.filter(m__gt=0).count() == 2
    assert await counted.aggregate(most=Max("n"), views=Sum("views")) == {"most": 3, "views": 1}


async def test_for_few_rows_each_row_asks_for_its_own(talk: None) -> None:
    counted = User.objects.annotate(n=Count("posts"), m=Count("orders")).order_by("id")
    with capture_queries() as queries:
        assert [user.annotation("n", int) for user in await counted[:2]] == [3, 0]
        assert [user.annotation("m", int) for user in await counted.filter(username="bob")] == [1]
        first: Any = await counted.first()
        assert (first.n, first.m) == (3, 2)
        assert await counted.filter(n__gt=1).exists()
    assert not [sql for sql in queries.sql if "JOIN" in sql or "GROUP BY" in sql]


async def test_an_aggregate_that_looks_at_its_row_stays_beside_it(talk: None) -> None:
    posts = FilteredRelation("posts", condition=Q(posts__views__lt=F("age")))
    counted = User.objects.annotate(young=posts).annotate(n=Count("young"), m=Count("orders"))
    assert await counted.order_by("id").values_list("n", "m") == [(3, 2), (0, 1), (0, 0)]


async def test_a_reference_of_a_query_in_the_filter_of_an_aggregate_means_the_row_of_the_model(talk: None) -> None:
    ordered = Exists(Order.objects.filter(user=OuterRef("pk")))
    counted = User.objects.annotate(n=Count("posts", filter=Q(ordered)), m=Count("orders"))
    assert await counted.order_by("id").values_list("n", "m") == [(3, 2), (0, 1), (0, 0)]


async def test_update_and_delete_by_aggregates_over_several_relations(talk: None) -> None:
    counted = User.objects.annotate(n=Count("posts"), m=Count("orders"))
    assert await counted.filter(n__gt=1).update(city="Oslo") == 1
    assert await counted.filter(m=0).delete() == (1, {"User": 1})
    assert await User.objects.order_by("id").values_list("username", "city") == [("alice", "Oslo"), ("bob", "Rome")]


async def test_one_aggregate_over_two_relations_is_refused(talk: None) -> None:
    both = Sum(F("posts__views") * F("orders__total"))
    for make in (lambda: User.objects.annotate(n=both), lambda: User.objects.values("city").annotate(n=both)):
        with pytest.raises(FieldError, match=r"Sum\(\) over 'posts' and 'orders' at once would be over every pair"):
            make()
    with pytest.raises(FieldError, match="at once would be over every pair"):
        await User.objects.aggregate(n=both)


async def test_groups_by_rows_of_another_relation_are_refused(talk: None) -> None:
    grouped = User.objects.values("posts__title")
    message = "groups by a relation to many rows, and an aggregate is over the rows of another"
    with pytest.raises(FieldError, match=message):
        await grouped.annotate(n=Count("orders"))
    with pytest.raises(FieldError, match=message):
        await grouped.annotate(n=Count("posts"), m=Count("orders"))
    assert (await grouped.annotate(n=Count("orders", distinct=True)).order_by("posts__title"))[0]["n"] == 2
    rows = await grouped.annotate(n=Count("posts__comments")).order_by("posts__title").values_list("n", flat=True)
    assert rows == [2, 2, 0, 0]


async def test_a_limit_narrows_a_slice_and_never_widens_it(talk: None) -> None:
    titles = Post.objects.order_by("title").values_list("title", flat=True)
    assert await titles[1:2].limit(100) == ["p1"]
    assert await titles.limit(2).limit(1) == ["p0"]
