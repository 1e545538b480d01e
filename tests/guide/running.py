"""Runs a code block of the guide as it stands: text in, the names that it leaves behind out.

The blocks lie in ``blocks/``, one file each, called after their lines in the guide. They await at their top level, as
the guide writes them.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import CodeType
from typing import Any

BLOCKS = Path(__file__).parent / "blocks"


class Names(dict[str, Any]):
    """The names of a block. ``bound["users"]`` is everything that ``users`` was bound to, in order."""

    def __init__(self, names: dict[str, object]) -> None:
        super().__init__(names)
        self.bound: dict[str, list[Any]] = {}

    def __setitem__(self, name: str, value: Any) -> None:
        # Called for each assignment of the block, because this is no plain dict.
        self.bound.setdefault(name, []).append(value)
        super().__setitem__(name, value)


def compile_block(lines: str) -> CodeType:
    """Compile the block of these lines, with top-level ``await`` and none of this file's own future statements."""
    source = (BLOCKS / f"{lines}.txt").read_text(encoding="utf-8")
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(source, f"<guide {lines}>", "exec", flags=flags, dont_inherit=True)
    return code


async def run_block(lines: str, **names: object) -> Names:
    """Run a block that may use ``names``; return all its names."""
    namespace = Names({"__name__": f"guide_{lines.replace('-', '_')}", **names})
    work = eval(compile_block(lines), namespace)  # noqa: S307 - the text is the project's own specification
    if inspect.isawaitable(work):
        await work
    return namespace
