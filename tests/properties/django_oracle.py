"""Django, set up to read an SQLite file or the PostgreSQL database of the tests: the oracle of the query tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.apps import apps
from django.conf import settings
from django.db import connections, models
from django.db.models.functions import Length, Lower, Upper

#: The alias of the database that is asked now.
_chosen = "default"


class Router:
    """Sends every query, those within others too, to the database that was chosen last."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        return _chosen

    db_for_write = db_for_read


settings.configure(
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "postgresql": {"ENGINE": "django.db.backends.postgresql"},
    },
    DATABASE_ROUTERS=[f"{__name__}.Router"],
    INSTALLED_APPS=["tests.properties.oracle"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

# What covet has without being asked.
for transform in (Length, Lower, Upper):
    models.CharField.register_lookup(transform)
    models.TextField.register_lookup(transform)

User = apps.get_model("oracle", "User")
Post = apps.get_model("oracle", "Post")
Comment = apps.get_model("oracle", "Comment")


def open_file(path: Path) -> None:
    """Let Django read this database file."""
    _open("default", NAME=str(path))


def open_server(url: str) -> None:
    """Let Django read this PostgreSQL database."""
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
    _open(
        "postgresql", NAME=parts.path.lstrip("/"), HOST=unquote(host), PORT=parts.port or "",
        USER=unquote(parts.username or ""), PASSWORD=unquote(parts.password or ""),
    )  # fmt: skip


def connection() -> Any:
    """Return Django's connection to the database that was opened last."""
    return connections[_chosen]


def close() -> None:
    """Close Django's connections."""
    global _chosen  # noqa: PLW0603 - Django's settings are global as well
    connections.close_all()
    _chosen = "default"


def _open(alias: str, **given: Any) -> None:
    global _chosen  # noqa: PLW0603 - Django's settings are global as well
    connections.close_all()
    connections[alias].settings_dict.update(given)
    _chosen = alias
