"""Digest: the text of a statement -> what those who watch statements call it. Pure, memoised, never raises.

Made of the text alone, so that it is the same for statements of the ORM and for a user's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
      (?P<text>   [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
                | '(?:[^']|'')*(?:'|\Z)
                | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<name>   "(?:[^"]|"")*" | `[^`]*` )
    | (?P<mark>   [$?]\d+ | \? )
    | (?P<word>   [^\W\d][\w$]* )
    | (?P<number> \d[\w.]* | \.\d[\w.]* )
    | (?P<open>   \( )
    | (?P<close>  \) )
    | (?P<dot>    \. )
    """,
    re.VERBOSE | re.DOTALL,
)
_MAIN: Final = frozenset({"SELECT", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
_ROWS: Final = frozenset({"SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "PRAGMA", "FETCH"})
#: After which word the table of a command stands.
_BEFORE: Final = {
    "SELECT": "FROM",
    "DELETE": "FROM",
    "INSERT": "INTO",
    "REPLACE": "INTO",
    "MERGE": "INTO",
    "UPDATE": "UPDATE",
    "TABLE": "TABLE",
    "CREATE": "TABLE",
    "ALTER": "TABLE",
    "DROP": "TABLE",
    "TRUNCATE": "TABLE",
}
#: What may stand between that word and the table.
_BETWEEN: Final = frozenset({"ONLY", "IF", "NOT", "EXISTS"})
_NO_TABLE: Final = frozenset({"LATERAL", "ROWS", "UNNEST", "VALUES"})


class Digest(NamedTuple):
    """What a statement is called."""

    #: The command, in capitals. Behind WITH it is that of the main statement.
    operation: str
    #: The table that it reads or writes, the first one of several; None where there is none, or it cannot be told.
    table: str | None
    #: Whether it gives rows.
    gives_rows: bool
    #: The text with ``?`` for every literal.
    without_literals: str


@lru_cache(maxsize=1024)
def digest(sql: str) -> Digest:
    """Read a statement.

    >>> digest('''SELECT "users"."id" FROM "users" WHERE "users"."name" = 'Ann' LIMIT 21''')
    Digest(operation='SELECT', table='users', gives_rows=True, without_literals='SELECT "users"."id" FROM "users" WHERE "users"."name" = ? LIMIT ?')
    """  # noqa: E501 - the answer is one line
    operation, returning, table = "", False, None
    own: set[str] = set()  # the tables that WITH makes
    words = list(_at_the_top(sql))
    for at, (kind, text) in enumerate(words):
        if kind != "word":
            if kind == "name" and operation == "WITH":
                own.add(_unquoted(text))
            continue
        word = text.upper()
        if not operation or (operation == "WITH" and word in _MAIN):
            operation = word
        elif operation == "WITH":
            own.add(text)
        returning = returning or word == "RETURNING"
        if table is None and word == _BEFORE.get(operation):
            table = _table(words, at + 1)
    return Digest(
        operation=operation,
        table=None if table in own else table,
        gives_rows=operation in _ROWS or returning,
        without_literals=_TOKEN.sub(_masked, sql),
    )


def _at_the_top(sql: str) -> Iterator[tuple[str, str]]:
    """Give the words and names outside of parentheses; an opening parenthesis, and a dot, is one of them."""
    depth, begun = 0, False
    for token in _TOKEN.finditer(sql):
        kind = token.lastgroup or ""
        if kind == "close":
            depth -= 1
        elif depth == 0 and kind in {"word", "name", "dot", "open"}:
            yield kind, token.group()
        begun = begun or kind == "word"
        if kind == "open" and begun:  # those at the beginning stand around the first SELECT of a union
            depth += 1


def _table(words: list[tuple[str, str]], at: int) -> str | None:
    """Return the name at a place, ``schema.table`` where it has a schema."""
    while at < len(words) and words[at][0] == "word" and words[at][1].upper() in _BETWEEN:
        at += 1
    parts: list[str] = []
    for kind, text in words[at:]:
        wanted = kind in {"word", "name"} if len(parts) % 2 == 0 else kind == "dot"
        if not wanted:
            break
        parts.append(_unquoted(text))
    following = words[at + len(parts)] if at + len(parts) < len(words) else ("", "")
    function = following[0] == "open" and len(parts) == 1 and words[max(at - 1, 0)][1].upper() == "FROM"
    if not parts or function or parts[0].upper() in _NO_TABLE:
        return None
    return "".join(parts)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name[0] in '"`' else name


def _masked(token: re.Match[str]) -> str:
    return "?" if token.lastgroup in {"text", "number"} else token.group()
