"""join(): models, querysets and several at once, by any condition: the SQL, what it finds, and what is refused."""

from __future__ import annotations

import pytest

from covet import CTE, Avg, Count, Exists, F, FieldError, OuterRef, Q, Sum, Window, create_all
from covet.database import capture_queries
from covet.functions import RowNumber
from tests.conftest import Database
from tests.models.library import ALL, Post, Tag, Writer


@pytest.fixture
async def library(database: Database) -> Database:
    """Store posts a (1 view), b (2), c (3) by ann and d (4) by bob; tags named ann, dan; cy has no post."""
    await create_all(ALL)
    ann, bob, _ = [await Writer.create(name=name) for name in ("ann", "bob", "cy")]
    for title, views, author in (("a", 1, ann), ("b", 2, ann), ("c", 3, ann), ("d", 4, bob)):
        await Post.create(title=title, views=views, author=author)
    for name in ("ann", "dan"):
        await Tag.create(name=name)
    return database


async def test_a_model_is_joined_by_what_is_no_foreign_key(library: Database) -> None:
    namesakes = Writer.objects.join(Tag, on=Q(name=F("tag__name")), name="tag")
    with capture_queries() as queries:
        assert await namesakes.values_list("name", "tag__id") == [("ann", 1)]
    assert queries.sql[0] == (
        'SELECT "writers"."name", "t1"."id" FROM "writers" INNER JOIN "tags" AS "t1" ON "writers"."name" = "t1"."name"'
    )
    assert await namesakes.count() == 1
    assert [w.name for w in await namesakes.filter(tag__name__startswith="a")] == ["ann"]


async def test_a_left_join_keeps_the_rows_without_a_match(library: Database) -> None:
    joined = Writer.objects.join(Tag, on=Q(tag__name=F("name")), kind="left", name="tag").order_by("name")
    with capture_queries() as queries:
        assert await joined.values_list("name", "tag__name") == [("ann", "ann"), ("bob", None), ("cy", None)]
    assert 'LEFT JOIN "tags" AS "t1" ON "t1"."name" = "writers"."name"' in queries.sql[0]
    assert await joined.filter(tag__id=None).values_list("name", flat=True) == ["bob", "cy"]
    assert await joined.exclude(tag__name="ann").values_list("name", flat=True) == ["bob", "cy"]


async def test_a_condition_may_compare_ranges_hold_values_and_cross_relations(library: Database) -> None:
    pairs = Post.objects.join(Post, on=Q(views__lt=F("more__views"), more__views__lte=3), name="more")
    assert await pairs.order_by("views", "more__views").values_list("title", "more__title") == (
        [("a", "b"), ("a", "c"), ("b", "c")]
    )
    tagged = Post.objects.join(Tag, on=Q(tag__name=F("author__name")), name="tag")
    assert await tagged.order_by("title").values_list("title", "tag__name") == [(t, "ann") for t in "abc"]
    with capture_queries() as queries:
        assert await tagged.filter(author__name="ann").count() == 3
    assert queries.sql[0].index('"writers"') < queries.sql[0].index('"tags"')


async def test_a_queryset_is_joined(library: Database) -> None:
    totals = Post.objects.filter(views__gte=2).values("author").annotate(total=Sum("views"))
    joined = Writer.objects.join(totals, on=Q(pk=F("sums__author")), kind="left", name="sums").order_by("name")
    with capture_queries() as queries:
        assert await joined.values_list("name", "sums__total") == [("ann", 5), ("bob", 4), ("cy", None)]
    sql = queries.sql[0].replace("$", "?")
    assert 'LEFT JOIN (SELECT "t2"."author_id" AS "author", ' in sql
    assert '"t2"."views" >= ?1 GROUP BY "t2"."author_id") AS "t1" ON "writers"."id" = "t1"."author"' in sql
    assert await joined.filter(sums__total__gt=4).values_list("name", flat=True) == ["ann"]
    firsts = Post.objects.order_by("-views")[:2]
    assert [
        w.name for w in await Writer.objects.join(firsts, on=Q(pk=F("top__author_id")), name="top").order_by("pk")
    ] == [
        "ann",
        "bob",
    ]


