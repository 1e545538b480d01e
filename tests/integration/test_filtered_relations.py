"""FilteredRelation: a relation under a name of its own, joined with a condition. The SQL and what it finds."""

from __future__ import annotations

from typing import Any

import pytest

from covet import Count, Exists, F, FieldError, FilteredRelation, OuterRef, Q, Sum, create_all
from covet.database import capture_queries
from tests.conftest import Database
from tests.models import orders as orders_models
from tests.models.library import ALL, Biography, Note, Post, Tag, Writer

POPULAR = FilteredRelation("posts", condition=Q(posts__views__gte=10))


@pytest.fixture
async def library(database: Database) -> Database:
    """Store posts a (20 views, x y), b (5, x), c (10, z) by ann, ann, bob; cy wrote none. Two notes at a, one at b."""
    await create_all(ALL)
    ann, bob, _ = [await Writer.create(name=name) for name in ("ann", "bob", "cy")]
    x, y, z = [await Tag.create(name=name) for name in "xyz"]
    a = await Post.create(title="a", views=20, author=ann, editor=bob)
    b = await Post.create(title="b", views=5, author=ann)
    c = await Post.create(title="c", views=10, author=bob, editor=ann)
    for post, tags in ((a, (x, y)), (b, (x,)), (c, (z,))):
        await post.tags.add(*tags)
    await Note.objects.bulk_create([Note(text="m", post=a), Note(text="n", post=a), Note(text="n", post=b)])
    await Biography.create(text="short", writer=ann)
    return database


async def asked(queryset: Any) -> tuple[str, list[Any]]:
    """Return what the FROM and the rest of the only query say, and the rows."""
    with capture_queries() as queries:
        rows = await queryset
    assert len(queries) == 1
    return queries.sql[0].partition(" FROM ")[2].replace("$", "?"), rows


JOIN = 'JOIN "posts" AS "t1" ON "t1"."author_id" = "writers"."id" AND "t1"."views" >= ?1'


async def test_the_condition_is_in_the_outer_join_so_rows_without_a_match_stay(library: Database) -> None:
    query = Writer.objects.annotate(popular=POPULAR).order_by("name").values_list("name", "popular__title")
    sql, rows = await asked(query)
    assert sql == f'"writers" LEFT {JOIN} ORDER BY "writers"."name"'
    assert rows == [("ann", "a"), ("bob", "c"), ("cy", None)]


async def test_a_name_that_nothing_uses_joins_nothing(library: Database) -> None:
    sql, rows = await asked(Writer.objects.annotate(popular=POPULAR))
    assert sql == '"writers"'
    assert len(rows) == 3


async def test_a_filter_by_the_name_makes_it_an_inner_join(library: Database) -> None:
    sql, rows = await asked(Writer.objects.annotate(popular=POPULAR).filter(popular__title="a").values_list("name"))
    assert sql == f'"writers" INNER {JOIN} WHERE "t1"."title" = ?2'
    assert rows == [("ann",)]
    assert await Writer.objects.annotate(popular=POPULAR).filter(popular__title="b").count() == 0


async def test_values_may_come_in_any_order_and_keep_their_places(library: Database) -> None:
    query = Writer.objects.filter(name__in=["ann", "bob"]).annotate(popular=POPULAR).filter(popular__title="c")
    assert [row.name for row in await query] == ["bob"]
    other = FilteredRelation("posts", condition=Q(posts__views__gte=1_000))
    again = Writer.objects.filter(name__in=["ann", "bob"]).annotate(popular=other).filter(popular__title="c")
    assert again.state == query.state
    assert await again.count() == 0


async def test_isnull_asks_for_rows_that_fulfil_the_condition(library: Database) -> None:
    named = Writer.objects.annotate(popular=FilteredRelation("posts", condition=Q(posts__views__gt=10)))
    sql, rows = await asked(named.filter(popular__isnull=True).order_by("name").values_list("name", flat=True))
    assert sql == (
        '"writers" WHERE NOT EXISTS (SELECT 1 FROM "posts" AS "t1" WHERE "t1"."author_id" = "writers"."id" '
        'AND "t1"."views" > ?1) ORDER BY "writers"."name"'
    )
    assert rows == ["bob", "cy"]
    assert await named.filter(popular__isnull=False).values_list("name", flat=True) == ["ann"]
    assert await named.exclude(popular__isnull=True).values_list("name", flat=True) == ["ann"]
    assert await named.filter(popular=None).count() == 2


