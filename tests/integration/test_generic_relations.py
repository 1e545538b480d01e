"""Generic relations: referring, awaiting and prefetching, with the queries that they cost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from covet import (
    FieldError,
    GenericPrefetch,
    ModelDefinitionError,
    NotLoaded,
    Prefetch,
    create_all,
    prefetch_related_objects,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.remarks import ALL, Article, Document, Like, Notice, Owner, Photo, Remark, Sticker, Topic, store


@pytest.fixture
async def remarks(database: Database) -> Database:
    """Store an owner, articles a and b, photo p and five remarks."""
    await create_all(ALL)
    await store()
    return database


def texts(rows: Any) -> str:
    return "".join(sorted(row.text for row in rows))


def names(rows: Any) -> list[str]:
    return sorted(row.name for row in rows)


# -- referring -------------------------------------------------------------------------------


async def test_assigning_stores_the_label_and_the_key(remarks: Database) -> None:
    a = await Article.objects.get(title="a")
    with capture_queries() as queries:
        remark = await Remark.create(text="6", content=a)
        assert remark.content is a
    assert (remark.content_type, remark.object_id) == ("Article", a.id)
    assert len(queries) == 1
    photo = await Photo.objects.get(url="p")
    remark.content = photo
    assert (remark.content_type, remark.object_id) == ("picture", photo.id)
    await remark.save(update_fields=["content"])
    assert (await Remark.objects.get(text="6")).content_type == "picture"


async def test_a_key_of_text_refers_to_rows_with_keys_of_any_kind(remarks: Database) -> None:
    document = await Document.create(name="d")
    article = await Article.objects.get(title="a")
    one = await Sticker.create(name="one", on=document)
    two = await Sticker.create(name="two", on=article)
    none = await Sticker.create(name="none")
    assert (one.kind, one.key) == ("Document", str(document.id))
    assert (two.kind, two.key) == ("Article", str(article.id))
    assert none.on is None
    found = {sticker.name: await sticker.load(Sticker.on) for sticker in await Sticker.objects.all()}
    assert found == {"one": document, "two": article, "none": None}


async def test_columns_that_no_key_of_the_model_is_written_like_refer_to_nothing(remarks: Database) -> None:
    article = await Article.objects.get(title="a")
    for key in (f"0{article.id}", f" {article.id}", "x", ""):
        await Sticker.create(name=key, kind="Article", key=key)
    await Sticker.create(name="u", kind="Document", key="X" * 32)
    rows = await Sticker.objects.prefetch_related("on")
    assert [row.on for row in rows] == [None] * 5
    assert await article.stickers.count() == 0
    assert await Article.objects.filter(stickers__isnull=False) == []


async def test_an_unsaved_instance_is_refused(remarks: Database) -> None:
    with pytest.raises(ValueError, match=r"Remark.content: this Article has no key yet; save it first"):
        Remark(text="6", content=Article(title="new"))
    with pytest.raises(ValueError, match=r"Sticker.on: this Document has no key yet; save it first"):
        Sticker(on=Document(name="new"))  # its key is there, made by Python; the row is not
    with pytest.raises(ValueError, match=r"this Article has no key yet"):
        await Remark.objects.filter(content=Article(title="new"))


async def test_what_is_no_instance_is_refused(remarks: Database) -> None:
    with pytest.raises(TypeError, match=r"Remark.content takes an instance of a model, not str"):
        Remark(content="a")
    with pytest.raises(TypeError, match=r"Like.target refers to Document, not to Photo \(types=\)"):
        Like(target=await Photo.objects.get(url="p"))


async def test_a_model_whose_keys_the_column_cannot_hold_is_refused(remarks: Database) -> None:
    with pytest.raises(ModelDefinitionError, match=r"object_id> cannot hold the keys of Document"):
        Remark(content=await Document.create(name="d"))


async def test_a_relation_with_types_stores_their_labels(remarks: Database) -> None:
    document = await Document.create(name="d")
    like = await document.likes.create()
    assert (like.target_kind, like.target_id) == ("doc", document.id)
    (found,) = await Like.objects.all()
    assert isinstance(found.target_id, UUID)
    assert await found.load(Like.target) == document


async def test_changing_the_columns_changes_what_it_refers_to(remarks: Database) -> None:
    a, b = await Article.objects.order_by("title")
    (remark,) = await Remark.objects.filter(text="1").prefetch_related("content")
    remark.object_id = b.id
    assert await remark.load(Remark.content) == b
    remark.object_id = a.id
    await prefetch_related_objects([remark], "content")
    with capture_queries() as queries:
        assert isinstance(remark.content, Article)
        assert remark.content.title == "a"
        remark.content = None
        assert remark.content is None
    assert len(queries) == 0


async def test_refreshing_forgets_what_was_loaded(remarks: Database) -> None:
    (remark,) = await Remark.objects.filter(text="1").prefetch_related("content")
    photo = await Photo.objects.get(url="p")
    await Remark.objects.filter(text="1").update(content=photo)
    await remark.refresh_from_db("content")
    assert await remark.load(Remark.content) == photo


async def test_update_takes_an_instance_for_both_columns(remarks: Database) -> None:
    b = await Article.objects.get(title="b")
    with capture_queries() as queries:
        assert await Remark.objects.filter(text="1").update(content=b, text="9") == 1
    assert '"content_type" = ' in queries.sql[0]
    assert texts(await b.remarks.all()) == "39"


# -- awaiting --------------------------------------------------------------------------------


async def test_a_loop_that_awaits_costs_one_query_a_model(remarks: Database) -> None:
    with capture_queries() as queries:
        found: list[object] = []
        for remark in await Remark.objects.order_by("text"):
            content = remark.content
            found.append(None if content is None else await content)
    assert len(queries) == 3
    articles = await Article.objects.order_by("title")
    assert found == [articles[0], articles[0], articles[1], await Photo.objects.get(), None]


async def test_what_refers_to_no_row_is_none_and_not_asked_for_again(remarks: Database) -> None:
    rows = await Remark.objects.order_by("text")
    with capture_queries() as queries:
        assert rows[4].content is not None  # nobody knows yet
        assert rows[4].content.id == 999
        assert await rows[4].load(Remark.content) is None
        assert rows[4].content is None
        assert await rows[4].load(Remark.content) is None
    assert len(queries) == 1
    alone = await Remark.objects.get(text="5")
    with capture_queries() as queries:
        content = alone.content
        assert content is not None
        assert await content is None
        assert alone.content is None
        assert await content is None
    assert len(queries) == 1


async def test_an_awaited_row_awaits_its_own_relations_for_all_of_its_model(remarks: Database) -> None:
    b = await Article.objects.get(title="b")
    await b.topics.add(await Topic.create(name="t"))
    loaded = await Remark.objects.prefetch_related("content").order_by("text")
    with capture_queries() as queries:
        contents = [remark.content for remark in loaded]
        found = [names(await content.topics) for content in contents if isinstance(content, Article)]
    assert found == [[], [], ["t"]]
    assert len(queries) == 1


async def test_rows_of_several_models_keep_their_own_relations_apart(remarks: Database) -> None:
    loaded = await Remark.objects.prefetch_related("content").filter(text__in=["1", "4"]).order_by("text")
    with capture_queries() as queries:
        contents: list[Any] = [remark.content for remark in loaded]
        assert [texts(await content.remarks) for content in contents] == ["12", "4"]
    assert len(queries) == 2


async def test_a_deferred_row_is_completed_for_all_of_its_model(remarks: Database) -> None:
    lean = GenericPrefetch("content", [Article.objects.only("rank"), Photo.objects.only("id")])
    loaded = await Remark.objects.prefetch_related(lean).filter(text__in=["1", "3", "4"]).order_by("text")
    with capture_queries() as queries:
        contents: list[Any] = [await content for remark in loaded if (content := remark.content) is not None]
        assert [contents[0].title, contents[1].title, contents[2].url] == ["a", "b", "p"]
    assert len(queries) == 2


async def test_only_the_keys_of_the_awaited_model_are_asked_for(remarks: Database) -> None:
    await Remark.create(text="6", content=await Photo.create(id=50, url="q"))
    rows = await Remark.objects.order_by("text")
    with capture_queries() as queries:
        await rows[0].load(Remark.content)
    expected = "IN (?1, ?2, ?3)" if remarks.name == "sqlite" else "= ANY($1"
    assert expected in queries.sql[0]


async def test_a_model_without_other_relations_awaits_for_all_rows(remarks: Database) -> None:
    for name in "xy":
        await (await Document.create(name=name)).likes.create()
    with capture_queries() as queries:
        found = [await like.load(Like.target) for like in await Like.objects.all()]
    assert names(found) == ["x", "y"]
    assert len(queries) == 2


async def test_the_fetch_mode_one_loads_for_one_and_raise_refuses(remarks: Database) -> None:
    with capture_queries() as queries:
        for remark in await Remark.objects.fetch_mode("one").filter(text__in=["1", "2", "3"]).order_by("text"):
            await remark.load(Remark.content)
    assert len(queries) == 4
    strict = await Remark.objects.fetch_mode("raise").get(text="1")
    with pytest.raises(NotLoaded, match=r"Remark.content is not loaded.*by prefetch_related\('content'\)"):
        await strict.load(Remark.content)


async def test_an_attribute_of_an_unloaded_row_says_how_to_load_it(remarks: Database) -> None:
    remark = await Remark.objects.get(text="1")
    assert isinstance(remark.content, Article)
    with pytest.raises(NotLoaded, match=r"Article.title is not loaded.*prefetch_related\('content'\)"):
        remark.content.title  # noqa: B018


async def test_a_label_that_no_model_has_fails_where_it_is_read_only(remarks: Database) -> None:
    await Remark.create(text="6", content_type="Essay", object_id=1)
    rows = await Remark.objects.prefetch_related("content").order_by("text")
    assert rows[0].content == await Article.objects.get(title="a")
    with pytest.raises(ModelDefinitionError, match=r"Remark.content holds the label 'Essay', and no model has it"):
        rows[5].content  # noqa: B018


async def test_a_deferred_column_is_named(remarks: Database) -> None:
    lean = await Remark.objects.only("text").get(text="1")
    with pytest.raises(NotLoaded, match=r"Remark.content is not loaded: the query deferred it"):
        lean.content  # noqa: B018
    assert (await Remark.objects.only("content").get(text="1")).object_id > 0
    with pytest.raises(NotLoaded, match=r"Remark.content is not loaded: the query deferred it"):
        (await Remark.objects.defer("content").get(text="1")).content  # noqa: B018


# -- prefetching -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["prefetch_related", "select_related"])
async def test_prefetching_is_one_query_a_model(remarks: Database, method: str) -> None:
    with capture_queries() as queries:
        rows = await getattr(Remark.objects, method)("content").order_by("text")
        found = [getattr(row.content, "title", getattr(row.content, "url", None)) for row in rows]
    assert found == ["a", "a", "b", "p", None]
    assert len(queries) == 3
    assert rows[0].content is rows[1].content


async def test_a_queryset_for_each_model_with_what_it_prefetches(remarks: Database) -> None:
    articles = Article.objects.select_related("owner").prefetch_related("remarks")
    with capture_queries() as queries:
        rows = await Remark.objects.prefetch_related(GenericPrefetch("content", [articles])).order_by("text")
        first, last = rows[0].content, rows[3].content
        assert isinstance(first, Article)
        assert isinstance(last, Photo)
        assert first.owner is not None
        assert first.owner.name == "ann"
        assert texts(first.remarks) == "12"
        assert last.url == "p"
    assert len(queries) == 4
    assert 'LEFT JOIN "owners"' in next(sql for sql in queries.sql if 'FROM "articles"' in sql)


async def test_a_queryset_that_defers_fields_prefetches_too(remarks: Database) -> None:
    b = await Article.objects.get(title="b")
    await b.topics.add(await Topic.create(name="t"))
    articles = Article.objects.only("title").prefetch_related("topics")
    rows: list[Any] = await Remark.objects.filter(text="3").prefetch_related(GenericPrefetch("content", [articles]))
    assert names(rows[0].content.topics) == ["t"]


async def test_a_filtered_queryset_leaves_none_and_may_have_an_attribute_of_its_own(remarks: Database) -> None:
    await Sticker.create(name="none")
    await Sticker.create(name="a", on=await Article.objects.get(title="a"))
    await Sticker.create(name="b", on=await Article.objects.get(title="b"))
    chosen = GenericPrefetch("on", [Article.objects.filter(title="a")], to_attr="chosen")
    rows: list[Any] = await Sticker.objects.prefetch_related(chosen).order_by("name")
    assert [row.chosen and row.chosen.title for row in rows] == ["a", None, None]
    assert rows[1].on is not None


async def test_prefetching_through_other_relations_to_a_generic_one(remarks: Database) -> None:
    for remark in await Remark.objects.filter(text__in=["1", "4"]):
        await Notice.create(remark=remark)
    with capture_queries() as queries:
        rows = await Notice.objects.select_related("remark__content").order_by("remark__text")
        assert [type(row.remark.content) for row in rows] == [Article, Photo]
    assert len(queries) == 3


async def test_the_other_side_is_prefetched_in_one_query(remarks: Database) -> None:
    with capture_queries() as queries:
        rows = await Article.objects.prefetch_related("remarks").order_by("title")
        assert [texts(row.remarks) for row in rows] == ["12", "3"]
        assert rows[0].remarks[0].content is rows[0]  # known, both ways
    assert len(queries) == 2
    assert queries.sql[1].startswith(
        'SELECT "remarks"."id", "remarks"."text", "remarks"."content_type", "remarks"."object_id" FROM "remarks" '
    )
    assert '"remarks"."content_type" = ' in queries.sql[1]


async def test_the_other_side_is_awaited_for_all_of_the_result(remarks: Database) -> None:
    with capture_queries() as queries:
        found = [texts(await row.remarks) for row in await Article.objects.order_by("title")]
    assert found == ["12", "3"]
    assert len(queries) == 2


async def test_models_with_equal_keys_do_not_get_the_rows_of_each_other(remarks: Database) -> None:
    notices = [await Notice.create(remark=remark) for remark in await Remark.objects.filter(text__in=["1", "4"])]
    everything = GenericPrefetch(
        "content", [Article.objects.prefetch_related("remarks"), Photo.objects.prefetch_related("remarks")]
    )
    await prefetch_related_objects(notices, "remark")
    await prefetch_related_objects([notice.remark for notice in notices], everything)
    contents: list[Any] = [notice.remark.content for notice in notices]
    assert sorted(texts(content.remarks) for content in contents) == ["12", "4"]
    assert contents[0].id == contents[1].id


async def test_a_slice_of_the_other_side_counts_for_each_row(remarks: Database) -> None:
    newest = Prefetch("remarks", Remark.objects.order_by("-text")[:1], to_attr="newest")
    rows: list[Any] = await Article.objects.prefetch_related(newest).order_by("title")
    assert [texts(row.newest) for row in rows] == ["2", "3"]


async def test_keys_of_text_are_prefetched_both_ways(remarks: Database) -> None:
    document, article = await Document.create(name="d"), await Article.objects.get(title="a")
    await document.stickers.create(name="x")
    await article.stickers.create(name="y")
    assert [names(row.stickers) for row in await Document.objects.prefetch_related("stickers")] == [["x"]]
    rows = await Article.objects.prefetch_related("stickers__on").order_by("title")
    assert [names(row.stickers) for row in rows] == [["y"], []]
    assert [row.on for row in await Sticker.objects.order_by("name").prefetch_related("on")] == [document, article]


async def test_prefetches_that_cannot_be_are_refused(remarks: Database) -> None:
    with pytest.raises(FieldError, match=r"'content__owner' goes on after Remark.content.*GenericPrefetch\('content'"):
        Remark.objects.prefetch_related("content__owner")
    with pytest.raises(FieldError, match=r"leads to several models; use GenericPrefetch\('content', \[queryset"):
        Remark.objects.prefetch_related(Prefetch("content", Article.objects.all()))
    with pytest.raises(FieldError, match=r"Article.owner leads to one model; use Prefetch"):
        Article.objects.prefetch_related(GenericPrefetch("owner", [Owner.objects.all()]))
    with pytest.raises(FieldError, match=r"Like.target refers to Document, not to Photo \(types=\)"):
        Like.objects.prefetch_related(GenericPrefetch("target", [Photo.objects.all()]))
    with pytest.raises(FieldError, match=r"two querysets of Article"):
        GenericPrefetch("content", [Article.objects.all(), Article.objects.all()])
    with pytest.raises(FieldError, match=r"Remark has no relation 'article'"):
        Remark.objects.prefetch_related("article")  # a name for paths, not an attribute
