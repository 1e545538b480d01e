"""bulk_create, statement by statement."""

from __future__ import annotations

import pytest

from covet import IntegrityError, ValidationError, create_all
from covet.database import capture_queries
from tests.conftest import Database
from tests.models import community
from tests.models.community import Post, User


@pytest.fixture(autouse=True)
async def tables(database: Database) -> None:
    await create_all(models=community.ALL)


async def test_ten_thousand_users_get_their_keys_and_defaults() -> None:
    users = [User(username=f"user{number}") for number in range(10_000)]
    with capture_queries(transactions=True) as queries:
        made = await User.objects.bulk_create(users)
    assert made == users
    assert all(one is other for one, other in zip(made, users, strict=True))
    stored = dict(await User.objects.values_list("id", "username"))
    assert len(stored) == 10_000
    assert all(stored[user.id] == user.username for user in users)
    assert all(user.is_active is True and user.created_at is not None for user in users)
    assert {event.kind for event in queries} >= {"statement"}
    assert len(queries) < 100


async def test_bulk_create_is_all_or_nothing() -> None:
    await User.create(username="user9999")
    with pytest.raises(IntegrityError):
        await User.objects.bulk_create([User(username=f"user{number}") for number in range(10_000)], batch_size=1000)
    assert await User.objects.count() == 1


async def test_value_that_is_wrong_is_found_before_the_first_row_is_sent() -> None:
    with capture_queries() as queries, pytest.raises(ValidationError, match="username"):
        await User.objects.bulk_create([User(username="fine"), User(username="x" * 101)])
    assert queries == []


async def test_more_parameters_than_a_statement_takes_are_batched() -> None:
    users = [User(username=f"user{number}") for number in range(5_000)]
    await User.objects.bulk_create(users)
    assert await User.objects.count() == 5_000


async def test_batch_size_decides_the_number_of_statements() -> None:
    with capture_queries() as queries:
        await User.objects.bulk_create([User(username=f"user{number}") for number in range(10)], batch_size=4)
    assert len([event for event in queries if event.sql.startswith("INSERT")]) == 3
    with pytest.raises(ValueError, match="batch_size"):
        await User.objects.bulk_create([User(username="x")], batch_size=0)


async def test_empty_list_asks_nothing() -> None:
    with capture_queries(transactions=True) as queries:
        assert await User.objects.bulk_create([]) == []
    assert queries == []


async def test_instances_of_another_model_are_refused() -> None:
    with pytest.raises(TypeError, match="User"):
        await User.objects.bulk_create([Post(title="x")])  # type: ignore[list-item]


async def test_given_keys_are_kept() -> None:
    users = [User(username="a"), User(id=500, username="b"), User(username="c")]
    await User.objects.bulk_create(users)
    assert users[1].id == 500
    stored = dict(await User.objects.values_list("username", "id"))
    assert stored == {user.username: user.id for user in users}


async def test_foreign_keys_take_instances() -> None:
    author = await User.create(username="alice")
    await Post.objects.bulk_create([Post(title=f"p{number}", author=author) for number in range(3)])
    assert await author.posts.count() == 3


async def test_ignore_conflicts_keeps_the_rows_that_are_there() -> None:
    await User.create(username="alice", age=1)
    await User.objects.bulk_create([User(username="alice", age=2), User(username="bob", age=3)], ignore_conflicts=True)
    assert dict(await User.objects.values_list("username", "age")) == {"alice": 1, "bob": 3}


async def test_update_conflicts_changes_the_rows_that_are_there() -> None:
    await User.create(username="alice", age=1, city="Berlin")
    await User.objects.bulk_create(
        [User(username="alice", age=2), User(username="bob", age=3)],
        update_conflicts=True,
        update_fields=["age"],
        unique_fields=["username"],
    )
    assert dict(await User.objects.values_list("username", "age")) == {"alice": 2, "bob": 3}
    assert (await User.objects.get(username="alice")).city == "Berlin"
