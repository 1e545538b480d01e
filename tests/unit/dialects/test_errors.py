"""Error tables of the dialects: code to class, and texts without values."""

from __future__ import annotations

import pytest

from covet import exceptions
from covet.database.dialects.postgresql import errors as postgresql
from covet.database.dialects.sqlite import errors as sqlite


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("23505", "UniqueViolation"),
        ("23503", "ForeignKeyViolation"),
        ("23502", "NotNullViolation"),
        ("23514", "CheckViolation"),
        ("23000", "IntegrityError"),
        ("40001", "SerializationFailure"),
        ("40P01", "DeadlockDetected"),
        ("55P03", "LockTimeout"),
        ("57014", "QueryCanceled"),
        ("57P01", "ConnectionLost"),
        ("08006", "ConnectionLost"),
        ("53300", "ConnectionLost"),
        ("53100", "DiskFull"),
        ("25006", "ReadOnly"),
        ("25P02", "TransactionError"),
        ("22001", "DataError"),
        ("42P01", "ProgrammingError"),
        ("0A000", "NotSupportedError"),
        ("XX000", "InternalError"),
        ("ZZ999", "DatabaseError"),
        (None, "InterfaceError"),
    ],
)
def test_sqlstate_has_a_class(state: str | None, name: str):
    assert postgresql.error_class(state) is getattr(exceptions, name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SQLITE_CONSTRAINT_UNIQUE", "UniqueViolation"),
        ("SQLITE_CONSTRAINT_PRIMARYKEY", "UniqueViolation"),
        ("SQLITE_CONSTRAINT_TRIGGER", "IntegrityError"),
        ("SQLITE_BUSY", "DatabaseLocked"),
        ("SQLITE_BUSY_SNAPSHOT", "SerializationFailure"),
        ("SQLITE_BUSY_RECOVERY", "DatabaseLocked"),
        ("SQLITE_READONLY_DBMOVED", "ReadOnly"),
        ("SQLITE_FULL", "DiskFull"),
        ("SQLITE_IOERR_WRITE", "OperationalError"),
        ("SQLITE_ERROR", "ProgrammingError"),
        ("SQLITE_SOMETHING", "DatabaseError"),
        (None, "ProgrammingError"),
    ],
)
def test_result_code_has_a_class(name: str | None, expected: str):
    assert sqlite.error_class(name) is getattr(exceptions, expected)


@pytest.mark.parametrize(
    ("detail", "columns"),
    [
        ("Key (email)=(ann) already exists.", ("email",)),
        ("Key (a, b)=(1, 2) already exists.", ("a", "b")),
        ('Key (id, "Odd ""name")=(1, (2)) already exists.', ("id", 'Odd "name')),
        ("Key (lower(email))=(ann) already exists.", ()),
        ("Key (author_id)=(5) is not present in table", ("author_id",)),
        (None, ()),
    ],
)
def test_columns_of_a_key(detail: str | None, columns: tuple[str, ...]):
    assert postgresql.key_columns(detail) == columns


@pytest.mark.parametrize(
    ("message", "state", "safe"),
    [
        ('invalid input syntax for type integer: "geheim"', "22P02", "invalid input syntax for type integer: …"),
        ('value "geheim" is "out" of range', "22003", "value … of range"),
        ('relation "users" does not exist', "42P01", 'relation "users" does not exist'),
        (
            "invalid input for query argument $2: 'geheim' (expected int, got str)",
            None,
            "the value of $2 does not fit its type: expected int, got str",
        ),
        (
            "invalid input for query argument $1: 'geheim' ('geheim' is odd)",
            None,
            "the value of $1 does not fit its type",
        ),
    ],
)
def test_messages_lose_their_values(message: str, state: str | None, safe: str):
    assert postgresql.safe_message(message, state) == safe


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("UNIQUE constraint failed: users.email", (None, "users", ("email",))),
        ("UNIQUE constraint failed: t.a, t.b", (None, "t", ("a", "b"))),
        ("UNIQUE constraint failed: index 'users_lower'", ("users_lower", None, ())),
        ("NOT NULL constraint failed: users.name", (None, "users", ("name",))),
        ("CHECK constraint failed: age_is_not_negative", ("age_is_not_negative", None, ())),
        ("FOREIGN KEY constraint failed", (None, None, ())),
    ],
)
def test_texts_of_violations(message: str, expected: tuple[object, ...]):
    assert tuple(sqlite.violation(message)) == expected
