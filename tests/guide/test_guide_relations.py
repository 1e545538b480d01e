"""The guide's blocks on foreign keys, transactions, properties, raw SQL and inheritance, run as they stand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from covet import CharField, CovetError, FieldError, ForeignKey, Model, create_all, transaction
from covet.database import capture_queries
from tests.conftest import Database
from tests.guide.running import run_block
from tests.models import community
from tests.models.community import Post, User


class Broken(Exception):
    """What a test raises inside a block."""


async def make_rows_for_foreign_key_block() -> None:
    """Make the tables and rows that lines 678-685 read: the block declares its models and queries them in one go."""

    class User(Model):
        username = CharField(max_length=100)

        class Meta:
            db_table = "users"

    class Post(Model):
        title = CharField(max_length=200)
        author = ForeignKey(User, on_delete="CASCADE", related_name="posts")

        class Meta:
            db_table = "posts"

    await create_all(models=[User, Post])
    for username, titles in (("alice", ["one", "two"]), ("bob", [])):
        user = await User.create(username=username)
        for title in titles:
            await Post.create(title=title, author=user)


async def test_lines_661_685_foreign_key_and_both_ways_to_load(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await make_rows_for_foreign_key_block()
    with capture_queries() as queries:
        names = await run_block("661-685")
    assert [post.title for post in names["posts"]] == ["one", "two"]
    assert all(type(post) is names["Post"] for post in names["posts"])
    # One for the user, one for the posts, then one for all users and one for all their posts: none in the loop.
    assert len(queries) == 4
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert printed[0].count("Post") == 2
    assert printed[1].count("Post") == 0
    field = names["Post"]._meta.get_field("author")
    assert field.column == "author_id"


async def test_lines_661_685_delete_cascades(database: Database) -> None:
    await make_rows_for_foreign_key_block()
    names = await run_block("661-685")
    await names["User"].objects.filter(id=1).delete()
    assert await names["Post"].objects.count() == 0


async def test_lines_1427_1429_an_unloaded_relation_is_no_list(database: Database) -> None:
    await create_all(models=community.ALL)
    await User.create(username="alice")
    names = await run_block("1427-1429", User=User)
    posts = names["posts"]
    assert not isinstance(posts, list)
    with pytest.raises(CovetError, match=r"await .*posts") as caught:
        len(posts)
    assert 'prefetch_related("posts")' in str(caught.value).replace("'", '"')


async def test_lines_1434_1436_relations_are_awaited(database: Database) -> None:
    await create_all(models=community.ALL)
    user = await User.create(username="alice")
    await Post.create(title="one", author=user)
    names = await run_block("1434-1436", User=User)
    assert [post.title for post in names["posts"]] == ["one"]


async def test_lines_843_857_context_manager_commits_and_decorator_returns(database: Database) -> None:
    await create_all(models=community.ALL)

    calls: list[str] = []

    async def create(**values: Any) -> User:
        calls.append(values["username"])
        return await User.create(username=f"{values['username']}{len(calls)}")

    with capture_queries(transactions=True) as queries:
        names = await run_block("843-857", User=SimpleNamespace(create=create), Post=Post)
    assert [event.kind for event in queries] == ["transaction", "statement", "statement", "transaction"]
    assert names["post"].author_id == names["user"].id
    assert await Post.objects.count() == 1
    user = await names["create_user_with_post"]()
    assert type(user) is User
    assert names["create_user_with_post"].__name__ == "create_user_with_post"
    assert await Post.objects.filter(author=user).count() == 1


async def test_lines_843_857_both_forms_roll_back_and_let_the_exception_pass(database: Database) -> None:
    await create_all(models=community.ALL)

    async def fail(**values: Any) -> Post:
        await Post.create(**values)
        raise Broken

    with pytest.raises(Broken):
        await run_block("843-857", User=User, Post=SimpleNamespace(create=fail))
    assert await User.objects.count() == 0
    working = await run_block("843-857", User=User, Post=Post)
    await User.objects.all().delete()
    working["Post"] = SimpleNamespace(create=fail)
    with pytest.raises(Broken):
        await working["create_user_with_post"]()
    assert await User.objects.count() == 0
    assert await Post.objects.count() == 0


async def test_lines_875_885_a_savepoint_that_works_is_kept(database: Database) -> None:
    await create_all(models=community.ALL)

    async def create(placeholder: object) -> User:
        assert placeholder is ...  # the block leaves the values out
        return await User.create(username="risky")

    with capture_queries(transactions=True) as queries:
        names = await run_block(
            "875-885", transaction=transaction, User=User, RiskyModel=SimpleNamespace(create=create)
        )
    assert names["risky_operation"].id is not None
    assert sorted(user.username for user in await User.objects.all()) == ["alice", "risky"]
    kinds = [event.sql.split()[0].upper() for event in queries]
    assert kinds[0] == "BEGIN"
    assert kinds[-1] == "COMMIT"
    assert [kind for kind in kinds if kind in {"SAVEPOINT", "RELEASE", "ROLLBACK"}] == ["SAVEPOINT", "RELEASE"]


async def test_lines_875_885_an_error_leaves_the_savepoint_and_then_the_transaction(database: Database) -> None:
    await create_all(models=community.ALL)

    async def create(_: object) -> None:
        await User.create(username="risky")
        raise Broken

    with pytest.raises(Broken):
        await run_block("875-885", transaction=transaction, User=User, RiskyModel=SimpleNamespace(create=create))
    assert await User.objects.count() == 0


async def test_line_882_a_caller_that_catches_the_error_keeps_the_rest_of_the_transaction(database: Database) -> None:
    await create_all(models=community.ALL)
    async with transaction() as tx:
        user = await User.create(username="alice")
        with pytest.raises(Broken):
            async with tx.savepoint():
                await User.create(username="risky")
                raise Broken
        user.city = "Berlin"
        await user.save()
    assert [(user.username, user.city) for user in await User.objects.all()] == [("alice", "Berlin")]


async def test_lines_1450_1454_save_inside_a_transaction_takes_its_connection(database: Database) -> None:
    await create_all(models=community.ALL)
    with capture_queries(transactions=True) as queries:
        await run_block("1450-1454", user=User(username="alice"))
    assert [event.sql.split()[0].upper() for event in queries] == ["BEGIN", "INSERT", "COMMIT"]
    assert await User.objects.count() == 1


async def prepared_full_names() -> type[Any]:
    """Make the table of lines 924-934 with the row that the block asks for; return its model."""

    class User(Model):
        first_name = CharField(max_length=50)
        last_name = CharField(max_length=50)

        class Meta:
            db_table = "users"

    await create_all(models=[User])
    await User.create(first_name="Alice", last_name="Smith")
    await User.create(first_name="Alice", last_name="Jones")
    return User


async def test_lines_924_944_a_property_and_raw_sql(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    await prepared_full_names()
    with capture_queries() as queries:
        names = await run_block("924-944", Model=Model, CharField=CharField)
    assert capsys.readouterr().out == "Alice Smith\n"
    assert [(user.first_name, user.last_name) for user in names["users"]] == [("Alice", "Smith")]
    assert type(names["users"][0]) is names["User"]
    assert tuple(queries[1].args) == ("Alice Smith",)


async def test_line_947_a_property_cannot_be_queried(database: Database) -> None:
    await prepared_full_names()
    names = await run_block("924-944", Model=Model, CharField=CharField)
    with capture_queries() as queries, pytest.raises(FieldError, match="property"):
        names["User"].objects.filter(full_name="Alice Smith")
    assert queries == []


async def prepare_employees() -> None:
    """Make the tables of lines 980-997 with one row each."""

    class Engineer(Model):
        name = CharField(max_length=100)
        engineer_info = CharField(max_length=200)

        class Meta:
            db_table = "engineers"

    class Manager(Model):
        name = CharField(max_length=100)
        manager_info = CharField(max_length=200)

        class Meta:
            db_table = "managers"

    await create_all(models=[Engineer, Manager])
    await Engineer.create(name="Ada", engineer_info="compilers")
    await Manager.create(name="Grace", manager_info="ships")


async def test_lines_980_1001_abstract_models(database: Database) -> None:
    await prepare_employees()
    with capture_queries() as queries:
        names = await run_block("980-1001", Model=Model, CharField=CharField)
    assert [(row.name, row.engineer_info) for row in names["engineers"]] == [("Ada", "compilers")]
    assert [(row.name, row.manager_info) for row in names["managers"]] == [("Grace", "ships")]
    assert len(queries) == 2
    assert [f.column for f in names["Engineer"]._meta.fields] == ["id", "name", "engineer_info"]
    assert names["Employee"]._meta.abstract
    assert not names["Engineer"]._meta.abstract
    with pytest.raises(CovetError, match="abstract"):
        await names["Employee"].objects.all()
