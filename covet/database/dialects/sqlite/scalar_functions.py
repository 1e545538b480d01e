"""SQLite's functions: its own where they give what PostgreSQL gives, else those that the adapter registers. Pure.

The Python behind ``covet_...`` is in ``texts.py``, ``numbers.py``, ``decimals.py``, ``clocks.py``.
"""

from __future__ import annotations

from typing import ClassVar

from covet.database.dialects.sqlite.arithmetic import SQLiteArithmetic
from covet.database.schema.types import (
    Binary,
    Boolean,
    Date,
    Float,
    Integer,
    Interval,
    LogicalType,
    Numeric,
    Time,
    Timestamp,
)
from covet.database.sql.expression_compiler import Group
from covet.database.sql.expression_types import promoted, type_of
from covet.database.sql.nodes import Constant, Expression, Function
from covet.database.sql.signatures import ArgumentKind
from covet.database.sql.visitor import Pieces, separated

#: Functions of floating-point numbers; of a decimal they give a decimal of the digits that a float has.
_FLOATING = ("acos", "asin", "atan", "atan2", "cos", "cot", "degrees", "radians", "sin", "tan")
#: Functions that decimals have for themselves.
_EXACT = ("exp", "ln", "log", "power", "sqrt")
#: Where a part stands in the text of a timestamp (or date): first character and how many; in that of a time.
_PLACES = {"year": (1, 4), "month": (6, 2), "day": (9, 2), "hour": (12, 2), "minute": (15, 2), "second": (18, 2)}
_TIME_OFFSET = 11
_DATE_LENGTH, _TIME_LENGTH = 10, 15


