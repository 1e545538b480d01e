"""Several databases: using(), routers, relations and tables across them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest

from covet import CharField, ForeignKey, ManyToManyField, Model, ReverseManager, create_all, get_adapter, transaction
from covet.database import DatabaseConfig, Router, capture_queries, set_routers
from covet.exceptions import ConfigurationError
from tests.conftest import Database


class RouteLabel(Model):
    name = CharField(max_length=20, unique=True)


class RouteAuthor(Model):
    name = CharField(max_length=20, unique=True)
    posts: ReverseManager[RoutePost]


class RoutePost(Model):
    title = CharField(max_length=20)
    author = ForeignKey(RouteAuthor, related_name="posts")
    labels = ManyToManyField(RouteLabel, related_name="posts")


MODELS = [RouteLabel, RouteAuthor, RoutePost]


class Recording(Router):
    """Reads from ``copy``, writes to ``default``; remembers what it was asked."""

    def __init__(self, read: str | None = "copy", write: str | None = "default") -> None:
        self.read = read
        self.write = write
        self.asked: list[tuple[str, str]] = []

    def db_for_read(self, model: type[Any], /, **_hints: Any) -> str | None:
        self.asked.append(("read", model.__name__))
        return self.read

    def db_for_write(self, model: type[Any], /, **_hints: Any) -> str | None:
        self.asked.append(("write", model.__name__))
        return self.write

    def allow_relation(self, _first: Any, _second: Any, /, **_hints: Any) -> bool | None:
        return True


@pytest.fixture(autouse=True)
async def copy(database: Database, tmp_path: Path) -> AsyncIterator[None]:
    DatabaseConfig(f"sqlite:///{tmp_path / 'copy.sqlite3'}", alias="copy", replace=True)
    await create_all(MODELS)
    await create_all(MODELS, using="copy")
    yield
    set_routers()


@pytest.fixture
def recording() -> Iterator[Recording]:
    router = Recording()
    set_routers(router)
    yield router
    set_routers()


async def names(using: str) -> list[str]:
    return await RouteAuthor.objects.using(using).order_by("name").values_list("name", flat=True)


async def test_reads_and_writes_go_where_the_router_says_and_it_is_asked_once_a_query(recording: Recording) -> None:
    ann = await RouteAuthor.create(name="ann")
    assert recording.asked == [("write", "RouteAuthor")]
    recording.asked.clear()
    assert await RouteAuthor.objects.count() == 0
    assert await RouteAuthor.objects.filter(name="ann").exists() is False
    assert await RouteAuthor.objects.get_or_none(name="ann") is None
    assert [author async for author in RouteAuthor.objects.all()] == []
    assert recording.asked == [("read", "RouteAuthor")] * 4
    assert await names("default") == ["ann"]
    assert await names("copy") == []
    recording.asked.clear()
    ann.name = "anna"
    await ann.save()
    await RouteAuthor.objects.filter(name="anna").update(name="anne")
    await RouteAuthor.objects.filter(name="nobody").delete()
    assert {verb for verb, _ in recording.asked} == {"write"}
    assert await names("default") == ["anne"]


async def test_row_that_was_read_from_a_copy_is_saved_where_the_router_says(recording: Recording) -> None:
    for alias in ("default", "copy"):
        await RouteAuthor.objects.using(alias).create(name="ann")
    ann = await RouteAuthor.objects.get(name="ann")
    ann.name = "anna"
    await ann.save()
    assert (await names("default"), await names("copy")) == (["anna"], ["ann"])
    await ann.save(using="copy")
    assert await names("copy") == ["anna"]


async def test_explicit_using_is_never_asked_about(recording: Recording) -> None:
    await RouteAuthor.objects.using("copy").create(name="ann")
    assert await RouteAuthor.objects.using("default").count() == 0
    assert await RouteAuthor.objects.using("copy").count() == 1
    assert recording.asked == []


async def test_relations_of_a_copied_row_are_read_from_the_copy_and_written_to_the_original(
    recording: Recording,
) -> None:
    set_routers()
    for alias in ("default", "copy"):
        ann = await RouteAuthor.objects.using(alias).create(name="ann")
        label = await RouteLabel.objects.using(alias).create(name="new")
        post = await RoutePost.objects.using(alias).create(title=f"on {alias}", author=ann)
        await post.labels.add(label)
    set_routers(recording)
    post = await RoutePost.objects.get()
    assert post.title == "on copy"
    assert (await post.author).name == "ann"
    assert [label.name for label in await post.labels.all()] == ["new"]
    loaded = await RouteAuthor.objects.prefetch_related("posts").get()
    assert [each.title for each in loaded.posts] == ["on copy"]
    assert {verb for verb, _ in recording.asked} == {"read"}
    await post.labels.clear()
    await loaded.posts.create(title="second")
    assert await RoutePost.objects.using("default").count() == 2
    assert await RoutePost.objects.using("copy").count() == 1
    assert await RoutePost.labels.through.objects.using("default").count() == 0
    assert await RoutePost.labels.through.objects.using("copy").count() == 1


async def test_inside_a_transaction_reads_stay_in_it(recording: Recording) -> None:
    async with transaction():
        await RouteAuthor.create(name="ann")
        assert [author.name for author in await RouteAuthor.objects.all()] == ["ann"]
        assert await RouteAuthor.objects.count() == 1
    assert await RouteAuthor.objects.count() == 0
    async with transaction(using="copy"):  # of another database than the one that is written to
        assert await RouteAuthor.objects.count() == 0


async def test_get_or_create_and_locks_look_where_they_write(recording: Recording) -> None:
    await RouteAuthor.objects.using("default").create(name="ann")
    _, created = await RouteAuthor.objects.get_or_create(name="ann")
    assert not created
    _, created = await RouteAuthor.objects.update_or_create({"name": "bob"}, name="ann")
    assert not created
    assert await names("default") == ["bob"]
    assert await names("copy") == []
    if get_adapter().dialect.supports_row_locks:
        async with transaction():
            assert len(await RouteAuthor.objects.select_for_update()) == 1
    made = await RouteAuthor.objects.bulk_create([RouteAuthor(name="c"), RouteAuthor(name="d")])
    made[0].name = "changed"
    await RouteAuthor.objects.bulk_update(made, ["name"])
    assert await names("default") == ["bob", "changed", "d"]


async def test_raw_sql_of_a_model_reads_or_writes(recording: Recording) -> None:
    await RouteAuthor.create(name="ann")
    assert await RouteAuthor.objects.raw("SELECT * FROM route_authors") == []
    written = await RouteAuthor.objects.raw("UPDATE route_authors SET name = 'anna' RETURNING *")
    assert [author.name for author in written] == ["anna"]


async def test_routers_are_asked_in_order_and_the_default_comes_last() -> None:
    set_routers(Recording(read=None), Recording(read="copy"))
    await RouteAuthor.objects.using("copy").create(name="ann")
    assert await RouteAuthor.objects.count() == 1

    class ReadsOnly:
        def db_for_read(self, model: type[Any], **_hints: Any) -> str | None:
            return "copy" if model is RouteAuthor else None

    set_routers(ReadsOnly())
    assert await RouteAuthor.objects.count() == 1
    assert await RouteLabel.objects.count() == 0
    ann = await RouteAuthor.objects.get(name="ann")
    ann.name = "anna"
    await ann.save()  # no router names a database for that: it goes back where it came from
    assert await names("copy") == ["anna"]
    set_routers()
    assert await RouteAuthor.objects.count() == 0


async def test_instance_is_a_hint_for_writes() -> None:
    seen: list[object] = []

    class ByName(Router):
        def db_for_write(self, _model: type[Any], /, **hints: Any) -> str | None:
            seen.append(hints.get("instance"))
            instance = hints.get("instance")
            return "copy" if instance is not None and instance.name.startswith("c") else None

    set_routers(ByName())
    await RouteAuthor.create(name="ann")
    cleo = await RouteAuthor.create(name="cleo")
    assert seen[-1] is cleo
    assert (await names("default"), await names("copy")) == (["ann"], ["cleo"])


async def test_instance_that_leads_to_a_query_is_a_hint_for_reads() -> None:
    seen: list[tuple[str, str, object]] = []

    class Hinted(Router):
        def db_for_read(self, model: type[Any], /, **hints: Any) -> str | None:
            seen.append(("read", model.__name__, hints.get("instance")))
            return None

        def db_for_write(self, model: type[Any], /, **hints: Any) -> str | None:
            seen.append(("write", model.__name__, hints.get("instance")))
            return None

    ann = await RouteAuthor.objects.using("copy").create(name="ann")
    post = await RoutePost.objects.using("copy").create(title="x", author=ann)
    label = await RouteLabel.objects.using("copy").create(name="new")
    set_routers(Hinted())

    async def asked(work: Awaitable[Any]) -> list[tuple[str, str, object]]:
        seen.clear()
        await work
        return list(seen)

    assert await asked(ann.posts.count()) == [("read", "RoutePost", ann)]
    assert await asked(ann.posts.filter(title="x")) == [("read", "RoutePost", ann)]
    assert await asked(ann.posts.create(title="y")) == [("write", "RoutePost", ann)]
    assert {(verb, hint) for verb, _, hint in await asked(post.labels.add(label))} == {("write", post)}
    assert await asked(ann.refresh_from_db()) == [("read", "RouteAuthor", ann)]
    assert await asked(RoutePost.objects.using("copy").get(title="x")) == []
    found = await RoutePost.objects.using("copy").get(title="x")
    assert (await asked(found.load(RoutePost.author)))[-1] == ("read", "RouteAuthor", found.author)
    assert [verb for verb, _, _ in await asked(RouteAuthor.objects.count())] == ["read"]
    assert seen[0][2] is None


async def test_add_and_set_ask_whether_rows_of_two_databases_may_be_related() -> None:
    here = await RouteAuthor.objects.create(name="here")
    there = await RouteAuthor.objects.using("copy").create(name="there")
    post = await RoutePost.objects.using("copy").create(title="x", author=there)
    label = await RouteLabel.objects.create(name="new")
    for change in (here.posts.add(post), here.posts.set([post])):
        with pytest.raises(ValueError, match=r"RouteAuthor\.posts: the RouteAuthor is a row of the database 'default'"):
            await change
    with pytest.raises(ValueError, match=r"RoutePost\.labels: the RoutePost is a row of the database 'copy' and the"):
        await post.labels.add(label)
    with pytest.raises(ValueError, match=r"allow_relation\(\) may allow that"):
        await post.labels.set([label])
    assert (await RoutePost.objects.using("copy").get()).author.id == there.id
    assert await RoutePost.labels.through.objects.using("copy").count() == 0
    asked: list[tuple[object, object]] = []

    class Allowing(Router):
        def allow_relation(self, first: Any, second: Any, /, **_hints: Any) -> bool | None:
            asked.append((first, second))
            return True

    set_routers(Allowing())
    await RouteLabel.objects.using("copy").create(name="the same key")
    await post.labels.add(label)
    assert asked == [(label, post)]
    assert await RoutePost.labels.through.objects.using("copy").count() == 1


async def test_what_a_router_names_must_be_configured_and_a_router_must_have_a_method() -> None:
    set_routers(Recording(read="nowhere"))
    with pytest.raises(ConfigurationError, match="alias 'nowhere'"):
        await RouteAuthor.objects.count()
    for wrong in (object(), Router, "copy"):
        with pytest.raises(ConfigurationError, match=r"set_routers\(\) takes objects with some of the methods"):
            set_routers(wrong)


async def test_rows_of_two_databases_do_not_refer_to_each_other_unless_a_router_allows_it() -> None:
    here = await RouteAuthor.objects.create(name="here")
    there = await RouteAuthor.objects.using("copy").create(name="there")
    post = await RoutePost.create(title="a", author=here)
    with pytest.raises(ValueError, match=r"RoutePost.author: the RoutePost is a row of the database 'default' and the"):
        post.author = there
    assert post.author is here
    set_routers(Recording(read=None))
    post.author = there
    assert post.author is there


async def test_tables_are_made_where_the_router_allows_it(tmp_path: Path) -> None:
    class Apart(Router):
        def allow_migrate(self, db: str, app_label: str, /, model_name: str | None = None, **hints: Any) -> bool | None:
            assert app_label == __name__
            assert hints["model"].__name__.lower() == model_name
            return (db == "third") == (model_name == "routelabel")

    DatabaseConfig(f"sqlite:///{tmp_path / 'third.sqlite3'}", alias="third")
    set_routers(Apart())
    with capture_queries(using="third") as queries:
        await create_all([RouteLabel, RouteAuthor], using="third")
    assert [sql.split('"')[1] for sql in queries.sql] == ["route_labels"]


async def test_without_a_router_nothing_is_asked_and_rows_go_back_where_they_came_from() -> None:
    ann = await RouteAuthor.objects.using("copy").create(name="ann")
    ann.name = "anna"
    await ann.save()
    post = await RoutePost.objects.using("copy").create(title="x", author=ann)
    assert (await (await RoutePost.objects.using("copy").get()).author).name == "anna"
    await post.delete()
    assert await RoutePost.objects.using("copy").count() == 0
