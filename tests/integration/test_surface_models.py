"""Declaration of models and single instances, statement by statement."""

from __future__ import annotations

from typing import Any

import pytest

from covet import CharField, CovetError, ForeignKey, IntegerField, Model, ModelDefinitionError, create_all
from covet.database import capture_queries, get_adapter
from tests.conftest import Database
from tests.models import community
from tests.models.community import Post, User


async def test_model_class_keeps_its_docstring_and_table_name(database: Database) -> None:
    class Author(Model):
        """Author model."""

        name = CharField(max_length=10)

        class Meta:
            db_table = "authors"

    assert Author.__doc__ == "Author model."
    assert Author._meta.db_table == "authors"


async def test_id_is_made_filled_and_counts_up(database: Database) -> None:
    await create_all(models=[User])
    first, second = User(username="a"), User(username="b")
    assert first.id is None
    await first.save()
    await second.save()
    assert type(first.id) is int
    assert second.id > first.id
    assert first.pk == first.id
    assert User._meta.pk.name == "id"


async def test_own_repr_sees_no_id_before_the_first_save(database: Database) -> None:
    class Shown(Model):
        name = CharField(max_length=10)

        def __repr__(self) -> str:
            return f"<Shown {self.id} {self.name}>"

    await create_all(models=[Shown])
    shown = Shown(name="x")
    assert repr(shown) == "<Shown None x>"
    await shown.save()
    assert repr(shown) == f"<Shown {shown.id} x>"
    assert repr((await Shown.objects.all())[0]) == repr(shown)


async def test_class_gives_the_field_and_instance_gives_the_value(database: Database) -> None:
    await create_all(models=[User])
    assert isinstance(User.username, CharField)
    user = User(username="alice")
    assert user.username == "alice"
    user.age = "not a number"  # type: ignore[assignment]  # on purpose: nothing is checked before save()
    with capture_queries() as queries, pytest.raises(ValueError, match="age"):
        await user.save()
    assert queries == []


async def test_construction_needs_no_database_and_no_optional_values() -> None:
    with capture_queries() as queries:
        user = User(username="alice")
    assert queries == []
    assert (user.age, user.is_active, user.is_staff) == (None, True, False)


def test_unknown_keyword_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="nope") as caught:
        User(nope=1)
    assert "username" in str(caught.value)
    with pytest.raises(TypeError, match="username"):
        User(usernam="x")


async def test_create_on_the_model_inserts_and_returns(database: Database) -> None:
    await create_all(models=[User])
    with capture_queries() as queries:
        user = await User.create(username="alice")
    assert type(user) is User
    assert user.id is not None
    assert len(queries) == 1
    assert queries[0].sql.startswith('INSERT INTO "users"')
    assert await User.objects.get(id=user.id) == user


async def test_create_takes_an_instance_for_a_foreign_key(database: Database) -> None:
    await create_all(models=community.ALL)
    user = await User.create(username="alice")
    post = await Post.create(title="Hello", author=user)
    assert post.author_id == user.id
    assert post.author is user
    other = await Post.create(title="By key", author_id=user.id)
    assert (await Post.objects.get(id=other.id)).author_id == user.id


async def test_save_inserts_a_new_instance_and_updates_a_loaded_one(database: Database) -> None:
    await create_all(models=[User])
    user = User(username="alice")
    with capture_queries() as queries:
        await user.save()
        await user.save()
        user.city = "Berlin"
        await user.save()
        loaded = await User.objects.get(username="alice")
        loaded.age = 5
        await loaded.save()
    verbs = [event.sql.split()[0] for event in queries if not event.sql.startswith("SELECT")]
    assert verbs[0] == "INSERT"
    assert set(verbs[1:]) == {"UPDATE"}
    assert await User.objects.count() == 1
    stored = await User.objects.get(username="alice")
    assert (stored.city, stored.age) == ("Berlin", 5)


