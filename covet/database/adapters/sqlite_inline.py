"""Short reads of SQLite in the event loop: what the hop to the connection's thread costs is several times the query.

A statement runs here only when it is known to be short: it has run on the thread within the budget, and
nothing in it can take long in one step (a function of Python's, a pattern, a JSON document). While it runs SQLite
asks every few hundred steps whether the budget is spent; then the statement is given up and runs on the thread from
its beginning, and has to prove itself again, more often each time. Neither a lock nor a large value is waited for.
What no budget bounds is the operating system: a page of the file that is not in memory is read while the loop waits.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

R = TypeVar("R")

#: Steps of SQLite's machine between two looks at the clock: two to five microseconds.
_STEPS: Final = 200
#: Bytes of a value: a larger one is read on the thread.
_LARGEST: Final = 256 * 1024
#: Quick runs on the thread before a statement comes here, and how many at the most after it was too slow.
_TRIES: Final = 2
_MOST_TRIES: Final = 4096
_STATEMENTS: Final = 1000

#: Interrupted, busy, locked, too big: the thread knows better what to do then.
_GIVEN_UP: Final = frozenset(
    {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_TOOBIG}
)
_PRIMARY: Final = 0xFF

_CALLED: Final = re.compile(r"(\w+)\"?\s*\(")
_UNBOUNDED: Final = re.compile(r"\b(?:LIKE|GLOB|REGEXP|MATCH|COLLATE)\b", re.IGNORECASE)
#: What may stand before a parenthesis: words of the grammar, and functions that look at plain values only.
_QUICK: Final = frozenset(
    {"in", "and", "or", "not", "where", "on", "from", "join", "exists", "values", "select", "by", "limit", "offset"}
    | {"having", "then", "else", "when", "case", "between", "as", "over"}
    | {"count", "sum", "min", "max", "avg", "coalesce", "nullif", "ifnull", "abs", "length", "round"}
)


class NotDone(Exception):
    """The statement was given up; nothing came of it."""


class Record:
    """What is known of one statement."""

    __slots__ = ("_after", "runs_left")

    def __init__(self, runs_left: int) -> None:
        #: Runs on the thread that must be quick before it comes here; below 0: it never does.
        self.runs_left = runs_left
        self._after = _TRIES

    def took(self, seconds: float, budget: float) -> None:
        """Note a run on the thread."""
        if self.runs_left > 0 and seconds < budget:
            self.runs_left -= 1

    def was_quick(self) -> None:
        """Note a run here within the budget: it is trusted a little more."""
        if self._after > _TRIES:
            self._after -= 1

    def was_slow(self) -> None:
        """Note that it was too slow here."""
        self._after = min(self._after * 2, _MOST_TRIES)
        self.runs_left = self._after


_NEVER: Final = Record(-1)


class Inline:
    """The statements of one database, and what of the event loop's time they may take."""

    __slots__ = ("_deadline", "_loop", "_records", "_turn_ends", "budget")

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self._records: dict[str, Record] = {}
        self._deadline = 0.0
        #: The loop whose turn it is, and when that has had enough of this; None: it had nothing yet.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn_ends = 0.0

    def record(self, sql: str) -> Record:
        """Return what is known of a statement."""
        found = self._records.get(sql)
        if found is None:
            if len(self._records) >= _STATEMENTS:
                self._records.clear()
            found = self._records[sql] = Record(_TRIES) if is_bounded(sql) else _NEVER
        return found

    def turn_is_over(self) -> bool:
        """Return whether statements that never wait have taken the budget of this turn of the loop."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return perf_counter() > self._turn_ends
        self._loop = loop
        self._turn_ends = perf_counter() + self.budget
        loop.call_soon(self._end_turn)
        return False

    def _end_turn(self) -> None:
        self._loop = None

    def run(self, record: Record, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], R]) -> R:
        """Do ``work`` here and now; raise ``NotDone`` where that would take too long."""
        self._deadline = perf_counter() + self.budget
        limit = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        connection.set_progress_handler(self._is_spent, _STEPS)
        try:
            found = work(connection)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY not in _GIVEN_UP:
                raise
            record.was_slow()
            raise NotDone from error
        finally:
            connection.set_progress_handler(None, 0)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
        if perf_counter() > self._deadline:
            record.was_slow()
        else:
            record.was_quick()
        return found

    def timed(self, record: Record, work: Callable[[sqlite3.Connection], R]) -> Callable[[sqlite3.Connection], R]:
        """Return ``work``, for the thread, with a note of how long it took."""
        if record.runs_left < 0:
            return work

        def measured(connection: sqlite3.Connection) -> R:
            started = perf_counter()
            found = work(connection)
            record.took(perf_counter() - started, self.budget)
            return found

        return measured

    def _is_spent(self) -> bool:
        return perf_counter() > self._deadline


def is_bounded(sql: str) -> bool:
    """Return whether each step of a statement is short: it reads, and compares plain values."""
    if not sql.startswith("SELECT") or _UNBOUNDED.search(sql):
        return False
    return all(name.lower() in _QUICK for name in _CALLED.findall(sql))
