"""Loading relations: how many queries, which SQL, what is known without one."""

from __future__ import annotations

from typing import Any

import pytest

from covet import Count, F, FieldError, NotLoaded, Prefetch, RelationNotLoaded, create_all, prefetch_related_objects
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.library import ALL, Biography, Note, Post, Tag, Writer


@pytest.fixture
async def library(database: Database) -> Database:
    """Three writers; ann has posts a1 a2 a3, bob has b1, cy has none. Tags x y z; a1: x y, a2: x, b1: z."""
    await create_all(ALL)
    ann, bob, _ = [await Writer.create(name=name) for name in ("ann", "bob", "cy")]
    x, y, z = [await Tag.create(name=name) for name in "xyz"]
    a1, a2, _ = [await Post.create(title=f"a{n}", author=ann, views=n) for n in (1, 2, 3)]
    b1 = await Post.create(title="b1", author=bob, editor=ann)
    await a1.tags.add(x, y)
    await a2.tags.add(x)
    await b1.tags.add(z)
    await Note.objects.bulk_create([Note(text=f"n{n}", post=a1) for n in range(3)])
    await Biography.create(text="life of ann", writer=ann)
    return database


def titles(posts: Any) -> list[str]:
    return sorted(post.title for post in posts)


def names(rows: Any) -> list[str]:
    return sorted(row.name for row in rows)


async def test_prefetch_of_many_to_many_is_one_query_joined_with_the_links(library: Database) -> None:
    with capture_queries() as queries:
        posts = await Post.objects.prefetch_related("tags").order_by("title")
    assert len(queries) == 2
    assert queries.sql[1].startswith(
        'SELECT "tags"."id", "tags"."name", "t1"."post_id" FROM "tags" '
        'INNER JOIN "posts_tags" AS "t1" ON "t1"."tag_id" = "tags"."id" WHERE "t1"."post_id" '
    )
    with capture_queries() as queries:
        assert [names(post.tags) for post in posts] == [["x", "y"], ["x"], [], ["z"]]
        assert [len(post.tags) for post in posts] == [2, 1, 0, 1]
        assert names(await posts[0].tags.all()) == ["x", "y"]
        assert names(await posts[0].tags) == ["x", "y"]
    assert len(queries) == 0


async def test_a_row_of_several_parents_is_one_instance(library: Database) -> None:
    a1, a2 = await Post.objects.filter(title__in=["a1", "a2"]).prefetch_related("tags").order_by("title")
    (shared,) = a2.tags
    assert any(tag is shared for tag in a1.tags)


async def test_prefetch_is_one_query_a_level_in_both_directions(library: Database) -> None:
    with capture_queries() as queries:
        writers = await Writer.objects.prefetch_related("posts__tags__posts__notes").order_by("name")
    assert len(queries) == 5
    with capture_queries() as queries:
        ann = writers[0]
        assert titles(ann.posts) == ["a1", "a2", "a3"]
        (a2,) = [post for post in ann.posts if post.title == "a2"]
        (x,) = a2.tags
        assert titles(x.posts) == ["a1", "a2"]
        assert sorted(len(post.notes) for post in x.posts) == [0, 3]
    assert len(queries) == 0


async def test_equal_loaders_of_one_level_share_a_query_and_its_instances(library: Database) -> None:
    with capture_queries() as queries:
        posts = await Post.objects.prefetch_related("author", "editor").order_by("title")
    assert len(queries) == 2
    b1 = posts[-1]
    assert b1.editor is posts[0].author
    with capture_queries() as queries:
        await Post.objects.prefetch_related("author__posts", "editor__posts")
    assert len(queries) == 3


async def test_no_query_where_there_is_nothing_to_load(library: Database) -> None:
    with capture_queries() as queries:
        assert await Post.objects.filter(title="none").prefetch_related("tags", "author") == []
        await Post.objects.filter(title="a1").prefetch_related("editor")
    assert len(queries) == 2


