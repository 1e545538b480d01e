"""Declaring many-to-many relations: the tables that they make, the forms that they take, what they refuse."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from covet import (
    CharField,
    CompositePrimaryKey,
    FieldError,
    ForeignKey,
    ManyToManyField,
    Model,
    ModelDefinitionError,
    UUIDField,
    ValidationError,
    create_all,
    drop_all,
    get_adapter,
)
from covet.database.orm import registry
from covet.database.orm.tables import table_of
from tests.conftest import Database
from tests.models.library import ALL, Club, Membership, Post, Tag, Writer


class Mark(Model):
    """What the models that single tests define refer to: its rows are not deleted, and it is nobody else's."""

    name = CharField(max_length=20, default="")


def test_the_automatic_table_is_named_after_table_and_field() -> None:
    table = table_of(Post.tags.through)
    assert table.name == "posts_tags"
    assert [(column.name, column.nullable) for column in table.columns] == [("post_id", False), ("tag_id", False)]
    assert table.primary_key is not None
    assert table.primary_key.columns == ("post_id", "tag_id")
    assert [(key.columns, key.target, key.on_delete) for key in table.foreign_keys] == [
        (("post_id",), "posts", "CASCADE"),
        (("tag_id",), "tags", "CASCADE"),
    ]
    assert [[column.key for column in index.columns] for index in table.indexes] == [["tag_id", "post_id"]]


def test_a_relation_to_self_has_columns_from_and_to() -> None:
    table = table_of(Writer.follows.through)
    assert table.name == "writers_follows"
    assert [column.name for column in table.columns] == ["from_writer_id", "to_writer_id"]


def test_names_of_several_words_become_columns_in_snake_case() -> None:
    class NewsItem(Model):
        topics = ManyToManyField(Mark, related_name="+")

    assert table_of(NewsItem.topics.through).name == "news_items_topics"
    assert [column.name for column in table_of(NewsItem.topics.through).columns] == ["news_item_id", "mark_id"]


def test_a_long_table_name_is_cut_to_what_databases_keep() -> None:
    class A(Model):
        tags = ManyToManyField(Mark, related_name="+")

        class Meta:
            db_table = "t" * 62

    assert len(table_of(A.tags.through).name) == 63


async def test_create_all_and_drop_all_take_the_tables_of_relations_along(database: Database) -> None:
    await create_all([Writer, Tag, Post])
    assert await Post.tags.through.objects.count() == 0
    await drop_all([Writer, Tag, Post])
    await create_all(ALL)
    assert await Writer.friends.through.objects.count() == 0


async def test_an_existing_table_with_a_composite_key_is_used_as_it_is(database: Database) -> None:
    class Label(Model):
        name = CharField(max_length=20)

        class Meta:
            db_table = "old_label"

    class Page(Model):
        labels = ManyToManyField(Label, related_name="pages", db_table="page_label", db_columns=("page", "label"))

        class Meta:
            db_table = "old_page"

    run: Any = get_adapter().execute
    await run("CREATE TABLE old_label (id integer PRIMARY KEY, name varchar(20))", [])
    await run("CREATE TABLE old_page (id integer PRIMARY KEY)", [])
    await run("CREATE TABLE page_label (page integer, label integer, PRIMARY KEY (page, label))", [])
    await run("INSERT INTO old_label VALUES (1, 'a'), (2, 'b')", [])
    await run("INSERT INTO old_page VALUES (7)", [])
    await run("INSERT INTO page_label VALUES (7, 2)", [])
    page = await Page.objects.prefetch_related("labels").get()
    assert [label.name for label in page.labels] == ["b"]
    await page.labels.add(1, 2)
    assert await Page.objects.filter(labels__name="a").count() == 1
    assert await page.labels.count() == 2


async def test_the_model_of_the_links_is_a_model_like_others(database: Database) -> None:
    await create_all(ALL)
    ann = await Writer.create(name="ann")
    post, tag = await Post.create(title="p", author=ann), await Tag.create(name="t")
    through = Post.tags.through
    link = await through.create(post=post, tag=tag)
    assert link.pk == (post.id, tag.id)
    found = await through.objects.select_related("post", "tag").get(post=post)
    assert found == link
    assert len({found, link}) == 1
    assert (found.post.title, found.tag.name) == ("p", "t")
    assert await through.objects.filter(tag__name="t").order_by("tag").count() == 1
    assert await through.objects.first() == link
    await found.refresh_from_db()
    assert await found.delete() == (1, {"Post_tags": 1})
    assert Tag.posts.through is through  # type: ignore[attr-defined]  # a ReverseManager to type checkers


