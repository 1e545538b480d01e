"""Check the sizes of Python files and functions: ``python scripts/check_sizes.py covet tests``.

A file may have 500 lines and should have 400; a function may have 40, its docstring and decorators not counted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

FILE_LIMIT = 500
FILE_TARGET = 400
FUNCTION_LIMIT = 40

#: What may be longer, as "path" or "path::function", with the reason.
EXCEPTIONS: dict[str, str] = {}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Finding(NamedTuple):
    """One file or function that is too long. ``key`` is what EXCEPTIONS would name."""

    key: str
    line: int
    message: str
    is_error: bool

    def __str__(self) -> str:
        path = self.key.partition("::")[0]
        return f"{path}:{self.line}: {'error' if self.is_error else 'warning'}: {self.message}"


def check_paths(paths: Iterable[Path]) -> list[Finding]:
    """Return what is too long in the Python files at and below ``paths``."""
    return [
        finding for path in _python_files(paths) for finding in check_source(path.as_posix(), path.read_text("utf-8"))
    ]


def check_source(path: str, source: str) -> list[Finding]:
    """Return what is too long in one file."""
    findings = [*_check_file(path, len(source.splitlines()))]
    for name, function in _functions(ast.parse(source, path), ""):
        length = _length(function)
        if length > FUNCTION_LIMIT:
            message = f"{name} has {length} lines, {FUNCTION_LIMIT} are allowed"
            findings.append(Finding(f"{path}::{name}", function.lineno, message, is_error=True))
    return [finding for finding in findings if finding.key not in EXCEPTIONS]


def _python_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _check_file(path: str, lines: int) -> Iterator[Finding]:
    if lines > FILE_LIMIT:
        yield Finding(path, 1, f"{lines} lines, {FILE_LIMIT} are allowed", is_error=True)
    elif lines > FILE_TARGET:
        yield Finding(path, 1, f"{lines} lines, {FILE_TARGET} are the target", is_error=False)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, _Function]]:
    """Yield every function below ``node`` with its qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield name, child
            yield from _functions(child, f"{name}.")
        else:
            yield from _functions(child, prefix)


def _length(function: _Function) -> int:
    """Count the lines from ``def`` to the end, without the docstring."""
    first, last = function.lineno, function.end_lineno or function.lineno
    return last - first + 1 - _docstring_lines(function)


def _docstring_lines(function: _Function) -> int:
    if ast.get_docstring(function, clean=False) is None:
        return 0
    docstring = function.body[0]
    return (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1


def main(arguments: list[str]) -> int:
    """Print every finding; return 1 if one of them is an error."""
    findings = check_paths(Path(argument) for argument in arguments)
    for finding in findings:
        print(finding)
    errors = sum(finding.is_error for finding in findings)
    print(f"Sizes: {errors} errors, {len(findings) - errors} warnings.")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
