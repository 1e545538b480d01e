"""The other side of generic relations: writing through the manager, deleting, and what declarations refuse."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from covet import (
    CharField,
    DecimalField,
    ForeignKey,
    GenericForeignKey,
    GenericRelation,
    IntegerField,
    Model,
    ModelDefinitionError,
    OneToOneField,
    create_all,
    transaction,
)
from covet.database import capture_queries
from covet.database.orm.tables import table_of
from tests.conftest import Database
from tests.models.remarks import ALL, Article, Document, Notice, Photo, Remark, Sticker


@pytest.fixture
async def articles(database: Database) -> tuple[Article, Article]:
    await create_all(ALL)
    return await Article.create(title="a"), await Article.create(title="b")


Pair = tuple[Article, Article]


def texts(rows: Any) -> str:
    return "".join(sorted(row.text for row in rows))


def names(rows: Any) -> list[str]:
    return sorted(row.name for row in rows)


# -- the manager -----------------------------------------------------------------------------


async def test_create_is_one_insert_that_refers(articles: Pair) -> None:
    a, _ = articles
    with capture_queries() as queries:
        remark = await a.remarks.create(text="1")
        assert remark.content is a
    assert len(queries) == 1
    assert (remark.content_type, remark.object_id) == ("Article", a.id)


async def test_the_methods_of_a_queryset_ask_among_its_own_rows(articles: Pair) -> None:
    a, b = articles
    await a.remarks.bulk_create([Remark(text="1"), Remark(text="2")])
    await b.remarks.create(text="3")
    with capture_queries() as queries:
        assert texts(await a.remarks.all()) == "12"
        assert texts(await a.remarks.filter(text="2")) == "2"
        assert texts(await a.remarks.exclude(text="2")) == "1"
        assert await a.remarks.count() == 2
        assert await a.remarks.exists()
        assert not await a.remarks.filter(text="3").exists()
        first = await a.remarks.order_by("-text").first()
        assert first is not None
        assert first.content is a
        assert await a.remarks.values_list("text", flat=True) == ["1", "2"]
    assert len(queries) == 8
    assert [texts([remark]) async for remark in b.remarks] == ["3"]


async def test_get_or_create_looks_among_its_own_rows(articles: Pair) -> None:
    a, b = articles
    await b.remarks.create(text="1")
    mine, created = await a.remarks.get_or_create(text="1")
    assert created
    assert mine.content == a
    assert await a.remarks.get_or_create(text="1") == (mine, False)
    changed, created = await a.remarks.update_or_create({"content": b}, text="1")
    assert (changed, created) == (mine, False)
    assert await b.remarks.count() == 2


async def test_add_is_one_update_of_instances_and_keys(articles: Pair) -> None:
    a, b = articles
    one, two = await b.remarks.create(text="1"), await b.remarks.create(text="2")
    with capture_queries() as queries:
        await a.remarks.add(one, two.id)
        assert one.content is a
    assert len(queries) == 1
    assert queries.sql[0].startswith('UPDATE "remarks" SET "content_type" = ')
    assert await a.remarks.count() == 2
    await a.remarks.add()
    assert len(queries) == 1


async def test_what_is_taken_away_refers_to_nothing_where_it_may(articles: Pair) -> None:
    a, b = articles
    x, y, z = [await a.stickers.create(name=name) for name in "xyz"]
    other = await b.stickers.create(name="o")
    with capture_queries() as queries:
        await a.stickers.remove(x, other, y.id)
        assert x.on is None
        assert other.on is b
    assert len(queries) == 1
    assert await a.stickers.all() == [z]
    assert await b.stickers.all() == [other]
    with capture_queries() as queries:
        await a.stickers.clear()
    assert len(queries) == 1
    assert await Sticker.objects.filter(on=None).count() == 3


async def test_what_must_refer_is_deleted_when_it_is_taken_away(articles: Pair) -> None:
    a, b = articles
    one, two, _ = [await a.remarks.create(text=text) for text in "123"]
    other = await b.remarks.create(text="o")
    await a.remarks.remove(one, other)
    assert texts(await Remark.objects.all()) == "23o"
    await a.remarks.set([two, other])
    assert texts(await Remark.objects.all()) == "2o"
    assert texts(await a.remarks.all()) == "2o"
    await a.remarks.clear()
    assert await Remark.objects.count() == 0


async def test_set_is_two_statements(articles: Pair) -> None:
    a, b = articles
    x, y = await a.stickers.create(name="x"), await a.stickers.create(name="y")
    z = await b.stickers.create(name="z")
    async with transaction():
        with capture_queries() as queries:
            await a.stickers.set([y, z.id])
        assert len([sql for sql in queries.sql if sql.startswith("UPDATE")]) == 2
    assert names(await a.stickers.all()) == ["y", "z"]
    await a.stickers.set([x], clear=True)
    assert await a.stickers.all() == [x]
    await a.stickers.set([])
    assert await a.stickers.count() == 0


async def test_writing_forgets_what_was_loaded(articles: Pair) -> None:
    a, _ = articles
    assert await a.remarks == []
    await a.remarks.create(text="1")
    assert texts(await a.remarks) == "1"


async def test_the_manager_refuses_what_it_cannot_mean(articles: Pair) -> None:
    a, _ = articles
    with pytest.raises(ValueError, match=r"Article.remarks: this Article has no key yet"):
        await Article(title="new").remarks.create(text="1")
    with pytest.raises(ValueError, match=r"Document.stickers: this Document has no key yet"):
        await Document(name="new").stickers.create(name="x")
    with pytest.raises(TypeError, match=r"Article.remarks holds Remark, not Article"):
        await a.remarks.add(a)
    with pytest.raises(AttributeError, match=r"use await article.remarks.set\(\[...\]\)"):
        a.remarks = []  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]


async def test_writing_belongs_to_the_transaction(articles: Pair) -> None:
    a, _ = articles
    with pytest.raises(RuntimeError, match=r"undo"):
        async with transaction():
            await a.remarks.create(text="1")
            raise RuntimeError("undo")
    assert await a.remarks.count() == 0


# -- deleting --------------------------------------------------------------------------------


async def test_deleting_takes_what_refers_to_it_along(articles: Pair) -> None:
    a, b = articles
    photo = await Photo.create(url="p")
    assert photo.id == a.id
    for content in (a, b, photo):
        await Notice.create(remark=await content.remarks.create(text="1"))
        await content.stickers.create(name="x")
    assert await a.delete() == (4, {"Notice": 1, "Remark": 1, "Sticker": 1, "Article": 1})
    assert await Remark.objects.count() == 2
    assert await Article.objects.all().delete() == (4, {"Notice": 1, "Remark": 1, "Sticker": 1, "Article": 1})
    assert [await sticker.load(Sticker.on) for sticker in await Sticker.objects.all()] == [photo]


async def test_do_nothing_leaves_what_refers_behind(articles: Pair) -> None:
    photo = await Photo.create(url="p")
    await photo.stickers.create(name="x")
    assert await photo.delete() == (1, {"Photo": 1})
    (sticker,) = await Sticker.objects.all()
    assert await sticker.load(Sticker.on) is None


# -- declaring -------------------------------------------------------------------------------


def test_columns_that_are_not_declared_are_made_with_an_index() -> None:
    table = table_of(Remark)
    assert [(column.name, column.nullable) for column in table.columns] == [
        ("id", False),
        ("text", False),
        ("content_type", False),
        ("object_id", False),
    ]
    assert [[column.key for column in index.columns] for index in table.indexes] == [["content_type", "object_id"]]
    assert table.foreign_keys == ()


def test_an_abstract_base_gives_its_columns_to_every_subclass() -> None:
    class Note(Model):
        about = GenericForeignKey("about_type", "about_id", nullable=True)

        class Meta:
            abstract = True

    class ShortNote(Note):
        text = CharField(max_length=5)

    class LongNote(Note):
        text = CharField(max_length=50)

    for model in (ShortNote, LongNote):
        table = table_of(model)
        assert [(column.name, column.nullable) for column in table.columns][1:3] == [
            ("about_type", True),
            ("about_id", True),
        ]
        assert len(table.indexes) == 1
    assert ShortNote.about.generic is not LongNote.about.generic


def test_columns_are_declared_both_or_neither() -> None:
    with pytest.raises(ModelDefinitionError, match=r"Half.content: Half has no field 'object_id'. Declare both"):

        class Half(Model):
            content_type = CharField(max_length=20)
            content = GenericForeignKey()

    with pytest.raises(ModelDefinitionError, match=r"Told.content: nullable= is for columns that it declares itself"):

        class Told(Model):
            content_type = CharField(max_length=20)
            object_id = IntegerField()
            content = GenericForeignKey(nullable=True)


def test_columns_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(
        ModelDefinitionError, match=r"Numbered.content_type> holds the label of a model; use a CharField"
    ):

        class Numbered(Model):
            content_type = IntegerField()
            object_id = IntegerField()
            content = GenericForeignKey()

    with pytest.raises(ModelDefinitionError, match=r"'content_type' is no plain field of Foreign"):

        class Foreign(Model):
            content_type = ForeignKey(Article, related_name="+")
            object_id = IntegerField()
            content = GenericForeignKey()

    with pytest.raises(ModelDefinitionError, match=r"maps labels to models, one at least"):
        GenericForeignKey(types={})


def test_the_other_side_needs_a_generic_foreign_key() -> None:
    with pytest.raises(ModelDefinitionError, match=r"Lonely.articles> .*Article has not a GenericForeignKey: none"):

        class Lonely(Model):
            articles = GenericRelation(Article)

    with pytest.raises(ModelDefinitionError, match=r"Remark has not a GenericForeignKey 'contents': content"):

        class Misnamed(Model):
            remarks = GenericRelation(Remark, field="contents")

    class Link(Model):
        start = GenericForeignKey("start_type", "start_id")
        end = GenericForeignKey("end_type", "end_id")

    with pytest.raises(ModelDefinitionError, match=r"Link has several; name one by field=: start, end"):

        class Unclear(Model):
            links = GenericRelation(Link)

    class Station(Model):
        departures = GenericRelation(Link, field="start")
        arrivals = GenericRelation(Link, field="end")

    assert Station.arrivals.relation is not None
    assert Station.arrivals.relation.remote_field.name == "end_id"


def test_a_key_that_the_column_cannot_hold_is_refused_at_the_declaration() -> None:
    with pytest.raises(ModelDefinitionError, match=r"Remark.content: .*object_id> cannot hold the keys of Keyed"):

        class Keyed(Model[UUID]):
            remarks = GenericRelation(Remark)

    with pytest.raises(ModelDefinitionError, match=r"Sticker.on: .*Priced.price>"):

        class Priced(Model):
            price = DecimalField(primary_key=True)
            stickers = GenericRelation(Sticker)


def test_names_that_clash_are_refused() -> None:
    class Remarked(Model):
        remarks = GenericRelation(Remark)

    with pytest.raises(ModelDefinitionError, match=r"clashes with"):

        class Referring(Model):
            remarked = ForeignKey(Remarked, related_name="remarks")

    with pytest.raises(ModelDefinitionError, match=r"related_query_name='text' means something in Remark already"):

        class TextRemarked(Model):
            remarks = GenericRelation(Remark, related_query_name="text")

    with pytest.raises(ModelDefinitionError, match=r"related_query_name='article' means something in Remark already"):

        class OtherArticle(Model):
            remarks = GenericRelation(Remark, related_query_name="article")

    with pytest.raises(ModelDefinitionError, match=r"related_query_name='a__b' is no name for a path"):

        class Underscored(Model):
            remarks = GenericRelation(Remark, related_query_name="a__b")


def test_two_models_cannot_have_one_label() -> None:
    with pytest.raises(ModelDefinitionError, match=r"have one label, 'picture'. Give one of them another"):

        class Painting(Model):
            remarks = GenericRelation(Remark)

            class Meta:
                generic_label = "picture"

    with pytest.raises(ModelDefinitionError, match=r"Like.target refers to Document, not to Liked"):

        class Liked(Model):
            likes = GenericRelation("Like")


def test_a_label_must_fit_its_column() -> None:
    class Short(Model):
        kind = CharField(max_length=3)
        key = IntegerField()
        on = GenericForeignKey("kind", "key")

    with pytest.raises(ModelDefinitionError, match=r"LongName.shorts>: the column of the label refuses 'LongName'"):

        class LongName(Model):
            shorts = GenericRelation(Short)


async def test_a_model_that_has_the_label_of_another_is_refused_when_it_is_assigned(database: Database) -> None:
    class Picture(Model):
        class Meta:
            generic_label = "picture"

    await create_all([Picture])
    with pytest.raises(
        ModelDefinitionError, match=r"the label 'picture' of .*Picture means tests.models.remarks.Photo"
    ):
        Remark(text="1", content=await Picture.create())


def test_a_target_that_is_not_defined_yet_is_waited_for() -> None:
    class Early(Model):
        tagged = GenericRelation("LateTag")

    with pytest.raises(ModelDefinitionError, match=r"refers to 'LateTag', and no model of that name is defined"):
        Early(id=1).tagged  # noqa: B018

    class LateTag(Model):
        on = GenericForeignKey("on_type", "on_id")

    assert Early.tagged.relation is not None
    assert Early.tagged.relation.remote is LateTag


def test_a_key_that_is_a_relation_is_waited_for() -> None:
    class Extended(Model):
        remarks = GenericRelation(Remark)
        base = OneToOneField("ExtendedBase", primary_key=True, related_name="extended")

    assert Extended.remarks.relation is None

    class ExtendedBase(Model):
        pass

    assert Extended.remarks.relation is not None
    assert ExtendedBase._meta.relations["extended"].remote is Extended


async def test_rows_of_a_renamed_class_stay_by_the_old_label(database: Database) -> None:
    class Mark(Model):
        on = GenericForeignKey("on_type", "on_id")

    class NewName(Model):
        marks = GenericRelation(Mark)

        class Meta:
            generic_label = "OldName"

    await create_all([Mark, NewName])
    row = await NewName.create()
    await Mark.create(on_type="OldName", on_id=row.id)
    assert await row.marks.count() == 1
    (mark,) = await Mark.objects.prefetch_related("on")
    assert mark.on == row