async def test_several_joins_may_follow_each_other(library: Database) -> None:
    chain = Tag.objects.join(Writer, on=Q(name=F("writer__name")), name="writer").join(
        Post, on=Q(post__author_id=F("writer__id"), post__views__gt=1), name="post"
    )
    assert await chain.order_by("post__title").values_list("name", "post__title") == [("ann", "b"), ("ann", "c")]


async def test_aggregates_are_over_what_is_joined(library: Database) -> None:
    joined = Writer.objects.join(Post, on=Q(pk=F("post__author_id")), kind="left", name="post").order_by("name")
    assert await joined.annotate(n=Count("post__id")).values_list("name", "n") == [("ann", 3), ("bob", 1), ("cy", 0)]
    assert await joined.annotate(n=Count("post__id")).filter(n__gt=1).values_list("name", flat=True) == ["ann"]
    assert await joined.aggregate(mean=Avg("post__views"), n=Count("post__id")) == {"mean": 2.5, "n": 4}
    for mixed in (
        joined.annotate(n=Count("post__id"), k=Count("posts")),
        joined.values("name").annotate(Count("posts")),
    ):
        with pytest.raises(FieldError, match="compute one of them in a CTE"):
            await mixed
    pairs = Writer.objects.join(Tag, on=Q(tag__id__gt=0), name="tag").annotate(n=Count("posts"))
    assert await pairs.order_by("name", "tag__name").values_list("name", "tag__name", "n") == (
        [("ann", "ann", 3), ("ann", "dan", 3), ("bob", "ann", 1), ("bob", "dan", 1), ("cy", "ann", 0), ("cy", "dan", 0)]
    )
    assert await pairs.order_by("name").values_list("name", "n") == (
        [("ann", 3), ("ann", 3), ("bob", 1), ("bob", 1), ("cy", 0), ("cy", 0)]
    )
    assert await pairs.filter(n=3).count() == 2
    beside = joined.annotate(n=Count("posts"), title=F("post__title")).filter(title__in=["b", "d"])
    assert await beside.values_list("title", "n") == [("b", 3), ("d", 1)]


async def test_rows_of_a_query_that_joins_are_updated_and_deleted(library: Database) -> None:
    named = Writer.objects.join(Tag, on=Q(name=F("tag__name")), name="tag")
    assert await named.update(name="anna") == 1
    assert await named.count() == 0
    late = Tag.objects.join(Writer, on=Q(writer__name__lt=F("name")), name="writer")
    assert (await late.filter(writer__name="cy").delete())[0] == 1
    assert await Tag.objects.values_list("name", flat=True) == ["ann"]


async def test_queries_inside_refer_to_what_is_joined(library: Database) -> None:
    joined = Tag.objects.join(Writer, on=Q(name=F("writer__name")), kind="left", name="writer")
    posts = Post.objects.filter(author=OuterRef("writer__id"))
    assert await joined.filter(Exists(posts)).values_list("name", flat=True) == ["ann"]
    assert await joined.filter(~Exists(posts)).values_list("name", flat=True) == ["dan"]


async def test_counting_by_related_rows_counts_the_rows_of_the_join(library: Database) -> None:
    pairs = Writer.objects.join(Tag, on=Q(tag__id__gt=0), name="tag")
    assert await pairs.filter(posts__views=1).count() == 2
    assert await Writer.objects.filter(posts__views=1).count() == 1
    read = CTE(Writer.objects.filter(name="bob"), name="read").queryset()
    assert await read.filter(posts=1).count() == 0
    assert await read.filter(posts=4).exists()


async def test_negated_conditions_on_related_rows_see_what_is_joined(library: Database) -> None:
    joined = Writer.objects.join(Tag, on=Q(tag__id__gt=0), name="tag").order_by("name", "tag__id")
    without = joined.exclude(posts__views=F("tag__id"))
    assert await without.values_list("name", "tag__id") == [("bob", 1), ("bob", 2), ("cy", 1), ("cy", 2)]
    beside = Tag.objects.join(Writer, on=~Q(posts__views=F("writer__id")), name="writer")
    assert await beside.count() == 6


