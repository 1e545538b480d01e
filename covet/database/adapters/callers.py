"""Places in the user's program: who sent a statement, where a task stands. For messages and logs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Final

#: Packages whose frames are no places of the user's program.
_OURS: Final = frozenset({"covet", "asyncio", "contextlib", "concurrent", "threading", "uvloop"})


def calling_line() -> str | None:
    """Return ``file:line`` of the innermost frame that is the user's.

    None where a task of its own was made of a query (``gather``): then no frame of the user is on the stack.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - inspect.currentframe() is this one, and slower
    while frame is not None:
        if _is_users(frame):
            return _place(frame)
        frame = frame.f_back
    return None


def calling_lines() -> tuple[str, ...]:
    """Return the places of all frames of the user, the innermost first."""
    lines: list[str] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - as above
    while frame is not None:
        if _is_users(frame):
            lines.append(_place(frame))
        frame = frame.f_back
    return tuple(lines)


def standing_line(task: asyncio.Task[object]) -> str | None:
    """Return ``file:line`` of the innermost frame of the user at which ``task`` waits."""
    if task is asyncio.current_task():
        return calling_line()
    frames = [frame for frame in _waiting_frames(task.get_coro()) if _is_users(frame)]
    return _place(frames[-1]) if frames else None


def _waiting_frames(awaitable: object) -> Iterator[FrameType]:
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


def _is_users(frame: FrameType) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package not in _OURS and not frame.f_code.co_filename.startswith("<")


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
