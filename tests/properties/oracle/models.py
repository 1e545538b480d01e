"""The models of the Django application; imported by its set-up in ``tests.properties.django_oracle``.

The first three read tables that covet made (``tests.models.twins``), the others have tables of their own
(``tests.models.archive``).
"""

from __future__ import annotations

from django.db import models


class User(models.Model):
    username = models.CharField(max_length=100, unique=True)
    age = models.IntegerField(null=True)
    city = models.CharField(max_length=50, null=True)
    is_active = models.BooleanField(null=True, default=True)

    class Meta:
        db_table = "users"
        managed = False


class Post(models.Model):
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=20, null=True)
    views = models.IntegerField(null=True)
    author = models.ForeignKey(User, models.CASCADE, related_name="posts", null=True)

    class Meta:
        db_table = "posts"
        managed = False


class Comment(models.Model):
    stars = models.IntegerField(null=True)
    post = models.ForeignKey(Post, models.CASCADE, related_name="comments")

    class Meta:
        db_table = "comments"
        managed = False


class Tag(models.Model):
    name = models.CharField(max_length=20, unique=True)
    weight = models.IntegerField(null=True)

    class Meta:
        db_table = "django_tag"


class Author(models.Model):
    name = models.CharField(max_length=40)
    nick = models.CharField(max_length=40, null=True)
    age = models.IntegerField(null=True)
    level = models.IntegerField()
    rating = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    score = models.FloatField(null=True)
    active = models.BooleanField(null=True)
    born = models.DateField(null=True)
    joined = models.DateTimeField(null=True)
    wakes = models.TimeField(null=True)
    rest = models.DurationField(null=True)
    uid = models.UUIDField(null=True)
    data = models.JSONField(null=True)
    mentor = models.ForeignKey("self", on_delete=models.CASCADE, related_name="pupils", null=True)

    class Meta:
        db_table = "django_author"


class Profile(models.Model):
    bio = models.TextField(null=True)
    points = models.IntegerField(null=True)
    author = models.OneToOneField(Author, on_delete=models.CASCADE, related_name="profile")

    class Meta:
        db_table = "django_profile"


class Book(models.Model):
    title = models.CharField(max_length=40)
    pages = models.IntegerField(null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    published = models.DateField(null=True)
    sold = models.DateTimeField(null=True)
    data = models.JSONField(null=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books", null=True)
    editor = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="edited", null=True)
    tags = models.ManyToManyField(Tag, related_name="books")

    class Meta:
        db_table = "django_book"


class Review(models.Model):
    stars = models.IntegerField(null=True)
    text = models.TextField(null=True)
    written = models.DateTimeField()
    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="reviews")

    class Meta:
        db_table = "django_review"
