"""The models of the surface tests: members of a site, what they write, what they buy. No to-many key, no ordering."""

from __future__ import annotations

from covet import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    EmailField,
    ForeignKey,
    IntegerField,
    Model,
    ReverseManager,
    TextField,
)


class User(Model):
    username = CharField(max_length=100, unique=True)
    email = EmailField(nullable=True)
    first_name = CharField(max_length=50, default="")
    last_name = CharField(max_length=50, default="")
    age = IntegerField(nullable=True)
    city = CharField(max_length=50, nullable=True)
    is_active = BooleanField(nullable=True, default=True)
    is_staff = BooleanField(default=False)
    is_superuser = BooleanField(default=False)
    deleted_at = DateTimeField(nullable=True)
    created_at = DateTimeField(auto_now_add=True)

    posts: ReverseManager[Post]
    orders: ReverseManager[Order]

    class Meta:
        db_table = "users"

    @property
    def full_name(self) -> str:
        """A plain property: the database knows nothing of it."""
        return f"{self.first_name} {self.last_name}"


class Post(Model):
    title = CharField(max_length=200)
    status = CharField(max_length=20, default="draft")
    views = IntegerField(default=0)
    author = ForeignKey(User, on_delete="CASCADE", related_name="posts")

    comments: ReverseManager[Comment]
    author_id: int

    class Meta:
        db_table = "posts"


class Comment(Model):
    text = TextField()
    post = ForeignKey(Post, on_delete="CASCADE", related_name="comments")

    post_id: int

    class Meta:
        db_table = "comments"


class Order(Model):
    user = ForeignKey(User, on_delete="CASCADE", related_name="orders")
    total = DecimalField(max_digits=10, decimal_places=2)

    user_id: int

    class Meta:
        db_table = "orders"


ALL = [User, Post, Comment, Order]
