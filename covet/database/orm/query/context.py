"""Context: where in a statement a condition or an expression stands. Frozen data."""

from __future__ import annotations

from typing import NamedTuple


class Context(NamedTuple):
    """Where a condition stands."""

    scope: int | None = None  #: the filter() call it belongs to
    negated: bool = False  #: under a NOT
    required: bool = False  #: a row for which it is not true is out
    after: int = 0  #: how many filter() calls came before the aggregate that is translated
    aside: bool = False  #: relations to many rows beyond this query's own are asked by EXISTS, lest they multiply it
    here: bool = False  #: it speaks of the joined row itself, also under a NOT: the filter of an aggregate, a value


#: A value on its own.
NOWHERE = Context()
