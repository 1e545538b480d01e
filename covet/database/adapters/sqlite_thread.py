"""What happens to an SQLite connection on its thread: opening, settings, values, the end of the program."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import sys
import threading
import weakref
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Final
from uuid import UUID

import aiosqlite

from covet.database.config import DatabaseConfig
from covet.database.dialects.sqlite.functions import AGGREGATES, COLLATIONS, FUNCTIONS
from covet.database.dialects.sqlite.types import decimal_text, microseconds, timestamp_text, timestamptz_text
from covet.exceptions import ConfigurationError

#: How long SQLite itself waits for a lock. Short, because ``interrupt()`` does not end this wait; the rest of
#: ``busy_timeout`` is waited in the event loop.
_BUSY_MILLISECONDS: Final = 20


def connect(target: str, config: DatabaseConfig, *, read_only: bool) -> sqlite3.Connection:
    """Open a connection with everything that covet relies on."""
    connection = sqlite3.connect(
        target,
        uri=True,
        timeout=_BUSY_MILLISECONDS / 1000,
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
        connection.create_aggregate(name, count, aggregate)
    for name, collation in COLLATIONS:
        connection.create_collation(name, collation)
    for command in config.init_commands:
        connection.execute(command)
    if read_only:
        connection.execute("PRAGMA query_only = ON")


_ADDRESSES: Final = (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface, IPv4Network, IPv6Network)


def bindable(value: object) -> object:  # noqa: C901, PLR0911 - one case a type
    """Return what SQLite stores for a Python value of a raw statement: the same as for a field of that type."""
    match value:
        case Enum():
            return bindable(value.value)
        case None | bool() | int() | float() | str() | bytes():
            return value
        case dt.datetime():
            return timestamp_text(value) if value.tzinfo is None else timestamptz_text(value)
        case dt.date():
            return value.isoformat()
        case dt.time():
            return value.isoformat("microseconds")
        case dt.timedelta():
            return microseconds(value)
        case Decimal():
            return decimal_text(value)
        case UUID():
            return str(value)
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=isinstance(value, dict))
        case _ if isinstance(value, _ADDRESSES):
            return str(value)
        case _:
            return value


_open: Final[weakref.WeakSet[aiosqlite.Connection]] = weakref.WeakSet()
_watch = threading.Lock()


def stop_at_exit(proxy: aiosqlite.Connection) -> None:
    """Make sure that the thread of ``proxy`` does not keep the program from ending.

    That thread is no daemon, so the interpreter waits for it, before it runs ``atexit`` functions. A loop that ends
    properly has closed its connections by then; for any other, a daemon thread waits for the main thread to end and
    tells the connections to close.
    """
    with _watch:
        if not any(thread.name == _stop_all.__name__ for thread in threading.enumerate()):
            threading.Thread(target=_stop_all, name=_stop_all.__name__, daemon=True).start()
        _open.add(proxy)


def stop(proxy: aiosqlite.Connection) -> None:
    """Tell the thread of ``proxy`` to close and to end, and wait for neither.

    Called in a thread with an event loop, ``Connection.stop`` has its thread report to that loop, which may be closed
    by then. So it is called in one without.
    """
    caller = threading.Thread(target=_tell_to_stop, args=(proxy,))
    caller.start()
    caller.join()


def _stop_all() -> None:
    threading.main_thread().join()
    for proxy in list(_open):
        _tell_to_stop(proxy)


def _tell_to_stop(proxy: aiosqlite.Connection) -> None:
    proxy.stop()  # pyright: ignore[reportUnknownMemberType]  # aiosqlite does not say what its future holds
