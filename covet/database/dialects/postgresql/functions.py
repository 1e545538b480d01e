"""PostgreSQL's functions: how each dialect-neutral one is said. Pure.

Literals in here (``'hex'``, ``'month'``) are of this module's making; nothing of the user is ever one.
"""

from __future__ import annotations

from typing import ClassVar

from covet.database.schema.types import (
    Binary,
    Date,
    Float,
    Integer,
    Numeric,
    Text,
    Time,
    Timestamp,
    Varchar,
)
from covet.database.sql.compiler import SQLCompiler
from covet.database.sql.expression_compiler import Group
from covet.database.sql.expression_types import type_of
from covet.database.sql.nodes import Expression, Function, Param
from covet.database.sql.signatures import ArgumentKind
from covet.database.sql.visitor import Pieces

#: ``timezone(interval, ..)``: UTC without a string literal, and immutable, unlike the session's time zone.
AT_UTC = " AT TIME ZONE make_interval()"

_DIGESTS = ("sha224", "sha256", "sha384", "sha512")
#: What EXTRACT calls a part, where it is not the part's own name; what comes after it.
_PARTS = {"iso_year": "ISOYEAR", "iso_week_day": "ISODOW", "week_day": "DOW"}
#: Functions of floating-point numbers; of a decimal they give a decimal of the digits that a float has.
_FLOATING = ("acos", "asin", "atan", "atan2", "cos", "cot", "degrees", "radians", "sin", "tan")
#: Functions that decimals have for themselves.
_EXACT = ("exp", "ln", "log", "power", "sqrt")
#: Version 7 of RFC 9562: 48 bits of milliseconds, the version, random bits. ``uuidv7()`` came with PostgreSQL 18.
_UUID7 = (
    "CAST(ENCODE(SET_BIT(SET_BIT(OVERLAY(UUID_SEND(gen_random_uuid()) PLACING SUBSTRING(INT8SEND("
    "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS bigint)) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')"
    " AS uuid)"
)


