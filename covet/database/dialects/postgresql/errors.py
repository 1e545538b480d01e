"""Errors of PostgreSQL: SQLSTATE -> class of covet.exceptions, and texts without values. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from covet.exceptions import (
    CheckViolation,
    ConnectionLost,
    DatabaseError,
    DataError,
    DeadlockDetected,
    DiskFull,
    ForeignKeyViolation,
    IntegrityError,
    InterfaceError,
    InternalError,
    LockTimeout,
    NotNullViolation,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    QueryCanceled,
    QueryTooComplex,
    ReadOnly,
    SerializationFailure,
    TransactionError,
    UniqueViolation,
)

#: Whole codes first, then their first two characters (the class of the standard).
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
_CODES: Mapping[str, type[DatabaseError]] = MappingProxyType(
    {
        "22P05": DataError,
        "23001": ForeignKeyViolation,
        "23502": NotNullViolation,
        "23503": ForeignKeyViolation,
        "23505": UniqueViolation,
        "23514": CheckViolation,
        "23P01": UniqueViolation,  # an exclusion constraint is a unique constraint with other operators
        "25006": ReadOnly,
        "25P02": TransactionError,
        "25P03": ConnectionLost,  # idle_in_transaction_session_timeout: the session is gone
        "25P04": ConnectionLost,  # transaction_timeout: likewise
        "40001": SerializationFailure,
        "40P01": DeadlockDetected,
        "53100": DiskFull,
        "53300": ConnectionLost,  # too many connections: the server could not be reached for now
        "55P03": LockTimeout,
        "57014": QueryCanceled,
        "57P01": ConnectionLost,
        "57P02": ConnectionLost,
        "57P03": ConnectionLost,
        "57P05": ConnectionLost,
        "08": ConnectionLost,
        "0A": NotSupportedError,
        "20": ProgrammingError,
        "21": ProgrammingError,
        "22": DataError,
        "23": IntegrityError,
        "24": InternalError,
        "25": TransactionError,
        "26": ProgrammingError,
        "2B": InternalError,
        "2D": TransactionError,
        "28": OperationalError,
        "34": ProgrammingError,
        "39": InternalError,
        "3B": TransactionError,
        "3D": OperationalError,
        "3F": ProgrammingError,
        "40": SerializationFailure,
        "42": ProgrammingError,
        "44": CheckViolation,  # WITH CHECK OPTION
        "53": OperationalError,
        "54": QueryTooComplex,
        "55": OperationalError,
        "57": OperationalError,
        "58": OperationalError,
        "P0": DatabaseError,  # RAISE in a function of the user's own
        "XX": InternalError,
    }
)
_KEY: Final = re.compile(r"\((?P<columns>[^()]+)\)=\(")
_PLAIN_NAME: Final = re.compile(r'[\w$]+|"(?:[^"]|"")+"')
_ARGUMENT: Final = re.compile(r"invalid input for query argument (\$\d+)")
_REASON: Final = re.compile(r"\((expected [\w.]+, got [\w.]+|value out of \w+ range)\)\s*$")
_QUOTED: Final = re.compile(r"\".*\"|'.*'", re.DOTALL)


def error_class(sqlstate: str | None) -> type[DatabaseError]:
    """Return the class for a SQLSTATE.

    >>> error_class("23505").__name__
    'UniqueViolation'
    """
    if not sqlstate:
        return InterfaceError
    return _CODES.get(sqlstate) or _CODES.get(sqlstate[:2]) or DatabaseError


#: What a function or operator that is not there belongs to.
_EXTENSIONS: Final = {"similarity(": "pg_trgm", "unaccent(": "unaccent", "digest(": "pgcrypto"}
_TRIGRAM: Final = re.compile(r"operator does not exist: [\w ]+ (%|%>|%>>|<->|<<->|<<<->) [\w ]+$")


def missing_extension(sqlstate: str | None, message: str) -> str | None:
    """Return the extension that an unknown function or operator belongs to.

    >>> missing_extension("42883", "function similarity(text, text) does not exist")
    'pg_trgm'
    """
    if sqlstate != "42883":
        return None
    if _TRIGRAM.match(message):
        return "pg_trgm"
    return next((name for function, name in _EXTENSIONS.items() if function in message), None)


def key_columns(detail: str | None) -> tuple[str, ...]:
    """Read the columns, and only them, from a text such as ``Key (a, b)=(1, 2) already exists``.

    >>> key_columns("Key (email)=(ann@example.com) already exists.")
    ('email',)
    """
    found = _KEY.search(detail or "")
    if found is None:
        return ()
    names = found["columns"].split(", ")
    if not all(_PLAIN_NAME.fullmatch(name) for name in names):
        return ()  # an index on expressions
    return tuple(name.strip('"').replace('""', '"') for name in names)


def safe_message(message: str, sqlstate: str | None) -> str:
    """Return the database's text without the values that it quotes. Those stand in errors of class 22.

    >>> safe_message('invalid input syntax for type integer: "abc"', "22P02")
    'invalid input syntax for type integer: …'
    """
    if sqlstate is not None and not sqlstate.startswith("22"):
        return message
    argument = _ARGUMENT.search(message)
    if argument is not None:
        reason = _REASON.search(message)
        return f"the value of {argument[1]} does not fit its type" + (f": {reason[1]}" if reason else "")
    return _QUOTED.sub("…", message)
