"""Query hooks: what was sent, how long it took, whether it failed. Costs one attribute look-up while unused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeAlias

_LOG = logging.getLogger("covet.sql")


@dataclass(frozen=True, slots=True)
class QueryEvent:
    """One statement that was sent. ``args`` are values: mind them when events are stored or shown."""

    alias: str
    sql: str
    args: Sequence[object]
    #: Seconds, with the wait for the database and without the wait for a connection.
    duration: float
    error: BaseException | None
    #: ``transaction`` for BEGIN, COMMIT, SAVEPOINT and their kind.
    kind: Literal["statement", "transaction"] = "statement"


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


def notify(event: QueryEvent, *, echo: bool) -> None:
    """Tell the hooks, and the log if ``echo``. The log has no values."""
    if echo:
        failed = f" failed: {type(event.error).__name__}" if event.error is not None else ""
        _LOG.info("[%s] %.2f ms %s%s", event.alias, event.duration * 1000, event.sql, failed)
    for hook in HOOKS.callbacks:
        hook(event)


def start_echo(name: str) -> None:
    """Make ``echo=True`` show something also where the program has not set up logging."""
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(logging.INFO):
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger.addHandler(handler)
