"""The whole error tree. Every error that covet raises on purpose is one of these.

::

    CovetError
    ├─ ConfigurationError              no database, a bad URL, an unknown option
    ├─ ModelDefinitionError            a model, field or Meta that cannot work
    ├─ FieldError                      an unknown field, lookup or alias in a query
    ├─ ValidationError (ValueError)    a value that its field refuses; .errors
    ├─ NotLoaded (AttributeError)      an attribute that this instance did not load
    │  └─ RelationNotLoaded
    ├─ ObjectDoesNotExist              → Model.DoesNotExist
    ├─ MultipleObjectsReturned         → Model.MultipleObjectsReturned
    ├─ NPlusOneError (AssertionError)    a loop that sends a query for each row; .findings
    ├─ QueryCountError (AssertionError)  more statements than allowed, or others than expected
    └─ DatabaseError                   .sqlstate .statement .retryable, __cause__ = the driver's
       ├─ InterfaceError
       ├─ DataError
       │  └─ DecodeError               what the database holds and Python cannot
       ├─ ProgrammingError
       │  └─ TransactionError          a statement outside or after its transaction
       ├─ InternalError
       ├─ NotSupportedError            names the database and the feature
       ├─ IntegrityError               .constraint .columns .table .model .fields .field
       │  ├─ UniqueViolation  ├─ ForeignKeyViolation  ├─ NotNullViolation
       │  ├─ CheckViolation   ├─ ProtectedError       on_delete=PROTECT
       │  └─ RestrictedError       on_delete=RESTRICT
       └─ OperationalError
          ├─ ConnectionLost   ├─ PoolTimeout  ├─ QueryTimeout  ├─ LockTimeout
          ├─ DeadlockDetected ├─ SerializationFailure ├─ DatabaseLocked
          ├─ DiskFull         ├─ ReadOnly     ├─ QueryCanceled
          ├─ TransactionTimeout ├─ SchemaChanged
          └─ CommitUnknown             the link broke while COMMIT was on its way

Names under ``DatabaseError`` are those of PEP 249. No message holds a password or a parameter value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class CovetError(Exception):
    """Base of every error that covet raises on purpose."""


class ConfigurationError(CovetError):
    """The configuration is missing, contradictory or unreadable."""


class ModelDefinitionError(CovetError):
    """A model class, a field or ``Meta`` that cannot work; raised where the class is made."""


class FieldError(CovetError):
    """A query names a field, lookup or alias that does not exist there."""


class ValidationError(CovetError, ValueError):
    """A value is refused by its field.

    ``errors`` maps a field name to its messages: ``{"email": ["Enter a valid email address."]}``. The text of the
    error says ``label`` (``User.email``) in place of the name where it is given.
    """

    def __init__(self, errors: Mapping[str, Sequence[str]] | str, *, field: str = "", label: str | None = None) -> None:
        if isinstance(errors, str):
            errors = {field: [errors]}
        self.errors: dict[str, list[str]] = {name: list(messages) for name, messages in errors.items()}
        super().__init__(
            "; ".join(
                f"{label or name}: {message}" if label or name else message
                for name, messages in self.errors.items()
                for message in messages
            )
        )

    def locate(self, place: str) -> None:
        """Begin the text of the error with where it was: ``objs[3]`` of ``bulk_create(objs)``."""
        self.args = (f"{place}: {self}",)


class NotLoaded(CovetError, AttributeError):
    """The attribute exists on the model but this instance did not load it."""


class RelationNotLoaded(NotLoaded):
    """A to-many relation is used like a list before it was loaded."""


class ObjectDoesNotExist(CovetError):
    """``get()`` found nothing. Each model has its own subclass, ``Model.DoesNotExist``."""


class MultipleObjectsReturned(CovetError):
    """``get()`` found several. Each model has its own subclass."""


class NPlusOneError(CovetError, AssertionError):
    """``detect_n_plus_one()`` saw a query a row. ``findings`` says which, where and what to add."""

    def __init__(self, message: str, findings: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class QueryCountError(CovetError, AssertionError):
    """A block sent more statements than ``max_queries()`` allows, or others than ``assert_num_queries()`` expects."""


class DatabaseError(CovetError):
    """The database or its driver refused. ``__cause__`` is the driver's own error."""

    #: Whether the same work may succeed when it is done again from its beginning.
    retryable: bool = False

    def __init__(self, message: str, *, sqlstate: str | None = None, statement: str | None = None) -> None:
        super().__init__(message)
        #: SQLSTATE on PostgreSQL, the name of the extended result code on SQLite.
        self.sqlstate = sqlstate
        #: The SQL text, with placeholders, never with values.
        self.statement = statement


