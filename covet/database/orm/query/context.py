"""Context: where in a statement a condition or an expression stands. Frozen data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from covet.database.orm.relations import Relation


class Context(NamedTuple):
    """Where a condition stands."""

    scope: int | None = None  #: the filter() call it belongs to
    negated: bool = False  #: under a NOT
    required: bool = False  #: a row for which it is not true is out
    after: int = 0  #: how many filter() calls came before the aggregate that is translated
    #: The relations whose rows are spoken of: others to many rows are asked by EXISTS, lest they multiply these.
    along: tuple[Relation, ...] | None = None
    here: bool = False  #: it speaks of the joined row itself, also under a NOT: the filter of an aggregate, a value


#: A value on its own.
NOWHERE = Context()