class Enrolment(Model):
    """A link with a composite key of its own."""

    pk = CompositePrimaryKey("student", "course")
    student = ForeignKey("Student")
    course = ForeignKey("Course")
    grade = CharField(max_length=2, default="")


class Course(Model):
    name = CharField(max_length=20)


class Student(Model):
    name = CharField(max_length=20)
    courses = ManyToManyField(Course, through="Enrolment", related_name="students")


async def test_a_through_model_may_come_first_and_have_a_composite_key(database: Database) -> None:
    await create_all([Enrolment, Course, Student])
    sam = await Student.create(name="sam")
    maths, art = await Course.create(name="maths"), await Course.create(name="art")
    await sam.courses.add(maths, art, through_defaults={"grade": "B"})
    await sam.courses.add(maths, through_defaults={"grade": "A"})
    enrolment = await Enrolment.objects.get(student=sam, course=maths)
    assert enrolment.pk == (sam.id, maths.id)
    assert enrolment.grade == "B"
    enrolment.grade = "A"
    await enrolment.save()
    found = await sam.enrolment_set.order_by("course__name").values_list("course__name", "grade")  # type: ignore[attr-defined]
    assert found == [("art", "B"), ("maths", "A")]
    with pytest.raises(ValidationError, match=r"key of several fields \(student, course\) is a tuple, not int"):
        Student.objects.filter(enrolment=3)
    assert await Student.objects.filter(enrolment=(sam.id, maths.id)) == [sam]
    assert await Student.objects.filter(enrolment__isnull=True).count() == 0


async def test_through_fields_tell_foreign_keys_to_the_same_model_apart(database: Database) -> None:
    await create_all(ALL)
    ann, bob, club = await Writer.create(name="ann"), await Writer.create(name="bob"), await Club.create(name="c")
    await Membership.create(club=club, member=ann, inviter=bob)
    assert await club.members.all() == [ann]
    assert await Club.objects.filter(members__name="bob").exists() is False


async def test_keys_that_python_makes_are_links_too(database: Database) -> None:
    class Colour(Model[UUID]):
        id = UUIDField(primary_key=True, default=uuid4)

    class Shape(Model[UUID]):
        id = UUIDField(primary_key=True, default=uuid4)
        colours = ManyToManyField(Colour, related_name="shapes")

    await create_all([Colour, Shape])
    shape, red = await Shape.create(), await Colour.create()
    await shape.colours.add(red)
    found = await Shape.objects.prefetch_related("colours").get()
    assert list(found.colours) == [red]
    assert await Shape.objects.filter(colours=red.id).count() == 1
    with pytest.raises(ValueError, match="save it first"):
        await Shape().colours.add(red)
    with pytest.raises(ValueError, match="save it first"):
        await shape.colours.add(Colour())


async def test_abstract_bases_give_each_child_a_table(database: Database) -> None:
    class Tagged(Model):
        tags = ManyToManyField(Mark, related_name="%(class)s_things", related_query_name="%(class)s_thing")

        class Meta:
            abstract = True

    class Song(Tagged):
        pass

    class Film(Tagged):
        pass

    await create_all([Mark, Song, Film])
    tag = await Mark.create()
    song = await Song.create()
    await song.tags.add(tag)
    assert [table_of(each.tags.through).name for each in (Song, Film)] == ["songs_tags", "films_tags"]
    assert await tag.song_things.all() == [song]  # type: ignore[attr-defined]
    assert await tag.film_things.count() == 0  # type: ignore[attr-defined]
    assert await Mark.objects.filter(song_thing=song).count() == 1


async def test_no_constraint_in_the_database_where_none_is_wanted(database: Database) -> None:
    class Loose(Model):
        tags = ManyToManyField(Mark, related_name="+", db_constraint=False)

    assert table_of(Loose.tags.through).foreign_keys == ()
    await create_all([Mark, Loose])
    loose = await Loose.create()
    await loose.tags.add(999)
    assert await loose.tags.all() == []
    assert await Loose.objects.filter(tags=999).count() == 1


