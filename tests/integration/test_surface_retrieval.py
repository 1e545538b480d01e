"""Retrieval through ``objects``, statement by statement."""

from __future__ import annotations

import gc
import warnings
from typing import Any

import pytest

from covet import Count, QuerySet, create_all
from covet.database import capture_queries, get_adapter
from tests.conftest import Database
from tests.models import community
from tests.models.community import Post, User


@pytest.fixture
async def users(database: Database) -> list[User]:
    """Make three users; the second is not active."""
    await create_all(models=community.ALL)
    return [
        await User.create(username=name, email=f"{name}@example.com", is_active=name != "bob", age=age)
        for name, age in (("alice", 30), ("bob", 20), ("carol", 10))
    ]


async def test_all_gives_a_list_of_instances(users: list[User]) -> None:
    found = await User.objects.all()
    assert isinstance(found, list)
    assert sorted(found, key=lambda user: user.id) == users
    assert type(found[0]) is User


async def test_filter_is_awaited_without_all(users: list[User]) -> None:
    found = await User.objects.filter(is_active=True)
    assert isinstance(found, list)
    assert {user.username for user in found} == {"alice", "carol"}


async def test_get_gives_one_instance(users: list[User]) -> None:
    with capture_queries() as queries:
        user = await User.objects.get(id=users[0].id)
    assert user == users[0]
    assert user is not users[0]
    assert len(queries) == 1
    assert queries[0].args[0] == users[0].id
    assert str(users[0].username) not in queries[0].sql


async def test_get_of_several_and_of_none_raise_the_errors_of_the_model(users: list[User]) -> None:
    with pytest.raises(User.MultipleObjectsReturned, match="User"):
        await User.objects.get(is_active=True)
    with pytest.raises(User.DoesNotExist, match="User"):
        await User.objects.get(id=-1)
    with pytest.raises(User.DoesNotExist):
        await User.objects.filter(age__gt=1000).get()


async def test_errors_of_one_model_are_not_those_of_another(users: list[User]) -> None:
    assert not issubclass(User.DoesNotExist, Post.DoesNotExist)
    assert User.DoesNotExist is not Post.DoesNotExist
    assert User.DoesNotExist.__qualname__ == "User.DoesNotExist"


async def test_get_or_none_gives_none(users: list[User]) -> None:
    assert await User.objects.get_or_none(id=-1) is None
    assert await User.objects.get_or_none(username="bob") == users[1]
    with pytest.raises(User.MultipleObjectsReturned):
        await User.objects.get_or_none(is_active=True)


async def test_count_of_a_filter_and_of_the_manager(users: list[User]) -> None:
    with capture_queries() as queries:
        assert await User.objects.filter(is_active=True).count() == 2
        assert await User.objects.count() == 3
    assert all(event.sql.startswith("SELECT COUNT(*)") for event in queries)
    assert type(await User.objects.count()) is int


async def test_all_chains_after_other_methods(users: list[User]) -> None:
    assert await User.objects.filter(username="bob").all() == [users[1]]
    await Post.create(title="p", author=users[0])
    posts = await Post.objects.select_related("author").all()
    assert posts[0].author.username == "alice"


async def test_annotate_then_filter_is_awaited_without_all(users: list[User]) -> None:
    await Post.create(title="p", author=users[0])
    found = await User.objects.annotate(post_count=Count("posts")).filter(post_count__gt=0)
    assert found == [users[0]]


async def test_filter_with_a_limit(users: list[User]) -> None:
    found = await User.objects.filter(is_active=True).limit(1)
    assert len(found) == 1


async def test_get_of_an_annotated_query_has_the_annotations(users: list[User]) -> None:
    await Post.create(title="p", author=users[0])
    user = await User.objects.annotate(post_count=Count("posts")).get(id=users[0].id)
    assert user.annotation("post_count", int) == 1
    assert user.post_count == 1  # type: ignore[attr-defined]  # made by annotate()