async def test_prefetch_with_a_queryset_and_an_attribute_of_its_own(library: Database) -> None:
    chosen = Prefetch("tags", Tag.objects.filter(name__in=["x", "z"]).order_by("-name"), to_attr="chosen")
    posts = await Post.objects.prefetch_related(chosen, "tags").order_by("title")
    assert [names(post.chosen) for post in posts] == [["x"], ["x"], [], ["z"]]  # type: ignore[attr-defined]
    assert [names(post.tags) for post in posts] == [["x", "y"], ["x"], [], ["z"]]


async def test_prefetch_goes_on_from_an_attribute(library: Database) -> None:
    with capture_queries() as queries:
        ann, _ = await Writer.objects.prefetch_related(
            Prefetch("posts", Post.objects.filter(views__gt=1), to_attr="read"), "read__tags"
        ).filter(name__in=["ann", "bob"])
    assert len(queries) == 3
    assert [names(post.tags) for post in ann.read] == [["x"], []]  # type: ignore[attr-defined]


async def test_a_queryset_of_a_prefetch_may_prefetch_itself(library: Database) -> None:
    inner = Post.objects.prefetch_related("tags").select_related("author").order_by("-title")
    with capture_queries() as queries:
        (ann,) = await Writer.objects.filter(name="ann").prefetch_related(Prefetch("posts", inner), "posts__notes")
    assert len(queries) == 4
    with capture_queries() as queries:
        assert [post.title for post in ann.posts] == ["a3", "a2", "a1"]
        assert [len(post.notes) for post in ann.posts] == [0, 0, 3]
        assert names(ann.posts[1].tags) == ["x"]
    assert len(queries) == 0


async def test_a_slice_counts_for_each_parent(library: Database) -> None:
    newest = Prefetch("posts", Post.objects.order_by("-views")[:2], to_attr="newest")
    with capture_queries() as queries:
        writers = await Writer.objects.prefetch_related(newest).order_by("name")
    assert len(queries) == 2
    assert 'ROW_NUMBER() OVER (PARTITION BY "posts"."author_id" ORDER BY "posts"."views" DESC' in queries.sql[1]
    found = [[post.title for post in writer.newest] for writer in writers]  # type: ignore[attr-defined]
    assert found == [["a3", "a2"], ["b1"], []]


async def test_a_slice_with_an_offset_counts_for_each_parent_through_links(library: Database) -> None:
    second = Prefetch("tags", Tag.objects.order_by("-name")[1:2])
    posts = await Post.objects.prefetch_related(second).order_by("title")
    assert [names(post.tags) for post in posts] == [["x"], [], [], []]
    rest = Prefetch("tags", Tag.objects.all()[1:])
    posts = await Post.objects.prefetch_related(rest).order_by("title")
    assert [names(post.tags) for post in posts] == [["y"], [], [], []]


async def test_a_prefetch_may_annotate_without_counting_links_twice(library: Database) -> None:
    used = Prefetch("tags", Tag.objects.annotate(uses=Count("posts")))
    posts = await Post.objects.prefetch_related(used).order_by("title")
    found = [sorted((tag.name, tag.annotation("uses", int)) for tag in post.tags) for post in posts]
    assert found == [[("x", 2), ("y", 1)], [("x", 2)], [], [("z", 1)]]


async def test_an_annotation_of_a_prefetch_is_that_of_its_own_row(library: Database) -> None:
    titled = Prefetch("tags", Tag.objects.annotate(title=F("posts__title")).filter(name="x"))
    a1, *_ = await Post.objects.prefetch_related(titled).order_by("title")
    assert sorted(tag.annotation("title", str) for tag in a1.tags) == ["a1", "a2"]


async def test_a_prefetch_may_leave_out_the_key_that_it_is_found_by(library: Database) -> None:
    lean = Prefetch("posts", Post.objects.only("title"))
    (ann,) = await Writer.objects.filter(name="ann").prefetch_related(lean)
    assert titles(ann.posts) == ["a1", "a2", "a3"]