async def test_exclude_is_not_exists_with_the_condition(library: Database) -> None:
    sql, rows = await asked(Writer.objects.annotate(popular=POPULAR).exclude(popular__title="a").order_by("name"))
    assert sql == (
        '"writers" WHERE NOT EXISTS (SELECT 1 FROM "posts" AS "t1" WHERE "t1"."author_id" = "writers"."id" '
        'AND "t1"."views" >= ?1 AND "t1"."title" = ?2) ORDER BY "writers"."name"'
    )
    assert [row.name for row in rows] == ["bob", "cy"]
    assert await Writer.objects.annotate(popular=POPULAR).exclude(popular__title="b").count() == 3


async def test_an_instance_a_key_and_a_queryset_can_be_compared_with_the_name(library: Database) -> None:
    a, b = await Post.objects.get(title="a"), await Post.objects.get(title="b")
    named = Writer.objects.annotate(popular=POPULAR)
    assert [row.name for row in await named.filter(popular=a)] == ["ann"]
    assert [row.name for row in await named.filter(popular__in=[a.id, b.id])] == ["ann"]
    assert await named.filter(popular=b).count() == 0
    assert [row.name for row in await named.filter(popular__in=Post.objects.filter(title="c"))] == ["bob"]
    assert [row.name for row in await named.filter(popular__tags__name="z")] == ["bob"]


async def test_through_links_a_link_to_a_row_that_fails_is_no_match(library: Database) -> None:
    tagged = FilteredRelation("tags", condition=Q(tags__name="x"))
    sql, rows = await asked(Post.objects.annotate(x=tagged).order_by("title").values_list("title", "x__name"))
    assert sql == (
        '"posts" LEFT JOIN ("posts_tags" AS "t1" INNER JOIN "tags" AS "t2" ON "t2"."id" = "t1"."tag_id") '
        'ON "t1"."post_id" = "posts"."id" AND "t2"."name" = ?1 ORDER BY "posts"."title"'
    )
    assert rows == [("a", "x"), ("b", "x"), ("c", None)]
    named = Post.objects.annotate(x=tagged)
    assert [row.title for row in await named.filter(x__isnull=True)] == ["c"]
    assert [row.title for row in await named.exclude(x__isnull=False)] == ["c"]
    assert [row.title for row in await named.filter(x__isnull=False).order_by("title")] == ["a", "b"]
    assert [row.title for row in await named.exclude(x__name="x")] == ["c"]
    by_key = FilteredRelation("tags", condition=Q(tags=(await Tag.objects.get(name="y")).id))
    assert await Post.objects.annotate(y=by_key).filter(y__isnull=False).values_list("title", flat=True) == ["a"]


async def test_a_path_in_the_name_joins_the_way_there_as_usual(library: Database) -> None:
    tagged = FilteredRelation("posts__tags", condition=Q(posts__tags__name="x"))
    named = Writer.objects.annotate(x=tagged).order_by("name", "posts__title")
    rows = await named.values_list("name", "posts__title", "x__name")
    assert rows == [("ann", "a", "x"), ("ann", "b", "x"), ("bob", "c", None), ("cy", None, None)]
    assert await named.filter(x__isnull=False).distinct().count() == 1
    assert [row.name for row in await Writer.objects.annotate(x=tagged).exclude(x__name="x").order_by("name")] == [
        "bob",
        "cy",
    ]
    assert await Writer.objects.annotate(x=tagged).filter(x__name="x").values_list("name", flat=True) == ["ann"] * 2


async def test_a_relation_to_one_row_may_be_missing_because_of_the_condition(library: Database) -> None:
    by_ann = FilteredRelation("author", condition=Q(author__name="ann"))
    sql, rows = await asked(Post.objects.annotate(ann=by_ann).order_by("title").values_list("title", "ann__id"))
    assert sql == (
        '"posts" LEFT JOIN "writers" AS "t1" ON "t1"."id" = "posts"."author_id" AND "t1"."name" = ?1 '
        'ORDER BY "posts"."title"'
    )
    assert [key is not None for _, key in rows] == [True, True, False]
    assert [row.title for row in await Post.objects.annotate(ann=by_ann).filter(ann__isnull=True)] == ["c"]
    assert [row.title for row in await Post.objects.annotate(ann=by_ann).exclude(ann__name="ann")] == ["c"]


