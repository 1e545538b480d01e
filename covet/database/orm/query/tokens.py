"""Tokens: what a query says, without its values. Tuples that begin with a tag, hashable, parts of the plan key.

A tag comes first because two named tuples with equal items are equal whatever their class. A value is in a token only
where it changes the SQL: ``None`` makes an ``isnull`` token, an empty list makes ``never``. Everything else is an index
into the parameters. User values must never be in here: ``True == 1`` would give two questions one plan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from covet.database.orm.conditions import Connector
from covet.database.orm.lookups import Lookup
from covet.database.schema.types import LogicalType
from covet.database.sql.nodes import ArithmeticOperator, BoundKind, FrameExclusion, FrameUnit
from covet.database.sql.statements import SetOperator

if TYPE_CHECKING:
    from covet.database.orm.options import ResolvedPath
    from covet.database.orm.query.state import QueryState


class Leaf(NamedTuple):
    """``path lookup params[param]``: the usual condition."""

    tag: Literal["leaf"]
    path: ResolvedPath
    param: int

    def parts(self) -> tuple[Token, ...]:
        """Return the tokens inside this one; every token has this, so that a tree can be walked."""
        return ()


class NullTest(NamedTuple):
    """``left IS [NOT] NULL``. The truth value is part of the SQL, so it is part of the state."""

    tag: Literal["null"]
    left: ExpressionToken
    is_null: bool

    def parts(self) -> tuple[Token, ...]:
        return (self.left,)


class Comparison(NamedTuple):
    """``left lookup right`` where a side is more than a path or a parameter."""

    tag: Literal["compare"]
    left: ExpressionToken
    lookup: Lookup
    right: tuple[ExpressionToken, ...]

    def parts(self) -> tuple[Token, ...]:
        return (self.left, *self.right)


class Membership(NamedTuple):
    """``left IN (query)``."""

    tag: Literal["membership"]
    left: ExpressionToken
    query: SubqueryToken

    def parts(self) -> tuple[Token, ...]:
        return (self.left, self.query)


class ExistsToken(NamedTuple):
    """``EXISTS (query)``."""

    tag: Literal["exists"]
    query: SubqueryToken

    def parts(self) -> tuple[Token, ...]:
        return (self.query,)


class TruthToken(NamedTuple):
    """An expression that yields a truth value, used as a condition."""

    tag: Literal["truth"]
    expression: ExpressionToken

    def parts(self) -> tuple[Token, ...]:
        return (self.expression,)


class Unbound(NamedTuple):
    """A condition whose value is given when the prepared query is called."""

    tag: Literal["unbound"]
    condition: Predicate

    def parts(self) -> tuple[Token, ...]:
        return (self.condition,)


class Never(NamedTuple):
    """False: an empty list."""

    tag: Literal["never"]

    def parts(self) -> tuple[Token, ...]:
        return ()


class Group(NamedTuple):
    """Several conditions joined by one connector, maybe negated."""

    tag: Literal["group"]
    connector: Connector
    negated: bool
    children: tuple[Predicate, ...]

    def parts(self) -> tuple[Token, ...]:
        return self.children


class PathToken(NamedTuple):
    """The value of a field."""

    tag: Literal["path"]
    path: ResolvedPath

    def parts(self) -> tuple[Token, ...]:
        return ()


class ParamToken(NamedTuple):
    """The value at ``params[param]``. ``takes_list`` marks the right side of ``in``."""

    tag: Literal["param"]
    param: int
    type: LogicalType | None
    takes_list: bool

    def parts(self) -> tuple[Token, ...]:
        return ()


class AnnotationToken(NamedTuple):
    """The value of an annotation of the same query."""

    tag: Literal["annotation"]
    name: str

    def parts(self) -> tuple[Token, ...]:
        return ()


class ArithmeticToken(NamedTuple):
    """``left operator right``."""

    tag: Literal["arithmetic"]
    operator: ArithmeticOperator
    left: ExpressionToken
    right: ExpressionToken
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        return (self.left, self.right)


class AggregateToken(NamedTuple):
    """An aggregate; ``argument`` None is ``count(*)``. ``forms`` are the SQL of a user's own: (dialect, template)."""

    tag: Literal["aggregate"]
    name: str
    argument: ExpressionToken | None
    distinct: bool
    filter: Predicate | None
    default: ExpressionToken | None
    type: LogicalType | None
    #: The arguments after the first.
    extra: tuple[ExpressionToken, ...] = ()
    order_by: tuple[OrderToken, ...] = ()
    forms: tuple[tuple[str, str], ...] | None = None

    def parts(self) -> tuple[Token, ...]:
        keys = (key.expression for key in self.order_by)
        every = (self.argument, *self.extra, *keys, self.filter, self.default)
        return tuple(part for part in every if part is not None)


class FrameToken(NamedTuple):
    """The frame of a window; each bound is what it is and its offset, a parameter."""

    unit: FrameUnit
    start: tuple[BoundKind, ParamToken | None]
    end: tuple[BoundKind, ParamToken | None]
    exclude: FrameExclusion | None


