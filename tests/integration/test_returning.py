"""Rows that UPDATE and DELETE give back, values from related rows, and numbers that grow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from covet import (
    Case,
    Count,
    DecimalField,
    F,
    FloatField,
    ForeignKey,
    IntegerField,
    Max,
    Model,
    OuterRef,
    ReverseManager,
    Subquery,
    Value,
    When,
    create_all,
    transaction,
)
from covet.database import capture_queries
from covet.exceptions import FieldError, ForeignKeyViolation, ProtectedError
from tests.conftest import Database
from tests.models import library, orders
from tests.models.library import Biography, Note, Post, Tag, Writer


class Node(Model):
    """A row that refers to a row of its own table."""

    n = IntegerField(nullable=True)
    weight = FloatField(default=1.0)
    price = DecimalField(max_digits=8, decimal_places=2, default=Decimal("1.50"))
    parent = ForeignKey("self", nullable=True, on_delete="CASCADE", related_name="children")

    parent_id: int | None
    children: ReverseManager[Node]


class Guard(Model):
    node = ForeignKey(Node, on_delete="PROTECT", related_name="guards")


@dataclass
class Seen:
    title: str
    views: int


@pytest.fixture
async def posts(database: Database) -> list[Post]:
    """Three posts of two writers, the first edited by the second writer."""
    await create_all(models=library.ALL)
    ann, bob = await Writer.create(name="ann"), await Writer.create(name="bob")
    return [
        await Post.create(title="one", views=1, author=ann, editor=bob),
        await Post.create(title="two", views=2, author=ann),
        await Post.create(title="three", views=3, author=bob),
    ]


# -- returning -------------------------------------------------------------------------------


async def test_update_gives_named_columns_as_they_are_afterwards(database: Database, posts: list[Post]) -> None:
    changed = Post.objects.filter(views__lt=3)
    with capture_queries() as queries:
        rows = await changed.returning("id", "title", "views").update(views=F("views") + 10)
    assert sorted(rows) == [(posts[0].id, "one", 11), (posts[1].id, "two", 12)]
    expected = {
        "postgresql": 'UPDATE "posts" SET "views" = "posts"."views" + $1::bigint WHERE "posts"."views" < $2 '
        'RETURNING "posts"."id", "posts"."title", "posts"."views"',
        "sqlite": 'UPDATE "posts" SET "views" = "posts"."views" + ?1 WHERE "posts"."views" < ?2 '
        'RETURNING "posts"."id", "posts"."title", "posts"."views"',
    }
    assert queries.sql == [expected[database.name]]


async def test_update_gives_instances_that_are_whole(posts: list[Post]) -> None:
    (row,) = await Post.objects.filter(title="two").returning().update(title="2")
    assert row == posts[1]
    assert (row.title, row.views) == ("2", 2)
    row.views = 7
    await row.save()
    assert (await Post.objects.get(id=row.id)).views == 7
    assert (await row.author).name == "ann"


async def test_rows_are_what_those_of_the_query_are(posts: list[Post]) -> None:
    one = Post.objects.filter(title="one")
    assert await one.values("title", "views").returning().update(views=5) == [{"title": "one", "views": 5}]
    assert await one.into(Seen).returning().update(views=6) == [Seen("one", 6)]
    assert await one.returning("views", flat=True).update(views=7) == [7]
    (named,) = await one.returning("title", named=True).update(views=8)
    assert named == ("one",)
    assert named.title == "one"  # type: ignore[attr-defined]  # a named tuple of run time
    (part,) = await one.only("title").returning().update(views=9)
    assert part.title == "one"
    assert not part._is_loaded


async def test_delete_without_dependants_is_one_statement(database: Database, posts: list[Post]) -> None:
    notes = [await Note.create(text=text, post=posts[0]) for text in "ab"]
    with capture_queries() as queries:
        rows = await Note.objects.filter(post=posts[0]).returning("text").delete()
    assert sorted(rows) == [("a",), ("b",)]
    mark = "$1" if database.name == "postgresql" else "?1"
    assert queries.sql == [f'DELETE FROM "notes" WHERE "notes"."post_id" = {mark} RETURNING "notes"."text"']
    assert not await Note.objects.filter(id__in=[note.id for note in notes]).exists()


async def test_delete_with_dependants_reads_the_rows_and_deletes_those(database: Database, posts: list[Post]) -> None:
    await Note.create(text="note", post=posts[0])
    with capture_queries() as queries:
        rows = (
            await Post.objects.filter(author__name="ann").order_by("-views").returning("title", "author__name").delete()
        )
    assert rows == [("two", "ann"), ("one", "ann")]
    assert not await Note.objects.exists()
    assert [post.title for post in await Post.objects.all()] == ["three"]
    assert ("FOR UPDATE" in queries.sql[0]) is (database.name == "postgresql")


async def test_delete_that_is_refused_leaves_everything(database: Database) -> None:
    await create_all(models=[Node, Guard])
    node = await Node.create(n=1)
    await Guard.create(node=node)
    with pytest.raises(ProtectedError):
        await Node.objects.filter(n=1).returning().delete()
    assert await Node.objects.count() == 1


async def test_delete_of_a_slice_takes_the_slice(posts: list[Post]) -> None:
    rows = await Post.objects.order_by("-views")[:1].returning("title", flat=True).delete()
    assert rows == ["three"]
    assert await Post.objects.count() == 2
    await Note.create(text="a", post=posts[0])
    await Note.create(text="b", post=posts[0])
    assert await Note.objects.order_by("-text").limit(1).returning("text", flat=True).delete() == ["b"]


async def test_deleted_rows_bring_what_is_prefetched(posts: list[Post]) -> None:
    await Note.create(text="note", post=posts[0])
    await posts[0].tags.add(await Tag.create(name="red"))
    (row,) = await Post.objects.filter(title="one").prefetch_related("notes", "tags").returning().delete()
    assert [note.text for note in row.notes] == ["note"]
    assert [tag.name for tag in row.tags] == ["red"]
    assert not await Note.objects.exists()


async def test_updated_rows_bring_what_is_prefetched_and_related_values(posts: list[Post]) -> None:
    (row,) = await Post.objects.filter(title="one").prefetch_related("author").returning().update(views=4)
    assert row.author.name == "ann"
    with capture_queries() as queries:
        rows = await Post.objects.returning("id", "author__name", "editor__name").update(views=0)
    assert sorted(rows) == [(posts[0].id, "ann", "bob"), (posts[1].id, "ann", None), (posts[2].id, "bob", None)]
    assert queries.sql[0].endswith(
        'RETURNING "posts"."id", (SELECT "t1"."name" FROM "writers" AS "t1" WHERE "t1"."id" = "posts"."author_id"), '
        '(SELECT "t2"."name" FROM "writers" AS "t2" WHERE "t2"."id" = "posts"."editor_id")'
    )


async def test_annotations_are_returned_too(posts: list[Post]) -> None:
    writers = Writer.objects.filter(name="ann").annotate(n=Count("posts"), most=Max("posts__views"))
    (ann,) = await writers.returning().update(name="Anna")
    assert (ann.name, ann.n, ann.most) == ("Anna", 2, 2)  # type: ignore[attr-defined]  # annotations of run time


async def test_floats_and_decimals_come_back_as_such(database: Database) -> None:
    await create_all(models=[Node])
    parent = await Node.create(n=1)
    await Node.create(n=2, parent=parent, weight=2.0)
    rows = await Node.objects.filter(n=2).returning("weight", "price", "parent__weight", "parent__price").update(n=3)
    assert [[type(value).__name__ for value in row] for row in rows] == [["float", "Decimal", "float", "Decimal"]]


async def test_related_and_combined_rows_are_given_too(posts: list[Post]) -> None:
    ann = await Writer.objects.get(name="ann")
    assert sorted(await ann.posts.returning("title", flat=True).update(views=7)) == ["one", "two"]
    assert await ann.posts.increment(views=1) == 2
    (row, _) = await ann.posts.all().returning().update(views=1)
    assert row.author is ann
    both = Post.objects.filter(title="one").union(Post.objects.filter(title="three"))
    assert sorted(await both.returning("title", flat=True).update(views=0)) == ["one", "three"]
    assert await Post.objects.filter(title="none").returning().delete() == []


async def test_nothing_is_asked_where_there_can_be_no_rows(posts: list[Post]) -> None:
    with capture_queries() as queries:
        assert await Post.objects.none().returning("id").update(views=1) == []
        assert await Post.objects.none().returning("id").delete() == []
    assert queries.sql == []
    assert await Post.objects.filter(id=0).returning().delete() == []


async def test_what_cannot_be_returned_is_refused(posts: list[Post]) -> None:
    with pytest.raises(FieldError, match="prefetch_related"):
        await Post.objects.select_related("author").returning().update(views=1)
    with pytest.raises(FieldError, match="groups"):
        await Post.objects.values("views").annotate(Count("id")).returning().update(views=1)
    with pytest.raises(FieldError, match="leads to many rows"):
        await Post.objects.returning("notes__text").update(views=1)
    with pytest.raises(FieldError, match="no field 'titel'"):
        Post.objects.returning("titel")
    with pytest.raises(TypeError, match="at least one field"):
        await Post.objects.returning().update()
    assert {post.views for post in await Post.objects.all()} == {1, 2, 3}


async def test_an_error_of_the_database_names_the_model(posts: list[Post]) -> None:
    with pytest.raises(ForeignKeyViolation) as caught:
        async with transaction():
            await Post.objects.returning("id").update(author=999)
            # SQLite may look at the commit.
    assert caught.value.model in {Post, None}


# -- values from related rows ----------------------------------------------------------------


async def test_a_value_from_a_related_row_is_a_subquery(posts: list[Post]) -> None:
    with capture_queries() as queries:
        assert await Post.objects.filter(views__lt=3).update(title=F("author__name")) == 2
    assert queries.sql[0].startswith(
        'UPDATE "posts" SET "title" = (SELECT "t1"."name" FROM "writers" AS "t1" '
        'WHERE "t1"."id" = "posts"."author_id") WHERE "posts"."views" < '
    )
    assert [post.title for post in await Post.objects.order_by("id")] == ["ann", "ann", "three"]


async def test_related_values_stand_in_expressions_and_conditions(posts: list[Post]) -> None:
    await Biography.create(text="life", writer_id=posts[0].author_id)
    title = Case(When(editor__name="bob", then=F("author__biography__text")), default=Value("none"))
    await Post.objects.filter(author__name__in=["ann", "bob"]).update(title=title, views=F("views") + F("author__id"))
    ann, bob = posts[0].author_id, posts[2].author_id
    found = await Post.objects.order_by("id").values_list("title", "views")
    assert found == [("life", 1 + ann), ("none", 2 + ann), ("none", 3 + bob)]


async def test_an_aggregate_over_related_rows_is_a_value(posts: list[Post]) -> None:
    await Note.create(text="x", post=posts[1])
    await Post.objects.annotate(notes_of=Count("notes")).update(views=F("notes_of"))
    assert [post.views for post in await Post.objects.order_by("id")] == [0, 1, 0]
    await Post.objects.update(views=Count("notes") + 5)
    assert [post.views for post in await Post.objects.order_by("id")] == [5, 6, 5]
    with pytest.raises(FieldError, match=r"use Subquery\(\)"):
        await Post.objects.update(views=Max("views"))
    with pytest.raises(FieldError, match=r"use Subquery\(\)"):
        await Post.objects.update(views=Count("author__posts"))
    with pytest.raises(FieldError, match="leads to many rows"):
        await Post.objects.update(title=F("notes__text"))


async def test_a_query_is_a_value(posts: list[Post]) -> None:
    best = Post.objects.filter(author=OuterRef("author")).order_by("-views").values_list("title")[:1]
    await Post.objects.update(title=best)
    assert [post.title for post in await Post.objects.order_by("id")] == ["two", "two", "three"]
    name = Writer.objects.filter(name=OuterRef("author__name")).values_list("name")
    await Post.objects.filter(author__name="bob").update(title=Subquery(name))
    assert [post.title for post in await Post.objects.order_by("id")] == ["two", "two", "bob"]


async def test_an_update_sees_the_rows_as_they_were_before_it(database: Database) -> None:
    await create_all(models=[Node])
    first = await Node.create(n=1)
    second = await Node.create(n=2, parent=first)
    await Node.create(n=3, parent=second)
    with capture_queries() as queries:
        rows = await Node.objects.returning("n", "parent__id").update(n=F("parent__n"))
    assert sorted(rows, key=str) == [(1, first.id), (2, second.id), (None, None)]
    assert ("FROM (SELECT 1)" in queries.sql[0]) is (database.name == "sqlite")
    assert [node.n for node in await Node.objects.order_by("id")] == [None, 1, 2]


async def test_a_saved_instance_takes_a_value_from_a_related_row(posts: list[Post]) -> None:
    post = await Post.objects.get(title="three")
    vars(post)["title"] = F("author__name")
    await post.save()
    assert vars(post)["title"] == "bob"
    assert (await Post.objects.get(id=post.id)).title == "bob"


async def test_keys_of_several_columns_are_assigned_from_each_other(database: Database) -> None:
    await create_all(models=orders.ALL)
    tenant = await orders.Tenant.create(name="t")
    first = await orders.Order.create(tenant=tenant, number=1, title="first")
    second = await orders.Order.create(tenant=tenant, number=2, title="second")
    item = await orders.Item.create(order=second, position=1)
    assert await orders.Item.objects.filter(order__title="second").update(name=F("order__title")) == 1
    assert (await orders.Item.objects.get(pk=item.pk)).name == "second"
    rows = await orders.Order.objects.filter(items__name="second").returning("pk", "title").update(title="2")
    assert rows == [(second.pk, "2")]
    assert await orders.Item.objects.filter(order=second).returning("pk").delete() == [(item.pk,)]
    assert await orders.Order.objects.filter(pk=first.pk).returning("pk", flat=True).delete() == [first.pk]


# -- numbers that grow -----------------------------------------------------------------------


async def test_increment_changes_rows_in_one_statement(database: Database, posts: list[Post]) -> None:
    with capture_queries() as queries:
        assert await Post.objects.filter(author__name="ann").increment(views=5) == 2
        assert await Post.objects.decrement(views=F("author_id") - F("author_id")) == 3
    assert len(queries.sql) == 2
    assert [post.views for post in await Post.objects.order_by("id")] == [6, 7, 3]
    assert await Post.objects.filter(title="three").decrement(views=4) == 1
    assert (await Post.objects.get(title="three")).views == -1


async def test_an_instance_learns_its_new_number(posts: list[Post]) -> None:
    stale = await Post.objects.get(id=posts[0].id)
    with capture_queries() as queries:
        assert await posts[0].increment(views=1) is posts[0]
        await stale.increment(views=10)
    assert (posts[0].views, stale.views) == (2, 12)
    assert [sql.split()[0] for sql in queries.sql] == ["UPDATE", "UPDATE"]
    await asyncio.gather(*(stale.decrement(views=1) for _ in range(12)))
    assert (await Post.objects.get(id=stale.id)).views == 0


async def test_other_numbers_grow_as_their_fields_say(database: Database) -> None:
    await create_all(models=[Node])
    node = await Node.create(n=None)
    await node.increment(weight=0.5, price=Decimal("0.25"), n=1)
    assert (node.weight, str(node.price), node.n) == (1.5, "1.75", None)


async def test_increment_of_what_is_no_number_is_refused(posts: list[Post]) -> None:
    with pytest.raises(FieldError, match=r"Post\.title is not a number"):
        await Post.objects.increment(title=1)
    with pytest.raises(FieldError, match=r"Post\.id is not a number"):
        await Post.objects.increment(id=1)
    bad: list[Any] = [None, True, "1"]
    for value in bad:
        with pytest.raises(TypeError, match="takes a number"):
            await Post.objects.increment(views=value)
    with pytest.raises(TypeError, match="at least one field"):
        await Post.objects.decrement()
    gone = posts[0]
    await Post.objects.filter(id=gone.id).delete()
    with pytest.raises(Post.DoesNotExist, match="has no row"):
        await gone.increment(views=1)
