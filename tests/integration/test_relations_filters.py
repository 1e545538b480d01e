"""Filters, orders and aggregates across many-to-many relations: the SQL and what it finds."""

from __future__ import annotations

from typing import Any

import pytest

from covet import Count, F, FieldError, Max, Q, create_all
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.library import ALL, Note, Post, Tag, Writer


@pytest.fixture
async def library(database: Database) -> Database:
    """Store posts a (x y), b (x), c (none), d (z) by ann, ann, bob, bob; three notes at a, one at d."""
    await create_all(ALL)
    ann, bob, _ = [await Writer.create(name=name) for name in ("ann", "bob", "cy")]
    x, y, z = [await Tag.create(name=name) for name in "xyz"]
    a, b, _, d = [await Post.create(title=t, author=w) for t, w in (("a", ann), ("b", ann), ("c", bob), ("d", bob))]
    await a.tags.add(x, y)
    await b.tags.add(x)
    await d.tags.add(z)
    await Note.objects.bulk_create([Note(text="n", post=a) for _ in range(3)] + [Note(text="n", post=d)])
    return database


async def asked(queryset: Any) -> tuple[str, str]:
    """Return what the FROM and the rest of the query say, and the titles or names found."""
    with capture_queries() as queries:
        rows = await queryset
    found = sorted(getattr(row, "title", None) or row.name for row in rows)
    return queries.sql[0].partition(" FROM ")[2].replace("$", "?"), "".join(found)


LINKED = 'INNER JOIN "posts_tags" AS "t1" ON "t1"."post_id" = "posts"."id"'


async def test_a_field_behind_the_links_is_two_joins(library: Database) -> None:
    sql, found = await asked(Post.objects.filter(tags__name="x"))
    assert sql == f'"posts" {LINKED} INNER JOIN "tags" AS "t2" ON "t2"."id" = "t1"."tag_id" WHERE "t2"."name" = ?1'
    assert found == "ab"


async def test_the_key_behind_the_links_is_a_column_of_theirs(library: Database) -> None:
    x = await Tag.objects.get(name="x")
    for condition in ({"tags": x}, {"tags": x.id}, {"tags__id": x.id}, {"tags__pk": x.pk}):
        sql, found = await asked(Post.objects.filter(**condition))
        assert sql == f'"posts" {LINKED} WHERE "t1"."tag_id" = ?1'
        assert found == "ab"
    assert (await asked(Post.objects.filter(tags__in=[x, 999])))[1] == "ab"


async def test_the_other_side_is_found_by_its_own_name(library: Database) -> None:
    assert (await asked(Tag.objects.filter(posts__title="a")))[1] == "xy"
    assert (await asked(Tag.objects.filter(posts__author__name="bob")))[1] == "z"
    assert (await asked(Writer.objects.filter(posts__tags__name="z")))[1] == "bob"


async def test_conditions_of_one_filter_speak_of_one_link(library: Database) -> None:
    assert (await asked(Post.objects.filter(tags__name="x", tags__id__gt=0)))[0].count("JOIN") == 2
    assert (await asked(Post.objects.filter(tags__name="x").filter(tags__name="y")))[1] == "a"
    assert (await asked(Post.objects.filter(tags__name="x", tags__name__startswith="y")))[1] == ""


async def test_exclude_is_not_exists(library: Database) -> None:
    sql, found = await asked(Post.objects.exclude(tags__name="y"))
    assert sql == (
        '"posts" WHERE NOT EXISTS (SELECT 1 FROM "posts_tags" AS "t1" INNER JOIN "tags" AS "t2" ON "t2"."id" = '
        '"t1"."tag_id" WHERE "t1"."post_id" = "posts"."id" AND "t2"."name" = ?1)'
    )
    assert found == "bcd"
    assert (await asked(Writer.objects.exclude(posts__tags__name="x")))[1] == "bobcy"
    assert (await asked(Post.objects.filter(~Q(tags__name="x") | Q(title="a"))))[1] == "acd"


