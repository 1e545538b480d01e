"""Query hooks: what was sent, how long it took, whether it failed. Costs one attribute look-up while unused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Sequence, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

from covet._frozen import Frozen
from covet.database.adapters.callers import calling_line
from covet.database.adapters.session import Answer

_LOG = logging.getLogger("covet.sql")


class QueryEvent(Frozen):
    """One statement that was sent. ``args`` are values: mind them when events are stored or shown."""

    alias: str
    sql: str
    args: Sequence[object]
    #: Seconds, with the wait for the database and without the wait for a connection.
    duration: float
    error: BaseException | None
    #: ``transaction`` for BEGIN, COMMIT, SAVEPOINT and their kind.
    kind: Literal["statement", "transaction"] = "statement"
    #: Rows that it gave or changed, where the database says so.
    rows: int | None = None
    #: The name of the task that sent it.
    task: str | None = None
    #: ``file:line`` of the program that led to it; None in a task that was made of a query itself (``gather``).
    caller: str | None = None


Hook: TypeAlias = Callable[[QueryEvent], None]


class Hooks:
    """The hooks that are called after every statement. There is one instance, ``HOOKS``."""

    __slots__ = ("callbacks",)

    def __init__(self) -> None:
        self.callbacks: tuple[Hook, ...] = ()

    def add(self, hook: Hook) -> None:
        """Call ``hook`` after every statement of every database."""
        self.callbacks = (*self.callbacks, hook)

    def remove(self, hook: Hook) -> None:
        """Stop calling ``hook``."""
        callbacks = list(self.callbacks)
        callbacks.remove(hook)
        self.callbacks = tuple(callbacks)


HOOKS = Hooks()


def add_query_hook(hook: Hook) -> None:
    """Call ``hook`` with a ``QueryEvent`` after every statement of every database.

    ``add_query_hook(lambda event: histogram.observe(event.duration))``
    """
    HOOKS.add(hook)


def remove_query_hook(hook: Hook) -> None:
    """Stop calling ``hook``."""
    HOOKS.remove(hook)


class CapturedQueries(list[QueryEvent]):
    """The events of one ``capture_queries()``."""

    __slots__ = ()

    @property
    def sql(self) -> list[str]:
        """The texts of the statements."""
        return [event.sql for event in self]


#: The captures that are open in this context: a task inherits those of the task that started it.
_captures: ContextVar[tuple[CapturedQueries, ...]] = ContextVar("covet_captures", default=())


@contextmanager
def capture_queries(using: str | None = None, *, transactions: bool = False) -> Generator[CapturedQueries, None, None]:
    """Collect the statements that this task and the tasks it starts send.

    ::

        with capture_queries() as queries:
            await User.objects.count()
        assert queries.sql == ['SELECT COUNT(*) FROM "users"']

    ``using`` keeps to one database; ``transactions=True`` collects BEGIN, COMMIT and their kind, too.
    """
    queries = CapturedQueries()

    def collect(event: QueryEvent) -> None:
        wanted = (using is None or event.alias == using) and (transactions or event.kind == "statement")
        if wanted and any(queries is capture for capture in _captures.get()):
            queries.append(event)

    outer = _captures.get()
    _captures.set((*outer, queries))
    HOOKS.add(collect)
    try:
        yield queries
    finally:
        HOOKS.remove(collect)
        _captures.set(outer)


class Observation:
    """A statement that is under way and that somebody wants to hear of."""

    __slots__ = ("_alias", "_args", "_caller", "_kind", "_sql", "_started", "_task")

    def __init__(self, alias: str, sql: str, args: Sequence[object], *, transaction: bool) -> None:
        task = asyncio.current_task()
        self._alias = alias
        self._sql = sql
        self._args = args
        self._kind: Literal["statement", "transaction"] = "transaction" if transaction else "statement"
        self._task = None if task is None else task.get_name()
        self._caller = calling_line()
        self._started = time.perf_counter()

    def end(self, answer: object = None, *, error: BaseException | None = None, echo: bool) -> None:
        """Tell the log and the hooks that it has ended."""
        duration = time.perf_counter() - self._started
        event = QueryEvent(
            self._alias,
            self._sql,
            self._args,
            duration,
            error,
            self._kind,
            rows=_rows_of(answer),
            task=self._task,
            caller=self._caller,
        )
        notify(event, echo=echo)


def _rows_of(answer: object) -> int | None:
    match answer:
        case Answer():
            return answer.rowcount
        case int():
            return answer
        case str():  # the status of a command
            return None
        case Sized():  # rows, or what was made of them
            return len(answer)
        case _:
            return None


def notify(event: QueryEvent, *, echo: bool) -> None:
    """Tell the log if ``echo``, and the hooks. The log has no values."""
    if echo:
        failed = f" failed: {type(event.error).__name__}" if event.error is not None else ""
        place = f" ({event.caller})" if event.caller is not None else ""
        _LOG.info("[%s] %.2f ms %s%s%s", event.alias, event.duration * 1000, event.sql, failed, place)
    for hook in HOOKS.callbacks:
        try:
            hook(event)
        except Exception:
            # A statement is over when hooks hear of it, and a COMMIT that has happened must not look as if it failed.
            # What a hook says about any other statement, that one's caller gets: tests forbid queries that way.
            if event.kind != "transaction" and event.error is None:
                raise
            _LOG.exception("[%s] a query hook failed", event.alias)


def start_echo(name: str) -> None:
    """Make ``echo=True`` show something also where the program has not set up logging."""
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(logging.INFO):
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger.addHandler(handler)