class PostgreSQLFunctions(SQLCompiler):
    """Prints functions for PostgreSQL."""

    functions: ClassVar[dict[str, str]] = {
        "abs": "ABS",
        "chr": "CHR",
        "coalesce": "COALESCE",
        "floor": "FLOOR",
        "greatest": "GREATEST",
        "least": "LEAST",
        "left": "LEFT",
        "length": "LENGTH",
        "lower": "LOWER",
        "lpad": "LPAD",
        "ltrim": "LTRIM",
        "md5": "MD5",
        "now": "NOW",
        "nullif": "NULLIF",
        "ord": "ASCII",
        "pi": "PI",
        "random": "RANDOM",
        "repeat": "REPEAT",
        "replace": "REPLACE",
        "reverse": "REVERSE",
        "right": "RIGHT",
        "rpad": "RPAD",
        "rtrim": "RTRIM",
        "statement_now": "STATEMENT_TIMESTAMP",
        "strpos": "STRPOS",
        "substr": "SUBSTR",
        "transaction_now": "NOW",
        "trim": "BTRIM",
        "unaccent": "UNACCENT",
        "upper": "UPPER",
        "uuid4": "gen_random_uuid",
    }

    def argument(self, node: Expression, kind: ArgumentKind) -> Pieces:
        logical = type_of(node)
        match kind:
            case "t":
                return self._text(node)
            case "b":
                return (node,) if isinstance(logical, Binary) else self._text(node)
            case "i" if not (isinstance(logical, Integer) and logical.bits < 64):  # noqa: PLR2004 - bits of bigint
                return "CAST(", node, " AS integer)"
            case "d" if not isinstance(logical, Numeric):
                return "CAST(", node, " AS numeric)"
            case "f" if isinstance(logical, Numeric):
                return "CAST(", node, " AS double precision)"
            case _:
                return (node,)

    def _text(self, node: Expression) -> Pieces:
        logical = type_of(node)
        if logical is None or isinstance(logical, Text | Varchar):
            return self._operand(node)
        return "CAST(", node, " AS text)"

    def visit_function(self, node: Function) -> Pieces:
        if node.name in _FLOATING:
            return self._number(node, "f", Float())
        if node.name in _EXACT:
            exact = node.name == "log" or isinstance(node.type, Numeric)
            return self._number(node, "d" if exact else "f", Numeric() if exact else Float())
        return super().visit_function(node)

    # Text -----------------------------------------------------------------------------------------------------------

    def function_concat(self, node: Function) -> Pieces:
        return self.call("CONCAT", tuple(Group(self._text(each)) for each in node.arguments))

    def function_sha1(self, node: Function) -> Pieces:
        return self._hex("DIGEST(", Group(self._text(node.arguments[0])), ", 'sha1')")

    def function_sha224(self, node: Function) -> Pieces:
        return self._digest(node)

    function_sha256 = function_sha384 = function_sha512 = function_sha224

    def _digest(self, node: Function) -> Pieces:
        text = Group(self._text(node.arguments[0]))
        return self._hex(f"{node.name.upper()}(CONVERT_TO(", text, ", 'UTF8'))")

    def _hex(self, *pieces: object) -> Pieces:
        return "ENCODE(", *pieces, ", 'hex')"

    # Numbers --------------------------------------------------------------------------------------------------------

    def _number(self, node: Function, kind: ArgumentKind, given: Float | Numeric) -> Pieces:
        """Print a function whose arguments are of one kind, and which gives ``given``."""
        call = self.call(node.name.upper(), tuple(Group(self.argument(each, kind)) for each in node.arguments))
        if node.type is None or type(node.type) is type(given):
            return call
        return "CAST(", *call, f" AS {'numeric' if isinstance(given, Float) else 'double precision'})"

    def function_ceil(self, node: Function) -> Pieces:
        return self._whole("CEIL", node)

    def function_floor(self, node: Function) -> Pieces:
        return self._whole("FLOOR", node)

    def _whole(self, name: str, node: Function) -> Pieces:
        # Of an integer it would be a floating-point number, which does not hold every integer.
        if isinstance(type_of(node.arguments[0]), Integer):
            return self._operand(node.arguments[0])
        return self.call(name, node.arguments)

    def function_sign(self, node: Function) -> Pieces:
        call = self.call("SIGN", node.arguments)
        return ("CAST(", *call, " AS integer)") if isinstance(type_of(node.arguments[0]), Integer) else call

    def function_mod(self, node: Function) -> Pieces:
        if isinstance(node.type, Float):
            return self._number(node, "d", Numeric())
        if isinstance(node.type, Numeric):
            return self._number(node, "d", Numeric())
        return self.call("MOD", node.arguments)

    def function_round(self, node: Function) -> Pieces:
        number, *rest = node.arguments
        logical = type_of(number)
        if isinstance(logical, Integer) and not rest:
            return self._operand(number)
        digits: Pieces = (", ", *self.argument(rest[0], "i")) if rest else ()
        if isinstance(logical, Numeric):
            return "ROUND(", number, *digits, ")"
        # round(double precision) rounds half to even and takes no digits; as a decimal it is the same everywhere.
        kind = "bigint" if isinstance(logical, Integer) else "double precision"
        return "CAST(ROUND(CAST(", number, " AS numeric)", *digits, f") AS {kind})"

    # Dates and times ------------------------------------------------------------------------------------------------

    def function_extract(self, node: Function) -> Pieces:
        part = node.name.partition("__")[2]
        found: Pieces = (f"EXTRACT({_PARTS.get(part, part.upper())} FROM ", *self._local(node), ")")
        if part == "week_day":  # Sunday is 1, as in Django
            found = (*found, " + 1")
        elif part == "second":
            found = ("FLOOR(", *found, ")")
        return "CAST(", *found, " AS integer)"

    def function_trunc(self, node: Function) -> Pieces:
        part = node.name.partition("__")[2]
        source = type_of(node.arguments[0])
        if part in ("date", "time"):
            return "CAST(", *self._local(node), f" AS {part})"
        if isinstance(source, Date):
            return f"CAST(DATE_TRUNC('{part}', CAST(", node.arguments[0], " AS timestamp)) AS date)"
        if isinstance(source, Time) or not isinstance(node.type, Timestamp):
            name = "time" if isinstance(node.type, Time) else "date"
            return f"CAST(DATE_TRUNC('{part}', ", *self._local(node), f") AS {name})"
        if len(node.arguments) == 1:
            moved = isinstance(source, Timestamp) and source.timezone
            call: Pieces = (f"DATE_TRUNC('{part}', ", *self._local(node), ")")
            return ("(", *call, AT_UTC, ")") if moved else call
        moment = self._operand(node.arguments[0])
        if isinstance(source, Timestamp) and not source.timezone:
            inner = (f"DATE_TRUNC('{part}', ", *moment, AT_UTC, ", ", *self._zone(node.arguments[1]), ")")
            return "(", *inner, AT_UTC, ")"
        return f"DATE_TRUNC('{part}', ", *moment, ", ", *self._zone(node.arguments[1]), ")"

    def _local(self, node: Function) -> Pieces:
        """Print a moment as the clock of a zone shows it: a timestamp without a zone."""
        moment, *zone = node.arguments
        source = type_of(moment)
        pieces = self._operand(moment)
        if not isinstance(source, Timestamp):
            return pieces
        if zone:
            aware: Pieces = pieces if source.timezone else (*pieces, AT_UTC)
            return *aware, " AT TIME ZONE ", *self._zone(zone[0])
        return (*pieces, AT_UTC) if source.timezone else pieces

    def _zone(self, node: Expression) -> Pieces:
        return (f"{self.bound(node, posix_zone)}::text",) if isinstance(node, Param) else self._operand(node)

    # Identifiers ----------------------------------------------------------------------------------------------------

    def function_uuid7(self, _node: Function) -> Pieces:
        return (_UUID7,)


def posix_zone(name: object) -> str:
    """Return a zone as PostgreSQL names it: a fixed offset counts from west to east in ISO, the other way in POSIX.

    >>> posix_zone("+05:30"), posix_zone("Europe/Berlin")
    ('-05:30', 'Europe/Berlin')
    """
    text = str(name)
    if text[:1] in ("+", "-"):
        return ("-" if text[0] == "+" else "+") + text[1:]
    return text