async def test_rows_with_deferred_fields_prefetch_and_are_completed_together(library: Database) -> None:
    lean = Prefetch("author", Writer.objects.only("id").prefetch_related("posts"))
    posts = await Post.objects.order_by("title").prefetch_related(lean)
    assert titles(posts[0].author.posts) == ["a1", "a2", "a3"]
    with capture_queries() as queries:
        assert [(await post.author).name for post in posts] == ["ann", "ann", "ann", "bob"]
    assert len(queries) == 1


async def test_a_reference_that_takes_over_a_row_with_deferred_fields_misses_them(library: Database) -> None:
    post = await Post.objects.get(title="b1")
    reference = post.author
    await prefetch_related_objects([post], Prefetch("author", Writer.objects.only("id")))
    with pytest.raises(NotLoaded, match=r"Writer.name is not loaded: the query deferred it"):
        reference.name  # noqa: B018
    assert (await reference).name == "bob"


async def test_prefetch_inside_iterator_is_one_query_a_chunk(library: Database) -> None:
    posts = Post.objects.prefetch_related("tags").order_by("title")
    with capture_queries() as queries:
        seen = [names(post.tags) async for post in posts.iterator(chunk_size=2)]
    assert seen == [["x", "y"], ["x"], [], ["z"]]
    assert len([sql for sql in queries.sql if "posts_tags" in sql]) == 2


async def test_prefetch_related_objects_loads_what_instances_miss(library: Database) -> None:
    posts = await Post.objects.select_related("author").order_by("title")
    with capture_queries() as queries:
        await prefetch_related_objects(posts, "author", "tags", Prefetch("notes", to_attr="remarks"))
        await prefetch_related_objects(posts, Post.tags)
        await prefetch_related_objects([], "tags")
    assert len(queries) == 2
    assert names(posts[0].tags) == ["x", "y"]
    assert len(posts[0].remarks) == 3  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="instances of one model, not of Post and Writer"):
        await prefetch_related_objects([posts[0], posts[0].author], "tags")
    with pytest.raises(TypeError, match="instances of a model, not int"):
        await prefetch_related_objects([1], "tags")
    with pytest.raises(FieldError, match="Post has no relation 'nothing'"):
        await prefetch_related_objects(posts, "nothing")


async def test_load_gives_a_relation_of_every_kind(library: Database) -> None:
    ann = await Writer.objects.get(name="ann")
    a1 = await Post.objects.get(title="a1")
    assert names(await a1.load(Post.tags)) == ["x", "y"]
    assert names(a1.tags) == ["x", "y"]
    assert await a1.load(Post.author) == ann
    assert await a1.load(Post.editor) is None
    assert titles(await ann.load(Writer.posts)) == ["a1", "a2", "a3"]
    assert (await ann.load(Writer.biography)).text == "life of ann"
    cy = await Writer.objects.get(name="cy")
    assert await cy.load(Writer.biography) is None


async def test_awaiting_links_loads_them_for_every_instance_of_the_result(library: Database) -> None:
    posts = await Post.objects.order_by("title")
    with capture_queries() as queries:
        found = [names(await post.tags) for post in posts]
    assert found == [["x", "y"], ["x"], [], ["z"]]
    assert len(queries) == 1


async def test_related_rows_know_the_instance_that_they_came_from(library: Database) -> None:
    ann = await Writer.objects.get(name="ann")
    with capture_queries() as queries:
        posts = await ann.posts.all()
        assert all(post.author is ann for post in posts)
        assert (await ann.posts.get(title="a1")).author is ann
        (first,) = await Writer.objects.filter(name="ann").prefetch_related("posts")
        assert all(post.author is first for post in first.posts)
    assert len(queries) == 4


