"""What happens to an SQLite connection on its thread: opening, settings, values, the end of the program."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import aiosqlite

from covet.database.config import DatabaseConfig
from covet.database.dialects.sqlite.functions import AGGREGATES, COLLATIONS, FUNCTIONS
from covet.database.dialects.sqlite.types import decimal_text, microseconds, timestamp_text, timestamptz_text
from covet.exceptions import ConfigurationError

R = TypeVar("R")
#: How long SQLite itself waits for a lock. Short, because ``interrupt()`` does not end this wait; the rest of
#: ``busy_timeout`` is waited in the event loop.
_BUSY_MILLISECONDS: Final = 20
#: What of the log is kept for reuse.
_MOST_LOG_BYTES: Final = 16 * 1024 * 1024


def connect(target: str, config: DatabaseConfig, *, read_only: bool) -> sqlite3.Connection:
    """Open a connection with everything that covet relies on."""
    connection = sqlite3.connect(
        target,
        uri=True,
        # A read may run in the event loop, which waits for nothing.
        timeout=0 if read_only else _BUSY_MILLISECONDS / 1000,
        isolation_level=None,
        check_same_thread=False,  # whose turn it is, is settled above; closing may happen elsewhere
        cached_statements=config.statement_cache_size,
    )
    try:
        _set_up(connection, config, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, config: DatabaseConfig, *, read_only: bool) -> None:
    if config.mode != "ro":
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # A reader that lasts for long lets the log grow; afterwards the space is given back.
        connection.execute(f"PRAGMA journal_size_limit = {_MOST_LOG_BYTES}")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    if connection.execute("PRAGMA foreign_keys").fetchone() != (1,):
        raise ConfigurationError("This build of SQLite has no foreign keys.")
    if sys.version_info >= (3, 12):
        # Without this an unknown column in double quotes is read as a text.
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DML, False)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DDL, False)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
    for name, count, function, deterministic in FUNCTIONS:
        connection.create_function(name, count, function, deterministic=deterministic)
    for name, count, aggregate in AGGREGATES:
        connection.create_window_function(name, count, aggregate)
    for name, collation in COLLATIONS:
        connection.create_collation(name, collation)
    for command in config.init_commands:
        connection.execute(command)
    if read_only:
        connection.execute("PRAGMA query_only = ON")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=isinstance(value, dict))


#: What SQLite takes as it is.
_NATIVE: Final = frozenset({type(None), int, float, str, bytes, bool})
#: In this order: a datetime is a date, and an enum may be a text.
_CONVERTERS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...]] = (
    (Enum, lambda value: bindable(value.value)),
    (datetime, lambda value: timestamp_text(value) if value.tzinfo is None else timestamptz_text(value)),
    (date, lambda value: value.isoformat()),
    (time, lambda value: value.isoformat("microseconds")),
    (timedelta, lambda value: microseconds(value)),  # noqa: PLW0108 - a tuple of callables of one type
    (Decimal, decimal_text),
    ((UUID, IPv4Address, IPv6Address, IPv4Interface, IPv6Interface, IPv4Network, IPv6Network), str),
    ((dict, list, tuple), _json),
)


def bindable(value: object) -> object:
    """Return what SQLite stores for a Python value of a raw statement: the same as for a field of that type."""
    if type(value) in _NATIVE:
        return value
    kind: type[Any] = type(value)
    for kinds, convert in _CONVERTERS:
        if issubclass(kind, kinds):
            return convert(value)
    return value


class ThreadConnection(aiosqlite.Connection):
    """A connection of aiosqlite that runs functions of ours on its thread.

    aiosqlite has public methods for single calls (``execute_fetchall``) and for cursors (three hops a query). One hop
    for BEGIN, the statement and the fetch together needs its protected ``_execute``, which takes any function.
    """

    def run(self, work: Callable[[], R]) -> Awaitable[R]:
        """Run ``work`` on the thread."""
        return cast("Awaitable[R]", self._execute(work))  # type: ignore[no-untyped-call]  # aiosqlite leaves it untyped

    def is_alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Tell the thread to close the connection and to end; for a thread without an event loop."""
        self.stop()  # pyright: ignore[reportUnknownMemberType] - its Future has no type argument

    def stop_unheard(self) -> None:
        """Do what ``end`` does from a thread with an event loop.

        In a thread with an event loop ``stop`` has the connection's thread report to that loop, which may be closed
        by then. So it is called in one without.
        """
        caller = threading.Thread(target=self.end)
        caller.start()
        caller.join()

    def stop_at_exit(self) -> None:
        """Make sure that the thread does not keep the program from ending.

        It is no daemon, so the interpreter waits for it, before it runs ``atexit`` functions. A loop that ends
        properly has closed its connections by then; for any other, a daemon thread waits for the main thread to end
        and tells the connections to close.
        """
        with _watch:
            if not any(thread.name == _stop_all.__name__ for thread in threading.enumerate()):
                threading.Thread(target=_stop_all, name=_stop_all.__name__, daemon=True).start()
            _open.add(self)


_open: Final[weakref.WeakSet[ThreadConnection]] = weakref.WeakSet()
_watch: Final = threading.Lock()


def _stop_all() -> None:
    threading.main_thread().join()
    for connection in list(_open):
        connection.end()
