"""Error behaviour that the guide shows or implies, row by row. Errors hide no cause and show no value."""

from __future__ import annotations

import asyncio

import pytest

import covet
from covet import (
    CovetError,
    DatabaseError,
    IntegrityError,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    RelationNotLoaded,
    create_all,
    transaction,
)
from covet.database import DatabaseConfig, capture_queries, get_adapter
from covet.exceptions import ForeignKeyViolation, NotNullViolation, OperationalError, ProgrammingError, UniqueViolation
from tests.conftest import Database
from tests.models import community
from tests.models.community import Post, User


class Broken(Exception):
    """What a test raises inside a block."""


@pytest.fixture
async def alice(database: Database) -> User:
    await create_all(models=community.ALL)
    return await User.create(username="alice")


async def test_get_of_several_raises_the_shared_error_too(alice: User) -> None:
    await User.create(username="bob")
    with pytest.raises(MultipleObjectsReturned) as caught:
        await User.objects.get(is_active=True)
    assert type(caught.value) is User.MultipleObjectsReturned


async def test_get_of_none_raises_the_shared_error_too(alice: User) -> None:
    with pytest.raises(ObjectDoesNotExist) as caught:
        await User.objects.get(username="secret name")
    assert type(caught.value) is User.DoesNotExist
    assert "secret name" not in str(caught.value)


async def test_query_used_like_a_list_says_to_await_it(alice: User) -> None:
    query = User.objects.all()
    with pytest.raises(TypeError, match="await"):
        len(query)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="await"):
        for _ in query:  # type: ignore[misc]
            pass


def test_there_is_no_session() -> None:
    assert not hasattr(covet, "session")
    assert not hasattr(covet.database, "session")


async def test_exception_in_a_transaction_passes_unchanged(alice: User) -> None:
    error = Broken("x")
    with pytest.raises(Broken) as caught:
        async with transaction():
            raise error
    assert caught.value is error
    assert caught.value.__cause__ is None


async def test_exception_in_a_savepoint_passes_unchanged(alice: User) -> None:
    error = Broken("x")
    async with transaction() as tx:
        with pytest.raises(Broken) as caught:
            async with tx.savepoint():
                await User.create(username="bob")
                raise error
        assert caught.value is error
    assert await User.objects.count() == 1


async def test_relation_used_like_a_list_names_both_cures(alice: User) -> None:
    user = await User.objects.get(id=alice.id)
    with pytest.raises(RelationNotLoaded) as caught:
        list(user.posts)
    assert "posts.all()" in str(caught.value)
    assert "prefetch_related" in str(caught.value)


async def test_unique_violation_names_constraint_columns_and_model(alice: User) -> None:
    with pytest.raises(UniqueViolation) as caught:
        await User.create(username="alice", email="secret@example.com")
    error = caught.value
    assert isinstance(error, IntegrityError)
    assert error.columns == ("username",)
    assert error.table == "users"
    assert error.model is User
    assert error.statement is not None
    assert error.statement.startswith("INSERT INTO")
    assert error.__cause__ is not None
    assert not isinstance(error.__cause__, CovetError)
    assert "secret@example.com" not in str(error)
    assert error.retryable is False


async def test_foreign_key_violation_is_typed(alice: User) -> None:
    with pytest.raises(ForeignKeyViolation) as caught:
        await Post.create(title="x", author_id=999)
    assert caught.value.model is Post


async def test_not_null_violation_of_raw_sql_is_typed(alice: User) -> None:
    with pytest.raises(NotNullViolation) as caught:
        await get_adapter().execute("UPDATE users SET username = NULL")
    assert caught.value.columns == ("username",)


async def test_missing_table_is_a_programming_error_with_a_hint(database: Database) -> None:
    with pytest.raises(ProgrammingError, match="users") as caught:
        await User.objects.all()
    assert "create_all" in str(caught.value) or "migrat" in str(caught.value)


async def test_server_that_is_down_is_named_without_its_password() -> None:
    DatabaseConfig(url="postgresql://ann:hunter2@127.0.0.1:1/shop", alias="down", replace=True, connect_timeout=2)
    with capture_queries() as queries:
        async with asyncio.timeout(5):
            with pytest.raises(OperationalError) as caught:
                await User.objects.using("down").count()
    assert "127.0.0.1:1" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert isinstance(caught.value, DatabaseError)
    assert queries == []
    await covet.database.close_all()


async def test_wrong_keyword_is_refused_at_its_line(alice: User) -> None:
    with pytest.raises(TypeError, match="usernam"):
        await User.create(usernam="x")
    with pytest.raises((TypeError, CovetError), match="agee"):
        await User.objects.update(agee=1)
    with pytest.raises((TypeError, CovetError), match="agee"):
        await alice.save(update_fields=["agee"])
