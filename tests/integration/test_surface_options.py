"""Field options, statement by statement."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from covet import (
    CharField,
    DateTimeField,
    EmailField,
    ForeignKey,
    IntegerField,
    IntegrityError,
    JSONField,
    Model,
    ModelDefinitionError,
    UUIDField,
    ValidationError,
    create_all,
)
from covet.database import get_adapter
from tests.conftest import Database


class Owner(Model):
    email = EmailField(unique=True, db_index=True)
    nick = CharField(max_length=20, db_index=True)
    age = IntegerField(nullable=True, default=0)
    settings = JSONField(default=dict)
    token = UUIDField(default=uuid.uuid4)
    points = IntegerField(db_default=7)
    old_name = CharField(max_length=10, db_column="legacy name", default="")
    level = IntegerField(default=1, choices=[(1, "low"), (2, "high")])
    joined_at = DateTimeField(auto_now_add=True)
    seen_at = DateTimeField(auto_now=True)

    class Meta:
        db_table = "owners"


class Pet(Model):
    name = CharField(max_length=20)
    owner = ForeignKey(Owner, on_delete="CASCADE", related_name="pets")

    class Meta:
        db_table = "pets"


async def owner(number: int = 1, **values: Any) -> Owner:
    """Make an owner with an address of its own."""
    return await Owner.create(email=f"o{number}@example.com", nick=f"o{number}", **values)


@pytest.fixture
async def tables(database: Database) -> Database:
    await create_all(models=[Owner, Pet])
    return database


async def indexes_of(database: Database, table: str) -> list[tuple[bool, tuple[str, ...]]]:
    """Return (unique, columns) of each index that the database has for a table, without its primary key."""
    adapter = get_adapter()
    if database.name == "postgresql":
        rows = await adapter.fetch_all(
            "SELECT i.indexrelid AS index, i.indisunique AS is_unique, a.attname AS column "
            "FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY k(number, place) "
            "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number "
            "WHERE i.indrelid = CAST($1 AS text)::regclass AND NOT i.indisprimary ORDER BY i.indexrelid, k.place",
            [table],
        )
    else:
        rows = await adapter.fetch_all(
            'SELECT l.name AS "index", l."unique" AS is_unique, c.name AS "column" '
            "FROM pragma_index_list($1) l JOIN pragma_index_info(l.name) c WHERE l.origin <> 'pk' "
            "ORDER BY l.name, c.seqno",
            [table],
        )
    found: dict[object, tuple[bool, list[str]]] = {}
    for row in rows:
        found.setdefault(row["index"], (bool(row["is_unique"]), []))[1].append(row["column"])
    return sorted((unique, tuple(columns)) for unique, columns in found.values())


async def test_unique_field_refuses_a_duplicate(tables: Database) -> None:
    await owner()
    with pytest.raises(IntegrityError) as caught:
        await owner()
    assert caught.value.columns == ("email",)
    assert caught.value.model is Owner


async def test_default_is_set_on_construction_and_callables_are_called_each_time(tables: Database) -> None:
    first, second = Owner(email="a@example.com", nick="a"), Owner(email="b@example.com", nick="b")
    assert first.age == 0
    assert first.settings == {}
    assert first.settings is not second.settings
    assert isinstance(first.token, uuid.UUID)
    assert first.token != second.token


def test_mutable_default_is_refused() -> None:
    with pytest.raises(ModelDefinitionError, match="default=dict"):
        JSONField(default={})


async def test_nullable_field_may_be_none_although_it_has_a_default(tables: Database) -> None:
    made = await owner(age=None)
    assert (await Owner.objects.get(id=made.id)).age is None


async def test_field_is_not_null_unless_said_otherwise(tables: Database) -> None:
    with pytest.raises(ValidationError) as caught:
        await Owner.create(email="a@example.com")
    assert list(caught.value.errors) == ["nick"]
    with pytest.raises(ValidationError):
        await Owner.create(email="a@example.com", nick=None)
    with pytest.raises(IntegrityError):
        await get_adapter().execute("INSERT INTO owners (email) VALUES ('x@example.com')")


async def test_each_indexed_column_has_one_index(tables: Database) -> None:
    assert await indexes_of(tables, "owners") == [(False, ("nick",)), (True, ("email",))]
    assert await indexes_of(tables, "pets") == [(False, ("owner_id",))]


async def test_auto_now_add_is_set_once_and_auto_now_each_time(tables: Database) -> None:
    before = dt.datetime.now(dt.UTC)
    made = await owner()
    assert before <= made.joined_at <= dt.datetime.now(dt.UTC)
    joined, seen = made.joined_at, made.seen_at
    made.age = 5
    await made.save()
    found = await Owner.objects.get(id=made.id)
    assert found.joined_at == joined
    assert found.seen_at > seen
    assert found.seen_at == made.seen_at


async def test_auto_now_add_keeps_a_given_moment(tables: Database) -> None:
    given = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    made = await owner(joined_at=given)
    assert made.joined_at == given
    assert (await Owner.objects.get(id=made.id)).joined_at == given


async def test_bulk_create_applies_defaults_and_auto_now_add(tables: Database) -> None:
    owners = [Owner(email=f"{n}@example.com", nick="n") for n in range(3)]
    await Owner.objects.bulk_create(owners)
    found = await Owner.objects.order_by("id")
    assert [(o.age, o.settings, o.points, o.level) for o in found] == [(0, {}, 7, 1)] * 3
    assert len({o.token for o in found}) == 3
    assert all(o.joined_at is not None for o in found)
    assert [o.joined_at for o in owners] == [o.joined_at for o in found]


async def test_char_field_refuses_a_text_that_is_too_long(tables: Database) -> None:
    with pytest.raises(ValidationError, match="20"):
        await Owner.create(email="a@example.com", nick="x" * 21)


async def test_database_default_is_read_back(tables: Database) -> None:
    made = await owner()
    assert made.points == 7
    assert (await Owner.objects.get(id=made.id)).points == 7
    assert (await owner(2, points=3)).points == 3
    found = await get_adapter().fetch_value("SELECT points FROM owners WHERE id = $1", [made.id])
    assert found == 7


async def test_db_column_names_the_column(tables: Database) -> None:
    made = await owner(old_name="x")
    row = await get_adapter().fetch_one('SELECT "legacy name" AS name FROM owners')
    assert row is not None
    assert row["name"] == "x"
    assert await Owner.objects.filter(old_name="x").order_by("old_name") == [made]
    assert await Owner.objects.values("old_name") == [{"old_name": "x"}]


async def test_choices_are_checked_on_save(tables: Database) -> None:
    assert (await owner(level=2)).level == 2
    with pytest.raises(ValidationError, match="choices"):
        await owner(2, level=3)


@pytest.mark.parametrize("on_delete", ["CASCADE", "cascade", "Cascade"])
def test_on_delete_is_a_text_in_any_case(on_delete: Any) -> None:
    key = ForeignKey(Owner, on_delete=on_delete, related_name="+")
    assert str(key.on_delete).rpartition(".")[2].upper() == "CASCADE"


def test_wrong_on_delete_is_refused_with_the_choices() -> None:
    with pytest.raises((ModelDefinitionError, TypeError, ValueError), match="CASCADE"):
        ForeignKey(Owner, on_delete="CASCAD", related_name="+")  # type: ignore[call-overload]


def test_null_is_another_name_of_nullable() -> None:
    assert IntegerField(null=True).null
    assert IntegerField(nullable=True, null=True).null
    with pytest.raises(ModelDefinitionError, match="null"):
        IntegerField(nullable=True, null=False)  # type: ignore[call-overload]


def test_unknown_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(TypeError, match="max_length"):
        CharField(max_lenght=3)  # type: ignore[call-overload]
