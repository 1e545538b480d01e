"""Attributes: a statement -> what the conventions for databases say about it. Never a value of a parameter."""

from __future__ import annotations

from covet.database.adapters.base import Adapter
from covet.database.adapters.instrumentation import QueryEvent
from covet.database.connections import by_alias
from covet.database.sql.digest import Digest
from covet.exceptions import DatabaseError

Attributes = dict[str, str | int]

#: Of which version of the conventions the names are.
SCHEMA_URL = "https://opentelemetry.io/schemas/1.34.0"


class Targets:
    """What is the same for all statements of a database."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Adapter | None, Attributes]] = {}

    def of(self, alias: str) -> Attributes:
        """Return the attributes of the database behind an alias; settings that were replaced are read anew."""
        adapter = by_alias.get(alias)
        known = self._known.get(alias)
        if known is None or known[0] is not adapter:
            known = self._known[alias] = (adapter, {} if adapter is None else _of_adapter(adapter))
        return known[1]


def _of_adapter(adapter: Adapter) -> Attributes:
    config = adapter.config
    attributes: Attributes = {"db.system.name": adapter.dialect.name}
    if config.database:
        attributes["db.namespace"] = config.database
    if len(config.hosts) == 1:  # of several, nobody says which one a connection leads to
        host, port = config.hosts[0]
        attributes["server.address"] = host
        if not host.startswith("/"):
            attributes["server.port"] = port
    return attributes


def of_statement(event: QueryEvent, digest: Digest) -> Attributes:
    """Return the attributes that spans and metrics have in common."""
    attributes: Attributes = {"db.operation.name": digest.operation}
    if digest.table is not None:
        attributes["db.collection.name"] = digest.table
    if event.error is not None:
        kind = type(event.error)
        attributes["error.type"] = f"{kind.__module__}.{kind.__qualname__}"
        if isinstance(event.error, DatabaseError) and event.error.sqlstate is not None:
            attributes["db.response.status_code"] = event.error.sqlstate
    return attributes


def of_span(event: QueryEvent, digest: Digest) -> Attributes:
    """Return the attributes that only spans have: a metric must not have a series for every text."""
    # Without parameters a text may have its values in it: those of a user's own SQL.
    attributes: Attributes = {"db.query.text": event.sql if event.args else digest.without_literals}
    if event.rows is not None and digest.gives_rows:
        attributes["db.response.returned_rows"] = event.rows
    return attributes


def span_name(digest: Digest, target: Attributes) -> str:
    """Return ``{operation} {table}``; without a table the database stands there."""
    place = digest.table or target.get("db.namespace")
    return digest.operation if place is None else f"{digest.operation} {place}"
