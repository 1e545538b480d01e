"""Transactions and savepoints, statement by statement."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from covet import IntegrityError, TransactionError, create_all, on_commit, transaction
from covet.database import DatabaseConfig, capture_queries, get_adapter
from tests.conftest import Database
from tests.models import community
from tests.models.community import Post, User


class Broken(Exception):
    """What a test raises inside a block."""


@pytest.fixture(autouse=True)
async def tables(database: Database) -> Database:
    await create_all(models=community.ALL)
    return database


async def names() -> list[str]:
    """Return what is stored."""
    return await User.objects.order_by("username").values_list("username", flat=True)


async def test_bare_decorator_commits_and_returns_the_value() -> None:
    @transaction
    async def create_user_with_post(name: str) -> User:
        """Make both."""
        user = await User.create(username=name)
        await Post.create(title="Hello", author=user)
        return user

    with capture_queries(transactions=True) as queries:
        user = await create_user_with_post("alice")
    assert type(user) is User
    assert create_user_with_post.__name__ == "create_user_with_post"
    assert create_user_with_post.__doc__ == "Make both."
    assert [event.sql.split()[0].upper() for event in queries] == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    assert await names() == ["alice"]


async def test_bare_decorator_rolls_back_and_lets_the_exception_pass() -> None:
    error = Broken("as it is")

    @transaction
    async def fail() -> None:
        await User.create(username="alice")
        raise error

    with pytest.raises(Broken) as caught:
        await fail()
    assert caught.value is error
    assert await names() == []


async def test_decorated_function_called_at_once_has_transactions_of_its_own() -> None:
    @transaction
    async def create(name: str, *, fail: bool) -> None:
        await User.create(username=name)
        await asyncio.sleep(0)
        if fail:
            raise Broken

    results = await asyncio.gather(
        *(create(f"u{number}", fail=number % 2 == 1) for number in range(6)), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), Broken] * 3
    assert await names() == ["u0", "u2", "u4"]


async def test_block_commits_at_its_end_and_rolls_back_on_an_exception() -> None:
    async with transaction():
        await User.create(username="alice")
    assert await names() == ["alice"]
    with pytest.raises(Broken):
        async with transaction():
            await User.create(username="bob")
            raise Broken
    assert await names() == ["alice"]


async def test_block_is_not_seen_from_outside_before_it_commits(tables: Database) -> None:
    DatabaseConfig(url=tables.url, alias="other")
    async with transaction():
        await User.create(username="alice")
        assert await get_adapter("other").fetch_value("SELECT count(*) FROM users") == 0
        assert await names() == ["alice"]
    assert await get_adapter("other").fetch_value("SELECT count(*) FROM users") == 1


async def test_savepoint_that_fails_keeps_the_rest_when_the_caller_catches() -> None:
    async with transaction() as tx:
        user = await User.create(username="alice")
        with pytest.raises(Broken):
            async with tx.savepoint():
                await User.create(username="risky")
                raise Broken
        async with tx.savepoint():
            await User.create(username="fine")
        user.city = "Berlin"
        await user.save()
    assert await names() == ["alice", "fine"]
    assert (await User.objects.get(username="alice")).city == "Berlin"


async def test_savepoint_that_fails_and_is_not_caught_undoes_everything() -> None:
    with pytest.raises(Broken):
        async with transaction() as tx:
            await User.create(username="alice")
            async with tx.savepoint():
                raise Broken
    assert await names() == []


async def test_every_kind_of_call_takes_part_in_the_open_transaction() -> None:
    await User.create(username="before", age=1)
    with pytest.raises(Broken):
        async with transaction():
            await User(username="saved").save()
            await User.objects.create(username="created")
            await User.objects.bulk_create([User(username="bulk")])
            await User.objects.filter(username="before").update(age=2)
            await get_adapter().execute("UPDATE users SET city = $1", ["raw"])
            await User.objects.raw("UPDATE users SET first_name = 'x' RETURNING *")
            before = await User.objects.get(username="before")
            assert (before.age, before.city, before.first_name) == (2, "raw", "x")
            await before.delete()
            assert await names() == ["bulk", "created", "saved"]
            raise Broken
    assert await names() == ["before"]
    before = await User.objects.get(username="before")
    assert (before.age, before.city) == (1, None)


@pytest.mark.parametrize("options", [{}, {"isolation": "serializable"}, {"isolation": "repeatable read"}], ids=str)
async def test_decorator_with_parentheses_works_and_reads_its_options(options: dict[str, Any]) -> None:
    @transaction(**options)
    async def create() -> str:
        await User.create(username="alice")
        return "done"

    assert await create() == "done"
    with pytest.raises(IntegrityError):
        await create()
    assert await names() == ["alice"]


async def test_isolation_reaches_the_server(tables: Database) -> None:
    async with transaction(isolation="serializable"):
        if tables.name == "postgresql":
            assert await get_adapter().fetch_value("SHOW transaction_isolation") == "serializable"
        await User.create(username="alice")
    assert await names() == ["alice"]


async def test_inner_block_is_a_savepoint() -> None:
    with capture_queries(transactions=True) as queries:
        async with transaction():
            await User.create(username="outer")
            with pytest.raises(Broken):
                async with transaction():
                    await User.create(username="inner")
                    raise Broken
            async with transaction():
                await User.create(username="second")
    verbs = [event.sql.split()[0].upper() for event in queries]
    assert verbs.count("BEGIN") == 1
    assert verbs.count("COMMIT") == 1
    assert verbs.count("SAVEPOINT") == 2
    assert await names() == ["outer", "second"]


async def test_inner_block_is_undone_with_the_outer_one() -> None:
    with pytest.raises(Broken):
        async with transaction():
            async with transaction():
                await User.create(username="inner")
            raise Broken
    assert await names() == []


async def test_statement_after_an_error_says_to_use_a_savepoint(tables: Database) -> None:
    if tables.name == "sqlite":
        async with transaction():
            await User.create(username="alice")
            with pytest.raises(IntegrityError):
                await User.create(username="alice")
            assert await names() == ["alice"]
        return
    with pytest.raises(TransactionError, match="savepoint"):
        async with transaction():
            await User.create(username="alice")
            with pytest.raises(IntegrityError):
                await User.create(username="alice")
            await User.create(username="bob")
    assert await names() == []


async def test_error_inside_of_a_savepoint_leaves_the_transaction_usable() -> None:
    async with transaction() as tx:
        await User.create(username="alice")
        with pytest.raises(IntegrityError):
            async with tx.savepoint():
                await User.create(username="alice")
        await User.create(username="bob")
    assert await names() == ["alice", "bob"]


async def test_gathered_calls_inside_of_a_block_share_its_connection_in_turn() -> None:
    async with transaction():
        await asyncio.gather(*(User.create(username=f"u{number}") for number in range(20)))
        counts = await asyncio.gather(*(User.objects.count() for _ in range(5)))
        assert counts == [20] * 5
    assert len(await names()) == 20
    with pytest.raises(Broken):
        async with transaction():
            await asyncio.gather(*(User.create(username=f"v{number}") for number in range(20)))
            raise Broken
    assert len(await names()) == 20


def test_synchronous_with_is_refused() -> None:
    with pytest.raises(TypeError, match="async with"), transaction():  # type: ignore[attr-defined]
        pass


def test_decorator_of_a_plain_function_is_refused() -> None:
    with pytest.raises(TypeError, match="async def"):

        @transaction  # type: ignore[arg-type]
        def plain() -> None:
            pass


async def test_cancellation_rolls_back_and_returns_the_connection() -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with transaction():
            await User.create(username="alice")
            started.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names() == []
    assert (await get_adapter().get_pool_stats())["used_size"] == 0
    await User.create(username="bob")
    assert await names() == ["bob"]


async def test_on_commit_runs_after_the_commit_and_not_after_a_rollback() -> None:
    done: list[str] = []

    async def later() -> None:
        done.append(",".join(await names()))

    async with transaction() as tx:
        await User.create(username="alice")
        tx.on_commit(later)
        tx.on_commit(lambda: done.append("plain"))
        assert done == []
    assert done == ["alice", "plain"]
    with pytest.raises(Broken):
        async with transaction() as tx:
            tx.on_commit(lambda: done.append("never"))
            raise Broken
    assert done == ["alice", "plain"]


async def test_on_commit_of_a_savepoint_goes_with_it() -> None:
    done: list[str] = []
    async with transaction() as tx:
        with pytest.raises(Broken):
            async with tx.savepoint() as inner:
                inner.on_commit(lambda: done.append("never"))
                on_commit(lambda: done.append("never"))
                raise Broken
        async with tx.savepoint() as inner:
            inner.on_commit(lambda: done.append("inner"))
            on_commit(lambda: done.append("innermost"))
        assert done == []
    assert done == ["inner", "innermost"]
    on_commit(lambda: done.append("at once"))
    assert done[-1] == "at once"
