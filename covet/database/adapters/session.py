"""Session: one connection of a driver, as the layers above use it.

Every method but the last few is one round trip to the database. Sessions raise the driver's errors; the adapter,
which runs every operation at one place, turns them into errors of ``covet.exceptions``.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from covet.database.sql.raw import RawStatement
from covet.exceptions import (
    CommitUnknown,
    ConnectionLost,
    DatabaseError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    QueryTimeout,
    SchemaChanged,
)

#: Results of at least so many rows are made into instances with the garbage collector paused: it would find nothing.
LARGE = 500
#: Values for the placeholders, ready for the driver.
Args: TypeAlias = Sequence[object]


class DriverRow(Protocol):
    """A row as the driver gives it: an asyncpg Record or a tuple. Its values are whatever the columns hold."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __getitem__(self, index: int, /) -> Any: ...


class Answer(NamedTuple):
    """What a raw statement gave."""

    columns: tuple[str, ...]
    rows: Sequence[DriverRow]
    #: Rows found or changed; None if the database does not say.
    rowcount: int | None


#: Makes something of rows: instances, dicts, tuples.
Make: TypeAlias = "Callable[[Iterable[DriverRow]], list[Any]]"


class Cursor(ABC):
    """Rows of one statement in portions."""

    @abstractmethod
    async def fetch(self, count: int) -> list[DriverRow]:
        """Return the next rows; an empty list is the end."""

    @abstractmethod
    async def close(self) -> None:
        """Give up what the statement holds on its connection."""


class CopyTarget(NamedTuple):
    """Where rows are copied to; ``sql`` is what those who watch are told."""

    sql: str
    table: str
    schema: str | None
    columns: tuple[str, ...]


class Session(ABC):
    """One connection and what its pool knows about it."""

    __slots__ = (
        "changed",
        "expires",
        "holder",
        "lock_limit",
        "reported",
        "since",
        "stale",
        "statement_limit",
        "suspect",
        "taken_at",
        "uses",
    )

    def __init__(self) -> None:
        #: The task that uses it, for the message of a full pool.
        self.holder: asyncio.Task[object] | None = None
        self.since = 0.0
        #: When it is to be renewed, on the clock of the loop.
        self.expires = math.inf
        #: A statement on it was cut off, so its state is unknown.
        self.suspect = False
        #: Its settings may differ from those of a new one.
        self.changed = False
        #: What it remembers of the tables and types of the database is out of date.
        self.stale = False
        #: How often it was taken from its pool.
        self.uses = 0
        #: Where it was taken, if that is recorded.
        self.taken_at: tuple[str, ...] = ()
        self.reported = False
        #: Seconds a statement may run in the open block; None: as configured.
        self.statement_limit: float | None = None
        #: Seconds it may wait for a lock; None: as configured.
        self.lock_limit: float | None = None

    @abstractmethod
    def fetch(self, sql: str, args: Args) -> Awaitable[list[DriverRow]]:
        """Run a statement and return all rows."""

    @abstractmethod
    def fetch_many(self, sql: str, rows: Sequence[Args]) -> Awaitable[list[DriverRow]]:
        """Run a statement with RETURNING for each set of arguments, all or nothing."""

    @abstractmethod
    def run(self, sql: str, args: Args) -> Awaitable[int]:
        """Run a statement and return the number of affected rows."""

    @abstractmethod
    def run_many(self, sql: str, rows: Sequence[Args]) -> Awaitable[int | None]:
        """Run a statement for each set of arguments, all or nothing."""

    async def copy_rows(self, target: CopyTarget, rows: Iterable[Args]) -> int:  # noqa: ARG002 - for those that have it
        """Send rows by the database's own way for many of them, all or nothing; return how many there were."""
        raise NotSupportedError(f"There is no COPY into {target.table!r} here.")

    @abstractmethod
    def ask(self, statement: RawStatement, args: Args, *, first: bool) -> Awaitable[Answer]:
        """Run a user's statement; with ``first`` only its first row is wanted."""

    @abstractmethod
    def cursor(self, sql: str, args: Args, *, transaction: bool) -> Cursor:
        """Return a cursor, not yet open. ``transaction``: there is none yet, so it makes its own if it needs one."""

    @abstractmethod
    async def command(self, sql: str) -> str:
        """Send a command of a transaction and return its status."""

    @abstractmethod
    def in_transaction(self) -> bool:
        """Say whether a transaction is open."""

    @abstractmethod
    def aborted_by(self, error: BaseException) -> bool:
        """Say whether ``error`` left the open transaction unable to go on."""

    def doubt(self, error: DatabaseError) -> None:
        """Note what ``error`` says about this connection."""
        # An InterfaceError is one that nobody foresaw.
        if isinstance(error, QueryTimeout | ConnectionLost | InterfaceError):
            self.suspect = True
        elif isinstance(error, SchemaChanged):
            self.stale = self.changed = True

    def outcome(self, error: OperationalError, *, write: bool) -> DatabaseError:
        """Return the error for a statement outside a block that ended with ``error``: each one commits by itself."""
        if not write or not self.unanswered(error):
            return error
        return CommitUnknown(
            f"{error} The statement may be done or not. Look before doing it again.",
            sqlstate=error.sqlstate,
            statement=error.statement,
        )

    def unanswered(self, error: OperationalError) -> bool:  # noqa: ARG002 - for those whose link may break
        """Say whether the statement that ended with ``error`` may have been done all the same."""
        return False

    @abstractmethod
    def is_closed(self) -> bool:
        """Say whether the connection is gone."""

    @abstractmethod
    async def restore(self) -> None:
        """Bring a suspect connection back: nothing running, no transaction. Raises if it cannot be."""

    @abstractmethod
    async def reset(self) -> None:
        """Undo changes of session state."""

    async def can_repeat(self, error: ConnectionLost | SchemaChanged, *, write: bool, again: bool) -> bool:
        """Say whether the statement that ended with ``error`` is to be sent once more over this connection.

        False: over another one, for this one is an idle connection that died unnoticed. Raises if it must not be sent
        twice: what the database has refused was not done, and of everything else only a read may be sent ``again``.
        """
        refused = isinstance(error, SchemaChanged) and not self.unanswered(error)
        if not refused and (write or not again):
            raise self.outcome(error, write=write) from error.__cause__
        if isinstance(error, ConnectionLost):
            return False
        await self.forget_schema()  # here and not over another connection: that may be as much out of date
        return True

    async def forget_schema(self) -> None:
        """Forget what is remembered of the tables and types of the database."""
        self.stale = False

    @abstractmethod
    async def close(self) -> None:
        """Close the connection politely."""

    @abstractmethod
    def terminate(self) -> None:
        """Close the connection at once, without waiting for anything."""

    @abstractmethod
    def description(self) -> str:
        """Name the connection for diagnosis: a process id on a server."""
