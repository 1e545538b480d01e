"""Declaring generic relations: the columns that they make, the labels, what they refuse."""

from __future__ import annotations

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
)
from covet.database.orm.tables import table_of
from tests.conftest import Database
from tests.models.remarks import Article, Remark, Sticker


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

    class Other(Model):
        pass

    with pytest.raises(ModelDefinitionError, match=r"'content_type' is no plain field of Foreign"):

        class Foreign(Model):
            content_type = ForeignKey(Other, related_name="+")
            object_id = IntegerField()
            content = GenericForeignKey()

    with pytest.raises(ModelDefinitionError, match=r"maps labels to models, one at least"):
        GenericForeignKey(types={})
    with pytest.raises(ModelDefinitionError, match=r"has two labels for one model"):
        GenericForeignKey(types={"article": Article, "old": Article})


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
