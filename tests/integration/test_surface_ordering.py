"""Order and limits, statement by statement."""

from __future__ import annotations

import pytest

from covet import Count, F, FieldError, create_all
from covet.database import capture_queries
from tests.conftest import Database
from tests.models import community
from tests.models.community import Post, User


@pytest.fixture
async def users(database: Database) -> list[User]:
    """Make 25 users; their names sort as they were made, their ages the other way round, the last has none."""
    await create_all(models=community.ALL)
    users = [
        User(username=f"u{n:02}", last_name=f"L{n % 3}", first_name=f"F{-n % 25:02}", age=None if n == 24 else 100 - n)
        for n in range(25)
    ]
    await User.objects.bulk_create(users)
    return users


def names(users: list[User]) -> list[str]:
    return [user.username for user in users]


async def test_minus_sorts_descending(users: list[User]) -> None:
    with capture_queries() as queries:
        assert names(await User.objects.order_by("-username")) == sorted(names(users), reverse=True)
    assert "ORDER BY" in queries[0].sql
    assert "DESC" in queries[0].sql


async def test_two_keys_sort_in_their_order(users: list[User]) -> None:
    found = [(user.last_name, user.first_name) for user in await User.objects.order_by("last_name", "first_name")]
    assert found == sorted(found)
    found = [(user.last_name, user.first_name) for user in await User.objects.order_by("-last_name", "first_name")]
    assert found == sorted(sorted(found, key=lambda pair: pair[1]), key=lambda pair: pair[0], reverse=True)


async def test_limit_gives_at_most_that_many(users: list[User]) -> None:
    assert len(await User.objects.limit(10)) == 10
    assert len(await User.objects.limit(100)) == 25
    with capture_queries() as queries:
        assert await User.objects.limit(0) == []
    assert len(queries) <= 1


async def test_offset_and_limit_commute(users: list[User]) -> None:
    ordered = User.objects.order_by("username")
    with capture_queries() as queries:
        assert names(await ordered.offset(10).limit(10)) == names(users[10:20])
        assert names(await ordered.limit(10).offset(10)) == names(users[10:20])
        assert names(await ordered.offset(20)) == names(users[20:])
        assert await ordered.offset(30) == []
        assert names(await ordered[10:20]) == names(users[10:20])
    assert queries[0].sql == queries[1].sql == queries[4].sql


async def test_count_exists_and_first_respect_limit_and_offset(users: list[User]) -> None:
    ordered = User.objects.order_by("username")
    assert await ordered.limit(10).count() == 10
    assert await ordered.offset(20).count() == 5
    assert await ordered.offset(20).limit(10).count() == 5
    assert await ordered.offset(25).exists() is False
    assert await ordered.offset(5).first() == users[5]
    assert await ordered[2:4].count() == 2


async def test_slice_of_a_slice_stays_inside(users: list[User]) -> None:
    ordered = User.objects.order_by("username")
    assert names(await ordered[5:15][2:4]) == names(users[7:9])
    assert names(await ordered[5:8][1:10]) == names(users[6:8])
    assert await ordered[5:8][5:] == []


async def test_later_order_replaces_the_earlier_one(users: list[User]) -> None:
    assert names(await User.objects.order_by("age").order_by("-username")) == sorted(names(users), reverse=True)
    with capture_queries() as queries:
        await User.objects.order_by("age").order_by()
    assert "ORDER BY" not in queries[0].sql


async def test_null_sorts_as_the_largest_on_both_databases(users: list[User]) -> None:
    assert (await User.objects.order_by("age"))[-1].age is None
    assert (await User.objects.order_by("-age"))[0].age is None
    assert (await User.objects.order_by(User.age.desc(nulls_last=True)))[-1].age is None
    assert (await User.objects.order_by(User.age.asc(nulls_first=True)))[0].age is None
    assert (await User.objects.order_by(F("age").desc(nulls_last=True)))[0].age == 100


async def test_order_by_expression_and_by_a_relation(users: list[User]) -> None:
    assert (await User.objects.order_by((F("age") * -1).asc(nulls_last=True)))[0].age == 100
    for user, title in ((users[1], "b"), (users[0], "c"), (users[2], "a")):
        await Post.create(title=title, author=user)
    with capture_queries() as queries:
        assert [p.title for p in await Post.objects.order_by("author__username")] == ["c", "b", "a"]
        assert [p.title for p in await Post.objects.order_by("-author")] == ["a", "b", "c"]
    assert queries[0].sql.count(" JOIN ") == 1


@pytest.mark.parametrize("name", ["agee", "-agee", "posts__titel", "full_name", "", "-", "-?", "age; DROP TABLE users"])
async def test_unknown_name_is_refused_at_once(users: list[User], name: str) -> None:
    with capture_queries() as queries, pytest.raises(FieldError):
        User.objects.order_by(name)
    assert queries == []


@pytest.mark.parametrize("wrong", [-1, True, 1.5, "10", None])
def test_limit_and_offset_take_whole_numbers_from_zero(wrong: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        User.objects.limit(wrong)  # type: ignore[arg-type]
    with pytest.raises((ValueError, TypeError)):
        User.objects.offset(wrong)  # type: ignore[arg-type]


def test_negative_limit_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="limit"):
        User.objects.limit(-1)


async def test_what_would_change_which_rows_a_slice_has_is_refused_after_it(users: list[User]) -> None:
    page = User.objects.order_by("username")[2:5]
    with capture_queries() as queries:
        for method, arguments in (
            ("filter", {"age": 1}),
            ("exclude", {"age": 1}),
            ("order_by", {}),
            ("reverse", {}),
            ("distinct", {}),
        ):
            with pytest.raises(TypeError, match=rf"{method}\(\) after"):
                getattr(page, method)(**arguments)
        with pytest.raises(TypeError, match=r"last\(\) after"):
            await page.last()
    assert queries == []
    assert await page.first() == users[2]
    assert await page.update(city="page") == 3
    assert names(await User.objects.filter(city="page").order_by("username")) == names(users[2:5])
    assert (await page.delete())[0] == 3
    assert await User.objects.count() == 22


async def test_distinct_rows_may_be_ordered_by_what_is_not_selected(users: list[User]) -> None:
    for user, title in ((users[1], "b"), (users[0], "c"), (users[1], "a")):
        await Post.create(title=title, author=user)
    posts = await Post.objects.order_by("-author__username", "title").distinct()
    assert [post.title for post in posts] == ["a", "b", "c"]
    authors = User.objects.filter(posts__isnull=False).order_by("posts__title").distinct()
    assert names(await authors) == ["u01", "u01", "u00"]  # each title is another place in the order
    ages = User.objects.order_by("-username").values("last_name").distinct()
    assert len(await ages) == 25
    distinct = User.objects.order_by("age").distinct()
    assert names(await distinct.limit(2)) == ["u23", "u22"]
    assert await distinct.limit(2).count() == 2
    assert await distinct.count() == 25
    assert await distinct.exists() is True
    assert (await distinct.limit(2).aggregate(n=Count("id")))["n"] == 2
    assert names(await User.objects.filter(id__in=distinct.limit(2)).order_by("id")) == ["u22", "u23"]
