"""Expression nodes: frozen data without SQL. A dialect's compiler prints them.

A node that yields a value carries its logical ``type`` where it is known; a dialect may need it (SQLite keeps
decimals as text and compares them through a collation). No node holds a value of the user: values are ``Param``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Literal as OneOf

from covet._frozen import Frozen
from covet.database.schema.types import LogicalType

if TYPE_CHECKING:
    from covet.database.sql.statements import Order, Select

ComparisonOperator = OneOf["=", "<>", "<", "<=", ">", ">="]
ArithmeticOperator = OneOf["+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>"]
FrameUnit = OneOf["ROWS", "RANGE", "GROUPS"]
BoundKind = OneOf["UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING"]
FrameExclusion = OneOf["CURRENT ROW", "GROUP", "TIES", "NO OTHERS"]
TextMatchKind = OneOf["exact", "contains", "startswith", "endswith"]


class Expression(Frozen):
    """Anything that yields a value or a truth value."""


class ColumnRef(Expression):
    """``table.column``; ``table`` is an alias of the statement, or None where there is one table only."""

    table: str | None
    column: str
    type: LogicalType | None = None


class Param(Expression):
    """The value at ``index`` of the parameters, bound by the type's bind processor."""

    index: int
    type: LogicalType | None = None


class ParamList(Expression):
    """The sequence of values at ``index`` of the parameters; the right side of ``In``. ``type`` is the item's."""

    index: int
    type: LogicalType | None = None


class Row(Expression):
    """``(items)``: a row value, compared with rows of the same width."""

    items: tuple[Expression, ...]


class RowList(Expression):
    """The sequence of tuples at ``index`` of the parameters; the right side of ``In`` with a ``Row``."""

    index: int
    types: tuple[LogicalType, ...]


class Given(Param):
    """A parameter whose value is the statement's own: the label of a model, never a value of the user."""

    value: str = ""


class Constant(Expression):
    """A constant of the compiler's own making: an int, a bool or None. Never a value of the user."""

    value: int | bool | None


class Literal(Expression):
    """A value written out as a literal of ``type``. DDL only (a CHECK has no parameters); a statement refuses it."""

    value: object
    type: LogicalType


class Comparison(Expression):
    """``left operator right``."""

    operator: ComparisonOperator
    left: Expression
    right: Expression


class And(Expression):
    """All of ``items``; no items are true."""

    items: tuple[Expression, ...]


class Or(Expression):
    """Any of ``items``; no items are false."""

    items: tuple[Expression, ...]


class Not(Expression):
    """``NOT item``."""

    item: Expression


class IsNull(Expression):
    """``operand IS [NOT] NULL``."""

    operand: Expression
    negated: bool = False


class In(Expression):
    """``operand [NOT] IN (values)``; a list of any length compiles to the same text where the database can."""

    operand: Expression
    values: ParamList | RowList | Select | tuple[Expression, ...]
    negated: bool = False


class Between(Expression):
    """``operand BETWEEN low AND high``, both ends included."""

    operand: Expression
    low: Expression
    high: Expression


class TextMatch(Expression):
    """Literal text match: no character of ``pattern`` is special. ``exact`` is used with ``ignore_case`` only."""

    kind: TextMatchKind
    operand: Expression
    pattern: Expression
    ignore_case: bool = False


class Like(Expression):
    """``operand LIKE pattern``, where ``%`` and ``_`` of the pattern are special and a backslash is the escape."""

    operand: Expression
    pattern: Expression
    ignore_case: bool = False


class DistinctFrom(Expression):
    """``left IS [NOT] DISTINCT FROM right``: never NULL."""

    left: Expression
    right: Expression
    negated: bool = False


class RegexMatch(Expression):
    """``operand`` contains a match of the regular expression ``pattern``."""

    operand: Expression
    pattern: Expression
    ignore_case: bool = False


class Arithmetic(Expression):
    """``left operator right`` on numbers, dates and intervals."""

    operator: ArithmeticOperator
    left: Expression
    right: Expression
    type: LogicalType | None = None


class Function(Expression):
    """A scalar function by its dialect-neutral name: ``lower``, ``coalesce``, ``now`` ... (see the compilers)."""

    name: str
    arguments: tuple[Expression, ...] = ()
    type: LogicalType | None = None


class CustomFunction(Expression):
    """SQL text of a user's code around ``arguments``.

    ``forms`` are (dialect, template) with ``{0}``, ``{1}`` and ``{*}``; the dialect ``""`` is every other one.
    """

    name: str
    forms: tuple[tuple[str, str], ...]
    arguments: tuple[Expression, ...] = ()
    type: LogicalType | None = None


class Raw(Expression):
    """SQL text of the user: pieces of text, and the numbers of the arguments between them."""

    pieces: tuple[str | int, ...]
    arguments: tuple[Expression, ...] = ()
    type: LogicalType | None = None


class Collated(Expression):
    """``operand COLLATE collation``."""

    operand: Expression
    collation: str
    type: LogicalType | None = None


class AggregateCall(Expression):
    """An aggregate by its dialect-neutral name: ``count``, ``sum``, ``array_agg`` ...; no ``argument`` is ``count(*)``.

    ``extra`` are the arguments after the first. ``forms`` make it one of a user's own, as in ``CustomFunction``.
    ``over``: it is computed over a window, beside each row.
    """

    name: str
    argument: Expression | None = None
    distinct: bool = False
    filter: Expression | None = None
    type: LogicalType | None = None
    extra: tuple[Expression, ...] = ()
    order_by: tuple[Order, ...] = ()
    forms: tuple[tuple[str, str], ...] | None = None
    over: Over | None = None


class Bound(Frozen):
    """Where a frame begins or ends; PRECEDING and FOLLOWING have an ``offset``."""

    kind: BoundKind
    offset: Expression | None = None


class Frame(Frozen):
    """``unit BETWEEN start AND end [EXCLUDE exclude]``."""

    unit: FrameUnit
    start: Bound
    end: Bound
    exclude: FrameExclusion | None = None


class Over(Frozen):
    """``OVER (PARTITION BY .. ORDER BY .. frame)``."""

    partition_by: tuple[Expression, ...] = ()
    order_by: tuple[Order, ...] = ()
    frame: Frame | None = None


class WindowCall(Expression):
    """A window function by its dialect-neutral name (``row_number``, ``lag`` ...), or by ``forms`` of a user's own."""

    name: str
    arguments: tuple[Expression, ...]
    over: Over
    type: LogicalType | None = None
    forms: tuple[tuple[str, str], ...] | None = None


class Cast(Expression):
    """``CAST(operand AS type)``."""

    operand: Expression
    type: LogicalType


class Exists(Expression):
    """``[NOT] EXISTS (select)``."""

    select: Select
    negated: bool = False


class ScalarSubquery(Expression):
    """A subquery of one column and at most one row, used as a value; ``array``: of any rows, as an array."""

    select: Select
    type: LogicalType | None = None
    array: bool = False


class Case(Expression):
    """``CASE WHEN condition THEN value ... ELSE otherwise END``."""

    whens: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None = None
    type: LogicalType | None = None


class Excluded(Expression):
    """The value that an INSERT proposed for ``column``, inside ON CONFLICT DO UPDATE."""

    column: str
    type: LogicalType | None = None


class Inserted(Expression):
    """Whether a row is new, in RETURNING of an INSERT with ON CONFLICT DO UPDATE (``Dialect.tells_inserted``)."""
