"""The models of the workload: the tables of the benchmarks, as covet declares them."""

from __future__ import annotations

from covet import (
    BooleanField,
    CharField,
    CompositePrimaryKey,
    DateTimeField,
    EmailField,
    ForeignKey,
    IntegerField,
    ManyToManyField,
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


class Tag(Model):
    """What a post is about."""

    name = CharField(max_length=50)

    class Meta:
        db_table = "tag"


class PostTag(Model):
    """A tag of a post."""

    pk = CompositePrimaryKey("post", "tag")
    post = ForeignKey("Post", on_delete="CASCADE", related_name="+")
    tag = ForeignKey(Tag, on_delete="CASCADE", related_name="+")

    class Meta:
        db_table = "post_tag"


class Post(Model):
    """What an author wrote."""

    title = CharField(max_length=200)
    body = TextField()
    views = IntegerField()
    status = CharField(max_length=20)
    created_at = DateTimeField()
    author = ForeignKey(Author, on_delete="CASCADE", related_name="posts")
    tags: ManyToManyField[Tag] = ManyToManyField(Tag, through=PostTag, related_name="posts")
    author_id: int

    class Meta:
        db_table = "post"
