"""The project's files as the architecture tests read them."""

from __future__ import annotations

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked_files() -> list[Path]:
    """Return the files that git knows, or would on the next ``git add``."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    files = [ROOT / name for name in listing.split("\0") if name]
    return [file for file in files if file.is_file()]


def modules(*folders: str) -> list[Path]:
    """Return the Python files below folders of the project."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def code_words(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every name and string of ``source``; comments and docstrings are not code."""
    docstrings = _docstring_starts(ast.parse(source))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.start in docstrings):
            continue
        if token.string.strip():
            yield token.start[0], token.string


def exported(source: str) -> list[str] | None:
    """Return what ``__all__`` lists in ``source``, or None where there is none."""
    for statement in ast.parse(source).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            names: list[str] = ast.literal_eval(statement.value)  # type: ignore[attr-defined] # an Assign has one
            return list(names)
    return None


def _docstring_starts(tree: ast.Module) -> set[tuple[int, int]]:
    """Return where the strings stand that are statements of their own: docstrings, of attributes as well."""
    return {
        (node.lineno, node.col_offset)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
