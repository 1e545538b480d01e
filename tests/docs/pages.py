"""Pages of the documentation: Markdown -> examples, and how an example is run. What they promise is checked here.

A page is run from its first block to its last in one namespace, with ``await`` at the top level. Marks say what an
example does, and each of them is checked:

- a Python block is run on both databases, or on the one that stands behind its ``python``;
- a ``text`` block after a Python block is what it prints; its last line ``Name: message`` is the error that ends it;
- a ``sql`` block after that is what it sends to PostgreSQL, with ``sqlite`` behind the ``sql`` what it sends to SQLite.
  The commands of a transaction are compared where the block shows one. ``…`` is a list of columns or parameters;
- ``# -> value`` behind an expression is its ``repr``;
- ``# raises Name`` or ``# raises Name: message`` behind a statement is its error; in a message ``…`` is anything.

The last two may also stand on a line of their own below the statement.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import inspect
import io
import re
import tokenize
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from covet.database import capture_queries

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>.*)\n(?P<body>(?:(?!^```).*\n)*?)^```\s*$", re.MULTILINE)
_PROMISE = re.compile(r"#\s(?P<kind>->|raises)\s(?P<text>.+)")
_COMMANDS = re.compile(r"^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b", re.MULTILINE)
_ITEM = r'(?:"[^"]+"(?:\."[^"]+")?(?: AS "?\w+"?)?|\$\d+)'
_LIST = rf"{_ITEM}(?:, {_ITEM})*"


@dataclass
class Example:
    """One Python block and what the page says of it."""

    page: str
    line: int
    source: str
    #: The database it is for; None is both.
    only: str | None = None
    output: str | None = None
    #: Dialect -> the statements.
    sql: dict[str, str] = field(default_factory=dict)

    @property
    def is_program(self) -> bool:
        """Whether it starts its own event loop: then it is run as a program of its own."""
        return "asyncio.run(" in self.source


def pages() -> list[Path]:
    """Return the README and every page of the documentation that has Python in it."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [path for path in found if "```python\n" in path.read_text("utf-8")]


def examples(path: Path) -> list[Example]:
    """Return the examples of a page."""
    text = path.read_text("utf-8")
    name = path.relative_to(ROOT).as_posix()
    found: list[Example] = []
    current: Example | None = None
    end = 0
    for match in _FENCE.finditer(text):
        info, body = match["info"].split(), match["body"]
        line = text.count("\n", 0, match.start()) + 1
        if text[end : match.start()].strip():
            current = None
        end = match.end()
        if info[:1] == ["python"]:
            current = Example(name, line, body, "".join(info[1:]) or None)
            found.append(current)
        elif current is not None and info[:1] == ["text"]:
            current.output = body
        elif current is not None and info[:1] == ["sql"]:
            current.sql["".join(info[1:]) or "postgresql"] = body
        else:
            assert info[:1] != ["sql"], f"{name}:{line}: the SQL of no example"
            current = None
    return found


async def run(example: Example, names: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Run an example in a namespace; return what it printed (and the error that ended it), and what it sent."""
    code = _compile(example, names)
    names.update({"__value__": _Value(example), "__raises__": _raises})
    printed = io.StringIO()
    with capture_queries(transactions=True) as queries, contextlib.redirect_stdout(printed):
        try:
            work = eval(code, names)  # noqa: S307 - the project's own pages
            if inspect.isawaitable(work):
                await work
        except Exception as error:
            if example.output is None or type(error) is AssertionError:
                raise
            print(_shown(error))  # noqa: T201 - into the buffer
    return printed.getvalue(), [(event.kind, event.sql) for event in queries]


def check_output(example: Example, printed: str) -> None:
    """Compare what was printed with what the page shows."""
    wanted = example.output or ""
    pattern = re.escape(wanted.rstrip()).replace("…", ".+?")
    where = f"{example.page}:{example.line}"
    assert re.fullmatch(pattern, printed.rstrip(), re.DOTALL), f"{where} printed\n{printed}\nand not\n{wanted}"


def check_sql(example: Example, dialect: str, sent: list[tuple[str, str]]) -> None:
    """Compare what was sent with what the page shows, where it shows something."""
    shown = example.sql.get(dialect)
    if shown is None:
        return
    commands = _COMMANDS.search(shown) is not None
    actual = [_plain(sql) for kind, sql in sent if commands or kind == "statement"]
    without_comments = re.sub(r"--.*$", "", shown, flags=re.MULTILINE)
    wanted = [_plain(part) for part in without_comments.split(";") if part.strip()]
    patterns = [re.escape(part).replace("…", _LIST) for part in wanted]
    same = len(actual) == len(patterns) and all(map(re.fullmatch, patterns, actual))
    assert same, f"{example.page}:{example.line} sent\n" + ";\n".join(actual) + "\nand not\n" + ";\n".join(wanted)


def _plain(sql: str) -> str:
    return re.sub(r"\s*([()])\s*", r"\1", " ".join(sql.split()))


def _shown(error: BaseException) -> str:
    return f"{type(error).__qualname__}: {error}"


class _Value:
    """What ``expression  # -> text`` becomes."""

    def __init__(self, example: Example) -> None:
        self._example = example

    def __call__(self, value: object, line: int, text: str) -> None:
        assert repr(value) == text, f"{self._example.page}:{line}: {value!r} and not {text}"


@contextlib.contextmanager
def _raises(line: int, text: str) -> Generator[None, None, None]:
    """Stand around what ``statement  # raises text`` says."""
    caught = "no error"
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - the page says which one it has to be
        caught = _shown(error)
    shown = caught if ":" in text else caught.partition(":")[0]
    if not re.fullmatch(re.escape(text).replace("…", ".+?"), shown, re.DOTALL):
        raise AssertionError(f"line {line}: {caught} and not {text}")


def _compile(example: Example, names: dict[str, Any]) -> Any:
    tree = ast.parse(example.source)
    promises = _promises(example.source)
    tree = ast.fix_missing_locations(_Promises(promises, example.line).visit(tree))
    assert not promises, f"{example.page}:{example.line}: a promise that no statement keeps: {promises}"
    ast.increment_lineno(tree, example.line)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    if names.get("annotations") is __future__.annotations:  # an earlier block has said so
        flags |= __future__.annotations.compiler_flag
    return compile(tree, example.page, "exec", flags=flags, dont_inherit=True)


def _promises(source: str) -> dict[int, tuple[str, str]]:
    """Return the comments that promise something: line -> (kind, text)."""
    found: dict[int, tuple[str, str]] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        match = _PROMISE.fullmatch(token.string) if token.type == tokenize.COMMENT else None
        if match is not None:
            alone = not token.line[: token.start[1]].strip()
            found[token.start[0] - alone] = (match["kind"], match["text"].strip())
    return found


class _Promises(ast.NodeTransformer):
    """Puts a check in the place of each statement that a promise stands behind."""

    def __init__(self, promises: dict[int, tuple[str, str]], offset: int) -> None:
        self._promises = promises
        self._offset = offset

    def visit(self, node: ast.AST) -> Any:
        node = super().visit(node)
        if not isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) or node.end_lineno not in self._promises:
            return node
        kind, text = self._promises[node.end_lineno]
        if kind == "->" and not isinstance(node, ast.Expr):
            return node
        del self._promises[node.end_lineno]
        line = node.lineno + self._offset
        if isinstance(node, ast.Expr) and kind == "->":
            node.value = _call("__value__", node.value, ast.Constant(line), ast.Constant(text))
            return node
        item = ast.withitem(context_expr=_call("__raises__", ast.Constant(line), ast.Constant(text)))
        return ast.copy_location(ast.With(items=[item], body=[node]), node)


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=list(arguments), keywords=[])


# -- links -----------------------------------------------------------------------------------

_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def links(path: Path) -> list[str]:
    """Return the targets of a page's links into the project."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    return [target for target in _LINK.findall(text) if "://" not in target]


def leads_somewhere(path: Path, target: str) -> bool:
    """Say whether the file of a link is there, and its heading."""
    name, _, anchor = target.partition("#")
    file = path.parent / name if name else path
    if not file.exists():
        return False
    if not anchor:
        return True
    titles = _HEADING.findall(_FENCE.sub("", file.read_text("utf-8")))
    return anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
