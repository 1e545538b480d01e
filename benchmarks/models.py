"""The models of the workload: the tables of the benchmarks, as covet declares them."""

from __future__ import annotations

from covet import (
    BooleanField,
    CharField,
    DateTimeField,
    EmailField,
    ForeignKey,
    IntegerField,
    Model,
    ReverseManager,
    TextField,
)


class Author(Model):
    """Who writes posts."""

    name = CharField(max_length=100)
    email = EmailField()
    age = IntegerField()
    is_active = BooleanField()
    created_at = DateTimeField()
    posts: ReverseManager[Post]

    class Meta:
        db_table = "author"


class Post(Model):
    """What an author wrote."""

    title = CharField(max_length=200)
    body = TextField()
    views = IntegerField()
    status = CharField(max_length=20)
    created_at = DateTimeField()
    author = ForeignKey(Author, on_delete="CASCADE", related_name="posts")
    author_id: int

    class Meta:
        db_table = "post"