async def test_the_condition_may_compare_with_columns_of_this_model_and_hold_a_queryset(library: Database) -> None:
    own = FilteredRelation("posts", condition=Q(posts__title=F("name")) | ~Q(posts__views__lt=F("posts__id")))
    assert await Writer.objects.annotate(own=own).filter(own__isnull=False).count() == 3
    inner = FilteredRelation("posts", condition=Q(posts__in=Post.objects.filter(tags__name="z")))
    named = Writer.objects.filter(name__gte="a").annotate(z=inner).filter(z__views__gte=1)
    assert await named.values_list("name", flat=True) == ["bob"]
    without = FilteredRelation("posts", condition=~Q(posts__editor__isnull=False))
    assert await Writer.objects.annotate(raw=without).filter(raw__title__gt="").values_list(
        "raw__title", flat=True
    ) == ["b"]


async def test_the_name_is_sorted_and_computed_with(library: Database) -> None:
    named = Writer.objects.annotate(popular=POPULAR).annotate(twice=F("popular__views") * 2)
    rows = await named.order_by("-popular__views", "name").values_list("name", "twice")
    assert rows == [("cy", None), ("ann", 40), ("bob", 20)]
    assert await named.filter(twice__gt=20).values_list("name", flat=True) == ["ann"]


async def test_aggregates_over_a_name_count_what_fulfils_the_condition(library: Database) -> None:
    named = Writer.objects.annotate(popular=POPULAR).order_by("name")
    sql, rows = await asked(named.annotate(n=Count("popular")).values_list("name", "n"))
    assert sql.startswith(f'"writers" LEFT {JOIN} GROUP BY "writers"."id"')
    assert rows == [("ann", 1), ("bob", 1), ("cy", 0)]
    both = named.annotate(n=Count("popular"), views=Sum("posts__views"), notes=Count("popular__notes"))
    assert await both.values_list("n", "views", "notes") == [(1, 25, 2), (1, 10, 0), (0, None, 0)]
    assert await Writer.objects.annotate(popular=POPULAR).aggregate(n=Count("popular"), all=Count("posts")) == {
        "n": 2,
        "all": 3,
    }
    grouped = named.values("popular__editor__name").annotate(n=Count("popular__id")).order_by("popular__editor__name")
    assert [(row["popular__editor__name"], row["n"]) for row in await grouped] == [("ann", 1), ("bob", 1), (None, 0)]


async def test_two_names_of_one_relation_are_two_joins(library: Database) -> None:
    named = Writer.objects.annotate(
        popular=POPULAR, quiet=FilteredRelation("posts", condition=Q(posts__views__lt=10))
    ).order_by("name")
    rows = await named.values_list("name", "popular__title", "quiet__title")
    assert rows == [("ann", "a", "b"), ("bob", "c", None), ("cy", None, None)]
    counted = await named.annotate(p=Count("popular"), q=Count("quiet")).values_list("p", "q")
    assert counted == [(1, 1), (1, 0), (0, 0)]


async def test_select_related_brings_the_named_row_along(library: Database) -> None:
    query = Writer.objects.annotate(popular=POPULAR).select_related("popular__editor").order_by("name")
    _, rows = await asked(query)
    assert [(row.name, row.popular and row.popular.title) for row in rows] == [("ann", "a"), ("bob", "c"), ("cy", None)]
    assert [row.popular.editor.name for row in rows[:2]] == ["bob", "ann"]
    assert rows[0].popular.author is rows[0]
    _, rows = await asked(query.annotate(n=Count("edited"), m=Count("popular__notes")))
    assert [(row.n, row.m, row.popular is None) for row in rows] == [(1, 2, False), (1, 0, False), (0, 0, True)]
    counted = Writer.objects.annotate(wrote=FilteredRelation("posts")).select_related("wrote").order_by("wrote__title")
    many: list[Any] = await counted.annotate(n=Count("posts")).filter(edited__id__gt=0)
    assert [(row.name, row.wrote.title, row.n) for row in many] == [("ann", "a", 2), ("ann", "b", 2), ("bob", "c", 1)]


