"""Budgets: how many statements a block may send, or has to. What was sent is in the error, grouped by shape."""

from __future__ import annotations

from collections import Counter

from covet.database.adapters.callers import Caller, call_stack
from covet.database.adapters.instrumentation import CapturedQueries, QueryEvent
from covet.exceptions import QueryCountError
from covet.testing.watch import Watch, shape, shortened


class QueryCount(Watch[CapturedQueries]):
    """A block that counts its statements: what ``max_queries`` and ``assert_num_queries`` return."""

    def __init__(
        self,
        number: int,
        *,
        exact: bool,
        using: str | None = None,
        transactions: bool = False,
        everywhere: bool = False,
    ) -> None:
        if number < 0:
            raise ValueError(f"A number of queries is 0 or more, not {number}.")
        super().__init__(using, everywhere=everywhere)
        self.number = number
        self.exact = exact
        self.transactions = transactions
        self.queries = CapturedQueries()
        self._places: list[Caller | None] = []

    def begin(self) -> CapturedQueries:
        """Start with no statements."""
        self.queries = CapturedQueries()
        self._places = []
        return self.queries

    def see(self, event: QueryEvent) -> None:
        """Note a statement and where it came from."""
        if event.kind == "statement" or self.transactions:
            self.queries.append(event)
            self._places.append(self.place(call_stack()))

    def end(self) -> None:
        """Compare."""
        sent = len(self.queries)
        if sent > self.number or (self.exact and sent != self.number):
            raise QueryCountError(self._message(sent))

    def _message(self, sent: int) -> str:
        queries = "1 query was" if sent == 1 else f"{sent} queries were"
        bound = f"exactly {self.number} expected" if self.exact else f"at most {self.number} allowed"
        lines = [f"{queries} sent, {bound}{':' if sent else '.'}"]
        groups: dict[str, tuple[str, Counter[Caller | None]]] = {}
        for event, place in zip(self.queries, self._places, strict=True):
            _, places = groups.setdefault(shape(event.sql), (event.sql, Counter()))
            places[place] += 1
        for sql, places in sorted(groups.values(), key=lambda group: -group[1].total()):
            lines.append(f"  {places.total()} x {shortened(sql)}")
            lines += [
                f"      {number} from {place or 'a task without a line'}" for place, number in places.most_common()
            ]
        return "\n".join(lines)


def max_queries(number: int, /, *, using: str | None = None, transactions: bool = False) -> QueryCount:
    """Allow a block so many statements, in its own task and in those that it starts; fewer are fine.

    ::

        async with max_queries(2) as queries:
            await show_page()

    One more is a ``QueryCountError`` (an ``AssertionError``) at the end of the block. It lists the statements by shape,
    with their counts and the lines that sent them. ``using`` keeps to one database; BEGIN, COMMIT and their kind count
    with ``transactions=True``. ``queries`` are those that were sent, as ``capture_queries()`` gives them.
    """
    return QueryCount(number, exact=False, using=using, transactions=transactions)


def assert_num_queries(number: int, /, *, using: str | None = None, transactions: bool = False) -> QueryCount:
    """Expect of a block exactly so many statements; the rest is as with ``max_queries``.

    ::

        with assert_num_queries(1):
            await User.objects.count()
    """
    return QueryCount(number, exact=True, using=using, transactions=transactions)
