"""Aggregates, statement by statement."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from covet import (
    Avg,
    CharField,
    Count,
    F,
    FieldError,
    IntegerField,
    Max,
    Min,
    Model,
    Q,
    Sum,
    create_all,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models import community
from tests.models.community import Comment, Order, Post, User


class Town(Model):
    name = CharField(max_length=20)
    country = CharField(max_length=20)
    people = IntegerField(nullable=True)

    class Meta:
        db_table = "towns"
        ordering = ["name"]  # noqa: RUF012 - as models are written


@pytest.fixture
async def users(database: Database) -> list[User]:
    """Alice: three posts (3, 4 and 0 views; two published), two orders. Bob: nothing. Carol: one post."""
    await create_all(models=[*community.ALL, Town])
    alice = await User.create(username="alice", age=30, city="Berlin")
    bob = await User.create(username="bob", age=41, city="Paris")
    carol = await User.create(username="carol", age=None, city="Berlin")
    for status, views in (("published", 3), ("published", 4), ("draft", 0)):
        await Post.create(title=f"a{views}", author=alice, status=status, views=views)
    await Post.create(title="c", author=carol, status="draft", views=9)
    for total in ("10.10", "0.20"):
        await Order.create(user=alice, total=Decimal(total))
    return [alice, bob, carol]


async def test_count_of_the_manager_is_an_int(users: list[User]) -> None:
    assert await User.objects.count() == 3


async def test_aggregate_is_always_a_dict(users: list[User]) -> None:
    assert await User.objects.aggregate(Avg("age")) == {"age__avg": 35.5}
    assert await Order.objects.aggregate(Sum("total")) == {"total__sum": Decimal("10.30")}
    assert await User.objects.aggregate(min_age=Min("age"), max_age=Max("age")) == {"min_age": 30, "max_age": 41}
    with capture_queries() as queries:
        both = await User.objects.aggregate(Count("id"), Sum("age"), oldest=Max("age"))
    assert both == {"id__count": 3, "age__sum": 71, "oldest": 41}
    assert list(both) == ["id__count", "age__sum", "oldest"]
    assert len(queries) == 1


async def test_aggregate_respects_filters(users: list[User]) -> None:
    assert await User.objects.filter(city="Berlin").aggregate(n=Count("*"), age=Avg("age")) == {"n": 2, "age": 30.0}
    assert await User.objects.aggregate(n=Count("age")) == {"n": 2}  # NULL is not counted
    assert await User.objects.aggregate(n=Count("*", filter=Q(city="Berlin"))) == {"n": 2}
    assert await User.objects.aggregate(n=Count("city", distinct=True)) == {"n": 2}


async def test_values_then_annotate_groups_without_the_ordering_of_the_model(users: list[User]) -> None:
    for name, country, people in (("a", "x", 1), ("b", "x", 2), ("c", "y", None)):
        await Town.create(name=name, country=country, people=people)
    with capture_queries() as queries:
        rows = await Town.objects.values("country").annotate(towns=Count("id"), total=Sum("people"))
    assert sorted(rows, key=lambda row: row["country"]) == [
        {"country": "x", "towns": 2, "total": 3},
        {"country": "y", "towns": 1, "total": None},
    ]
    assert [list(row) for row in rows] == [["country", "towns", "total"]] * 2
    assert "GROUP BY" in queries[0].sql
    assert "ORDER BY" not in queries[0].sql
    ordered = await Town.objects.values("country").annotate(towns=Count("id")).order_by("-towns")
    assert [row["towns"] for row in ordered] == [2, 1]
    assert [row["country"] for row in await Town.objects.values("country").annotate(n=Count("id")).filter(n__gt=1)] == [
        "x"
    ]
    assert await Town.objects.values("country").annotate(n=Count("id")).count() == 2


async def test_annotation_is_carried_and_filtered(users: list[User]) -> None:
    with capture_queries() as queries:
        found = await User.objects.annotate(post_count=Count("posts")).filter(post_count__gt=1)
    assert found == [users[0]]
    assert found[0].annotation("post_count", int) == 3
    assert "HAVING" in queries[0].sql
    assert "GROUP BY" in queries[0].sql
    counts = User.objects.annotate(post_count=Count("posts")).order_by("-post_count", "username")
    assert await counts.values_list("username", "post_count") == [("alice", 3), ("carol", 1), ("bob", 0)]


async def test_three_aggregates_over_one_relation_are_one_query(users: list[User]) -> None:
    query = User.objects.annotate(
        post_count=Count("posts"),
        published_count=Count("posts", filter=Q(posts__status="published")),
        avg_views=Avg("posts__views"),
    )
    with capture_queries() as queries:
        alice: Any = await query.get(id=users[0].id)
        bob: Any = await query.get(id=users[1].id)
    assert (alice.post_count, alice.published_count) == (3, 2)
    assert alice.annotation("avg_views", float) == pytest.approx(7 / 3)
    assert (bob.post_count, bob.published_count, bob.avg_views) == (0, 0, None)
    assert len(queries) == 2
    sql = queries[0].sql
    assert sql.count("LEFT JOIN") + sql.count("LEFT OUTER JOIN") == 1
    assert sql.count(" JOIN ") == 1
    assert "FILTER (WHERE" in sql
    assert "GROUP BY" in sql


async def test_types_of_results_are_the_same_on_both_databases(users: list[User]) -> None:
    result = await User.objects.aggregate(average=Avg("age"), total=Sum("age"), number=Count("age"))
    assert {name: type(value) for name, value in result.items()} == {"average": float, "total": int, "number": int}
    orders = await Order.objects.aggregate(average=Avg("total"), total=Sum("total"), least=Min("total"))
    assert orders == {"average": Decimal("5.15"), "total": Decimal("10.30"), "least": Decimal("0.20")}
    assert all(type(value) is Decimal for value in orders.values())


async def test_aggregates_over_no_rows(users: list[User]) -> None:
    nobody = User.objects.filter(id=-1)
    assert await nobody.aggregate(Sum("age"), Avg("age"), Min("age"), Max("age"), Count("age")) == {
        "age__sum": None,
        "age__avg": None,
        "age__min": None,
        "age__max": None,
        "age__count": 0,
    }
    assert await nobody.aggregate(total=Sum("age", default=0)) == {"total": 0}
    assert await User.objects.none().aggregate(n=Count("id"), total=Sum("age")) == {"n": 0, "total": None}
    assert await User.objects.filter(id__in=[]).aggregate(n=Count("id"), total=Sum("age", default=5)) == {
        "n": 0,
        "total": 5,
    }


async def test_counts_over_two_relations_do_not_multiply(users: list[User]) -> None:
    query = User.objects.annotate(posts_n=Count("posts"), orders_n=Count("orders"), spent=Sum("orders__total"))
    with capture_queries() as queries:
        alice: Any = await query.get(id=users[0].id)
        carol: Any = await query.get(id=users[2].id)
    assert (alice.posts_n, alice.orders_n, alice.spent) == (3, 2, Decimal("10.30"))
    assert (carol.posts_n, carol.orders_n, carol.spent) == (1, 0, None)
    assert len(queries) == 2
    result = await User.objects.aggregate(posts=Count("posts"), orders=Count("orders"), users=Count("id"))
    assert result == {"posts": 4, "orders": 2, "users": 3}


async def test_count_two_relations_away(users: list[User]) -> None:
    post = await Post.objects.get(title="a3")
    for text in ("x", "y"):
        await Comment.create(text=text, post=post)
    alice = await User.objects.annotate(n=Count("posts__comments")).get(id=users[0].id)
    assert alice.annotation("n", int) == 2
    mixed = await User.objects.annotate(posts_n=Count("posts"), comments_n=Count("posts__comments")).get(id=users[0].id)
    assert (mixed.annotation("posts_n", int), mixed.annotation("comments_n", int)) == (3, 2)


async def test_aggregate_over_an_expression_and_an_annotation(users: list[User]) -> None:
    assert await Post.objects.aggregate(double=Sum(F("views") * 2)) == {"double": 32}
    counted = User.objects.annotate(post_count=Count("posts"))
    assert await counted.aggregate(most=Max("post_count"), average=Avg("post_count")) == {
        "most": 3,
        "average": pytest.approx(4 / 3),
    }


async def test_aggregate_of_a_limited_query_sees_only_its_rows(users: list[User]) -> None:
    first_two = Post.objects.order_by("-views").limit(2)
    assert await first_two.aggregate(n=Count("*"), total=Sum("views")) == {"n": 2, "total": 13}


@pytest.mark.parametrize("path", ["agee", "posts__titel", "full_name"])
async def test_unknown_path_in_an_aggregate_is_refused(users: list[User], path: str) -> None:
    with capture_queries() as queries, pytest.raises(FieldError):
        await User.objects.aggregate(Sum(path))
    with pytest.raises(FieldError):
        User.objects.annotate(n=Sum(path))
    assert queries == []


async def test_annotation_may_not_hide_an_attribute(users: list[User]) -> None:
    for name in ("age", "posts", "save", "objects", "pk", "1x", "a b", 'x"; --', "a__b"):
        with pytest.raises(FieldError):
            User.objects.annotate(**{name: Count("posts")})


async def test_filter_before_an_aggregate_chooses_its_rows_and_one_after_it_does_not(users: list[User]) -> None:
    before = User.objects.filter(posts__status="published").annotate(n=Count("posts"))
    assert await before.values_list("username", "n") == [("alice", 2)]
    after = User.objects.annotate(n=Count("posts")).filter(posts__status="published")
    assert await after.values_list("username", "n") == [("alice", 3)]
    negated = User.objects.annotate(n=Count("posts")).exclude(posts__status="published").order_by("username")
    assert await negated.values_list("username", "n") == [("bob", 0), ("carol", 1)]


async def test_one_more_aggregate_does_not_change_what_another_one_counts(users: list[User]) -> None:
    published = User.objects.filter(posts__status="published")
    alone = await published.annotate(n=Count("posts")).values_list("username", "n")
    together = await published.annotate(n=Count("posts"), m=Count("orders")).values_list("username", "n")
    assert together == alone == [("alice", 2)]


async def test_second_filter_on_a_relation_does_not_multiply_what_is_counted(users: list[User]) -> None:
    query = User.objects.filter(posts__status="published").filter(posts__views__gte=0).annotate(n=Count("posts"))
    assert await query.values_list("username", "n") == [("alice", 2)]


async def test_filter_of_an_aggregate_speaks_of_the_row_that_is_counted(users: list[User]) -> None:
    alice: Any = await User.objects.annotate(
        low=Count("posts", filter=~Q(posts__views__gt=3)),
        other=Count("posts", filter=~Q(posts__status="published") & Q(posts__views__lt=3)),
    ).get(id=users[0].id)
    assert (alice.low, alice.other) == (2, 1)


async def test_aggregates_of_nested_relations_do_not_multiply(users: list[User]) -> None:
    post = await Post.objects.get(title="a3")
    for text in ("x", "y", "z"):
        await Comment.create(text=text, post=post)
    result = await User.objects.aggregate(
        posts=Count("posts"), comments=Count("posts__comments"), views=Sum("posts__views")
    )
    assert result == {"posts": 4, "comments": 3, "views": 16}
