"""From the planned statement of a query to its text, for one database; one statement runs in one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from covet.database.orm.query.state import Query, QueryState
from covet.database.orm.query.tokens import SubqueryToken
from covet.database.orm.query.traversal import roots_of, walk
from covet.database.sql.compiled import Compiled
from covet.database.sql.statements import Statement
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter

#: What inner queries have named so far. In nearly every program that is nothing, so there is nothing to look for.
_named: set[str] = set()


def database_of(query: Query) -> str | None:
    """Return the alias that an inner query was given by ``using()``; not the one that a row of it came from."""
    alias = query.database
    if type(alias) is not str:
        return None
    _named.add(alias)
    return alias


def compiled(adapter: Adapter, state: QueryState, statement: Statement) -> Compiled:
    """Print the statement that was planned for a query, with its tag."""
    _check_databases(state, adapter.alias)
    found = adapter.dialect.compile(statement)
    return found if state.tag is None else found.followed_by(f" /* {state.tag} */")


def _check_databases(state: QueryState, alias: str) -> None:
    """Refuse a query that holds one which asks, by ``using()``, another database than ``alias``."""
    if not _named or _named == {alias}:
        return
    for other in _named_in(state):
        if other != alias:
            raise FieldError(
                f"A query of the database {alias!r} cannot hold one of {other!r}: await that one first, "
                "and give what it found."
            )


def _named_in(state: QueryState) -> Iterator[str]:
    for root in roots_of(state):
        for token in walk(root):
            if isinstance(token, SubqueryToken):
                if token.database is not None:
                    yield token.database
                yield from _named_in(token.state)
