"""The models of the tests of generic relations: remarks on anything, with keys of every kind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from covet import (
    CharField,
    ForeignKey,
    GenericForeignKey,
    GenericRelation,
    IntegerField,
    ManyToManyField,
    Model,
    ReverseManager,
    TextField,
    UUIDField,
)


class Owner(Model):
    name = CharField(max_length=20)

    articles: ReverseManager[Article]


class Remark(Model):
    """Declares its columns by the relation: NOT NULL, a bigint key."""

    text = CharField(max_length=20)
    content: GenericForeignKey[Article | Photo] = GenericForeignKey()

    content_type: str
    object_id: int
    notices: ReverseManager[Notice]


class Sticker(Model):
    """Nullable columns of its own; the key is text, so rows of every kind of key can have one."""

    name = CharField(max_length=20)
    kind = CharField(max_length=40, nullable=True)
    key = TextField(nullable=True, db_index=True)
    on = GenericForeignKey("kind", "key")


class Like(Model):
    """Its models have labels of its own."""

    target_kind = CharField(max_length=10)
    target_id = UUIDField()
    target = GenericForeignKey("target_kind", "target_id", types={"doc": "Document"})


class Notice(Model):
    remark = ForeignKey(Remark, related_name="notices")


class Remarkable(Model):
    """What can be remarked on."""

    remarks = GenericRelation(Remark, related_query_name="%(class)s")

    class Meta:
        abstract = True


class Article(Remarkable):
    title = CharField(max_length=20)
    rank = IntegerField(default=0)
    owner = ForeignKey(Owner, nullable=True, related_name="articles")
    topics = ManyToManyField("Topic", related_name="articles")
    stickers: GenericRelation[Sticker] = GenericRelation("Sticker", related_query_name="article")


class Photo(Remarkable):
    url = CharField(max_length=20)
    stickers = GenericRelation(Sticker, on_delete="DO_NOTHING")

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]  # the metaclass takes Meta out of the class
        generic_label = "picture"


class Topic(Model):
    name = CharField(max_length=20)

    articles: ReverseManager[Article]


class Document(Model[UUID]):
    name = CharField(max_length=20)
    stickers = GenericRelation(Sticker, related_query_name="document")
    likes = GenericRelation(Like)


ALL: list[type[Any]] = [Owner, Remark, Sticker, Like, Notice, Topic, Article, Photo, Document]


async def store() -> None:
    """Articles a (of ann) and b, photo p; remarks 1 and 2 on a, 3 on b, 4 on p, 5 on an article that is gone."""
    ann = await Owner.create(name="ann")
    a = await Article.create(title="a", rank=1, owner=ann)
    b = await Article.create(title="b", rank=2)
    p = await Photo.create(url="p")
    for text, content in (("1", a), ("2", a), ("3", b), ("4", p)):
        await Remark.create(text=text, content=content)
    await Remark.create(text="5", content_type="Article", object_id=999)
