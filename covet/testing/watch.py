"""Watch: a block, ``with`` or ``async with``, that sees the statements of its task and of the tasks started in it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextvars import ContextVar
from types import TracebackType
from typing import Generic, TypeVar

from covet.database.adapters.callers import Caller, call_stack
from covet.database.adapters.instrumentation import QueryEvent, add_query_hook, remove_query_hook

_T = TypeVar("_T")

#: The watches that are open in this context: a task inherits those of the task that started it.
_open: ContextVar[tuple[object, ...]] = ContextVar("covet_watches", default=())

_LIST = re.compile(r"\((?:\?\d+|\$\d+)(?:, (?:\?\d+|\$\d+))*\)")
_NUMBER = re.compile(r"\?\d+")
#: The most characters of a statement that a message shows.
_SHOWN = 300


def shape(sql: str) -> str:
    """Return a statement such that lists of different lengths make no difference."""
    return _NUMBER.sub("?", _LIST.sub("(…)", sql))


def shortened(sql: str) -> str:
    """Return a statement as a message shows it."""
    text = " ".join(sql.split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


class Watch(ABC, Generic[_T]):
    """What the watches of this package share. ``everywhere``: the statements of all tasks, not only of its own."""

    def __init__(self, using: str | None, *, everywhere: bool = False) -> None:
        self.using = using
        self.everywhere = everywhere
        #: The line that opened the block.
        self.opened: Caller | None = None
        self._outer: tuple[object, ...] | None = None

    @abstractmethod
    def begin(self) -> _T:
        """Start anew; return what ``as`` gives."""

    @abstractmethod
    def see(self, event: QueryEvent) -> None:
        """Take one statement; called while it ends, so the stack of its task is there."""

    @abstractmethod
    def end(self) -> None:
        """Judge what was seen; called where the block ends without an exception."""

    def _hook(self, event: QueryEvent) -> None:
        wanted = self.using is None or event.alias == self.using
        if wanted and (self.everywhere or any(self is watch for watch in _open.get())):
            self.see(event)

    def __enter__(self) -> _T:
        if self._outer is not None:
            raise RuntimeError(f"This {type(self).__name__} is open already; make another one for an inner block.")
        found = self.begin()
        self.opened = next(iter(call_stack()), None)
        self._outer = _open.get()
        _open.set((*self._outer, self))
        add_query_hook(self._hook)
        return found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        remove_query_hook(self._hook)
        _open.set(self._outer or ())
        self._outer = None
        if error is None:
            self.end()

    async def __aenter__(self) -> _T:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def place(self, stack: tuple[Caller, ...]) -> Caller | None:
        """Return where a statement came from; the line of the block where its task has no line of the program."""
        return stack[0] if stack else self.opened

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