async def test_select_related_of_a_name_to_one_row_and_through_links(library: Database) -> None:
    by_ann = FilteredRelation("author", condition=Q(author__name="ann"))
    _, rows = await asked(Post.objects.annotate(ann=by_ann).select_related("ann__biography").order_by("title"))
    assert [row.ann and row.ann.biography.text for row in rows] == ["short", "short", None]
    tagged = FilteredRelation("tags", condition=Q(tags__name__gte="y"))
    _, rows = await asked(Post.objects.annotate(late=tagged).select_related("late").order_by("title"))
    assert [(row.title, row.late and row.late.name) for row in rows] == [("a", "y"), ("b", None), ("c", "z")]


async def test_update_and_delete_follow_a_filter_by_the_name(library: Database) -> None:
    named = Writer.objects.annotate(popular=POPULAR)
    assert await named.filter(popular__title="c").update(name="bobby") == 1
    assert await named.filter(popular__isnull=True).delete() == (1, {"Writer": 1})
    assert await Writer.objects.order_by("name").values_list("name", flat=True) == ["ann", "bobby"]


async def test_exists_count_and_distinct_know_the_name(library: Database) -> None:
    tagged = FilteredRelation("posts__tags", condition=Q(posts__tags__name="x"))
    named = Writer.objects.annotate(x=tagged).filter(x__name="x")
    assert (await named.count(), await named.distinct().count(), await named.exists()) == (2, 1, True)
    assert await Writer.objects.filter(pk__in=named).values_list("name", flat=True) == ["ann"]


async def test_the_condition_may_refer_to_a_query_around_this_one(library: Database) -> None:
    inner = Writer.objects.annotate(
        better=FilteredRelation("posts", condition=Q(posts__views__gt=OuterRef("views")))
    ).filter(better__id__gt=0)
    found = Post.objects.filter(~Exists(inner)).values_list("title", flat=True)
    assert await found == ["a"]


MISTAKES = [
    (
        lambda: Writer.objects.annotate(x=FilteredRelation("posts", condition=Q(name="ann"))),
        (
            "FilteredRelation('posts'): its condition is about the related rows, so 'name' must begin with 'posts': "
            "Q(posts__...). What is about Writer itself belongs in filter()."
        ),
    ),
    (
        lambda: Writer.objects.annotate(x=FilteredRelation("posts", condition=Q(posts__tags__name="x"))),
        (
            "FilteredRelation('posts'): its condition crosses another relation in 'posts__tags__name'. It may use the "
            "columns of Post; use a queryset for more: Q(posts__in=Post.objects.filter(...))."
        ),
    ),
    (
        lambda: Writer.objects.annotate(x=FilteredRelation("posts", condition=Q(posts__views=F("edited__views")))),
        "FilteredRelation('posts'): its condition crosses another relation in 'edited__views'.",
    ),
    (
        lambda: Writer.objects.annotate(x=FilteredRelation("posts", condition=Q(posts__views=Count("id")))),
        "FilteredRelation('posts'): its condition cannot hold an aggregate.",
    ),
    (
        lambda: Writer.objects.annotate(x=POPULAR).annotate(y=FilteredRelation("x__tags")),
        (
            "FilteredRelation('x__tags'): 'x' is a filtered relation itself, and these do not nest. Begin at the "
            "relation, 'posts', and repeat its condition."
        ),
    ),
    (
        lambda: Writer.objects.annotate(x=FilteredRelation("post")),
        "Writer has no relation 'post'. Did you mean 'posts'? Choices: ",
    ),
    (
        lambda: Writer.objects.annotate(x=FilteredRelation("posts__title")),
        "Post has no relation 'title' (in 'posts__title'). Choices: ",
    ),
    (
        lambda: Writer.objects.annotate(x=FilteredRelation("posts", condition=Q(posts__titel="a"))),
        "Post has no field 'titel' (in 'x__titel'). Did you mean 'title'? ",
    ),
    (
        lambda: Writer.objects.annotate(x=POPULAR).filter(x__titel="a"),
        "Post has no field 'titel' (in 'x__titel'). Did you mean 'title'? ",
    ),
    (lambda: Writer.objects.annotate(posts=POPULAR), "The annotation 'posts' conflicts with an attribute of Writer."),
    (lambda: Writer.objects.annotate(x=POPULAR).annotate(x=F("id")), "The annotation 'x' is there already."),
    (
        lambda: Writer.objects.annotate(x=POPULAR).select_related("x__notes"),
        "select_related('x__notes'): after the filtered relation 'x' it goes on to many rows, which no join can bring.",
    ),
    (
        lambda: Writer.objects.annotate(x=POPULAR).prefetch_related("x"),
        (
            "'x' is a filtered relation of this query, which is joined and not prefetched: load the related rows by "
            "Prefetch('posts', Post.objects.filter(...), to_attr='x')."
        ),
    ),
]