class InterfaceError(DatabaseError):
    """The driver was used in a way it cannot serve."""


class DataError(DatabaseError):
    """A value is out of range or of the wrong form for the database."""


class DecodeError(DataError):
    """The database holds a value that Python cannot represent."""


class ProgrammingError(DatabaseError):
    """Wrong SQL, an unknown table or column, too many or too few parameters."""


class QueryTooComplex(ProgrammingError):
    """A query nests deeper, joins more tables or has more columns than Python or the database can take."""

    @classmethod
    def nested(cls) -> QueryTooComplex:
        """Return the error of a query in which too much stands inside something else."""
        return cls(
            "The query nests too deep. Many conditions side by side are no problem: Q(a=1) | Q(a=2) | ..., "
            "or __in=[...]; neither are many filter() calls."
        )


class TransactionError(ProgrammingError):
    """A statement outside, after or against the state of its transaction."""


class InternalError(DatabaseError):
    """The database reports an internal fault."""


class NotSupportedError(DatabaseError):
    """The database has no such feature; the message names both."""


class IntegrityError(DatabaseError):
    """A constraint was violated."""

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str | None = None,
        statement: str | None = None,
        constraint: str | None = None,
        table: str | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        super().__init__(message, sqlstate=sqlstate, statement=statement)
        self.constraint = constraint
        self.table = table
        self.columns = tuple(columns)
        #: The model whose table it is; set by the ORM.
        self.model: type | None = None
        #: The names of the fields of ``columns``; set by the ORM.
        self.fields: tuple[str, ...] = ()

    @property
    def field(self) -> str | None:
        """The name of the field, if it is one."""
        return self.fields[0] if len(self.fields) == 1 else None


class UniqueViolation(IntegrityError):
    """A unique or primary key constraint was violated."""


class ForeignKeyViolation(IntegrityError):
    """A foreign key names a row that does not exist, or a referenced row would go."""


class NotNullViolation(IntegrityError):
    """A NOT NULL column got NULL."""


class CheckViolation(IntegrityError):
    """A CHECK constraint was violated."""


class ProtectedError(IntegrityError):
    """``delete()`` met rows that refer to what it would delete by ``on_delete=PROTECT``: ``protected_objects``."""

    def __init__(self, message: str, objects: Iterable[object] = (), **details: Any) -> None:
        super().__init__(message, **details)
        #: The instances that refer to it; of each only the key is loaded.
        self.protected_objects = tuple(objects)


class RestrictedError(IntegrityError):
    """``delete()`` met rows with ``on_delete=RESTRICT`` that it would leave behind: ``restricted_objects``."""

    def __init__(self, message: str, objects: Iterable[object] = (), **details: Any) -> None:
        super().__init__(message, **details)
        #: The instances that refer to it; of each only the key is loaded.
        self.restricted_objects = tuple(objects)


class OperationalError(DatabaseError):
    """Something outside the program's control: the server, the link, the disk, a lock."""


class ConnectionLost(OperationalError):
    """The server or the link went away, or could not be reached."""

    retryable = True


class PoolTimeout(OperationalError):
    """No connection became free within ``pool_timeout`` seconds."""

    retryable = True


class QueryTimeout(OperationalError):
    """The statement ran longer than its time limit."""


class LockTimeout(OperationalError):
    """A lock was not to be had in time."""

    retryable = True


class TransactionTimeout(OperationalError):
    """A block took longer than its ``timeout``; it was rolled back."""


class SchemaChanged(OperationalError):
    """A table was changed by somebody else while a transaction used it."""

    retryable = True


class DeadlockDetected(OperationalError):
    """The server ended this transaction to resolve a deadlock."""

    retryable = True


class SerializationFailure(OperationalError):
    """The transaction cannot be serialised with another one."""

    retryable = True


class DatabaseLocked(OperationalError):
    """SQLite: another writer held the database for longer than the busy time-out."""

    retryable = True


class DiskFull(OperationalError):
    """There is no room left."""


class ReadOnly(OperationalError):
    """The database, the transaction or the file does not accept writes."""


class QueryCanceled(OperationalError):
    """The statement was cancelled on the server."""


class CommitUnknown(OperationalError):
    """The link broke while COMMIT was on its way, or a statement that commits by itself: it may have happened."""
