"""The models of the tests of relations: every kind of relation once."""

from __future__ import annotations

from typing import Any

from covet import (
    CharField,
    ForeignKey,
    IntegerField,
    ManyToManyField,
    Model,
    OneToOneField,
    ReverseManager,
    ReverseOneToOne,
    UniqueConstraint,
)


class Writer(Model):
    name = CharField(max_length=50, unique=True)
    friends = ManyToManyField("self")
    follows = ManyToManyField("self", symmetrical=False, related_name="followers")

    posts: ReverseManager[Post]
    edited: ReverseManager[Post]
    biography: ReverseOneToOne[Biography]
    followers: ReverseManager[Writer]


class Tag(Model):
    name = CharField(max_length=50, unique=True)

    posts: ReverseManager[Post]


class Post(Model):
    title = CharField(max_length=100)
    views = IntegerField(default=0)
    author = ForeignKey(Writer, related_name="posts")
    editor = ForeignKey(Writer, on_delete="SET_NULL", nullable=True, related_name="edited")
    tags = ManyToManyField(Tag, related_name="posts")

    notes: ReverseManager[Note]
    author_id: int
    editor_id: int | None


class Note(Model):
    text = CharField(max_length=100)
    post = ForeignKey(Post, related_name="notes")


class Biography(Model):
    text = CharField(max_length=100)
    writer = OneToOneField(Writer, related_name="biography")

    writer_id: int


class Club(Model):
    name = CharField(max_length=50)
    members = ManyToManyField(Writer, through="Membership", through_fields=("club", "member"), related_name="clubs")
    guests: ManyToManyField[Writer] = ManyToManyField("Writer", through="Visit", related_name="+")

    memberships: ReverseManager[Membership]


class Membership(Model):
    club = ForeignKey(Club, related_name="memberships")
    member = ForeignKey(Writer, related_name="memberships")
    inviter = ForeignKey(Writer, nullable=True, on_delete="SET_NULL", related_name="+")
    role = CharField(max_length=20, default="plain")

    class Meta:
        constraints = (UniqueConstraint(fields=["club", "member"]),)


class Visit(Model):
    """A link that may be there several times."""

    club = ForeignKey(Club)
    guest = ForeignKey(Writer)


ALL: list[type[Any]] = [Writer, Tag, Post, Note, Biography, Club, Membership, Visit]
