"""Filters and lookups, row by row of the guide's table, with NULLs, duplicates and text that looks like a pattern."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from covet import F, FieldError, Q, create_all
from covet.database import capture_queries
from tests.conftest import Database
from tests.models import community
from tests.models.community import Post, User

ROWS: list[dict[str, Any]] = [
    {"username": "alice", "age": 30, "is_active": True, "is_staff": True, "city": "Berlin"},
    {"username": "bob", "age": 18, "is_active": False, "is_superuser": True, "city": "Paris"},
    {"username": "malice", "age": 65, "is_active": True, "city": "100%"},
    {"username": "ALICE", "age": None, "is_active": None, "city": None},
    {"username": "eve", "age": 66, "is_active": True, "city": "a_b"},
    {"username": "frank", "age": 19, "is_active": False, "city": "back\\slash"},
]


@pytest.fixture
async def people(database: Database) -> None:
    """Make the users of ROWS, in this order; frank is deleted."""
    await create_all(models=community.ALL)
    for row in ROWS:
        await User.create(**row)
    await User.objects.filter(username="frank").update(deleted_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))


async def found(*conditions: Q, **lookups: Any) -> set[str]:
    """Return the names of the users whom a filter finds."""
    return {user.username for user in await User.objects.filter(*conditions, **lookups)}


EVERYBODY = {row["username"] for row in ROWS}


@pytest.mark.parametrize(
    ("lookup", "value", "expected"),
    [
        ("age__gt", 18, {"alice", "malice", "eve", "frank"}),
        ("age__gte", 18, {"alice", "bob", "malice", "eve", "frank"}),
        ("age__lt", 30, {"bob", "frank"}),
        ("age__lte", 30, {"alice", "bob", "frank"}),
        ("age", 18, {"bob"}),
        ("age__exact", 18, {"bob"}),
        ("age", "18", {"bob"}),
        ("age", None, {"ALICE"}),
        ("age__exact", None, {"ALICE"}),
        ("age__not", 18, EVERYBODY - {"bob"}),
        ("age__range", [18, 65], {"alice", "bob", "malice", "frank"}),
        ("age__range", (18, 30), {"alice", "bob", "frank"}),
        ("age__range", (65, 18), set()),
        ("age__in", [18, 66, 1000], {"bob", "eve"}),
        ("age__in", {18}, {"bob"}),
        ("age__in", range(18, 20), {"bob", "frank"}),
        ("age__in", [None, 18], {"bob"}),
        ("age__in", [None], set()),
        ("age__not_in", [18, 66], {"alice", "malice", "ALICE", "frank"}),
        ("username__contains", "alice", {"alice", "malice"}),
        ("username__icontains", "alice", {"alice", "malice", "ALICE"}),
        ("username__startswith", "ali", {"alice"}),
        ("username__istartswith", "ali", {"alice", "ALICE"}),
        ("username__endswith", "ice", {"alice", "malice"}),
        ("username__iendswith", "ice", {"alice", "malice", "ALICE"}),
        ("username__iexact", "Alice", {"alice", "ALICE"}),
        ("username__regex", "^m?al", {"alice", "malice"}),
        ("username__iregex", "^AL", {"alice", "ALICE"}),
        ("username__gt", "bob", {"malice", "eve", "frank"}),
        ("city__contains", "%", {"malice"}),
        ("city__contains", "_", {"eve"}),
        ("city__contains", "\\", {"frank"}),
        ("city__icontains", "%", {"malice"}),
        ("city__icontains", "_B", {"eve"}),
        ("city__startswith", "a_", {"eve"}),
        ("city__startswith", "a%", set()),
        ("city__endswith", "0%", {"malice"}),
        ("city__iexact", "A_B", {"eve"}),
        ("city__iexact", "axb", set()),
        ("city__contains", "", EVERYBODY - {"ALICE"}),
        ("age__contains", "6", {"malice", "eve"}),
        ("age__startswith", 1, {"bob", "frank"}),
        ("deleted_at__isnull", True, EVERYBODY - {"frank"}),
        ("deleted_at__isnull", False, {"frank"}),
        ("is_active", True, {"alice", "malice", "eve"}),
        ("is_active", False, {"bob", "frank"}),
        ("pk__in", [], set()),
    ],
)
async def test_lookup_finds(people: None, lookup: str, value: Any, expected: set[str]) -> None:
    assert await found(**{lookup: value}) == expected


async def test_empty_in_asks_nothing(people: None) -> None:
    with capture_queries() as queries:
        assert await User.objects.filter(id__in=[]) == []
        assert await User.objects.filter(age=18, id__in=()).count() == 0
        assert await User.objects.filter(id__in=[]).exists() is False
        assert await User.objects.filter(id__in=[]).first() is None
    assert queries == []
    assert await found(Q(id__in=[]) | Q(age=18)) == {"bob"}
    assert await found(~Q(id__in=[])) == EVERYBODY


async def test_in_takes_a_generator(people: None) -> None:
    query = User.objects.filter(age__in=(age for age in (18, 66)))
    assert {user.username for user in await query} == {"bob", "eve"}
    assert {user.username for user in await query} == {"bob", "eve"}


async def test_in_takes_a_query(people: None) -> None:
    alice = await User.objects.get(username="alice")
    await Post.create(title="p", author=alice)
    with capture_queries() as queries:
        assert await found(id__in=Post.objects.values("author_id")) == {"alice"}
        assert await found(id__in=User.objects.filter(age__gt=60)) == {"malice", "eve"}
    assert len(queries) == 2
    assert await found(~Q(id__in=Post.objects.values("author_id"))) == EVERYBODY - {"alice"}


async def test_in_of_a_thousand_values_is_one_query(people: None) -> None:
    with capture_queries() as queries:
        assert await found(age__in=list(range(40_000))) == EVERYBODY - {"ALICE"}
    assert len(queries) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"age__range": [1, 2, 3]},
        {"age__range": [1]},
        {"age__range": 5},
        {"age__range": (None, 5)},
        {"age__isnull": 1},
        {"age__isnull": "yes"},
        {"age__in": 5},
        {"age__in": "123"},
        {"age": "abc"},
        {"age__gt": None},
        {"age__gt": object()},
        {"created_at": "yesterday"},
    ],
    ids=str,
)
async def test_value_that_a_lookup_cannot_take_is_refused_at_once(people: None, wrong: dict[str, Any]) -> None:
    with capture_queries() as queries, pytest.raises((ValueError, TypeError, FieldError), match=r"age|created_at"):
        User.objects.filter(**wrong)
    assert queries == []


async def test_keywords_of_one_filter_are_joined_by_and(people: None) -> None:
    with capture_queries() as queries:
        assert await found(is_active=True, age__gte=65) == {"malice", "eve"}
    assert queries[0].sql.count(" AND ") == 1
    assert set(queries[0].args) == {True, 65}


async def test_or_joins_two_conditions(people: None) -> None:
    with capture_queries() as queries:
        assert await found(Q(is_staff=True) | Q(is_superuser=True)) == {"alice", "bob"}
    assert " OR " in queries[0].sql


async def test_exclude_and_negated_q_keep_rows_that_are_null(people: None) -> None:
    expected = {"bob", "frank", "ALICE"}
    with capture_queries() as queries:
        assert {user.username for user in await User.objects.exclude(is_active=True)} == expected
        assert await found(~Q(is_active=True)) == expected
        assert await found(is_active__not=True) == expected
    assert queries[0].sql == queries[1].sql == queries[2].sql
    assert {user.username for user in await User.objects.exclude(age__gt=18)} == {"bob", "ALICE"}
    assert {user.username for user in await User.objects.exclude(age__in=[18])} == EVERYBODY - {"bob"}
    assert {user.username for user in await User.objects.exclude(age=None)} == EVERYBODY - {"ALICE"}
    assert {user.username for user in await User.objects.exclude(age=18, is_active=False)} == EVERYBODY - {"bob"}
    assert {u.username for u in await User.objects.exclude(city__contains="e")} == {
        "bob",
        "malice",
        "eve",
        "ALICE",
        "frank",
    }
    assert await found(~~Q(is_active=True)) == {"alice", "malice", "eve"}


async def test_filter_across_a_reverse_key_joins_and_repeats_the_parent(people: None) -> None:
    alice, bob = await User.objects.get(username="alice"), await User.objects.get(username="bob")
    for author, status, views in (
        (alice, "published", 1),
        (alice, "published", 9),
        (alice, "draft", 9),
        (bob, "draft", 1),
    ):
        await Post.create(title="p", author=author, status=status, views=views)
    with capture_queries() as queries:
        assert await User.objects.filter(posts__status="published") == [alice, alice]
        assert await User.objects.filter(posts__status="published").distinct() == [alice]
        assert await User.objects.filter(posts__status="published").count() == 2
    # The count is of the posts alone: each has its author.
    assert [event.sql.count(" JOIN ") for event in queries] == [1, 1, 0]
    # One filter() asks for one post that is both; two ask for two posts.
    assert await User.objects.filter(posts__status="published", posts__views=9) == [alice]
    assert await User.objects.filter(posts__status="draft", posts__views=1) == [bob]
    both = User.objects.filter(posts__status="draft").filter(posts__views=1).distinct().order_by("id")
    assert await both == [alice, bob]
    assert {u.username for u in await User.objects.exclude(posts__status="published")} == EVERYBODY - {"alice"}
    assert await found(posts__isnull=True) == EVERYBODY - {"alice", "bob"}
    assert {u.username for u in await User.objects.filter(posts=await Post.objects.filter(author=bob).get())} == {"bob"}


async def test_forward_paths_join_once_and_key_paths_do_not(people: None) -> None:
    alice = await User.objects.get(username="alice")
    await Post.create(title="p", author=alice)
    with capture_queries() as queries:
        assert await Post.objects.filter(author__username="alice", author__age=30).count() == 1
        assert await Post.objects.filter(author=alice).count() == 1
        assert await Post.objects.filter(author_id=alice.id).count() == 1
        assert await Post.objects.filter(author__id__in=[alice.id]).count() == 1
        assert await Post.objects.filter(author__pk=alice.id).count() == 1
    assert [event.sql.count(" JOIN ") for event in queries] == [1, 0, 0, 0, 0]


async def test_f_compares_columns_of_a_row(people: None) -> None:
    assert await found(age__gt=F("id") * 15) == {"alice", "malice"}
    assert await found(id=F("pk")) == EVERYBODY
    assert await found(first_name=F("last_name")) == EVERYBODY


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"agee": 1}, "age"),
        ({"age__gtt": 1}, "gt"),
        ({"posts__titel": 1}, "title"),
        ({"username__age": 1}, "age"),
        ({"author__name": 1}, "author"),
        ({"posts__author__nope": 1}, "nope"),
        ({"": 1}, "age"),
        ({"__": 1}, "age"),
        ({"age__": 1}, "age"),
        ({"full_name": "x"}, "property"),
        ({"objects": 1}, "objects"),
        ({"save": 1}, "save"),
    ],
    ids=str,
)
async def test_unknown_name_is_refused_before_any_sql(people: None, wrong: dict[str, Any], named: str) -> None:
    with capture_queries() as queries, pytest.raises(FieldError, match=named):
        User.objects.filter(**wrong)
    with pytest.raises(FieldError):
        User.objects.filter(Q(**wrong) | Q(age=1))
    with pytest.raises(FieldError):
        User.objects.exclude(**wrong)
    assert queries == []


async def test_field_error_lists_the_choices(people: None) -> None:
    with pytest.raises(FieldError, match=r"Choices: .*age.*username") as caught:
        User.objects.filter(agee=1)
    assert "agee" in str(caught.value)
    assert "User" in str(caught.value)
    with pytest.raises(FieldError, match=r"Choices: .*gt.*icontains"):
        User.objects.filter(age__gtt=1)


async def test_q_nests_and_an_empty_one_is_neutral(people: None) -> None:
    assert await found(Q()) == EVERYBODY
    assert await found(Q() | Q(age=18)) == {"bob"}
    assert await found(Q() & Q(age=18)) == {"bob"}
    assert await found(Q(age=18) | Q()) == {"bob"}
    assert await found(~Q()) == EVERYBODY
    assert await found(Q(age=18, is_active=False)) == {"bob"}
    assert await found(Q(age=18, is_active=True)) == set()
    assert await found(Q(is_active=False), age=18) == {"bob"}
    assert await found(Q(Q(age=18) | Q(age=66)) & ~Q(is_active=False)) == {"eve"}
    assert await found((Q(age__lt=20) | Q(age__gt=60)) & (Q(is_active=True) | Q(is_superuser=True))) == {
        "bob",
        "malice",
        "eve",
    }
    assert await found(Q(is_active=True) ^ Q(age__gt=60)) == {"alice"}
    assert await found(Q(age=18) ^ Q(is_active=False)) == {"frank"}
    assert await found(~(Q(age=18) | Q(age=66))) == EVERYBODY - {"bob", "eve"}


async def test_values_are_never_part_of_the_statement(people: None) -> None:
    nasty = "x'; DROP TABLE users; --"
    with capture_queries() as queries:
        assert await found(username=nasty) == set()
        assert await found(username__contains=nasty) == set()
        assert await found(username__in=[nasty]) == set()
    assert all("DROP" not in event.sql for event in queries)
    assert await User.objects.count() == len(ROWS)


async def test_same_question_with_other_values_has_the_same_statement(people: None) -> None:
    with capture_queries() as queries:
        for age in (1, 2, 3):
            await User.objects.filter(age__gt=age, username__contains=str(age)).order_by("-age").limit(age)
    assert len({event.sql for event in queries}) == 1
