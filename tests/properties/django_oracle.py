"""Django, set up to read an SQLite file that covet filled: the oracle of ``test_against_django``."""

from __future__ import annotations

from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.db import connections

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["tests.properties.oracle"],
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

User = apps.get_model("oracle", "User")
Post = apps.get_model("oracle", "Post")
Comment = apps.get_model("oracle", "Comment")


def open_file(path: Path) -> None:
    """Let Django read this database file."""
    connections.close_all()
    connections["default"].settings_dict["NAME"] = str(path)


def close() -> None:
    """Close Django's connection."""
    connections.close_all()