async def test_a_condition_may_use_annotations_but_no_aggregates(library: Database) -> None:
    half = Post.objects.annotate(twice=F("views") * 2).join(Post, on=Q(twice=F("other__views")), name="other")
    assert await half.order_by("title").values_list("title", "other__title") == [("a", "b"), ("b", "d")]
    assert await half.count() == 2
    assert await half.exists()
    with pytest.raises(FieldError, match="cannot hold an aggregate; join a CTE"):
        Writer.objects.annotate(n=Count("posts")).join(Tag, on=Q(n=F("tag__id")), name="tag")


async def test_windows_and_groups_are_over_what_is_joined(library: Database) -> None:
    joined = Writer.objects.join(Post, on=Q(pk=F("post__author_id")), name="post")
    place = Window(RowNumber(), partition_by=[F("name")], order_by=F("post__views").desc())
    best = joined.annotate(place=place).filter(place=1).order_by("name")
    assert await best.values_list("name", "post__title") == [("ann", "c"), ("bob", "d")]
    assert await best.count() == 2
    table = CTE(Post.objects.annotate(place=Window(RowNumber(), order_by=F("views").desc())), name="ranked")
    assert [w.title for w in await table.queryset().filter(place__lte=2).order_by("place")] == ["d", "c"]
    beside = Writer.objects.join(table, on=Q(pk=table.col.author_id)).annotate(place=place_of(table)).filter(place=1)
    assert await beside.order_by("name").values_list("name", "ranked__title") == [("ann", "c"), ("bob", "d")]
    totals = joined.values("name").annotate(n=Sum("post__views")).filter(n__gt=4).order_by("name")
    assert await totals == [{"name": "ann", "n": 6}]
    assert await joined.alias(v=F("post__views")).filter(v=4).values_list("name", flat=True) == ["bob"]


def place_of(table: CTE) -> Window[int]:
    return Window(RowNumber(), partition_by=[F("name")], order_by=table.col.views.desc())


async def test_equal_joins_with_other_values_share_a_plan(library: Database) -> None:
    one, two = (Post.objects.join(Tag, on=Q(tag__id__lt=n, views=F("tag__id")), name="tag") for n in (1, 9))
    assert one.state == two.state
    assert await one.count() == 0
    assert await two.order_by("title").values_list("title", flat=True) == ["a", "b"]


def test_mistakes_name_what_would_be_right() -> None:
    joined = Writer.objects.join(Tag, on=Q(name=F("tag__name")), name="tag")
    with pytest.raises(FieldError, match=r"'tag' has no column 'nam' \(in 'tag__nam'\). Did you mean 'name'"):
        joined.order_by("tag__nam")
    with pytest.raises(FieldError, match="ends at a column of Post; join Writer under a name of its own"):
        Writer.objects.join(Post, on=Q(pk=F("post__author__id")), name="post")
    with pytest.raises(FieldError, match="'tag' conflicts with the join of that name"):
        joined.join(Tag, on=Q(name=F("tag__name")), name="tag")
    with pytest.raises(FieldError, match="'posts' conflicts with an attribute"):
        Writer.objects.join(Post, on=Q(pk=F("posts__author_id")), name="posts")
    with pytest.raises(FieldError, match="cannot name an annotation"):
        Writer.objects.join(Post, on=Q(pk=1), name='x" --')
    with pytest.raises(TypeError, match=r"needs a name for it: join\(Post, on=..., name='post'\)"):
        Writer.objects.join(Post, on=Q(pk=1))
    with pytest.raises(ValueError, match=r"no join of the kind 'outer'\. Choices: inner, left"):
        Writer.objects.join(Post, on=Q(pk=1), kind="outer", name="post")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a condition"):
        Writer.objects.join(Post, on=Q(), name="post")
    with pytest.raises(TypeError, match="takes a model, a queryset or a CTE"):
        Writer.objects.join("posts", on=Q(pk=1), name="post")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"join\(\) after limit"):
        Writer.objects.all()[:1].join(Post, on=Q(pk=1), name="post")
    with pytest.raises(TypeError, match=r"takes querysets without slices, distinct\(\), join\(\)"):
        _ = joined & joined
