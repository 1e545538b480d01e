"""Callers: which lines of the program led to a statement, where a task stands. Looked up only while somebody watches.

A statement runs under the coroutines that await it, so the program's own frames are on the stack below covet's. Where a
task is nothing but an awaitable that ``asyncio.gather`` was given, there is no line of the program: nobody called.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

_ASYNCIO = str(Path(asyncio.__file__).parent)
#: Frames that are nobody's: covet's own, and what passes an await on.
_PASSED = (str(Path(__file__).parents[2]) + os.sep, _ASYNCIO + os.sep, str(contextlib.__file__), "<")
#: The event loop: what is below it only started the program.
_LOOP = tuple(str(Path(_ASYNCIO) / name) for name in ("base_events.py", "events.py", "runners.py"))


class Caller(NamedTuple):
    """A line of the program: ``app/views.py:12 in list_posts``."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        path = Path(self.file)
        shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return f"{shown.as_posix()}:{self.line} in {self.function}"


def call_stack() -> tuple[Caller, ...]:
    """Return the lines of the program that are being executed by the running task, the innermost first."""
    found: list[Caller] = []
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller's line without formatting a traceback
    while True:
        code = frame.f_code
        if code.co_filename in _LOOP:
            break
        if not code.co_filename.startswith(_PASSED):
            found.append(Caller(code.co_filename, frame.f_lineno, code.co_name))
        if frame.f_back is None:
            break
        frame = frame.f_back
    return tuple(found)


def calling_line() -> str | None:
    """Return ``file:line`` of the innermost line of the program; None where nobody called."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - as above
    while frame is not None:
        file = frame.f_code.co_filename
        if file in _LOOP:
            return None
        if not file.startswith(_PASSED):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return None


def standing_line(task: asyncio.Task[object]) -> str | None:
    """Return ``file:line`` of the innermost line of the program at which ``task`` waits."""
    if task is asyncio.current_task():
        return calling_line()
    frames = [frame for frame in _frames(task.get_coro()) if not frame.f_code.co_filename.startswith(_PASSED)]
    return f"{frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else None


def _frames(awaitable: object) -> Iterator[FrameType]:
    """Walk from the coroutine of a task to what it waits for."""
    while awaitable is not None:
        for frame, inner in (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await")):
            found = getattr(awaitable, frame, None)
            if found is not None:
                yield found
                awaitable = getattr(awaitable, inner, None)
                break
        else:
            return