async def test_both_sides_of_one_to_one_know_each_other(library: Database) -> None:
    ways = [
        Writer.objects.select_related("biography"),
        Writer.objects.prefetch_related("biography"),
        Writer.objects.select_related(Writer.biography),
    ]
    for way in ways:
        ann, bob, _ = await way.order_by("name")
        with capture_queries() as queries:
            assert ann.biography.text == "life of ann"
            assert ann.biography.writer is ann
            assert bob.biography is None
        assert len(queries) == 0
    for other in (Biography.objects.select_related("writer"), Biography.objects.prefetch_related("writer")):
        life = await other.get()
        with capture_queries() as queries:
            assert life.writer.name == "ann"
            assert life.writer.biography is life
        assert len(queries) == 0


async def test_select_related_goes_through_one_to_one_in_both_directions(library: Database) -> None:
    with capture_queries() as queries:
        posts = await Post.objects.select_related("author__biography", "editor").order_by("title")
    assert len(queries) == 1
    assert queries.sql[0].count("LEFT JOIN") == 2
    assert posts[0].author.biography.text == "life of ann"
    assert posts[-1].author.biography is None
    assert posts[-1].editor is not None
    assert posts[-1].editor.name == "ann"


async def test_select_related_to_many_is_a_query_of_its_own(library: Database) -> None:
    with capture_queries() as queries:
        posts = await Post.objects.select_related("author", "tags", "author__posts").order_by("title")
    assert len(queries) == 3
    assert names(posts[0].tags) == ["x", "y"]
    assert titles(posts[0].author.posts) == ["a1", "a2", "a3"]


async def test_a_single_row_is_awaited_from_the_other_side(library: Database) -> None:
    ann, bob, _ = await Writer.objects.order_by("name")
    life = await ann.biography
    assert life.text == "life of ann"
    assert ann.biography is life
    assert life.writer is ann
    with pytest.raises(NotLoaded, match=r"only the key of Writer\.biography is known"):
        assert (await Writer.objects.get(name="ann")).biography.text
    with pytest.raises(Biography.DoesNotExist):
        await (await Writer.objects.get(name="bob")).biography
    assert await bob.load(Writer.biography) is None


async def test_an_assigned_one_to_one_is_known_on_both_sides(library: Database) -> None:
    bob, cy = await Writer.objects.exclude(name="ann").order_by("name")
    life = Biography(text="life of bob", writer=bob)
    assert bob.biography is life
    await life.save()
    other = Biography(text="life of cy")
    cy.biography = other
    assert other.writer is cy
    assert other.writer_id == cy.id
    with pytest.raises(TypeError, match=r"Writer\.biography takes a Biography, not Writer"):
        cy.biography = bob  # type: ignore[assignment]


async def test_not_loaded_names_the_cures(library: Database) -> None:
    post = await Post.objects.get(title="a1")
    for use in (len, list, bool, lambda tags: tags[0]):
        with pytest.raises(RelationNotLoaded, match=r"await post\.tags\.all\(\).*prefetch_related\('tags'\)"):
            use(post.tags)
    assert repr(post.tags) == "<Post.tags: not loaded>"


async def test_wrong_prefetches_are_refused_at_the_call(library: Database) -> None:
    with pytest.raises(FieldError, match=r"Tag has no relation 'nope' \(in 'tags__nope'\). Choices: posts"):
        Post.objects.prefetch_related("tags__nope")
    with pytest.raises(FieldError, match="loads Tag, its queryset is of Post"):
        Post.objects.prefetch_related(Prefetch("tags", Post.objects.all()))
    with pytest.raises(FieldError, match="conflicts with a field or relation of Post"):
        Post.objects.prefetch_related(Prefetch("tags", to_attr="notes"))
    with pytest.raises(FieldError, match="prefetched twice, by different querysets"):
        Post.objects.prefetch_related("tags", Prefetch("tags", Tag.objects.filter(name="x")))
    with pytest.raises(FieldError, match=r"distinct\(\) exclude each other"):
        await Post.objects.prefetch_related(Prefetch("tags", Tag.objects.distinct()[:1]))
    with pytest.raises(TypeError, match="instances, not for values"):
        await Post.objects.prefetch_related("tags").values("id")
