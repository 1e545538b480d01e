"""The examples in docstrings: each is Python, each name that it imports is there, and those with an answer give it."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import covet.exceptions
from tests.docs.pages import ROOT

_LITERAL = re.compile(r"^.*::\n\n(?P<body>(?:[ ]{4}.*\n|\n)+)", re.MULTILINE)


class _Docstring(NamedTuple):
    place: str
    module: str
    text: str


def _docstrings() -> Iterator[_Docstring]:
    for path in sorted((ROOT / "covet").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            text = ast.get_docstring(node)
            if text:
                name = getattr(node, "name", "")
                yield _Docstring(f"{path.relative_to(ROOT)}:{name}", _module(path), text + "\n")


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


_DOCSTRINGS = list(_docstrings())
_EXAMPLES = [
    pytest.param(docstring, example, id=f"{docstring.place}:{example.lineno}")
    for docstring in _DOCSTRINGS
    for example in doctest.DocTestParser().get_examples(docstring.text)
]


def _compile(source: str, place: str) -> None:
    compile(source, place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


@pytest.mark.parametrize(("docstring", "example"), _EXAMPLES)
def test_the_examples_of_a_docstring_are_python(docstring: _Docstring, example: doctest.Example) -> None:
    _compile(example.source, docstring.place)


def test_the_indented_examples_of_classes_and_functions_are_python() -> None:
    found = [
        (docstring.place, match["body"])
        for docstring in _DOCSTRINGS
        if not docstring.place.endswith(":")  # what modules indent is drawings
        for match in _LITERAL.finditer(docstring.text)
    ]
    assert len(found) > 5
    for place, body in found:
        _compile("\n".join(line[4:] for line in body.splitlines()), place)


def test_the_examples_that_show_an_answer_give_it() -> None:
    runner = doctest.DocTestRunner()
    for docstring in _DOCSTRINGS:
        examples = doctest.DocTestParser().get_examples(docstring.text)
        if not any(example.want for example in examples):
            continue
        names = dict(vars(importlib.import_module(docstring.module)))
        runner.run(doctest.DocTest(examples, names, docstring.place, docstring.place, 0, docstring.text))
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries > 5


def test_the_page_of_errors_names_every_error_once_and_under_its_base() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    tree = page.split("```text\n", 1)[1].split("```", 1)[0]
    shown: list[tuple[str, str]] = []
    above: dict[int, str] = {}
    for line in tree.splitlines():
        match = re.match(r"(?P<lines>[│├└─ ]*)(?P<name>\w+)", line)
        assert match is not None, line
        depth = len(match["lines"])
        above[depth] = match["name"]
        bases = [level for level in above if level < depth]
        shown.append((match["name"], above[max(bases)] if bases else "Exception"))
        assert "retryable" not in line or getattr(covet.exceptions, match["name"]).retryable, line
    errors = [error for error in vars(covet.exceptions).values() if isinstance(error, type)]
    wanted = [
        (error.__name__, error.__bases__[0].__name__)
        for error in errors
        if issubclass(error, BaseException) and error.__module__ == "covet.exceptions"
    ]
    assert sorted(shown) == sorted(wanted)
    retryable = {error.__name__ for error in errors if getattr(error, "retryable", False) is True}
    assert {name for name in retryable if re.search(rf"{name} +retryable", tree)} == retryable