async def test_isnull_asks_for_links_only(library: Database) -> None:
    sql, found = await asked(Post.objects.filter(tags__isnull=True))
    assert sql == '"posts" WHERE NOT EXISTS (SELECT 1 FROM "posts_tags" AS "t1" WHERE "t1"."post_id" = "posts"."id")'
    assert found == "c"
    assert (await asked(Post.objects.filter(tags=None)))[1] == "c"
    assert (await asked(Post.objects.exclude(tags__isnull=True)))[1] == "abd"
    assert (await asked(Post.objects.filter(tags__isnull=False).distinct()))[1] == "abd"
    assert (await asked(Writer.objects.filter(posts__tags__isnull=True).distinct()))[1] == "bobcy"
    assert (await asked(Writer.objects.exclude(posts__tags__isnull=True)))[1] == "ann"


async def test_a_queryset_stands_on_the_right_of_in(library: Database) -> None:
    sql, found = await asked(Post.objects.filter(tags__in=Tag.objects.filter(name__in=["y", "z"])))
    assert '"t1"."tag_id" IN (SELECT "t2"."id" FROM "tags" AS "t2"' in sql
    assert found == "ad"
    assert (await asked(Post.objects.exclude(tags__in=Tag.objects.filter(name="x"))))[1] == "cd"
    with pytest.raises(FieldError, match="'tags__in' takes a queryset of Tag, not of Post"):
        Post.objects.filter(tags__in=Post.objects.all())


async def test_counts_of_several_relations_do_not_multiply(library: Database) -> None:
    posts = await Post.objects.annotate(tag_count=Count("tags"), note_count=Count("notes")).order_by("title")
    found = [(p.annotation("tag_count", int), p.annotation("note_count", int)) for p in posts]
    assert found == [(2, 3), (1, 0), (0, 0), (1, 1)]
    busy = Post.objects.annotate(n=Count("tags"), m=Count("notes")).filter(n__gte=1, m__gte=1)
    assert (await asked(busy))[1] == "ad"


async def test_a_count_over_links_reads_the_links_alone(library: Database) -> None:
    with capture_queries() as queries:
        rows = await Tag.objects.annotate(uses=Count("posts")).order_by("name")
    assert '"posts"' not in queries.sql[0]
    assert [row.annotation("uses", int) for row in rows] == [2, 1, 1]


async def test_a_count_among_the_rows_of_a_manager_counts_all_links(library: Database) -> None:
    a = await Post.objects.get(title="a")
    rows = await a.tags.annotate(uses=Count("posts")).order_by("name")
    assert [(row.name, row.annotation("uses", int)) for row in rows] == [("x", 2), ("y", 1)]
    assert (await asked(a.tags.filter(posts__title="b")))[1] == "x"


async def test_values_and_orders_go_through_links(library: Database) -> None:
    rows = await Post.objects.order_by("title", "tags__name").values_list("title", "tags__name")
    assert rows == [("a", "x"), ("a", "y"), ("b", "x"), ("c", None), ("d", "z")]
    groups = await Tag.objects.values("name").annotate(n=Count("posts")).order_by("name")
    assert groups == [{"name": "x", "n": 2}, {"name": "y", "n": 1}, {"name": "z", "n": 1}]
    assert await Post.objects.aggregate(last=Max("tags__name")) == {"last": "z"}
    assert await Post.objects.filter(tags__name=F("title")).count() == 0


async def test_unknown_names_behind_links_are_refused_with_the_choices(library: Database) -> None:
    with pytest.raises(FieldError, match=r"Tag has no field 'nam'.*Choices: id, name, posts"):
        Post.objects.filter(tags__nam="x")
    with pytest.raises(FieldError, match="has no lookup"):
        Post.objects.filter(tags__name__nope="x")
    with pytest.raises(FieldError, match="Post has no field 'posts_tags'"):
        Post.objects.filter(posts_tags__tag=1)