async def test_raw_gives_instances(users: list[User]) -> None:
    found = await User.objects.raw("SELECT * FROM users WHERE username = $1", ["bob"])
    assert found == [users[1]]
    assert type(found[0]) is User


async def test_bulk_create_gives_the_list(database: Database) -> None:
    await create_all(models=community.ALL)
    made = [User(username=f"u{number}") for number in range(3)]
    assert await User.objects.bulk_create(made) == made
    assert await User.objects.count() == 3


async def test_values_then_annotate_gives_dicts(users: list[User]) -> None:
    rows = await User.objects.values("is_active").annotate(n=Count("id"))
    assert sorted(rows, key=lambda row: row["n"]) == [{"is_active": False, "n": 1}, {"is_active": True, "n": 2}]
    assert type(rows[0]) is dict


async def test_query_that_is_not_awaited_does_nothing_and_is_no_list(users: list[User]) -> None:
    with capture_queries() as queries, warnings.catch_warnings():
        warnings.simplefilter("error")
        query = User.objects.all()
        attempts: tuple[Any, ...] = (len, iter, bool, list)
        for attempt in attempts:
            with pytest.raises(TypeError, match="await"):
                attempt(query)
        first = query[0]
        assert "await" in repr(first)
        del first, query
        gc.collect()
    assert queries == []


async def test_index_and_slice_of_a_query_are_awaited(users: list[User]) -> None:
    ordered = User.objects.order_by("username")
    with capture_queries() as queries:
        assert await ordered[1] == users[1]
        assert await ordered[1:3] == users[1:]
        assert await ordered[:1] == users[:1]
        assert await ordered[2:] == users[2:]
    assert all("LIMIT" in event.sql or "OFFSET" in event.sql for event in queries)
    with pytest.raises(IndexError):
        await ordered[3]
    with pytest.raises(ValueError, match="Negative"):
        ordered[-1]


async def test_typed_condition_selects_as_the_keyword_does(users: list[User]) -> None:
    with capture_queries() as queries:
        assert await User.objects.filter(User.age > 18, User.username != "bob") == [users[0]]
        assert await User.objects.filter(User.age.between(10, 20)).order_by(User.age.desc()) == [users[1], users[2]]
        assert await User.objects.filter((User.age == 10) | User.username.startswith("al")).count() == 2
    assert len(queries) == 3


@pytest.mark.parametrize("wrong", [True, "age > 18", 5, None])
async def test_what_is_no_condition_is_refused_at_once(users: list[User], wrong: object) -> None:
    # For a bool the message speaks of the comparison that gave it; for all else it shows the forms that work.
    message = "same type" if wrong is True else "age__gt=18"
    with capture_queries() as queries, pytest.raises(TypeError, match=message):
        User.objects.filter(wrong)  # type: ignore[arg-type]
    assert queries == []


async def test_deriving_leaves_the_parent_as_it_was(users: list[User]) -> None:
    base = User.objects.filter(age__gte=10)
    younger = base.filter(age__lt=25).order_by("-age")
    inactive = base.exclude(is_active=True)
    assert await younger == [users[1], users[2]]
    assert await inactive == [users[1]]
    assert len(await base) == 3
    assert len(await base) == 3


async def test_base_is_asked_anew_each_time(users: list[User]) -> None:
    base = User.objects.filter(is_active=True)
    assert len(await base) == 2
    await User.create(username="dave")
    assert len(await base) == 3


async def test_list_that_changes_after_filter_does_not_change_the_query(users: list[User]) -> None:
    ids = [users[0].id]
    query = User.objects.filter(id__in=ids)
    ids.append(users[1].id)
    assert await query == [users[0]]


async def test_query_gives_what_the_same_statement_gives_without_covet(users: list[User]) -> None:
    rows = await get_adapter().fetch_all("SELECT id, username FROM users WHERE is_active = $1", [True])
    found = await User.objects.filter(is_active=True)
    assert sorted((user.id, user.username) for user in found) == sorted((row["id"], row["username"]) for row in rows)