class SQLiteFunctions(SQLiteArithmetic):
    """Prints functions for SQLite."""

    functions: ClassVar[dict[str, str]] = {
        "chr": "covet_chr",
        "left": "covet_left",
        "length": "LENGTH",
        "lower": "covet_lower",
        "lpad": "covet_lpad",
        "ltrim": "LTRIM",
        "md5": "covet_md5",
        "now": "covet_now",
        "ord": "covet_ord",
        "pi": "covet_pi",
        "random": "covet_random",
        "repeat": "covet_repeat",
        "replace": "REPLACE",
        "reverse": "covet_reverse",
        "right": "covet_right",
        "rpad": "covet_rpad",
        "rtrim": "RTRIM",
        "sha1": "covet_sha1",
        "sha224": "covet_sha224",
        "sha256": "covet_sha256",
        "sha384": "covet_sha384",
        "sha512": "covet_sha512",
        "statement_now": "covet_now",
        "strpos": "INSTR",
        "substr": "SUBSTR",
        "trim": "TRIM",
        "upper": "covet_upper",
        "uuid4": "covet_uuid4",
        "uuid7": "covet_uuid7",
    }

    def argument(self, node: Expression, kind: ArgumentKind) -> Pieces:
        match kind:
            case "t":
                return self._text(node)
            case "b":
                return (node,) if isinstance(type_of(node), Binary) else self._text(node)
            case "d":
                return self._as_decimal(node)
            case "f":
                return self.converted(node, Float())
            case _:
                return (node,)

    def _as_decimal(self, node: Expression) -> Pieces:
        # PostgreSQL takes the 15 digits that a float surely has.
        if isinstance(type_of(node), Float):
            return self.call("covet_float_decimal", (node,))
        return self.converted(node, Numeric())

    def _text(self, node: Expression) -> Pieces:
        logical = type_of(node)
        if isinstance(logical, Boolean):
            return self.call("covet_boolean_text", (node,))
        if logical is None or not isinstance(logical, Integer | Float | Interval):
            return self._operand(node)
        return "CAST(", node, " AS TEXT)"

    def visit_function(self, node: Function) -> Pieces:
        if node.name in _FLOATING:
            return self._number(node, "f", Float())
        if node.name in _EXACT:
            exact = node.name == "log" or isinstance(node.type, Numeric)
            return self._number(node, "d" if exact else "f", Numeric() if exact else Float())
        return super().visit_function(node)

    # Comparison -----------------------------------------------------------------------------------------------------

    def _alike(self, node: Function) -> list[Group]:
        """Return the arguments in one form, that of the result."""
        target = node.type or promoted(map(type_of, node.arguments))
        return [Group(self.converted(each, target)) for each in node.arguments]

    def function_coalesce(self, node: Function) -> Pieces:
        values = self._alike(node)
        return self.call("COALESCE", tuple(values)) if len(values) > 1 else values

    def function_greatest(self, node: Function) -> Pieces:
        return self._extreme("MAX", node)

    def function_least(self, node: Function) -> Pieces:
        return self._extreme("MIN", node)

    def _extreme(self, name: str, node: Function) -> Pieces:
        # SQLite's is NULL if any argument is; PostgreSQL's passes NULL over.
        values = self._alike(node)
        if len(values) == 1:
            return values
        collation = " COLLATE covet_decimal" if isinstance(type_of(node), Numeric) else ""
        filled = [
            Group((*self.call("COALESCE", (value, *values[:at], *values[at + 1 :])), collation))
            for at, value in enumerate(values)
        ]
        return self.call(name, tuple(filled))

    def function_nullif(self, node: Function) -> Pieces:
        left, right = self.compared(*node.arguments)
        return self.call("NULLIF", (Group(left), Group(right)))

    # Text -----------------------------------------------------------------------------------------------------------

    def function_concat(self, node: Function) -> Pieces:
        # ``char()`` is the empty text: NULL counts as nothing, as in PostgreSQL's concat().
        values = (Group(("COALESCE(", *self._text(each), ", char())")) for each in node.arguments)
        return "(", *separated(values, " || "), ")"

    # Numbers --------------------------------------------------------------------------------------------------------

    def _number(self, node: Function, kind: ArgumentKind, given: Float | Numeric) -> Pieces:
        """Print a function whose arguments are of one kind, and which gives ``given``."""
        decimal = isinstance(given, Numeric)
        name = f"covet_decimal_{node.name}" if decimal else f"covet_{node.name}"
        call = self.call(name, tuple(Group(self.argument(each, kind)) for each in node.arguments))
        if node.type is None or type(node.type) is type(given):
            return call
        if decimal:
            return "CAST(", *call, " AS REAL)"
        return self.call("covet_float_decimal", (Group(call),))

    def _of_kind(self, name: str, node: Function) -> Pieces:
        """Print a function of one number that has a name of its own for decimals."""
        decimal = isinstance(type_of(node.arguments[0]), Numeric)
        return self.call(f"covet_decimal_{name}" if decimal else f"covet_{name}", node.arguments)

    def function_abs(self, node: Function) -> Pieces:
        if isinstance(type_of(node.arguments[0]), Numeric):
            return self._of_kind("abs", node)
        return self.call("ABS", node.arguments)

    def function_ceil(self, node: Function) -> Pieces:
        return self._whole("ceil", node)

    def function_floor(self, node: Function) -> Pieces:
        return self._whole("floor", node)

    def _whole(self, name: str, node: Function) -> Pieces:
        if isinstance(type_of(node.arguments[0]), Integer):
            return self._operand(node.arguments[0])
        return self._of_kind(name, node)

    def function_sign(self, node: Function) -> Pieces:
        return self._of_kind("sign", node)

    def function_mod(self, node: Function) -> Pieces:
        if isinstance(node.type, Float | Numeric):
            return self._number(node, "d", Numeric())
        return self.call("covet_mod", node.arguments)

    def function_round(self, node: Function) -> Pieces:
        number, *digits = node.arguments
        logical = type_of(number)
        if isinstance(logical, Integer) and not digits:
            return self._operand(number)
        last = (*node.arguments, Constant(0))[:2]
        if isinstance(logical, Numeric):
            return self.call("covet_decimal_round", last)
        return self.call("covet_round_integer" if isinstance(logical, Integer) else "covet_round", last)

    # Dates and times ------------------------------------------------------------------------------------------------

    def function_extract(self, node: Function) -> Pieces:
        part = node.name.partition("__")[2]
        local = self._local(node)
        if part == "quarter":
            month = self._part(local, "month", type_of(node.arguments[0]))
            return "((", *month, " + 2) / 3)"
        if part in _PLACES:
            return self._part(local, part, type_of(node.arguments[0]))
        return self.call(f"covet_{part}", (Group(local),))

    def _part(self, text: Pieces, part: str, source: LogicalType | None) -> Pieces:
        first, length = _PLACES[part]
        if isinstance(source, Time):
            first -= _TIME_OFFSET
        return "CAST(SUBSTR(", *text, f", {first}, {length}) AS INTEGER)"

    def function_trunc(self, node: Function) -> Pieces:
        part = node.name.partition("__")[2]
        moment, *zone = node.arguments
        source = type_of(moment)
        if part == "date":
            return "SUBSTR(", *self._local(node), f", 1, {_DATE_LENGTH})"
        if part == "time":
            return "SUBSTR(", *self._local(node), f", {_TIME_OFFSET + 1}, {_TIME_LENGTH})"
        if isinstance(source, Timestamp) and isinstance(node.type, Date | Time):
            local = self.call(f"covet_trunc_{part}", (Group(self._local(node)), Constant(None)))
            first, length = (1, _DATE_LENGTH) if isinstance(node.type, Date) else (_TIME_OFFSET + 1, _TIME_LENGTH)
            return "SUBSTR(", *local, f", {first}, {length})"
        return self.call(f"covet_trunc_{part}", (moment, *(zone or (Constant(None),))))

    def _local(self, node: Function) -> Pieces:
        """Print a moment as the clock of a zone shows it. Stored moments are in UTC."""
        moment, *zone = node.arguments
        if zone and isinstance(type_of(moment), Timestamp):
            return self.call("covet_local", (moment, zone[0]))
        return self._operand(moment)

    # Refused --------------------------------------------------------------------------------------------------------

    def function_transaction_now(self, _node: Function) -> Pieces:
        self.refuse("does not know when a transaction began (TransactionNow); Now() is the present")

    def function_unaccent(self, _node: Function) -> Pieces:
        self.refuse("has no unaccent")
