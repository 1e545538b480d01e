"""The guide's blocks on queries, run as they stand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from covet import MultipleObjectsReturned, ObjectDoesNotExist, create_all
from covet.database import capture_queries
from tests.conftest import Database
from tests.guide.running import run_block
from tests.models import community
from tests.models.community import Comment, Order, Post, User


@pytest.fixture
async def people(database: Database) -> None:
    """Make five users whose ages, flags and cities tell every condition of the guide apart."""
    await create_all(models=community.ALL)
    rows: list[dict[str, Any]] = [
        {"username": "alice", "age": 30, "city": "Berlin", "is_active": True, "is_staff": True},
        {"username": "bob", "age": 18, "city": "Paris", "is_active": False, "is_superuser": True},
        {"username": "malice", "age": 65, "city": "Berlin", "is_active": True},
        {"username": "Alice2", "age": None, "city": None, "is_active": None},
        {"username": "eve", "age": 66, "city": "Paris", "is_active": True},
    ]
    for number, row in enumerate(rows):
        await User.create(
            **row,
            email=f"{row['username']}@example.com",
            first_name=f"F{number % 2}",
            last_name=f"L{number // 2}",
            created_at=dt.datetime(2024, 1, 1 + (number * 2) % 5, tzinfo=dt.UTC),
        )


def names_of(users: list[User]) -> list[str]:
    """Return the names in the order of the users."""
    return [user.username for user in users]


async def test_lines_450_463_basic_queries(people: None) -> None:
    with capture_queries() as queries:
        names = await run_block("450-463", User=User)
    assert isinstance(names["users"], list)
    assert len(names["users"]) == 5
    assert all(type(user) is User for user in names["users"])
    assert sorted(names_of(names["active_users"])) == ["alice", "eve", "malice"]
    assert isinstance(names["active_users"], list)
    assert names["user"].username == "alice"
    assert names["count"] == 3
    assert len(queries) == 5
    assert "COUNT(*)" in queries[4].sql


async def test_line_457_get_of_a_missing_id_raises(database: Database) -> None:
    await create_all(models=community.ALL)
    with pytest.raises(User.DoesNotExist) as caught:
        await run_block("450-463", User=User)
    assert isinstance(caught.value, ObjectDoesNotExist)


async def test_line_459_get_one_raises_if_there_are_multiple(people: None) -> None:
    await User.create(username="other", email="alice@example.com")
    with pytest.raises(User.MultipleObjectsReturned) as caught:
        await run_block("450-463", User=User)
    assert isinstance(caught.value, MultipleObjectsReturned)


async def test_lines_500_519_filters(people: None) -> None:
    with capture_queries() as queries:
        names = await run_block("500-519", User=User)
    assert [sorted(names_of(users)) for users in names.bound["users"]] == [
        ["alice", "eve", "malice"],  # age__gt=18
        ["alice", "bob", "malice"],  # age__range=[18, 65], both ends included
        ["alice", "malice"],  # username__contains='alice', case-sensitive
        ["alice", "bob", "malice"],  # id__in=[1, 2, 3]
        ["alice", "eve", "malice"],  # is_active=True, age__gte=18
        ["alice", "bob"],  # Q(is_staff=True) | Q(is_superuser=True)
        ["Alice2", "bob"],  # exclude(is_active=True): NULL is not True
        ["Alice2", "bob"],  # filter(~Q(is_active=True))
    ]
    where = [event.sql.partition(" WHERE ")[2] for event in queries]
    assert len(where) == 8
    assert " AND " in where[4]
    assert " OR " in where[5]
    assert where[6] == where[7]


@pytest.mark.parametrize(
    ("lookup", "value", "expected"),
    [
        ("age", 18, ["bob"]),
        ("age__gt", 18, ["alice", "eve", "malice"]),
        ("age__gte", 18, ["alice", "bob", "eve", "malice"]),
        ("age__lt", 65, ["alice", "bob"]),
        ("age__lte", 65, ["alice", "bob", "malice"]),
        ("username__contains", "alice", ["alice", "malice"]),
        ("username__icontains", "alice", ["Alice2", "alice", "malice"]),
        ("username__startswith", "ali", ["alice"]),
        ("id__in", [1, 2, 3], ["alice", "bob", "malice"]),
        ("deleted_at__isnull", True, ["Alice2", "alice", "bob", "eve", "malice"]),
    ],
)
async def test_lines_526_535_every_suffix_of_the_table(
    people: None, lookup: str, value: object, expected: list[str]
) -> None:
    assert sorted(names_of(await User.objects.filter(**{lookup: value}))) == expected


async def test_lines_556_566_order_and_limits(people: None) -> None:
    for number in range(20):
        await User.create(
            username=f"more{number}", last_name=f"M{number:02}", created_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        )
    with capture_queries() as queries:
        names = await run_block("556-566", User=User)
    newest, by_name, ten, second_ten = names.bound["users"]
    dates = [user.created_at for user in newest]
    assert dates == sorted(dates, reverse=True)
    full_names = [(user.last_name, user.first_name) for user in by_name]
    assert full_names == sorted(full_names)
    assert len(newest) == len(by_name) == 25
    assert len(ten) == len(second_ten) == 10
    assert not {user.id for user in ten} & {user.id for user in second_ten}
    assert queries[0].sql.endswith("DESC") or "DESC NULLS" in queries[0].sql
    assert all("LIMIT" in event.sql for event in queries[2:])
    assert "OFFSET" in queries[3].sql


async def test_lines_597_617_aggregates(people: None) -> None:
    alice = await User.objects.get(username="alice")
    for total in ("10.25", "0.10", "0.20"):
        await Order.create(user=alice, total=Decimal(total))
    with capture_queries() as queries:
        names = await run_block("597-617", User=User, Order=Order)
    assert names["count"] == 5
    assert names["avg_age"] == {"age__avg": 44.75}
    assert type(names["avg_age"]["age__avg"]) is float
    assert names["total"] == {"total__sum": Decimal("10.55")}
    assert type(names["total"]["total__sum"]) is Decimal
    assert names["result"] == {"min_age": 18, "max_age": 66}
    groups = {row["city"]: row["user_count"] for row in names["results"]}
    assert groups == {"Berlin": 2, "Paris": 2, None: 1}
    assert all(list(row) == ["city", "user_count"] for row in names["results"])
    assert len(queries) == 5
    assert "GROUP BY" in queries[4].sql


async def test_lines_795_802_filter_and_annotate_across_a_relation(people: None) -> None:
    alice, bob = await User.objects.get(username="alice"), await User.objects.get(username="bob")
    for number in range(6):
        await Post.create(title=f"p{number}", author=alice, status="published" if number < 2 else "draft")
    await Post.create(title="only", author=bob)
    with capture_queries() as queries:
        names = await run_block("795-802", User=User)
    published, prolific = names.bound["users"]
    assert names_of(published) == ["alice", "alice"]  # one for each post that matches, as the JOIN gives them
    assert names_of(prolific) == ["alice"]
    assert prolific[0].post_count == 6
    assert len(queries) == 2
    assert "HAVING" in queries[1].sql


async def test_lines_789_790_select_related_of_a_reverse_relation_loads_it(people: None) -> None:
    alice = await User.objects.get(username="alice")
    await Post.create(title="first", author=alice)
    with capture_queries() as queries:
        names = await run_block("789-790", User=User)
        titles = {user.username: [post.title for post in user.posts] for user in names["results"]}
    assert titles == {"alice": ["first"], "bob": [], "malice": [], "Alice2": [], "eve": []}
    assert len(queries) == 2


async def test_lines_1132_1134_a_filter_with_a_limit(people: None) -> None:
    with capture_queries() as queries:
        names = await run_block("1132-1134", User=User)
    assert sorted(names_of(names["users"])) == ["alice", "eve", "malice"]
    assert len(queries) == 1
    assert "LIMIT" in queries[0].sql


async def test_lines_1145_1147_two_levels_in_three_queries_at_most(people: None) -> None:
    alice = await User.objects.get(username="alice")
    for number in range(3):
        post = await Post.create(title=f"p{number}", author=alice)
        for text in range(number):
            await Comment.create(text=f"c{text}", post=post)
    with capture_queries() as queries:
        names = await run_block("1145-1147", User=User)
        counts = {u.username: [len(post.comments) for post in u.posts] for u in names["users"]}
        again = {u.username: [len(await post.comments.all()) for post in await u.posts.all()] for u in names["users"]}
    assert {name: sorted(found) for name, found in counts.items() if found} == {"alice": [0, 1, 2]}
    assert again == counts
    assert len(queries) == 3


async def test_lines_1158_1161_create_ten_thousand_users_at_once(database: Database) -> None:
    await create_all(models=community.ALL)
    names = await run_block("1158-1161", User=User)
    assert await User.objects.count() == 10_000
    ids = [user.id for user in names["users"]]
    assert len(set(ids)) == 10_000
    stored = dict(await User.objects.values_list("id", "username"))
    assert stored == {user.id: user.username for user in names["users"]}
    assert all(user.created_at is not None for user in names["users"])


async def test_lines_1411_1413_a_query_that_is_not_awaited_asks_nothing(
    people: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with capture_queries() as queries:
        names = await run_block("1411-1413", User=User)
    assert not isinstance(names["users"], list)
    assert queries == []
    assert "await" in capsys.readouterr().out  # what is printed says what is missing
    with pytest.raises(TypeError, match="await"):
        list(names["users"])


async def test_lines_1418_1420_an_awaited_query_is_a_list(people: None, capsys: pytest.CaptureFixture[str]) -> None:
    names = await run_block("1418-1420", User=User)
    assert isinstance(names["users"], list)
    assert capsys.readouterr().out == f"{names['users'][0]!r}\n"


async def test_lines_1520_1537_three_aggregates_over_one_relation_in_one_query(people: None) -> None:
    alice, bob = await User.objects.get(username="alice"), await User.objects.get(username="bob")
    for status, views in (("published", 3), ("published", 4), ("draft", 0)):
        await Post.create(title="p", author=alice, status=status, views=views)
    names = await run_block("1520-1537", User=User)
    with capture_queries() as queries:
        full = await names["get_user_analytics"](alice.id)
    assert full == {
        "user_id": alice.id,
        "username": "alice",
        "post_count": 3,
        "published_count": 2,
        "avg_views": pytest.approx(7 / 3),
    }
    assert len(queries) == 1
    assert queries[0].sql.count(" JOIN ") == 1
    assert "FILTER (WHERE" in queries[0].sql
    empty = await names["get_user_analytics"](bob.id)
    assert (empty["post_count"], empty["published_count"], empty["avg_views"]) == (0, 0, None)
    with pytest.raises(User.DoesNotExist):
        await names["get_user_analytics"](10_000)


async def test_line_1598_an_annotated_get(people: None) -> None:
    names = await run_block("1598-1598", User=User)
    assert type(names["user"]) is User
    assert names["user"].id == 1