async def test_async_for_runs_over_the_rows(users: list[User]) -> None:
    assert [user async for user in User.objects.order_by("id")] == users
    assert [user async for user in User.objects.order_by("id").iterator(chunk_size=2)] == users


async def test_first_last_exists_contains_and_in_bulk(users: list[User]) -> None:
    assert await User.objects.order_by("age").first() == users[2]
    assert await User.objects.order_by("age").last() == users[0]
    assert await User.objects.first() == users[0]  # by the key when nothing else is said
    assert await User.objects.last() == users[2]
    assert await User.objects.filter(id=-1).first() is None
    assert await User.objects.filter(id=-1).last() is None
    assert await User.objects.filter(username="bob").exists() is True
    assert await User.objects.filter(id=-1).exists() is False
    assert await User.objects.filter(is_active=True).contains(users[0]) is True
    assert await User.objects.filter(is_active=True).contains(users[1]) is False
    assert await User.objects.in_bulk([users[0].id, users[2].id, -1]) == {users[0].id: users[0], users[2].id: users[2]}
    assert await User.objects.in_bulk([]) == {}
    by_name = await User.objects.in_bulk(["bob"], field="username")
    assert by_name == {"bob": users[1]}


async def test_earliest_and_latest(users: list[User]) -> None:
    assert await User.objects.earliest("age") == users[2]
    assert await User.objects.latest("age") == users[0]
    with pytest.raises(User.DoesNotExist):
        await User.objects.filter(id=-1).latest("age")


async def test_get_or_create_and_update_or_create(users: list[User]) -> None:
    assert await User.objects.get_or_create(username="bob", defaults={"age": 99}) == (users[1], False)
    dave, created = await User.objects.get_or_create(username="dave", defaults={"age": 40})
    assert (created, dave.age) == (True, 40)
    changed, created = await User.objects.update_or_create(username="dave", defaults={"age": 41})
    assert (created, changed.id, changed.age) == (False, dave.id, 41)
    assert (await User.objects.get(username="dave")).age == 41
    eve, created = await User.objects.update_or_create(username="eve", defaults={"age": 50})
    assert (created, eve.age) == (True, 50)


async def test_values_list_in_its_forms(users: list[User]) -> None:
    ordered = User.objects.order_by("id")
    assert await ordered.values_list("username", flat=True) == ["alice", "bob", "carol"]
    assert await ordered.values_list("username", "age") == [("alice", 30), ("bob", 20), ("carol", 10)]
    assert await ordered.values_list(User.username, User.age) == [("alice", 30), ("bob", 20), ("carol", 10)]
    assert await ordered.values("username").first() == {"username": "alice"}
    with pytest.raises(TypeError, match="flat"):
        ordered.values_list("username", "age", flat=True)  # type: ignore[call-overload]


async def test_only_and_defer_load_the_rest_when_asked(users: list[User]) -> None:
    with capture_queries() as queries:
        few = await User.objects.only("username").get(username="bob")
        assert few.username == "bob"
        assert few.id == users[1].id
        with pytest.raises(AttributeError, match="await"):
            _ = few.age
        assert (await few).age == 20
    assert len(queries) == 2
    assert '"age"' not in queries[0].sql
    without = await User.objects.defer("age").get(username="bob")
    assert without.username == "bob"
    with pytest.raises(AttributeError, match="age"):
        _ = without.age


async def test_distinct_reverse_and_none(users: list[User]) -> None:
    assert await User.objects.order_by("is_active").values_list("is_active", flat=True).distinct() == [False, True]
    assert await User.objects.order_by("age").reverse() == users
    with capture_queries() as queries:
        nothing = User.objects.none()
        assert await nothing == []
        assert await nothing.count() == 0
        assert await nothing.exists() is False
        assert await nothing.first() is None
        assert await nothing.filter(age=1) == []
        assert await nothing.update(age=1) == 0
    assert queries == []


def test_builders_give_query_sets() -> None:
    assert isinstance(User.objects.all(), QuerySet)
    assert isinstance(User.objects.filter(age=1).exclude(age=2).order_by("age").limit(1), QuerySet)