@pytest.mark.parametrize(("query", "message"), MISTAKES)
def test_a_mistake_is_told_at_the_call_with_its_cure(query: Any, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        query()
    assert str(caught.value).startswith(message)


def test_the_arguments_are_a_name_and_a_condition() -> None:
    with pytest.raises(TypeError, match="takes the name of a relation first"):
        FilteredRelation("")
    with pytest.raises(TypeError, match="bool is not a condition"):
        FilteredRelation("posts", condition=True)  # type: ignore[arg-type]  # the mistake
    assert repr(FilteredRelation("posts", condition=Q(posts__views=1))) == (
        "FilteredRelation('posts', condition=<Q: (posts__views=...)>)"
    )
    assert FilteredRelation(Writer.posts).path == "posts"


def test_equal_questions_are_equal_states_whatever_the_values() -> None:
    one = Writer.objects.annotate(x=FilteredRelation("posts", condition=Q(posts__views=1))).filter(x__title="a")
    two = Writer.objects.annotate(x=FilteredRelation("posts", condition=Q(posts__views=2))).filter(x__title="b")
    assert one.state == two.state
    assert hash(one.state) == hash(two.state)
    assert one.params == (1, "a")


@pytest.fixture
async def orders(database: Database) -> None:
    """Store order 1 of a tenant with two items, two notes and one label, and order 2 with one item."""
    await create_all(orders_models.ALL)
    tenant = await orders_models.Tenant.create(name="acme")
    one, two = [await orders_models.Order.create(tenant=tenant, number=number) for number in (1, 2)]
    for order, position, name in ((one, 1, "pen"), (one, 2, "ink"), (two, 1, "ink")):
        await orders_models.Item.create(order=order, position=position, name=name)
    await orders_models.Note.objects.bulk_create([orders_models.Note(order=one, text=text) for text in "ab"])
    await one.labels.add(await orders_models.Label.create(word="big", size=3))


async def test_keys_of_several_columns_are_joined_under_a_condition(orders: None) -> None:
    order, item, note = orders_models.Order, orders_models.Item, orders_models.Note
    pens = FilteredRelation("items", condition=Q(items__name="pen"))
    named = order.objects.annotate(pen=pens).order_by("number")
    assert await named.values_list("number", "pen__position") == [(1, 1), (2, None)]
    assert [row.number for row in await named.filter(pen__isnull=True)] == [2]
    assert [row.number for row in await named.filter(pen=await item.objects.get(name="pen"))] == [1]
    _, rows = await asked(named.select_related("pen"))
    assert [row.pen and row.pen.name for row in rows] == ["pen", None]
    big = FilteredRelation("labels", condition=Q(labels__size__gt=1))
    assert await order.objects.annotate(big=big).order_by("number").values_list("big__word", flat=True) == ["big", None]
    first = FilteredRelation("order", condition=Q(order__number=2))
    assert await note.objects.annotate(second=first).filter(second__isnull=True).count() == 2


async def test_aggregates_over_keys_of_several_columns_do_not_multiply(orders: None) -> None:
    counted = orders_models.Order.objects.annotate(n=Count("items"), m=Count("notes"), k=Count("labels"))
    assert await counted.order_by("number").values_list("n", "m", "k") == [(2, 2, 1), (1, 0, 0)]
    grouped = orders_models.Order.objects.values("tenant").annotate(n=Count("items"), m=Count("notes"))
    assert await grouped.values_list("n", "m") == [(3, 2)]
    found = orders_models.Order.objects.filter(items__name="ink", notes__text="a")
    assert await found.aggregate(n=Count("items"), m=Count("notes")) == {"n": 1, "m": 1}
    by_key = orders_models.Item.objects.values("order").annotate(n=Count("remarks"), m=Count("order__notes"))
    assert await by_key.order_by("order").values_list("n", "m") == [(0, 4), (0, 0)]