async def test_save_of_a_row_that_is_gone_does_not_pass_in_silence(database: Database) -> None:
    await create_all(models=community.ALL)
    user = await User.create(username="alice")
    await User.objects.all().delete()
    user.city = "Berlin"
    with pytest.raises(CovetError):
        await user.save(force_update=True)
    with pytest.raises(CovetError):
        await user.save(update_fields=["city"])


async def test_plain_property_of_a_model_is_left_alone(database: Database) -> None:
    await create_all(models=[User])
    user = await User.create(username="alice", first_name="Alice", last_name="Smith")
    assert user.full_name == "Alice Smith"
    assert (await User.objects.get(id=user.id)).full_name == "Alice Smith"


class Employee(Model):
    name = CharField(max_length=100)

    class Meta:
        abstract = True


class Engineer(Employee):
    engineer_info = CharField(max_length=200)

    class Meta:
        db_table = "engineers"


class Chief(Employee):
    chief_info = CharField(max_length=200)

    class Meta:
        db_table = "chiefs"


async def test_abstract_model_has_no_table_and_gives_copies_of_its_fields(database: Database) -> None:
    await create_all(models=[Engineer, Chief])
    assert Employee._meta.abstract
    assert Engineer.name is not Chief.name
    assert isinstance(Engineer.name, CharField)
    assert Engineer.name.model is Engineer
    adapter = get_adapter()
    with pytest.raises(CovetError):
        await adapter.execute("SELECT * FROM employees")


async def test_child_of_an_abstract_model_is_concrete(database: Database) -> None:
    assert not Engineer._meta.abstract
    assert Engineer._meta.db_table == "engineers"
    assert [field.column for field in Engineer._meta.fields] == ["id", "name", "engineer_info"]


async def test_children_of_one_abstract_model_have_tables_of_their_own(database: Database) -> None:
    await create_all(models=[Engineer, Chief])
    await Engineer.create(name="Ada", engineer_info="compilers")
    await Chief.create(name="Grace", chief_info="ships")
    engineers = await Engineer.objects.all()
    assert [type(row) for row in engineers] == [Engineer]
    assert [row.name for row in engineers] == ["Ada"]
    assert [row.name for row in await Chief.objects.all()] == ["Grace"]


async def test_query_of_an_abstract_model_says_that_it_is_abstract(database: Database) -> None:
    with pytest.raises(CovetError, match=r"Employee.*abstract"):
        await Employee.objects.all()
    with pytest.raises((CovetError, TypeError), match="abstract"):
        Employee(name="x")


async def test_reference_by_name_waits_for_its_model(database: Database) -> None:
    late = f"LateBook{database.name.title()}"

    class Chapter(Model):
        book = ForeignKey(late, on_delete="CASCADE", related_name="chapters")

        class Meta:
            db_table = "chapters"

    with pytest.raises(CovetError, match="LateBook"):
        await Chapter.objects.filter(book__title="x")

    # Made under another name for each database: what is defined once is known from then on.
    meta = type("Meta", (), {"db_table": "late_books"})
    metaclass: Any = type(Model)
    late_book = metaclass(late, (Model,), {"title": CharField(max_length=10), "Meta": meta, "__module__": __name__})

    await create_all(models=[Chapter, late_book])
    book = await late_book.create(title="x")
    chapter = await Chapter.create(book=book)
    assert await Chapter.objects.filter(book__title="x") == [chapter]
    assert await book.chapters.all() == [chapter]


def test_table_name_comes_from_the_class_name() -> None:
    class UserProfile(Model):
        bio = CharField(max_length=10)

    class HTTPLog(Model):
        line = CharField(max_length=10)

    assert UserProfile._meta.db_table == "user_profiles"
    assert HTTPLog._meta.db_table == "http_logs"


def test_two_primary_keys_are_refused_where_the_class_is_made() -> None:
    with pytest.raises(ModelDefinitionError, match="primary key"):

        class Twice(Model):
            a = IntegerField(primary_key=True)
            b = IntegerField(primary_key=True)
