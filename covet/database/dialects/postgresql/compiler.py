"""PostgreSQL's compiler. Pure.

A parameter is declared (``$1::bigint``) wherever PostgreSQL might infer another type than the one its value has, or
none at all: everywhere but as an inserted or assigned value, as LIMIT and OFFSET, and in a comparison with a column
of the same type. The declaration is no conversion: it only names the parameter's type.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from covet._frozen import replace
from covet.database.dialects.postgresql.documents import as_document, is_document
from covet.database.dialects.postgresql.functions import AT_UTC
from covet.database.dialects.postgresql.ranges import PostgreSQLRanges
from covet.database.dialects.postgresql.types import column_processor, list_processor, plain_type
from covet.database.schema.types import (
    Array,
    Date,
    Float,
    Integer,
    Interval,
    Json,
    LogicalType,
    Numeric,
    Text,
    Time,
    Timestamp,
    Varchar,
)
from covet.database.sql.aggregate_compiler import STANDARD_AGGREGATES
from covet.database.sql.compiled import Bind
from covet.database.sql.expression_compiler import Bare
from covet.database.sql.expression_types import type_of
from covet.database.sql.nodes import (
    AggregateCall,
    Arithmetic,
    Cast,
    ColumnRef,
    Expression,
    In,
    Inserted,
    Like,
    Param,
    ParamList,
    RegexMatch,
    RowList,
    ScalarSubquery,
    TextMatch,
)
from covet.database.sql.patterns import LIKE_PATTERNS
from covet.database.sql.statements import InsertColumns, OnConflict, Order, ValueColumns, ValueRows
from covet.database.sql.visitor import Pieces, separated

_SHIFTS = ("<<", ">>")
#: ``^`` is a power there.
_BITWISE = {"&": "&", "|": "|", "^": "#", "<<": "<<", ">>": ">>"}


class PostgreSQLCompiler(PostgreSQLRanges):
    """Prints one statement for PostgreSQL."""

    aggregates: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            **STANDARD_AGGREGATES,
            "any_value": "ANY_VALUE",
            "array_agg": "ARRAY_AGG",
            "bit_and": "BIT_AND",
            "bit_or": "BIT_OR",
            "bit_xor": "BIT_XOR",
            "bool_and": "BOOL_AND",
            "bool_or": "BOOL_OR",
            "json_agg": "JSONB_AGG",
            "range_intersect_agg": "RANGE_INTERSECT_AGG",
            "stddev": "STDDEV_POP",
            "stddev_sample": "STDDEV_SAMP",
            "variance": "VAR_POP",
            "variance_sample": "VAR_SAMP",
        }
    )

    def placeholder(self, number: int) -> str:
        return f"${number}"

    def visit_param(self, node: Param) -> Pieces:
        text = self.bound(node, self.dialect.bind_processor(node.type))
        return (text if node.type is None else f"{text}::{plain_type(node.type)}",)

    def compared(self, left: Expression, right: Expression) -> tuple[Pieces, Pieces]:
        if is_document(left) or is_document(right):
            return self._documents(left, right)
        one, other = type_of(left), type_of(right)
        if _aware(one) and other is not None and _zoneless(other):
            return self._in_utc(left), self._beside(right, left)
        if _aware(other) and one is not None and _zoneless(one):
            return self._beside(left, right), self._in_utc(right)
        return self._beside(left, right), self._beside(right, left)

    def _documents(self, left: Expression, right: Expression) -> tuple[Pieces, Pieces]:
        left, right = as_document(left), as_document(right)
        return self._beside(left, right), self._beside(right, left)

    def _in_utc(self, node: Expression) -> Pieces:
        # Compared as they are, the one without a zone would be taken in that of the session.
        return "(", *self._operand(node), AT_UTC, ")"

    def _beside(self, node: Expression, other: Expression) -> Pieces:
        if isinstance(node, Param) and node.type is not None and isinstance(other, ColumnRef):
            known = other.type is not None and _comparable(other.type) == _comparable(node.type)
            return (Bare(node) if known else node,)
        return self._operand(node)

    def in_list(self, node: In, values: ParamList) -> Pieces:
        if isinstance(values.type, Array):
            self.refuse("cannot look for a list in a list of lists")
        operand, item = node.operand, values.type
        if is_document(operand) or isinstance(item, Json):
            operand, item = as_document(operand), Json()
        processor = self.dialect.bind_processor(item)
        param = Param(values.index, None if item is None else Array(item))
        text = self.bound(param, None if processor is None else list_processor(processor))
        declared = "" if param.type is None else f"::{plain_type(param.type)}"
        quantified = f" <> ALL({text}{declared})" if node.negated else f" = ANY({text}{declared})"
        return *self._operand(operand), quantified

    def visit_row_list(self, node: RowList) -> Pieces:
        """Print ``SELECT * FROM unnest(arrays)``: an array a column, however many rows there are."""
        arrays: list[object] = []
        for column, logical in enumerate(node.types):
            if isinstance(logical, Array):
                self.refuse("cannot look for a list in a list of lists")
            processor = column_processor(column, self.dialect.bind_processor(logical))
            text = self.bound(Param(node.index, Array(logical)), processor)
            arrays.append(f"{text}::{plain_type(logical)}[]")
        return "SELECT * FROM unnest(", *separated(arrays), ")"

    def nulls_order(self, node: Order) -> str:
        return "" if node.nulls is None else f" NULLS {node.nulls}"

    # Text -----------------------------------------------------------------------------------------------------------

    def visit_text_match(self, node: TextMatch) -> Pieces:
        operand = self._text(node.operand)
        if node.kind == "exact":
            if not node.ignore_case:
                return *operand, " = ", *self._text(node.pattern)
            return "LOWER(", *operand, ") = LOWER(", *self._text(node.pattern), ")"
        if isinstance(node.pattern, Param):
            pattern = self.bound(node.pattern, LIKE_PATTERNS[node.kind])
            return *operand, f" ILIKE {pattern}" if node.ignore_case else f" LIKE {pattern}"
        pattern_text = self._text(node.pattern)
        if node.ignore_case:
            operand, pattern_text = ("LOWER(", *operand, ")"), ("LOWER(", *pattern_text, ")")
        match node.kind:
            case "contains":
                return "STRPOS(", *operand, ", ", *pattern_text, ") > 0"
            case "startswith":
                return "STARTS_WITH(", *operand, ", ", *pattern_text, ")"
            case _:
                return "RIGHT(", *operand, ", LENGTH(", *pattern_text, ")) = ", *pattern_text

    def visit_like(self, node: Like) -> Pieces:
        pattern: Pieces = (Bare(node.pattern),) if isinstance(node.pattern, Param) else self._text(node.pattern)
        return *self._text(node.operand), " ILIKE " if node.ignore_case else " LIKE ", *pattern

    def visit_regex_match(self, node: RegexMatch) -> Pieces:
        return *self._text(node.operand), " ~* " if node.ignore_case else " ~ ", *self._text(node.pattern)

    def array_subquery(self, node: ScalarSubquery) -> Pieces:
        return "ARRAY(", node.select, ")"

    # Numbers, dates -------------------------------------------------------------------------------------------------

    def visit_arithmetic(self, node: Arithmetic) -> Pieces:
        left, right = type_of(node.left), type_of(node.right)
        if node.operator == "**":
            return self._power(node, isinstance(left, Integer) and isinstance(right, Integer))
        if node.operator in _BITWISE:
            return self._bitwise(node)
        if node.operator == "%" and (isinstance(left, Float) or isinstance(right, Float)):
            self.refuse("has no % of floating-point numbers")
        pieces = self.operation(node.left, node.operator, node.right)
        if isinstance(left, Date):
            if isinstance(right, Date) and node.operator == "-" and not isinstance(node.type, Integer):
                return "make_interval(days => ", *pieces, ")"
            if isinstance(right, Interval) and isinstance(node.type, Date):
                return "CAST(", *pieces, " AS date)"
        return pieces

    def _bitwise(self, node: Arithmetic) -> Pieces:
        if node.operator in _SHIFTS:
            # A shifted smallint would be a smallint; the number of places is an integer.
            places: Pieces = ("CAST(", node.right, " AS integer)")
            return *self._long(node.left), f" {node.operator} ", *places
        return *self._operand(node.left), f" {_BITWISE[node.operator]} ", *self._operand(node.right)

    def _long(self, node: Expression) -> Pieces:
        return self._operand(node) if type_of(node) == Integer(64) else ("CAST(", node, " AS bigint)")

    def _power(self, node: Arithmetic, integers: bool) -> Pieces:
        if isinstance(node.type, Integer) or (node.type is None and integers):
            base, exponent = Cast(node.left, Numeric()), Cast(node.right, Numeric())
            return "CAST(POWER(", base, ", ", exponent, ") AS bigint)"
        return self.call("POWER", (node.left, node.right))

    def visit_cast(self, node: Cast) -> Pieces:
        source, target = type_of(node.operand), node.type
        if isinstance(source, Timestamp) and source.timezone and (_zoneless(target) or isinstance(target, Time)):
            return "CAST((", *self._operand(node.operand), f"{AT_UTC}) AS {self.cast_type(target)})"
        if isinstance(target, Timestamp) and target.timezone and source is not None and _zoneless(source):
            return "(CAST(", node.operand, f" AS timestamp){AT_UTC})"
        return super().visit_cast(node)

    def aggregate_string_agg(self, node: AggregateCall) -> Pieces:
        argument = None if node.argument is None else type_of(node.argument)
        if node.argument is None or isinstance(argument, Text) or (isinstance(argument, Varchar) and not node.distinct):
            return self.aggregate("STRING_AGG", node)
        # string_agg() takes text; with DISTINCT a sort key has to be the same expression as the argument.
        text = Cast(node.argument, Text())
        keys = tuple(
            replace(key, expression=text) if node.distinct and key.expression == node.argument else key
            for key in node.order_by
        )
        return self.aggregate("STRING_AGG", replace(node, argument=text, order_by=keys))

    def visit_inserted(self, node: Inserted) -> Pieces:  # noqa: ARG002 - it says all by itself
        # A row that was updated is one that this transaction locked first.
        return ('("xmax" = 0)',)

    # INSERT ---------------------------------------------------------------------------------------------------------

    def conflict(self, node: OnConflict) -> Pieces:
        if node.update and not node.columns:
            self.refuse("needs the columns of the conflict for ON CONFLICT DO UPDATE")
        return super().conflict(node)

    def visit_insert_columns(self, node: InsertColumns) -> Pieces:
        if not node.columns or any(isinstance(logical, Array) for logical in node.types):
            self.refuse(f"cannot unnest the columns of {node.table.name!r} (none, or an array); give it rows")
        lists = self._unnested(node.types)
        names = [f'"c{number}"' for number in range(len(lists))]
        return (
            *self._insert_into(node.table, node.columns),
            f" SELECT {', '.join(names)} FROM unnest({', '.join(lists)}) WITH ORDINALITY",  # noqa: S608 - names and types are quoted
            f' AS "s"({", ".join(names)}, "n") ORDER BY "n"',
            *self._insert_end(node),
        )

    def _unnested(self, types: tuple[LogicalType, ...]) -> list[str]:
        """Return the parameters that are whole columns."""
        lists: list[str] = []
        for index, logical in enumerate(types):
            processor = self.dialect.bind_processor(logical)
            self._binds.append(Bind(index, None if processor is None else list_processor(processor)))
            lists.append(f"{self.placeholder(len(self._binds))}::{plain_type(logical)}[]")
        return lists

    # UPDATE ---------------------------------------------------------------------------------------------------------

    def visit_value_columns(self, node: ValueColumns) -> Pieces:
        if any(isinstance(logical, Array) for logical in node.types):
            self.refuse("cannot unnest columns of arrays; give it rows")
        names = ", ".join(f'"column{number}"' for number in range(1, len(node.types) + 1))
        return (f"unnest({', '.join(self._unnested(node.types))}) AS {self.quote(node.alias)}({names})",)

    def visit_value_rows(self, node: ValueRows) -> Pieces:
        # The types of the first row are those of all.
        self.check_count(len(node.types), node.count)
        first = ", ".join(f"{self.placeholder(at)}::{plain_type(each)}" for at, each in enumerate(node.types, 1))
        rest = self.placeholder_rows(len(node.types), node.count).partition(")")[2]
        return (f"(VALUES ({first}){rest}) AS {self.quote(node.alias)}",)


def _comparable(logical: LogicalType) -> str:
    """Return the name of the type that PostgreSQL infers for a parameter beside a column: text for varchar."""
    name = plain_type(logical)
    return "text" if name == "varchar" else name


def _aware(logical: LogicalType | None) -> bool:
    return isinstance(logical, Timestamp) and logical.timezone


def _zoneless(logical: LogicalType) -> bool:
    return isinstance(logical, Date) or (isinstance(logical, Timestamp) and not logical.timezone)
