"""Raw SQL and computed properties, statement by statement."""

from __future__ import annotations

import pytest

from covet import CovetError, NotLoaded, create_all
from covet.database import capture_queries, get_adapter
from covet.exceptions import ProgrammingError
from tests.conftest import Database
from tests.models import community
from tests.models.community import Post, User


@pytest.fixture(autouse=True)
async def alice(database: Database) -> User:
    await create_all(models=community.ALL)
    await User.create(username="bob", first_name="Bob", last_name="100%")
    return await User.create(username="alice", first_name="Alice", last_name="Smith", age=30)


async def test_raw_gives_whole_instances(alice: User) -> None:
    with capture_queries() as queries:
        users = await User.objects.raw("SELECT * FROM users WHERE first_name || ' ' || last_name = $1", ["Alice Smith"])
    assert users == [alice]
    assert users[0].created_at == alice.created_at
    assert users[0].is_active is True
    assert tuple(queries[0].args) == ("Alice Smith",)
    users[0].age = 31
    await users[0].save()
    assert (await User.objects.get(id=alice.id)).age == 31


async def test_more_columns_become_attributes(alice: User) -> None:
    (user,) = await User.objects.raw("SELECT *, age * 2 AS double_age FROM users WHERE age IS NOT NULL")
    assert user.double_age == 60  # type: ignore[attr-defined]


async def test_missing_key_is_an_error(alice: User) -> None:
    with pytest.raises(CovetError, match="id"):
        await User.objects.raw("SELECT username FROM users")


async def test_missing_columns_are_deferred(alice: User) -> None:
    (user,) = await User.objects.raw("SELECT id, username FROM users WHERE username = $1", ["alice"])
    assert user.username == "alice"
    with pytest.raises(NotLoaded, match="age"):
        _ = user.age
    assert (await user).age == 30


async def test_order_of_columns_does_not_matter(alice: User) -> None:
    (user,) = await User.objects.raw("SELECT age, username, id FROM users WHERE id = $1", [alice.id])
    assert (user.id, user.username, user.age) == (alice.id, "alice", 30)


async def test_percent_signs_and_literals_pass_unchanged(alice: User) -> None:
    users = await User.objects.raw("SELECT * FROM users WHERE last_name LIKE '%!%' ESCAPE '!' AND last_name <> '%s'")
    assert [user.username for user in users] == ["bob"]
    users = await User.objects.raw("SELECT * FROM users WHERE last_name LIKE '100%' AND last_name <> '$1 ?'")
    assert [user.username for user in users] == ["bob"]
    assert await get_adapter().fetch_value("SELECT '%s ? $1 :x {} ' || $1", ["end"]) == "%s ? $1 :x {} end"


async def test_same_placeholder_may_stand_twice_and_out_of_order(alice: User) -> None:
    sql = "SELECT * FROM users WHERE age >= $2 AND username = $1 AND username = $1"
    assert await User.objects.raw(sql, ["alice", 30]) == [alice]


@pytest.mark.parametrize("params", [[], [1, 2]])
async def test_wrong_number_of_parameters_is_refused(alice: User, params: list[int]) -> None:
    with pytest.raises(ProgrammingError, match=r"\$1|parameter"):
        await User.objects.raw("SELECT * FROM users WHERE id = $1", params)


async def test_raw_of_a_related_model_has_unloaded_keys(alice: User) -> None:
    await Post.create(title="p", author=alice)
    (post,) = await Post.objects.raw("SELECT * FROM posts")
    assert post.author_id == alice.id
    assert (await post.author).username == "alice"


async def test_wrong_sql_is_a_typed_error_with_the_statement_and_without_values(alice: User) -> None:
    with pytest.raises(ProgrammingError) as caught:
        await User.objects.raw("SELECT * FROM no_such_table WHERE a = $1", ["secret value"])
    assert "no_such_table" in str(caught.value)
    assert "secret value" not in str(caught.value)
    assert caught.value.__cause__ is not None
