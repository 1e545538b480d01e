"""Which foreign key it was: SQLite itself does not say. Runs on a connection's thread, and only after an error.

``PRAGMA foreign_key_check`` knows, but it looks at rows, and those of a statement that failed are gone. So the
statement is run once more with its foreign keys deferred, the rows are looked at, and all of it is undone. At a COMMIT
that failed the rows are still there.

What cannot be found stays unsaid: a RESTRICT, which SQLite does not defer; a statement that took long; a database so
large that looking takes longer than half a second.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

_CODE: Final = "SQLITE_CONSTRAINT_FOREIGNKEY"
#: A statement that took longer is not run again, and looking at the rows ends after that.
_SECONDS: Final = 0.5
_STEPS: Final = 1000
_SAVEPOINT: Final = "covet_foreign_key"

#: A row that refers to nothing: its table, its rowid, the table that it refers to, the number of the foreign key.
_Row: TypeAlias = tuple[str, int | None, str, int]


class ForeignKey(NamedTuple):
    """A foreign key of a table."""

    table: str
    columns: tuple[str, ...]


class ForeignKeyFailed(sqlite3.IntegrityError):
    """The driver's error, and which foreign key it was; None where that cannot be found."""

    def __init__(self, error: sqlite3.IntegrityError, key: ForeignKey | None) -> None:
        super().__init__(*error.args)
        self.sqlite_errorcode = error.sqlite_errorcode
        self.sqlite_errorname = error.sqlite_errorname
        self.key = key


def naming_its_key(
    error: sqlite3.IntegrityError,
    connection: sqlite3.Connection,
    again: Callable[[sqlite3.Connection], object] | None,
    started: float,
) -> ForeignKeyFailed | None:
    """Return what to raise instead of ``error``, if it is one of a foreign key and which one can be found.

    ``again`` runs the statement, which began at ``started``, once more; None: its rows are there.
    """
    if error.sqlite_errorname != _CODE or time.monotonic() - started > _SECONDS:
        return None
    key = None
    with suppress(sqlite3.Error):
        key = _among(connection, _broken(connection)) if again is None else _found_by(connection, again)
    return None if key is None else ForeignKeyFailed(error, key)


def _found_by(connection: sqlite3.Connection, again: Callable[[sqlite3.Connection], object]) -> ForeignKey | None:
    inside = connection.in_transaction
    # Rows of the transaction that refer to nothing yet, by a foreign key that is looked at when it ends, are no news.
    before = set(_broken(connection)) if inside else set[_Row]()
    (deferred,) = connection.execute("PRAGMA defer_foreign_keys").fetchone()
    connection.execute(f"SAVEPOINT {_SAVEPOINT}" if inside else "BEGIN IMMEDIATE")
    try:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        again(connection)
        return _among(connection, [row for row in _broken(connection) if row not in before])
    finally:
        _undo(connection, inside=inside)
        connection.execute(f"PRAGMA defer_foreign_keys = {deferred}")


def _undo(connection: sqlite3.Connection, *, inside: bool) -> None:
    """Undo what was tried. An interruption that is meant for it comes between two tries at most."""
    if not connection.in_transaction:  # interrupted while it wrote: SQLite has undone the whole transaction
        return
    with suppress(sqlite3.OperationalError):
        _roll_back(connection, inside=inside)
        return
    try:
        _roll_back(connection, inside=inside)
    except sqlite3.OperationalError:
        connection.rollback()
        raise


def _roll_back(connection: sqlite3.Connection, *, inside: bool) -> None:
    if inside:
        connection.execute(f"ROLLBACK TO {_SAVEPOINT}")
        connection.execute(f"RELEASE {_SAVEPOINT}")
    else:
        connection.execute("ROLLBACK")


def _broken(connection: sqlite3.Connection) -> list[_Row]:
    """Return the rows that refer to nothing."""
    until = time.monotonic() + _SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        return connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.set_progress_handler(None, 0)


def _among(connection: sqlite3.Connection, broken: list[_Row]) -> ForeignKey | None:
    """Return the foreign key of a broken row; of several the one that its table defines first."""
    if not broken:
        return None
    table, _, _, number = max(broken, key=lambda row: row[3])  # they are numbered from the last one on
    quoted = table.replace('"', '""')
    listed = connection.execute(f'PRAGMA foreign_key_list("{quoted}")').fetchall()
    columns = sorted((place, column) for at, place, _, column, *_ in listed if at == number)
    return ForeignKey(table, tuple(column for _, column in columns))
