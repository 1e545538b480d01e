"""N+1: a line that sends the same read again and again, because a loop loads row by row what one query could bring.

Statements are the same when they have one shape, one purpose and the same lines of the program under them; so a loop is
seen through functions and recursion, and two calls from two places are not taken for one.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, TypeAlias

from covet.database.adapters.callers import Caller, call_stack
from covet.database.adapters.instrumentation import QueryEvent
from covet.database.orm.query.purpose import Purpose, current_purpose
from covet.exceptions import NPlusOneError
from covet.testing.cures import Cure, cure_of
from covet.testing.watch import Watch, shape, shortened

Mode: TypeAlias = Literal["raise", "warn", "collect"]
MODES: tuple[Mode, ...] = ("raise", "warn", "collect")


class NPlusOneWarning(UserWarning):
    """``detect_n_plus_one(mode="warn")`` saw a query a row; it stands at the line that sent them."""


@dataclass(frozen=True)
class NPlusOne:
    """One line that sent a query a row."""

    model: type[Any]  #: whose rows are loaded
    relation: str | None  #: ``Post.author``, where the rows are those of a relation
    caller: Caller | None  #: the line; None where the tasks have no line of the program
    count: int
    cure: str  #: the call to add: ``select_related('author')``
    advice: str  #: the sentence that says where
    sql: str  #: the first of the statements
    alias: str  #: the database

    @property
    def file(self) -> str:
        """The file of the line."""
        return "" if self.caller is None else self.caller.file

    @property
    def line(self) -> int:
        """The number of the line."""
        return 0 if self.caller is None else self.caller.line

    def __str__(self) -> str:
        what = self.relation or self.model.__name__
        where = self.caller or "a task without a line of the program"
        return f"{self.count} queries for {what} at {where}. {self.advice}\n    {shortened(self.sql)}"


@dataclass
class _Seen:
    """The statements that count as one."""

    purpose: Purpose
    caller: Caller | None
    sql: str
    alias: str
    count: int = 0


@dataclass
class NPlusOneReport:
    """What ``detect_n_plus_one()`` saw: a collection of ``NPlusOne``, empty while all is well."""

    threshold: int
    allow: tuple[str, ...]
    _seen: dict[Hashable, _Seen] = field(default_factory=dict[Hashable, _Seen], repr=False)

    @property
    def findings(self) -> list[NPlusOne]:
        """What was found so far, in the order in which it began."""
        seen = [each for each in self._seen.values() if each.count >= self.threshold]
        # What a repeated query prefetches is repeated with it, and cured with it.
        queries = {each.caller for each in seen if each.purpose.kind != "prefetch"}
        seen = [each for each in seen if each.purpose.kind != "prefetch" or each.caller not in queries]
        found = [_finding(each, cure_of(each.purpose)) for each in seen]
        return [each for each in found if not any(_allows(pattern, each) for pattern in self.allow)]

    def add(self, event: QueryEvent, purpose: Purpose, stack: tuple[Caller, ...], caller: Caller | None) -> None:
        """Take one statement."""
        key = (frozenset(stack), event.alias, shape(event.sql), purpose.kind, purpose.model, purpose.relation)
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen(purpose, caller, event.sql, event.alias)
        seen.count += 1

    def clear(self) -> None:
        """Forget what was seen."""
        self._seen.clear()

    def __iter__(self) -> Iterator[NPlusOne]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        return "\n".join(f"N+1: {finding}" for finding in self.findings) or "No N+1."


def _finding(seen: _Seen, cure: Cure) -> NPlusOne:
    return NPlusOne(
        cure.model, cure.relation, seen.caller, seen.count, cure.call, cure.advice, seen.sql, seen.alias
    )  # fmt: skip


def _allows(pattern: str, finding: NPlusOne) -> bool:
    names = [finding.model.__name__, *([finding.relation] if finding.relation else [])]
    if any(fnmatchcase(name, pattern) for name in names):
        return True
    path = Path(finding.file).as_posix()
    return any(fnmatchcase(place, f"*/{pattern}") for place in (path, f"{path}:{finding.line}"))


class NPlusOneDetector(Watch[NPlusOneReport]):
    """The block of ``detect_n_plus_one()``."""

    def __init__(
        self, mode: Mode, threshold: int, allow: Iterable[str], *, using: str | None = None, everywhere: bool = False
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"There is no mode {mode!r}. Choices: {', '.join(MODES)}.")
        if threshold < 2:  # noqa: PLR2004 - one query is no repetition
            raise ValueError(f"threshold is the number of equal queries, 2 or more, not {threshold}.")
        if isinstance(allow, str):
            raise TypeError("allow takes a list of patterns, not one text.")
        super().__init__(using, everywhere=everywhere)
        self.mode: Mode = mode
        self.report = NPlusOneReport(threshold, tuple(allow))

    def begin(self) -> NPlusOneReport:
        """Start with an empty report."""
        self.report.clear()
        return self.report

    def see(self, event: QueryEvent) -> None:
        """Note a read of the ORM. A prefetch for several instances is what a loop should do."""
        purpose = current_purpose()
        if purpose is None or event.kind != "statement" or event.error is not None or purpose.kind == "deletion":
            return
        if purpose.kind == "prefetch" and purpose.instances > 1:
            return
        stack = call_stack()
        self.report.add(event, purpose, stack, self.place(stack))

    def end(self) -> None:
        """Raise or warn, if there is something to say."""
        findings = self.report.findings
        if not findings or self.mode == "collect":
            return
        if self.mode == "raise":
            raise NPlusOneError(str(self.report), findings)
        for finding in findings:
            warnings.warn_explicit(f"N+1: {finding}", NPlusOneWarning, finding.file or "<task>", finding.line)


def detect_n_plus_one(
    *, mode: Mode = "raise", threshold: int = 2, allow: Iterable[str] = (), using: str | None = None
) -> NPlusOneDetector:
    """Find the lines of a block that send a query a row, in its own task and in those that it starts.

    ::

        async with detect_n_plus_one() as report:
            for post in await Post.objects.fetch_mode("one"):
                print((await post.author).name)

    ``NPlusOneError`` (an ``AssertionError``) at the end of the block: ``20 queries for Post.author at app/views.py:3 in
    show. Add .select_related('author') to the query that loads Post.``

    ``threshold`` is how many equal queries from the same lines are a finding. ``allow`` has patterns of what is none:
    relations (``"Post.author"``), models (``"Post"``), files and lines (``"app/views.py"``, ``"views.py:12"``), with
    ``*``. ``mode="warn"`` warns at those lines instead, ``"collect"`` only fills the report. ``using`` keeps to one
    database.
    """
    return NPlusOneDetector(mode, threshold, allow, using=using)
