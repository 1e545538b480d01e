"""Acceptance: generic relations, as a user's code looks to mypy and pyright in strict mode."""

from __future__ import annotations

from typing import assert_type

from covet import AnyModel, CharField, GenericForeignKey, GenericManager, GenericRelation, Model


class Comment(Model):
    text = CharField(max_length=100)
    content = GenericForeignKey()  # any model
    about: GenericForeignKey[Post | Photo] = GenericForeignKey("about_type", "about_id")

    object_id: int


class Post(Model):
    title = CharField(max_length=100)
    comments = GenericRelation(Comment)
    later: GenericRelation[Mark] = GenericRelation("Mark")


class Photo(Model):
    url = CharField(max_length=100)
    comments = GenericRelation(Comment, field="about", related_query_name="photo")


class Mark(Model):
    on = GenericForeignKey(types={"post": Post}, nullable=True)


async def reading(comment: Comment, post: Post, mark: Mark) -> None:
    assert_type(comment.content, AnyModel | None)
    assert_type(comment.about, Post | Photo | None)
    assert_type(mark.on, Post | None)
    if comment.about is not None:
        found = await comment.about
        if isinstance(found, Post):
            assert_type(found.title, str)
    assert_type(await comment.load(Comment.about), Post | Photo | None)
    assert_type(await comment.load(Comment.content), AnyModel | None)
    assert_type(post.comments, GenericManager[Comment])
    assert_type(await post.comments.all(), list[Comment])
    assert_type(await post.comments, list[Comment])
    assert_type(await post.comments.create(text="x"), Comment)
    assert_type(await post.later.filter(on=post).first(), Mark | None)
    assert_type(await post.load(Post.comments), list[Comment])
    assert_type([c.text for c in post.comments], list[str])


async def writing(comment: Comment, post: Post, photo: Photo, mark: Mark) -> None:
    comment.content = post
    comment.content = photo
    comment.content = None
    comment.about = photo
    comment.about = mark  # type: ignore[assignment]
    comment.content = "post"  # type: ignore[assignment]
    await post.comments.set([comment, 7])
    await post.comments.set([photo])  # type: ignore[list-item]