class WindowToken(NamedTuple):
    """``call OVER (PARTITION BY .. ORDER BY .. frame)``: beside each row, so an aggregate in it does not group."""

    tag: Literal["window"]
    call: AggregateToken | FunctionToken
    partition_by: tuple[ExpressionToken, ...]
    order_by: tuple[OrderToken, ...]
    frame: FrameToken | None
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        bounds = () if self.frame is None else (self.frame.start[1], self.frame.end[1])
        offsets = tuple(offset for offset in bounds if offset is not None)
        return (self.call, *self.partition_by, *(key.expression for key in self.order_by), *offsets)


class ConditionToken(NamedTuple):
    """A condition used as a value: ``annotate(adult=Q(age__gte=18))``."""

    tag: Literal["condition"]
    predicate: Predicate

    def parts(self) -> tuple[Token, ...]:
        return (self.predicate,)


class NothingToken(NamedTuple):
    """NULL: ``Value(None)``."""

    tag: Literal["nothing"]
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        return ()


class FunctionToken(NamedTuple):
    """``function(arguments)``. ``forms`` are the SQL forms of a user's own function: (dialect, template)."""

    tag: Literal["function"]
    name: str
    forms: tuple[tuple[str, str], ...] | None
    arguments: tuple[ExpressionToken, ...]
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        return self.arguments


class OutputToken(NamedTuple):
    """An expression that was given its type: by ``ExpressionWrapper`` or ``output_field=``.

    ``decode`` is the conversion of a field of the user's own.
    """

    tag: Literal["output"]
    inner: ExpressionToken
    type: LogicalType
    decode: Callable[[Any], Any] | None

    def parts(self) -> tuple[Token, ...]:
        return (self.inner,)


class CastToken(NamedTuple):
    """``CAST(inner AS type)``."""

    tag: Literal["cast"]
    inner: ExpressionToken
    type: LogicalType

    def parts(self) -> tuple[Token, ...]:
        return (self.inner,)


class CollateToken(NamedTuple):
    """``inner COLLATE collation``."""

    tag: Literal["collate"]
    inner: ExpressionToken
    collation: str
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        return (self.inner,)


class CaseToken(NamedTuple):
    """``CASE WHEN .. THEN .. ELSE .. END``."""

    tag: Literal["case"]
    whens: tuple[tuple[Predicate, ExpressionToken], ...]
    otherwise: ExpressionToken | None
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        inside: tuple[Token, ...] = tuple(part for when in self.whens for part in when)
        return inside if self.otherwise is None else (*inside, self.otherwise)


class ScalarToken(NamedTuple):
    """A query of one column and at most one row, used as a value; ``array``: of any rows, as one array."""

    tag: Literal["scalar"]
    query: SubqueryToken
    array: bool
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        return (self.query,)


class OuterToken(NamedTuple):
    """A path of the query around this one, ``depth`` levels out; resolved when this query is put into that one."""

    tag: Literal["outer"]
    path: str
    depth: int
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        return ()


class RawToken(NamedTuple):
    """SQL of the user's own: text, and arguments between the pieces of text."""

    tag: Literal["raw"]
    pieces: tuple[str | int, ...]
    arguments: tuple[ParamToken, ...]
    type: LogicalType | None

    def parts(self) -> tuple[Token, ...]:
        return self.arguments


class SubqueryToken(NamedTuple):
    """Another query. Its ``width`` parameters begin at ``offset`` of the outer ones."""

    tag: Literal["subquery"]
    model: type[Any]
    state: QueryState
    offset: int
    width: int
    #: How many columns it has: those of the key that is compared with it.
    columns: int = 1
    #: The database that it asks by ``using()``.
    database: str | None = None

    def parts(self) -> tuple[Token, ...]:
        return ()


class ColumnToken(NamedTuple):
    """A column by its name in SQL: of what stands in the place of the model's table, or of the joined ``source``."""

    tag: Literal["column"]
    name: str
    type: LogicalType | None
    decode: Callable[[Any], Any] | None
    source: str | None = None

    def parts(self) -> tuple[Token, ...]:
        return ()


class CombinedToken(NamedTuple):
    """Several queries whose rows, put together, stand in the place of the model's table."""

    tag: Literal["combined"]
    operator: SetOperator
    queries: tuple[SubqueryToken, ...]

    def parts(self) -> tuple[Token, ...]:
        return self.queries


Predicate: TypeAlias = Leaf | NullTest | Comparison | Membership | ExistsToken | TruthToken | Unbound | Never | Group
ExpressionToken: TypeAlias = (
    PathToken
    | ParamToken
    | NothingToken
    | AnnotationToken
    | ArithmeticToken
    | AggregateToken
    | ConditionToken
    | FunctionToken
    | OutputToken
    | CastToken
    | CollateToken
    | CaseToken
    | ScalarToken
    | OuterToken
    | RawToken
    | WindowToken
    | ColumnToken
)
Token: TypeAlias = Predicate | ExpressionToken | SubqueryToken | CombinedToken


class OrderToken(NamedTuple):
    """One sort key."""

    expression: ExpressionToken
    descending: bool
    nulls: Literal["FIRST", "LAST"] | None
