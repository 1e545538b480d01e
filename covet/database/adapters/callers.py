"""Callers: which lines of the program led to a statement. They are looked up only while somebody watches.

A statement runs under the coroutines that await it, so the program's own frames are on the stack below covet's. Where a
task is nothing but an awaitable that ``asyncio.gather`` was given, there is no line of the program: nobody called.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import NamedTuple

_ASYNCIO = str(Path(asyncio.__file__).parent)
#: Frames that are nobody's: covet's own, and what passes an await on.
_PASSED = (str(Path(__file__).parents[2]) + os.sep, _ASYNCIO + os.sep)
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
