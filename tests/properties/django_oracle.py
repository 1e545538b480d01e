"""Django, set up for one SQLite file, with models of the same tables as ``tests.models.community``."""

from __future__ import annotations

from pathlib import Path

import django
from django.conf import settings
from django.db import connections

if not settings.configured:
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()

# Models can be defined only after the set-up.
from django.db import models  # noqa: E402


class User(models.Model):
    username = models.CharField(max_length=100, unique=True)
    age = models.IntegerField(null=True)
    city = models.CharField(max_length=50, null=True)
    is_active = models.BooleanField(null=True, default=True)

    class Meta:
        app_label = "oracle"
        db_table = "users"
        managed = False


class Post(models.Model):
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=20, null=True)
    views = models.IntegerField(null=True)
    author = models.ForeignKey(User, models.CASCADE, related_name="posts", null=True)

    class Meta:
        app_label = "oracle"
        db_table = "posts"
        managed = False


class Comment(models.Model):
    stars = models.IntegerField(null=True)
    post = models.ForeignKey(Post, models.CASCADE, related_name="comments")

    class Meta:
        app_label = "oracle"
        db_table = "comments"
        managed = False


def open_file(path: Path) -> None:
    """Let Django read this database file."""
    connections.close_all()
    connections["default"].settings_dict["NAME"] = str(path)


def close() -> None:
    """Close Django's connection."""
    connections.close_all()


__all__ = ["Comment", "Post", "User", "close", "open_file"]
