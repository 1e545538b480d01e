"""union, intersection and difference; &, | and ^ of querysets: the SQL and what it finds."""

from __future__ import annotations

from typing import Any

import pytest

from covet import (
    ConfigurationError,
    Count,
    DecimalField,
    Exists,
    F,
    FieldError,
    Model,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    ValidationError,
    Value,
    create_all,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.library import ALL, Post, Tag, Writer


class Price(Model):
    amount = DecimalField(max_digits=8, decimal_places=2)


@pytest.fixture
async def library(database: Database) -> Database:
    """Store posts a (1 view), b (2), c (3), d (4) by ann, ann, bob, bob; a and b with the tag x."""
    await create_all([*ALL, Price])
    ann, bob, _ = [await Writer.create(name=name) for name in ("ann", "bob", "cy")]
    x = await Tag.create(name="x")
    for title, views, author in (("a", 1, ann), ("b", 2, ann), ("c", 3, bob), ("d", 4, bob)):
        post = await Post.create(title=title, views=views, author=author)
        if title in "ab":
            await post.tags.add(x)
    return database


LOW = Post.objects.filter(views__lt=3)
ODD = Post.objects.filter(views__in=[1, 3])


async def titles(queryset: Any) -> str:
    return "".join([post.title for post in await queryset.order_by("title")])


async def test_union_takes_the_place_of_the_table(library: Database) -> None:
    with capture_queries() as queries:
        rows = await LOW.union(ODD).order_by("-title")
    assert [row.title for row in rows] == ["c", "b", "a"]
    sql = queries.sql[0].replace("$", "?")
    columns = ", ".join(f'"t1"."{n}" AS "{n}"' for n in ("id", "title", "views", "author_id", "editor_id"))
    first = f'SELECT {columns} FROM "posts" AS "t1" WHERE "t1"."views" < ?1'
    expected = f"FROM (({first}) UNION (" if library.name == "postgresql" else f"FROM ({first} UNION SELECT "
    assert expected in sql
    assert sql.replace(" NULLS FIRST", "").endswith(') AS "posts" ORDER BY "posts"."title" DESC')


async def test_all_keeps_equal_rows(library: Database) -> None:
    assert await titles(LOW.union(ODD)) == "abc"
    assert await titles(LOW.union(ODD, all=True)) == "aabc"
    assert await titles(LOW.union(ODD, Post.objects.filter(title="d"))) == "abcd"


async def test_intersection_and_difference(library: Database) -> None:
    assert await titles(LOW.intersection(ODD)) == "a"
    assert await titles(LOW.difference(ODD)) == "b"
    assert await titles(Post.objects.difference(LOW, ODD)) == "d"


async def test_a_union_is_filtered_sliced_counted_and_annotated_like_any_query(library: Database) -> None:
    both = LOW.union(ODD)
    assert await both.count() == 3
    assert await both.filter(views__gt=1).count() == 2
    assert await both.filter(author__name="bob").exists()
    assert await titles(both.exclude(title="a")) == "bc"
    assert [p.title for p in await both.order_by("-views")[1:3]] == ["b", "a"]
    assert await both.order_by("title").values_list("title", "author__name") == [
        ("a", "ann"),
        ("b", "ann"),
        ("c", "bob"),
    ]
    assert await both.annotate(n=F("views") * 2).order_by("n").values_list("n", flat=True) == [2, 4, 6]
    assert await both.annotate(n=Count("tags")).order_by("title").values_list("n", flat=True) == [1, 1, 0]
    assert await both.aggregate(n=Count("id")) == {"n": 3}
    first = await both.first()
    assert first is not None
    assert first.title == "a"
    assert (await both.get(title="b")).views == 2


async def test_related_rows_come_along(library: Database) -> None:
    both = LOW.union(ODD).order_by("title")
    with capture_queries() as queries:
        joined = await both.select_related("author")
        fetched = await both.prefetch_related("author", "tags")
    assert [post.author.name for post in joined] == ["ann", "ann", "bob"]
    assert [len(post.tags) for post in fetched] == [1, 1, 0]
    assert len(queries) == 4
    writers = await Writer.objects.prefetch_related(Prefetch("posts", queryset=both)).order_by("name")
    assert [[post.title for post in writer.posts] for writer in writers] == [["a", "b"], ["c"], []]


async def test_parts_may_be_sliced_and_ordered(library: Database) -> None:
    most, least = Post.objects.order_by("-views")[:1], Post.objects.order_by("views")[:1]
    assert await titles(most.union(least)) == "ad"
    assert await titles(most.union(least).union(ODD)) == "acd"


async def test_values_of_several_models_are_put_together(library: Database) -> None:
    names = Writer.objects.values_list("name").union(Post.objects.values_list("title")).order_by("name")
    assert await names == [("a",), ("ann",), ("b",), ("bob",), ("c",), ("cy",), ("d",)]
    assert await names.filter(name__startswith="a").count() == 2
    marked = (
        Writer.objects.annotate(kind=Value("w"))
        .values("name", "kind")
        .union(Post.objects.annotate(kind=Value("p")).values("title", "kind"))
    )
    assert (await marked.order_by("kind", "name"))[0] == {"name": "a", "kind": "p"}
    assert await marked.filter(kind="w").count() == 3
    authors = Post.objects.values_list("author__name", flat=True).union(Tag.objects.values_list("name", flat=True))
    assert sorted(await authors) == ["ann", "bob", "x"]


async def test_decimals_are_equal_by_their_value_and_stay_decimals(library: Database) -> None:
    for amount in ("1.50", "2"):
        await Price.create(amount=amount)
    prices = Price.objects.values_list("amount", flat=True)
    assert [str(p) for p in await prices.union(prices).order_by("amount")] == ["1.50", "2.00"]


async def test_annotations_of_the_parts_are_there(library: Database) -> None:
    one, two = LOW.annotate(n=F("views") + 10), ODD.annotate(n=F("views") + 10)
    found = await one.union(two).order_by("-n")
    assert [(p.title, p.annotation("n", int)) for p in found] == [("c", 13), ("b", 12), ("a", 11)]


async def test_a_union_stands_inside_other_queries(library: Database) -> None:
    both = LOW.union(ODD)
    assert await titles(Post.objects.filter(id__in=both.values("id"))) == "abc"
    assert await titles(Post.objects.filter(pk__in=both)) == "abc"
    mine = Post.objects.filter(author=OuterRef("pk"), views=1).union(
        Post.objects.filter(author=OuterRef("pk"), views=4)
    )
    assert await Writer.objects.filter(Exists(mine)).count() == 2
    one = Writer.objects.annotate(v=Subquery(mine.order_by("-views").values("views")[:1])).order_by("name")
    assert await one.values_list("v", flat=True) == [1, 4, None]


async def test_a_union_is_updated_and_deleted(library: Database) -> None:
    assert await LOW.union(ODD).update(views=0) == 3
    assert await Post.objects.filter(title="a").union(Post.objects.filter(title="b")).delete() == (
        4,
        {"Post_tags": 2, "Post": 2},
    )
    assert await titles(Post.objects) == "cd"


async def test_empty_parts_ask_nothing(library: Database) -> None:
    none = Post.objects.none()
    assert await titles(none.union(LOW)) == "ab"
    assert await titles(LOW.union(none)) == "ab"
    assert await titles(LOW.difference(none)) == "ab"
    with capture_queries() as queries:
        assert await LOW.intersection(none) == []
        assert await none.difference(LOW) == []
    assert len(queries) == 0


async def test_what_does_not_fit_together_is_refused(library: Database) -> None:
    with pytest.raises(TypeError, match=r"union\(\) of instances takes querysets of one model, not of Post and Tag"):
        LOW.union(Tag.objects.all())
    with pytest.raises(TypeError, match="all of instances, or all of values"):
        LOW.union(Post.objects.values("id"))
    with pytest.raises(FieldError, match="as many columns each, not of 1 and 2"):
        Post.objects.values("id").union(Post.objects.values("id", "title"))
    with pytest.raises(TypeError, match="lock the rows in a query of their own"):
        LOW.select_for_update().union(ODD)


async def test_signs_put_conditions_together(library: Database) -> None:
    with capture_queries() as queries:
        assert await titles(LOW & ODD) == "a"
        assert await titles(LOW | ODD) == "abc"
        assert await titles(LOW ^ ODD) == "bc"
    assert (
        queries.sql[0]
        .replace("$", "?")
        .partition(" WHERE ")[2]
        .partition(" ORDER")[0]
        .startswith('"posts"."views" < ?1 AND "posts"."views"')
    )
    ann = Post.objects.filter(author__name="ann")
    assert await titles(ann | Post.objects.filter(tags__name="y") | Post.objects.filter(title="d")) == "abd"
    assert await titles(ann & Post.objects.filter(Q(title="b") | Q(title="c"))) == "b"
    assert await titles(Post.objects.all() | LOW) == "abcd"
    assert await titles(Post.objects.all() & LOW) == "ab"
    assert await titles(Post.objects.none() | LOW) == "ab"
    assert await titles(Post.objects.none() & LOW) == ""
    assert await titles(Post.objects.all() ^ LOW) == "cd"


async def test_signs_refuse_what_they_cannot_put_together(library: Database) -> None:
    with pytest.raises(TypeError, match="& takes two querysets of one model, not of Post and Tag"):
        _ = LOW & Tag.objects.all()
    with pytest.raises(TypeError, match=r"\| takes querysets without slices"):
        _ = LOW | ODD[:1]
    with pytest.raises(TypeError, match="same annotations"):
        _ = LOW | ODD.annotate(n=F("views"))


async def test_equal_unions_share_a_plan(library: Database) -> None:
    def union(one: int, two: int) -> Any:
        return Post.objects.filter(views=one).union(Post.objects.filter(views=two))

    assert union(1, 2).state == union(3, 4).state
    assert (LOW | ODD).state == (Post.objects.filter(views__lt=9) | Post.objects.filter(views__in=[5])).state


async def test_rows_of_a_related_manager_lose_their_owner_among_others(library: Database) -> None:
    ann, bob = await Writer.objects.filter(name__in=["ann", "bob"]).order_by("name")
    for both in (ann.posts.all() | bob.posts.all(), ann.posts.all().union(bob.posts.all())):
        assert {post.title: post.author_id for post in await both} == {
            "a": ann.id,
            "b": ann.id,
            "c": bob.id,
            "d": bob.id,
        }
        with pytest.raises(ValidationError, match="author"):
            await both.create(title="e", views=1)
    kept = ann.posts.all() & LOW
    assert [await post.author for post in await kept] == [ann, ann]
    assert (await kept)[0].author is ann


async def test_querysets_of_several_databases_are_not_put_together(library: Database) -> None:
    here = Post.objects.using("default")
    assert (LOW | here).database == "default"
    assert (here.union(ODD)).database == "default"
    with pytest.raises(TypeError, match="Querysets of several databases cannot be put together: 'default', 'other'"):
        _ = here | ODD.using("other")
    with pytest.raises(TypeError, match="several databases"):
        ODD.using("other").union(here)


async def test_a_query_of_another_database_cannot_stand_inside(library: Database) -> None:
    elsewhere = Writer.objects.using("other").filter(name="ann")
    here = Post.objects.using("default").filter(author__in=Writer.objects.using("default").filter(name="ann"))
    assert await here.count() == 2
    message = "A query of the database 'default' cannot hold one of 'other': await that one first"
    for inside in (
        Post.objects.filter(author__in=elsewhere),
        Post.objects.filter(~Q(author__in=elsewhere) | Q(views=1)),
        Post.objects.filter(Exists(elsewhere.filter(id=OuterRef("author_id")))),
        Post.objects.annotate(name=Subquery(elsewhere.values("name")[:1])),
        Post.objects.filter(author__in=Writer.objects.filter(id__in=elsewhere.values("id"))),
    ):
        for ask in (inside.fetch, inside.count, inside.exists, inside.delete, lambda q=inside: q.update(views=0)):
            with capture_queries() as queries, pytest.raises(FieldError, match=message):
                await ask()
            assert len(queries) == 0


async def test_a_tag_ends_every_statement_of_a_query(library: Database) -> None:
    tagged = Post.objects.filter(views__in=[1, 2]).tag("monthly report; DROP TABLE ?1 $1 '")
    with capture_queries() as queries:
        assert await titles(tagged) == "ab"
        assert await tagged.count() == 2
        assert await tagged.exists()
        assert await tagged.aggregate(n=Count("id")) == {"n": 2}
        assert (await tagged.order_by("id").first()) is not None
        assert await tagged.union(Post.objects.filter(views=3)).count() == 3
        assert await tagged.update(views=5) == 2
        assert await Post.objects.filter(views=5).tag("clean up").delete() == (4, {"Post": 2, "Post_tags": 2})
    sql = queries.sql
    assert all(each.endswith("/* monthly report; DROP TABLE ?1 $1 ' */") for each in sql[:7])
    assert any(each.endswith("/* clean up */") for each in sql[7:])
    assert await Post.objects.tag("all").count() == 2
    for wrong in ("", "a */ b", "a /* b", "a\nb", "x" * 201):
        with pytest.raises(ValueError, match=r"tag\(\) takes a printable text of at most 200 characters"):
            Post.objects.all().tag(wrong)


async def test_a_query_says_which_database_it_asks(library: Database) -> None:
    assert Post.objects.all().db == "default"
    with pytest.raises(ConfigurationError, match="other"):
        _ = Post.objects.using("other").db
