"""QueryState: what is asked, without the values. Hashable: it is the key of the plan cache as it stands.

Why values are apart: the same question is asked again and again with other values. A state without them can be
compared as it is, so a warm query resolves no name, builds no tree and compiles nothing. Values are parameters, and
the tokens of a state hold indexes into them, so the order in which a query was chained and the order in which its SQL
needs the values may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from covet.database.orm.query.source_tokens import CTERoot, CTEToken, JoinToken
from covet.database.orm.query.tokens import CombinedToken, ExpressionToken, OrderToken, Predicate
from covet.database.sql.statements import LockStrength

if TYPE_CHECKING:
    from covet.database.orm.filtered import RelationName
    from covet.database.orm.options import ResolvedPath
    from covet.database.orm.peers import FetchMode


class Annotation(NamedTuple):
    """A named expression on each row. ``after`` counts the ``filter()`` calls that were made before it.

    ``hidden``: it is used and not selected (``alias()``).
    """

    name: str
    expression: ExpressionToken
    after: int
    hidden: bool = False


class Shape(NamedTuple):
    """What a row becomes when it is not an instance. ``names`` None: all columns.

    ``keywords``: what a row class calls them, where that is something else.
    """

    kind: Literal["values", "values_list", "flat", "into"]
    names: tuple[str, ...] | None
    row: type[Any] | None = None
    keywords: tuple[str, ...] | None = None


class LockToken(NamedTuple):
    """``select_for_update``."""

    strength: LockStrength
    nowait: bool
    skip_locked: bool
    of: tuple[str, ...]


class FilteredToken(NamedTuple):
    """``FilteredRelation``: the joined rows that a name stands for. None: no condition beyond the relation's own."""

    name: RelationName
    condition: Predicate | None


class Link(NamedTuple):
    """What rows for many parents belong to: ``path`` leads to the key of a row's parent.

    ``back``: the attribute of the row that gets the parent, where it can have one only.
    """

    path: ResolvedPath
    back: str | None


class QueryState(NamedTuple):
    """What is asked, without the values."""

    #: One item a ``filter()`` or ``exclude()`` call: conditions of one call share the joins to many rows.
    where: tuple[Predicate, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    #: None: ``Meta.ordering``; (): no order.
    order_by: tuple[OrderToken, ...] | None = None
    reversed: bool = False
    shape: Shape | None = None
    #: The names that ``values()`` had when the first aggregate was annotated after it: what is grouped by.
    group_by: tuple[str, ...] | None = None
    only: frozenset[str] | None = None
    defer: frozenset[str] = frozenset()
    select_related: tuple[str, ...] = ()
    distinct: bool = False
    distinct_on: tuple[ExpressionToken, ...] = ()
    #: Indexes of the parameters that hold them.
    limit: int | None = None
    offset: int | None = None
    lock: LockToken | None = None
    #: ``none()``: nothing is asked of the database.
    empty: bool = False
    #: What awaiting an unloaded relation of the rows does; None: as the model or the program says.
    fetch_mode: FetchMode | None = None
    #: What stands in the place of the model's table: queries whose rows are put together, or a common table.
    combined: CombinedToken | CTERoot | None = None
    #: Common tables: WITH.
    ctes: tuple[CTEToken, ...] = ()
    #: What join() added, in that order.
    joined: tuple[JoinToken, ...] = ()
    #: A prefetch: rows are put together by parent, and limit and offset count for each.
    link: Link | None = None
    #: Relations under a name of their own.
    filtered: tuple[FilteredToken, ...] = ()
    #: What the statement says of itself in a comment.
    tag: str | None = None

    def named(self, name: str) -> FilteredToken | None:
        """Return the filtered relation of that name."""
        for token in self.filtered:
            if token.name.name == name:
                return token
        return None

    def find(self, name: str) -> Annotation | None:
        """Return the annotation of that name."""
        for annotation in self.annotations:
            if annotation.name == name:
                return annotation
        return None

    def annotation(self, name: str) -> ExpressionToken | None:
        """Return the expression that is annotated under ``name``."""
        found = self.find(name)
        return None if found is None else found.expression


_make = cast("Callable[[type[QueryState], list[object]], QueryState]", tuple.__new__)
_PLACES = {name: place for place, name in enumerate(QueryState._fields)}


def _replace(state: QueryState, /, **changes: object) -> QueryState:
    values: list[object] = [*state]
    for name, value in changes.items():
        values[_PLACES[name]] = value
    return _make(QueryState, values)


# What a named tuple has asks for every field by name: three times the cost, and each step of a query changes its state.
QueryState._replace = _replace  # type: ignore[method-assign,assignment]  # the same call, checked as that one is

EMPTY_STATE = QueryState()


class Query:
    """A model, a state and the parameters: the part of a QuerySet that other queries may embed."""

    __slots__ = ("database", "model", "params", "state")

    model: type[Any]
    #: The alias of the database to ask; None: the one that routers name, or the default.
    database: str | None
    state: QueryState
    params: tuple[object, ...]
