"""The models of ``tests.properties.oracle`` as covet declares them: nullable wherever that makes a difference."""

from __future__ import annotations

from covet import BooleanField, CharField, ForeignKey, IntegerField, Model


class User(Model):
    username = CharField(max_length=100, unique=True)
    age = IntegerField(nullable=True)
    city = CharField(max_length=50, nullable=True)
    is_active = BooleanField(nullable=True, default=True)

    class Meta:
        db_table = "users"


class Post(Model):
    title = CharField(max_length=200)
    status = CharField(max_length=20, nullable=True)
    views = IntegerField(nullable=True)
    author = ForeignKey(User, on_delete="CASCADE", related_name="posts", nullable=True)

    class Meta:
        db_table = "posts"


class Comment(Model):
    stars = IntegerField(nullable=True)
    post = ForeignKey(Post, on_delete="CASCADE", related_name="comments")

    class Meta:
        db_table = "comments"


async def store_twins(using: str = "default") -> None:
    """Store users with and without posts, posts with and without comments and authors, NULLs everywhere."""
    ages = [None, 0, 1, 2, 1]
    users = [
        User(
            id=n + 1,
            username=f"u{n}",
            age=ages[n % 5],
            city=[None, "x", "y"][n % 3],
            is_active=[True, None, False, True][n % 4],
        )
        for n in range(12)
    ]
    await User.objects.using(using).bulk_create(users)
    owners = [1, 1, 1, 2, 2, 3, 4, 4, 5, 6, None, None, 7, 7, 8]
    posts = [
        Post(
            id=n + 1,
            title=f"p{n}",
            status=[None, "draft", "live"][n % 3],
            views=[0, 1, None, 2][n % 4],
            author_id=owner,
        )
        for n, owner in enumerate(owners)
    ]
    await Post.objects.using(using).bulk_create(posts)
    comments = [Comment(id=n + 1, stars=[None, 0, 1, 2][n % 4], post_id=1 + (n * n) % 11) for n in range(20)]
    await Comment.objects.using(using).bulk_create(comments)
