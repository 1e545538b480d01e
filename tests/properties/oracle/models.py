"""The models of the Django application; imported by its set-up in ``tests.properties.django_oracle``."""

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
