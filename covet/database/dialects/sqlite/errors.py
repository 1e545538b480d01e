"""Errors of SQLite: name of the extended result code -> class of covet.exceptions. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from covet.exceptions import (
    CheckViolation,
    DatabaseError,
    DatabaseLocked,
    DataError,
    DecodeError,
    DiskFull,
    ForeignKeyViolation,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotNullViolation,
    OperationalError,
    ProgrammingError,
    QueryCanceled,
    ReadOnly,
    SchemaChanged,
    SerializationFailure,
    UniqueViolation,
)

#: Extended names first, then the primary ones (the first two words). https://www.sqlite.org/rescode.html
_NAMES: Mapping[str, type[DatabaseError]] = MappingProxyType(
    {
        "SQLITE_BUSY_SNAPSHOT": SerializationFailure,
        "SQLITE_CONSTRAINT_CHECK": CheckViolation,
        "SQLITE_CONSTRAINT_DATATYPE": DataError,
        "SQLITE_CONSTRAINT_FOREIGNKEY": ForeignKeyViolation,
        "SQLITE_CONSTRAINT_NOTNULL": NotNullViolation,
        "SQLITE_CONSTRAINT_PRIMARYKEY": UniqueViolation,
        "SQLITE_CONSTRAINT_ROWID": UniqueViolation,
        "SQLITE_CONSTRAINT_UNIQUE": UniqueViolation,
        "SQLITE_AUTH": OperationalError,
        "SQLITE_BUSY": DatabaseLocked,
        "SQLITE_CANTOPEN": OperationalError,
        "SQLITE_CONSTRAINT": IntegrityError,
        "SQLITE_CORRUPT": InternalError,
        "SQLITE_ERROR": ProgrammingError,
        "SQLITE_FULL": DiskFull,
        "SQLITE_INTERNAL": InternalError,
        "SQLITE_INTERRUPT": QueryCanceled,
        "SQLITE_IOERR": OperationalError,
        "SQLITE_LOCKED": DatabaseLocked,
        "SQLITE_MISMATCH": DataError,
        "SQLITE_MISUSE": InterfaceError,
        "SQLITE_NOMEM": OperationalError,
        "SQLITE_NOTADB": InternalError,
        "SQLITE_PERM": OperationalError,
        "SQLITE_PROTOCOL": DatabaseLocked,
        "SQLITE_RANGE": ProgrammingError,
        "SQLITE_READONLY": ReadOnly,
        "SQLITE_SCHEMA": SchemaChanged,
        "SQLITE_TOOBIG": DataError,
    }
)
_TOO_COMPLEX: Final = re.compile(
    "parser stack overflow|Expression tree is too large|too many (terms|columns|arguments|levels)|tables in a join"
)
_FAILED: Final = re.compile(r"^(?P<kind>[A-Z ]+) constraint failed: (?P<what>.+)$", re.DOTALL)
_INDEX: Final = re.compile(r"^index '(?P<name>.+)'$")
_COLUMN: Final = re.compile(r"^(?P<table>[^.]+)\.(?P<column>[^.]+)$")


class Violation(NamedTuple):
    """What a constraint error says."""

    constraint: str | None
    table: str | None
    columns: tuple[str, ...]


def error_class(name: str | None) -> type[DatabaseError]:
    """Return the class for a result code.

    >>> error_class("SQLITE_CONSTRAINT_UNIQUE").__name__
    'UniqueViolation'
    """
    if not name:
        return ProgrammingError
    return _NAMES.get(name) or _NAMES.get("_".join(name.split("_")[:2])) or DatabaseError


def too_complex(message: str) -> bool:
    """Whether SQLite refused a statement for its size or depth."""
    return _TOO_COMPLEX.search(message) is not None


def function_failed(message: str) -> bool:
    """Whether a registered function raised: it was asked something of a value that has no answer."""
    return message == "user-defined function raised exception"


def uncoded_class(message: str) -> type[DatabaseError]:
    """Return the class for an error that Python's own module raises without a result code."""
    if message.startswith("Could not decode to UTF-8"):
        return DecodeError
    if "type" in message and "is not supported" in message:
        return DataError
    return ProgrammingError


def violation(message: str) -> Violation:
    """Read constraint, table and columns from the text of a constraint error.

    >>> violation("UNIQUE constraint failed: users.email").columns
    ('email',)
    """
    failed = _FAILED.match(message)
    if failed is None:
        return Violation(None, None, ())
    what = failed["what"]
    if failed["kind"] == "CHECK":
        return Violation(what, None, ())
    index = _INDEX.match(what)
    if index is not None:
        return Violation(index["name"], None, ())
    parts = [_COLUMN.match(part) for part in what.split(", ")]
    found = [part for part in parts if part is not None]
    if len(found) != len(parts):
        return Violation(None, None, ())
    return Violation(None, found[0]["table"], tuple(part["column"] for part in found))
