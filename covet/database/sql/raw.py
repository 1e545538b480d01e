"""Raw SQL: text that a user wrote -> what one must know to run it. Pure, memoised.

The text is cut into tokens (literals, quoted names, comments, dollar quotes, placeholders, words, parentheses) and is
otherwise left alone: nothing inside a literal, a comment or a quoted name is ever touched. ``$1`` is the placeholder
on every database; where a driver wants another mark, the marks are exchanged here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from covet._frozen import Frozen
from covet.exceptions import ProgrammingError, TransactionError

_TOKEN: Final = re.compile(
    r"""
      (?P<text>    [eE]'(?:[^'\\]|\\.|'')*'           # E'it\'s'
                 | '(?:[^']|'')*'                     # 'it''s'
      )
    | (?P<name>    "(?:[^"]|"")*" )
    | (?P<line>    --[^\n]* )
    | (?P<block>   /\* )
    | (?P<dollar>  \$(?:[^\W\d]\w*)?\$ )              # $$ or $tag$
    | (?P<mark>    \$\d+ )
    | (?P<cast>    :: )
    | (?P<foreign> \?\d* | %s | %\(\w+\)s | [:@$][^\W\d]\w* )
    | (?P<word>    [^\W\d][\w$]* )
    | (?P<number>  \d[\w.]* )
    | (?P<open>    \( )
    | (?P<close>   \) )
    | (?P<end>     ; )
    """,
    re.VERBOSE | re.DOTALL,
)
#: Quoted names that only some databases know; elsewhere ``[`` is an array subscript.
_BRACKETS: Final = re.compile(r"`(?:[^`]|``)*`|\[[^\]]*\]")
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")

#: A placeholder in the text that ``pieces`` makes; a user's text holds no NUL.
_MARK: Final = re.compile("\0(\\d+)")

#: Tokens that may follow the end of the statement.
_BLANK: Final = frozenset({"line", "block", "end"})

_ROWS: Final = frozenset({"SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "PRAGMA", "FETCH"})
_READS: Final = frozenset({"SELECT", "VALUES", "EXPLAIN"})
_MAIN: Final = frozenset({"SELECT", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
#: What leaves a session as it was.
_PLAIN: Final = frozenset({"SELECT", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "SHOW", "EXPLAIN"})
#: Functions that change a session although the statement is a plain SELECT.
_SESSION_FUNCTIONS: Final = re.compile(r"set_config|pg_(try_)?advisory_lock|dblink_connect|setseed", re.IGNORECASE)
#: What stays in a session: settings, statements, temporary tables, locks …
_KEEPING: Final = frozenset({"SET", "RESET", "LISTEN", "UNLISTEN", "PREPARE", "DEALLOCATE", "DISCARD", "LOAD"})
_NOT_KEPT: Final = re.compile(r"\s*SET\s+(LOCAL|TRANSACTION|CONSTRAINTS)\b", re.IGNORECASE)
_KEPT: Final = re.compile(
    r"^\s*(CREATE|SELECT\b.*\bINTO)\s+((LOCAL|GLOBAL)\s+)?TEMP(ORARY)?\b|^\s*DECLARE\b.*\bWITH\s+HOLD\b"
    r"|\bpg_(try_)?advisory_lock(_shared)?\s*\(",
    re.IGNORECASE | re.DOTALL,
)
_TRANSACTION: Final = frozenset(
    {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"},
)


class RawStatement(Frozen):
    """One statement of a user."""

    #: The text for the driver.
    sql: str
    #: The highest ``$n``.
    parameters: int
    #: The command, in capitals: SELECT, INSERT, CREATE … Behind WITH it is that of the main statement.
    verb: str
    returns_rows: bool
    #: A read may go to a connection that only reads.
    reads: bool
    #: The session may be another one afterwards: SET, LISTEN, temporary tables, advisory locks.
    changes_session: bool
    #: It leaves something in the session that a later statement of the same session would find.
    keeps_state: bool
    #: The first placeholder of another style outside literals, if any.
    foreign: str | None

    def check(self, count: int) -> None:
        """Refuse a wrong number of parameters before the driver sees them."""
        if count == self.parameters:
            return
        if self.foreign is not None and self.parameters == 0:
            raise ProgrammingError(
                f"The statement has no placeholder $1 and {count} parameters. {_wrong_mark(self.foreign)}",
                statement=self.sql,
            )
        match self.parameters:
            case 0:
                marks = "no placeholder $1"
            case 1:
                marks = "one placeholder, $1,"
            case many:
                marks = f"{many} placeholders ($1 … ${many})"
        raise ProgrammingError(f"The statement has {marks} and was given {count} parameters.", statement=self.sql)


class _Scan:
    """What a scan has seen so far."""

    def __init__(self, mark: str, brackets: bool) -> None:
        self.mark = mark
        self.brackets = brackets
        self.out: list[str] = []
        self.depth = 0
        self.highest = 0
        self.first: str | None = None
        self.verb: str | None = None
        self.returning = False
        self.foreign: str | None = None
        #: Inside CREATE TRIGGER … BEGIN …; …; END, where a semicolon ends nothing.
        self.body = False
        self.ended = False


@lru_cache(maxsize=512)
def parse(sql: str, *, mark: str = "$", brackets: bool = False) -> RawStatement:
    """Read one statement. ``mark`` is the driver's sign before a parameter's number.

    >>> parse("SELECT '$1', $1", mark="?").sql
    "SELECT '$1', ?1"
    """
    if "\x00" in sql:
        raise ProgrammingError("The statement holds a NUL character.")
    scan = _Scan(mark, brackets)
    position = 0
    while position < len(sql):
        position = _step(scan, sql, position)
    return _statement(scan, sql)


@lru_cache(maxsize=512)
def pieces(sql: str) -> tuple[str | int, ...]:
    """Cut an expression in SQL at its placeholders: text, and the index of each parameter.

    >>> pieces("length($1) > $2")
    ('length(', 0, ') > ', 1, '')
    """
    cut = _MARK.split(parse(sql, mark="\0").sql)
    return tuple(part if at % 2 == 0 else int(part) - 1 for at, part in enumerate(cut))


def _step(scan: _Scan, sql: str, position: int) -> int:
    """Handle the token at ``position``, return where it ends."""
    if scan.brackets and (quoted := _BRACKETS.match(sql, position)) is not None:
        return _copy(scan, sql, position, quoted.end())
    token = _TOKEN.match(sql, position)
    if token is None:
        if sql[position] in "'\"":
            raise ProgrammingError("The statement has a quote that is not closed.", statement=sql)
        return _copy(scan, sql, position, position + 1, blank=sql[position].isspace())
    kind = token.lastgroup
    if kind == "mark":
        return _placeholder(scan, sql, token)
    end = token.end()
    if kind == "block":
        end = _end_of_comment(sql, end)
    elif kind == "dollar":
        end = _end_of_dollar_quote(sql, token)
    elif kind == "end":
        scan.ended = not scan.body
    else:
        _note(scan, kind, token.group())
    return _copy(scan, sql, position, end, blank=kind in _BLANK)


def _end_of_dollar_quote(sql: str, token: re.Match[str]) -> int:
    end = sql.find(token.group(), token.end())
    if end < 0:
        raise ProgrammingError("The statement has a dollar quote that is not closed.", statement=sql)
    return end + len(token.group())


def _copy(scan: _Scan, sql: str, start: int, end: int, *, blank: bool = False) -> int:
    if scan.ended and not blank:
        raise ProgrammingError("The text holds several statements; run them one by one.", statement=sql)
    scan.out.append(sql[start:end])
    return end


def _placeholder(scan: _Scan, sql: str, token: re.Match[str]) -> int:
    number = int(token.group()[1:6])
    if number == 0:
        raise ProgrammingError("Placeholders are numbered from $1.", statement=sql)
    scan.highest = max(scan.highest, number)
    _copy(scan, sql, token.start(), token.start())
    scan.out.append(f"{scan.mark}{number}")
    return token.end()


def _note(scan: _Scan, kind: str | None, text: str) -> None:
    if kind == "foreign":
        scan.foreign = scan.foreign or text
    elif kind == "open":
        scan.depth += 1
    elif kind == "close":
        scan.depth -= 1
    elif kind == "word":
        word = text.upper()
        scan.first = scan.first or word
        if scan.depth == 0:
            scan.returning = scan.returning or word == "RETURNING"
            scan.body = scan.body or (word == "BEGIN" and scan.first == "CREATE")
            if word in _MAIN:
                scan.verb = scan.verb or word


def _end_of_comment(sql: str, position: int) -> int:
    """Comments nest on PostgreSQL; where they do not, a nested one is not closed and the database says so."""
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(sql, position)
        if edge is None:
            raise ProgrammingError("The statement has a comment that is not closed.", statement=sql)
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def _statement(scan: _Scan, sql: str) -> RawStatement:
    if scan.first is None:
        raise ProgrammingError("The statement is empty.", statement=sql)
    if scan.first in _TRANSACTION:
        raise TransactionError(
            f"{scan.first} is not for raw SQL: connections come from a pool. Write: async with transaction(): …",
            statement=sql,
        )
    verb = (scan.verb or scan.first) if scan.first == "WITH" else scan.first
    # On a database whose driver knows these marks they would be read as parameters.
    if scan.foreign is not None and scan.mark != "$" and not scan.foreign.startswith("%"):
        raise ProgrammingError(_wrong_mark(scan.foreign), statement=sql)
    text = "".join(scan.out)
    return RawStatement(
        sql=text,
        parameters=scan.highest,
        verb=verb,
        returns_rows=verb in _ROWS or scan.returning,
        reads=scan.first in _READS and scan.verb in _READS | {None},
        changes_session=verb not in _PLAIN or _SESSION_FUNCTIONS.search(sql) is not None,
        keeps_state=(verb in _KEEPING and _NOT_KEPT.match(text) is None) or _KEPT.search(text) is not None,
        foreign=scan.foreign,
    )


def _wrong_mark(mark: str) -> str:
    return f"{mark!r} is no placeholder here; write $1, $2, … and pass the values as one list."
