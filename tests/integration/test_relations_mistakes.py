"""Mistakes with relations: refused at the call or when the class is made, with what would have been right.

Declarations are in ``test_relations_declared``; what links refuse is in ``test_relations_links``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from covet import (
    CharField,
    FieldError,
    Model,
    ModelDefinitionError,
    Prefetch,
    ReverseManager,
    create_all,
    prefetch_related_objects,
)
from covet.database import capture_queries
from tests.conftest import Database
from tests.models.library import ALL, Biography, Note, Post, Tag, Writer

PATHS: list[tuple[Callable[[], object], str]] = [
    (
        lambda: Post.objects.select_related("auther"),
        "Post has no relation 'auther'. Did you mean 'author'? Choices: author, editor, notes, tags.",
    ),
    (
        lambda: Post.objects.select_related("author__biograpy"),
        "Writer has no relation 'biograpy' (in 'author__biograpy'). Did you mean 'biography'? Choices: biography, ",
    ),
    (
        lambda: Post.objects.select_related("title"),
        "Post has no relation 'title'. Choices: author, editor, notes, tags.",
    ),
    (
        lambda: Post.objects.prefetch_related("tgas"),
        "Post has no relation 'tgas'. Did you mean 'tags'? Choices: author, editor, notes, tags.",
    ),
    (
        lambda: Post.objects.prefetch_related("tags__post"),
        "Tag has no relation 'post' (in 'tags__post'). Did you mean 'posts'? Choices: posts.",
    ),
    (
        lambda: Post.objects.prefetch_related(Prefetch("tags", Note.objects.all())),
        "Prefetch('tags') loads Tag, its queryset is of Note.",
    ),
    (
        lambda: Biography.objects.select_related("writer__biography"),
        (
            "select_related('writer__biography') goes in a circle: Biography.writer and Writer.biography are two sides "
            "of one relation, and both are known after select_related('writer')."
        ),
    ),
    (
        lambda: Post.objects.select_related("author__biography__writer"),
        (
            "select_related('author__biography__writer') goes in a circle: Writer.biography and Biography.writer are "
            "two sides of one relation, and both are known after select_related('author__biography')."
        ),
    ),
    (
        lambda: Writer.objects.select_related("friends" + "__friends" * 10),
        (
            "'friends__friends__friends__friends__friends__friends__friends__friends__friends_' crosses more than 10 "
            "relations."
        ),
    ),
    (
        lambda: Writer.objects.prefetch_related("friends" + "__friends" * 10),
        (
            "'friends__friends__friends__friends__friends__friends__friends__friends__friends_' crosses more than 10 "
            "relations."
        ),
    ),
]


@pytest.mark.parametrize(("query", "message"), PATHS)
def test_a_path_that_leads_nowhere_is_refused_at_the_call(query: Callable[[], object], message: str) -> None:
    with pytest.raises(FieldError) as caught:
        query()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("wrong", [3, None, object()])
def test_what_is_no_name_of_a_relation_is_refused(wrong: Any) -> None:
    kind = "None" if wrong is None else type(wrong).__name__
    for method in ("select_related", "prefetch_related"):
        with pytest.raises(TypeError, match=rf"{method}\(\) takes the names of relations .*, not {kind}"):
            getattr(Post.objects.all(), method)(wrong)


async def test_a_circle_is_not_needed_because_both_sides_are_known(database: Database) -> None:
    await create_all(ALL)
    await Biography.create(text="short", writer=await Writer.create(name="ann"))
    with capture_queries() as queries:
        life = await Biography.objects.select_related("writer").get()
        assert life.writer.biography is life
    assert len(queries) == 1


async def test_instances_of_another_model_are_refused_by_name(database: Database) -> None:
    await create_all(ALL)
    tag: Any = await Tag.create(name="t")
    for make in (lambda: Post(title="a", author=tag), lambda: setattr(Post(title="a"), "author", tag)):
        with pytest.raises(TypeError, match=r"Post\.author takes a Writer, not Tag"):
            make()
    with pytest.raises(TypeError, match=r"Post\.author takes a Writer, not Tag"):
        await Post.objects.update(author=tag)
    for lookup, value in (("author", tag), ("author__in", [tag])):
        with pytest.raises(FieldError, match=f"'{lookup}' takes a Writer, not a Tag"):
            Post.objects.filter(**{lookup: value})
    with pytest.raises(FieldError, match="'author__in' takes a queryset of Writer, not of Tag"):
        Post.objects.filter(author__in=Tag.objects.all())
    with pytest.raises(FieldError, match="'posts' takes a Post, not a Tag"):
        Writer.objects.filter(posts=tag)


async def test_unsaved_instances_are_refused_before_any_statement(database: Database) -> None:
    await create_all(ALL)
    post = await Post.create(title="a", author=await Writer.create(name="ann"))
    unsaved = Writer(name="x")
    with capture_queries() as queries:
        for coroutine in (
            Post.create(title="b", author=unsaved),
            Post.objects.bulk_create([Post(title="b", author=unsaved)]),
            Post.objects.update(author=unsaved),
            Post.objects.update(editor=unsaved),
        ):
            with pytest.raises(ValueError, match=r"Post\.\w+: the related Writer has no key yet; save it first"):
                await coroutine
        for name in ("posts", "biography", "friends"):
            with pytest.raises(ValueError, match=rf"Writer\.{name}: this Writer has no key yet; save it first"):
                await prefetch_related_objects([unsaved], name)
        with pytest.raises(ValueError, match="'author': this Writer has no key yet; save it first"):
            Post.objects.filter(author=unsaved)
        with pytest.raises(ValueError, match="'posts': this Post has no key yet; save it first"):
            Writer.objects.filter(posts=Post(title="x"))
        with pytest.raises(ValueError, match=r"Writer\.posts: this Writer has no key yet; save it first"):
            await unsaved.posts.all()
        with pytest.raises(ValueError, match=r"Writer\.biography: this Writer has no key yet; save it first"):
            await unsaved.load(Writer.biography)
    assert queries == []
    assert (await Post.objects.get(id=post.id)).editor_id is None


async def test_a_missing_row_of_a_one_to_one_relation_names_the_form_that_gives_none(database: Database) -> None:
    await create_all(ALL)
    for name in ("ann", "bob"):
        await Writer.create(name=name)
    writers = await Writer.objects.order_by("name")
    with capture_queries() as queries:
        with pytest.raises(Biography.DoesNotExist) as caught:
            await writers[0].biography
        assert await writers[1].load(Writer.biography) is None
    assert len(queries) == 1
    assert (
        str(caught.value) == "This Writer has no Biography. 'await instance.load(Writer.biography)' gives None instead."
    )


async def test_a_declaration_that_no_relation_provides_is_an_error_at_set_up(database: Database) -> None:
    class Lonely(Model):
        name = CharField(max_length=5)
        posts: ReverseManager[Post]

    with pytest.raises(
        ModelDefinitionError, match=r"Lonely\.posts is declared .* no foreign key has related_name='posts'"
    ):
        await create_all([Lonely])
