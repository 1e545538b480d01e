"""Names of tables, indexes and constraints."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

#: The longest name that both databases keep whole.
MAX_NAME = 63


def object_name(table: str, columns: Sequence[str], suffix: str) -> str:
    """Return the name of an index or constraint: readable, and cut to length with a hash where it must be.

    >>> object_name("posts", ["author_id"], "idx")
    'posts_author_id_idx'
    """
    return shortened("_".join([table, *columns, suffix]), f"_{suffix}")


def shortened(name: str, suffix: str = "") -> str:
    """Return a name that both databases keep whole; ``suffix``, its end, stays."""
    if len(name.encode()) <= MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    room = MAX_NAME - len(digest) - len(suffix) - 1
    return f"{name.encode()[:room].decode(errors='ignore')}_{digest}{suffix}"


def snake_case(name: str) -> str:
    """Return the name of a class as that of a table or column is written.

    >>> snake_case("BlogPost"), snake_case("HTTPRequest")
    ('blog_post', 'http_request')
    """
    return re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", name).lower()
