"""Tokens of what a query reads beside its model's table: common tables (CTEs) and explicit joins. Value-free."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from covet.database.orm.query.tokens import Predicate, SubqueryToken
from covet.database.schema.types import LogicalType
from covet.database.sql.statements import JoinKind, SetOperator

if TYPE_CHECKING:
    from covet.database.orm.options import ResolvedPath


class SourceColumn(NamedTuple):
    """A column of a common table or of a joined query."""

    #: How users name it: a field, or what ``values()`` and ``annotate()`` called it.
    name: str
    #: Its name in SQL.
    column: str
    type: LogicalType | None
    decode: Callable[[Any], Any] | None
    #: The field that it came from, where it came from one: that checks the values it is compared with.
    path: ResolvedPath | None


class CTEToken(NamedTuple):
    """``WITH name AS (query)``; of two queries: the first rows, and the step that is repeated on what it found."""

    tag: Literal["cte"]
    name: str
    queries: tuple[SubqueryToken, ...]
    columns: tuple[SourceColumn, ...]
    operator: SetOperator
    materialized: bool | None
    #: One item a query: the types that its columns are cast to, None for those that have it already.
    casts: tuple[tuple[LogicalType | None, ...], ...]


class CTERoot(NamedTuple):
    """A common table in the place of the model's table."""

    tag: Literal["cte root"]
    name: str
    columns: tuple[SourceColumn, ...]
    #: Its columns are those of the model, not some values.
    whole: bool


class JoinToken(NamedTuple):
    """A model's table, a common table (by its name) or a query, joined under a name of its own."""

    tag: Literal["join"]
    name: str
    kind: JoinKind
    source: type[Any] | str | SubqueryToken
    #: Those of a common table or a query; a model has its fields.
    columns: tuple[SourceColumn, ...]
    #: None while it is read.
    condition: Predicate | None
