"""The guide's blocks on models, configuration and sessions, run as they stand.

Not covered yet, because the parts belong to later work: 130-143 (``analyze_project``), 168-189 (side by side with
SQLAlchemy), 734-759 and 792-793 (many-to-many), 1054-1090 and 1096-1101 (migrations and their command), 1193-1384
(converter). The blocks that show SQLAlchemy alone are not this project's.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import covet.database
from covet import IntegrityError, ValidationError, create_all
from covet.database import DatabaseConfig, capture_queries, get_adapter
from covet.database.orm.fields import BooleanField, CharField, DateTimeField, EmailField
from tests.conftest import Database
from tests.guide.running import BLOCKS, compile_block, run_block
from tests.models import community


@pytest.mark.parametrize("lines", sorted(path.stem for path in BLOCKS.glob("*.txt")))
def test_every_block_compiles_with_top_level_await(lines: str) -> None:
    compile_block(lines)


async def guide_user() -> Any:
    """Return the ``User`` of lines 221-237 with its table."""
    user = (await run_block("221-237"))["User"]
    await create_all(models=[user])
    return user


async def test_lines_221_237_declare_a_model_that_works(database: Database) -> None:
    user_model = await guide_user()
    assert user_model._meta.db_table == "users"
    assert [field.name for field in user_model._meta.fields] == ["id", "username", "email", "is_active", "created_at"]
    assert user_model.__doc__ == "User model."
    unsaved = user_model(username="alice", email="alice@example.com")
    assert repr(unsaved) == "<User(id=None, username='alice')>"
    await unsaved.save()
    assert repr(unsaved) == "<User(id=1, username='alice')>"
    found = await user_model.objects.get(username="alice")
    assert found.is_active is True
    assert found.created_at == unsaved.created_at
    assert found.created_at.utcoffset() is not None


async def test_lines_240_245_fields_are_descriptors_and_no_column_objects(database: Database) -> None:
    user_model = await guide_user()
    assert isinstance(user_model.username, CharField)
    assert isinstance(user_model.email, EmailField)
    assert isinstance(user_model.is_active, BooleanField)
    assert isinstance(user_model.created_at, DateTimeField)
    assert user_model(username="bob", email="b@example.com").username == "bob"


@pytest.mark.parametrize("field", ["username", "email"])
async def test_lines_228_229_unique_fields_refuse_a_second_equal_value(database: Database, field: str) -> None:
    user_model = await guide_user()
    values = {"username": "alice", "email": "alice@example.com"}
    await user_model.create(**values)
    other = {"username": "bob", "email": "bob@example.com"} | {field: values[field]}
    with pytest.raises(IntegrityError) as caught:
        await user_model.create(**other)
    assert caught.value.columns == (field,)
    assert await user_model.objects.count() == 1


async def test_line_229_an_email_that_is_none_is_refused_before_sql(database: Database) -> None:
    user_model = await guide_user()
    with capture_queries() as queries, pytest.raises(ValidationError) as caught:
        await user_model.create(username="alice", email="not-an-email")
    assert list(caught.value.errors) == ["email"]
    assert queries == []


async def test_lines_281_288_declare_options_that_reach_the_table(database: Database) -> None:
    names = await run_block(
        "281-288",
        Model=covet.database.orm.Model,
        EmailField=EmailField,
        IntegerField=covet.database.orm.fields.IntegerField,
        JSONField=covet.database.orm.fields.JSONField,
    )
    user_model = names["User"]
    await create_all(models=[user_model])
    plain = await user_model.create(email="a@example.com")
    assert (plain.age, plain.data) == (0, None)
    await user_model.create(email="b@example.com", age=None, data={"deep": [1, None, {"x": True}]})
    found = await user_model.objects.get(email="b@example.com")
    assert found.age is None
    assert found.data == {"deep": [1, None, {"x": True}]}
    with pytest.raises(ValidationError, match="null"):
        await user_model.create(email=None)
    with pytest.raises(IntegrityError):
        await user_model.create(email="a@example.com")


@pytest.fixture
def keywords_of_the_guide(monkeypatch: pytest.MonkeyPatch, database: Database) -> list[dict[str, Any]]:
    """Let ``DatabaseConfig(host='localhost', ...)`` lead to this test's database; return what it was called with."""
    calls: list[dict[str, Any]] = []

    def configure(**options: Any) -> DatabaseConfig:
        calls.append(options)
        return DatabaseConfig(url=database.url, replace=True)

    monkeypatch.setattr(covet.database, "DatabaseConfig", configure)
    return calls


async def test_lines_345_360_save_a_user_with_nothing_but_a_configuration(
    keywords_of_the_guide: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    user_model = await guide_user()
    names = await run_block("345-360", User=user_model)
    user = names["user"]
    assert type(user.id) is int
    assert user.id > 0
    assert capsys.readouterr().out == f"Created user {user.id}\n"
    assert keywords_of_the_guide == [
        {"host": "localhost", "database": "db", "user": "user", "password": "pass"},
    ]
    assert await user_model.objects.filter(email="alice@example.com").count() == 1


def test_lines_348_353_the_keywords_mean_what_they_say() -> None:
    config = DatabaseConfig(host="localhost", database="db", user="user", password="pass", register=False)
    assert (config.host, config.port, config.database) == ("localhost", 5432, "db")
    assert (config.user, config.password, config.alias) == ("user", "pass", "default")
    assert config.engine == "postgresql"
    assert "pass" not in repr(config)


async def test_lines_389_394_create_a_user_from_many_tasks_at_once(database: Database) -> None:
    await create_all(models=[community.User])
    names: dict[str, Any] = {}
    made: list[community.User] = []

    def user_of_another_name(**values: Any) -> community.User:
        assert values == {"username": "alice"}  # what the block says; the column is unique
        made.append(community.User(username=f"alice{len(made)}"))
        return made[-1]

    names = await run_block("389-394", User=user_of_another_name)
    await asyncio.gather(*(names["create_user"]() for _ in range(100)))
    assert await community.User.objects.count() == 100
    assert len({user.id for user in made}) == 100


async def test_lines_389_394_and_1402_1404_need_no_session(database: Database) -> None:
    await create_all(models=community.ALL)
    names = await run_block("389-394", User=community.User)
    await names["create_user"]()
    assert [user.username for user in await community.User.objects.all()] == ["alice"]
    await community.User.objects.all().delete()
    with capture_queries(transactions=True) as queries:
        names = await run_block("1402-1404", User=community.User)
    assert len(queries) == 1
    assert queries[0].sql.startswith("INSERT INTO")
    assert names["user"].id is not None


async def test_lines_1557_1560_an_adapter_gives_the_rows(database: Database) -> None:
    await create_all(models=[community.User])
    await community.User.create(username="young", age=18)
    await community.User.create(username="old", age=19)
    with capture_queries() as queries:
        names = await run_block("1557-1560")
    assert [row["username"] for row in names["result"]] == ["old"]
    assert names["result"][0].age == 19
    assert names["result"].rowcount == 1
    assert [tuple(event.args) for event in queries] == [(18,)]
    assert names["adapter"] is get_adapter("default")