def test_a_relation_waits_for_a_model_that_comes_later() -> None:
    class Early(Model):
        lates: ManyToManyField[Any] = ManyToManyField("Late", related_name="earlies")

    with pytest.raises(ModelDefinitionError, match=r"Early\.lates refers to 'Late', and no model of that name"):
        table_of(Early)
    with pytest.raises(FieldError, match=r"Early\.lates .*refers to 'Late'"):
        Early.objects.filter(lates__id=1)
    with pytest.raises(FieldError, match=r"Early\.lates .*refers to 'Late'"):
        Early.objects.prefetch_related("lates")
    with pytest.raises(ModelDefinitionError, match="not defined"):
        assert Early.lates.through

    class Late(Model):
        earlies: Any

    assert Early.objects.filter(lates__id=1) is not None
    assert Late.objects.filter(earlies__id=1) is not None
    assert table_of(Early.lates.through).name == "earlys_lates"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"symmetrical": True}, "symmetrical=True.* is for relations to 'self'"),
        ({"through_fields": ("a", "b")}, "needs through="),
        ({"through": "Membership", "db_table": "x"}, "db_table belongs to that model"),
        ({"db_columns": "post_id"}, "takes two names"),
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelDefinitionError, match=message):
        ManyToManyField(Tag, **options)


def test_an_unknown_option_is_refused_with_the_choices() -> None:
    with pytest.raises(TypeError, match=r"no option 'related_nam'.*related_name"):
        ManyToManyField(Tag, related_nam="x")  # type: ignore[call-overload]


def test_a_through_model_without_the_foreign_keys_is_refused() -> None:
    class Odd(Model):
        mark = ForeignKey(Mark, related_name="+")

    with pytest.raises(ModelDefinitionError, match="Odd has no foreign key to"):

        class Wrong(Model):
            tags = ManyToManyField(Mark, through=Odd, related_name="+")


def test_a_through_model_with_too_many_foreign_keys_wants_through_fields() -> None:
    with pytest.raises(ModelDefinitionError, match=r"2 foreign keys to Mark.*through_fields"):

        class Circle(Model):
            members = ManyToManyField(Mark, through="CircleSeat", related_name="+")

        class CircleSeat(Model):
            circle = ForeignKey(Circle, related_name="+")
            member = ForeignKey(Mark, related_name="+")
            host = ForeignKey(Mark, related_name="+")


def test_through_fields_must_be_foreign_keys_of_the_model() -> None:
    with pytest.raises(ModelDefinitionError, match=r"through_fields names 'club'.*to Wrong. Foreign keys to it: none"):

        class Wrong(Model):
            tags = ManyToManyField(Tag, through=Membership, through_fields=("club", "member"), related_name="+")


def test_names_of_the_other_side_that_clash_are_refused() -> None:
    with pytest.raises(ModelDefinitionError, match=r"Tag\.posts.* clashes with .*Post\.tags.*related_name"):

        class Wrong(Model):
            tags = ManyToManyField(Tag, related_name="posts")

    with pytest.raises(ModelDefinitionError, match=r"Tag\.name.* clashes with .*Tag\.name"):

        class Wrong2(Model):
            tags = ManyToManyField(Tag, related_name="name")

    with pytest.raises(ModelDefinitionError, match=r"clashes with the attribute Tag\.save"):

        class Wrong3(Model):
            tags = ManyToManyField(Tag, related_name="save")


def test_a_class_that_is_refused_leaves_no_table_behind() -> None:
    known, dependants = registry.all_models(), list(Tag._meta.dependants)
    with pytest.raises(ModelDefinitionError, match="clashes"):

        class Refused(Model):
            tags = ManyToManyField(Tag, related_name="posts")

    assert registry.all_models() == known
    assert Tag._meta.dependants == dependants


def test_a_model_that_is_defined_again_takes_the_place_of_the_first() -> None:
    def define() -> type[Any]:
        class Again(Model):
            tags = ManyToManyField(Mark, related_name="agains")

        return Again

    define()
    second = define()
    assert Mark._meta.relations["agains"].remote is second


def test_an_automatic_key_of_two_fields_takes_two_names() -> None:
    with pytest.raises(ModelDefinitionError, match="two or more different fields"):
        CompositePrimaryKey("a")
