"""Aggregates that SQLite lacks, in Python. Pure.

Each can be an aggregate and a window function: ``step`` takes a row in, ``inverse`` lets the oldest one go, ``value``
and ``finalize`` give the result. NULL is passed over where PostgreSQL passes it over.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from fractions import Fraction
from functools import reduce
from typing import Any, ClassVar, TypeAlias, cast

from covet.database.dialects.sqlite import decimals

Stored: TypeAlias = str | int | float | bytes | None


class Kind(IntEnum):
    """What a collected value is, where SQLite's own form does not tell."""

    PLAIN = 0
    BOOLEAN = 1
    BINARY = 2
    JSON = 3
    DECIMAL = 4
    MOMENT = 5


#: Added to a kind: equal values are collected once.
DISTINCT = 8
#: How a key sorts; added together.
DESCENDING, NULLS_FIRST, DECIMAL = 1, 2, 4

_SortKey: TypeAlias = tuple[int, int, object]


class _Collector:
    """Keeps the rows that it is over: (how, value, *more, how of key 1, key 1, ..)."""

    #: Where the sort keys begin.
    first_key: ClassVar[int] = 2

    def __init__(self) -> None:
        self.rows: deque[tuple[Stored, ...]] = deque()

    def step(self, *row: Stored) -> None:
        """Take a row."""
        self.rows.append(row)

    def inverse(self, *_row: Stored) -> None:
        """Let the oldest row go."""
        self.rows.popleft()

    def value(self) -> str | None:
        """Return the result over the rows that are there; None of nothing."""
        rows = list(self.rows)
        how = int(rows[0][0] or 0) if rows else 0
        kind, distinct = Kind(how & 7), bool(how & DISTINCT)
        keys = [(at + 1, int(rows[0][at] or 0)) for at in range(self.first_key, len(rows[0]), 2)] if rows else []
        if distinct and not keys:
            # As PostgreSQL does: equal values are found by sorting.
            keys = [(1, DECIMAL if kind is Kind.DECIMAL else 0)]
        for at, direction in reversed(keys):
            rows.sort(key=lambda row: sort_key(row[at], direction), reverse=bool(direction & DESCENDING))
        if distinct:
            rows = list({(_identity(row[1], kind), *row[2 : self.first_key]): row for row in rows}.values())
        return self.collected(rows, kind)

    def finalize(self) -> str | None:
        """Return the result."""
        return self.value()

    def collected(self, rows: Sequence[tuple[Stored, ...]], kind: Kind) -> str | None:
        """Return the result of rows in order."""
        raise NotImplementedError


def sort_key(value: Stored, how: int) -> _SortKey:
    """Return what sorts as SQLite sorts: numbers, then text, then bytes; NULL where it is wanted."""
    if value is None:
        return (1 if bool(how & NULLS_FIRST) == bool(how & DESCENDING) else -1, 0, 0)
    if how & DECIMAL:
        return (0, 0, decimals.sort_key(str(value)))
    return (0, 2, value) if isinstance(value, bytes) else (0, 1, value) if isinstance(value, str) else (0, 0, value)


def _identity(value: Stored, kind: Kind) -> object:
    return decimals.sort_key(str(value)) if kind is Kind.DECIMAL and value is not None else value


class ArrayAgg(_Collector):
    """``covet_array_agg``: the text of an array."""

    def collected(self, rows: Sequence[tuple[Stored, ...]], kind: Kind) -> str | None:
        return json.dumps([_item(row[1], kind) for row in rows], ensure_ascii=False) if rows else None


def _item(value: Stored, kind: Kind) -> object:
    if value is None:
        return None
    match kind:
        case Kind.BOOLEAN:
            return bool(value)
        case Kind.JSON:
            return json.loads(str(value))
        case _:
            return value.hex() if isinstance(value, bytes) else value


class JsonAgg(_Collector):
    """``covet_json_agg``: the text of a JSON list, each value as PostgreSQL writes it."""

    def collected(self, rows: Sequence[tuple[Stored, ...]], kind: Kind) -> str | None:
        return f"[{', '.join(_json(row[1], kind) for row in rows)}]" if rows else None


def _json(value: Stored, kind: Kind) -> str:
    if kind in {Kind.JSON, Kind.DECIMAL} and value is not None:
        return str(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    if isinstance(value, float) and not math.isfinite(value):
        value = "Infinity" if value > 0 else "-Infinity"
    if kind is Kind.MOMENT and isinstance(value, str):
        value = _moment(value)
    item = f"\\x{value.hex()}" if isinstance(value, bytes) else _item(value, kind)
    return json.dumps(item, ensure_ascii=False)


def _moment(text: str) -> str:
    """Return ``2024-01-01 12:00:00.500000+00:00`` as ``2024-01-01T12:00:00.5+00:00``."""
    whole, point, rest = text.replace(" ", "T").partition(".")
    if not point:
        return whole
    digits, zone = rest[:6].rstrip("0"), rest[6:]
    return f"{whole}.{digits}{zone}" if digits else f"{whole}{zone}"


class StringAgg(_Collector):
    """``covet_string_agg(how, value, delimiter, ..)``."""

    first_key = 3

    def step(self, *row: Stored) -> None:
        if row[1] is not None:
            super().step(*row)

    def inverse(self, *row: Stored) -> None:
        if row[1] is not None:
            super().inverse(*row)

    def collected(self, rows: Sequence[tuple[Stored, ...]], kind: Kind) -> str | None:  # noqa: ARG002 - all are text
        if not rows:
            return None
        # The delimiter of a row stands before its value, so that of the first is not used.
        rest = (part for row in rows[1:] for part in (row[2], row[1]) if part is not None)
        return "".join(map(str, (rows[0][1], *rest)))


class _Bits:
    """Bits of integers; letting a row go takes the rest anew."""

    def __init__(self) -> None:
        self._numbers: deque[int] = deque()
        self._result: int | None = None

    def combined(self, left: int, right: int) -> int:
        """Return the bits of two numbers."""
        raise NotImplementedError

    def step(self, value: int | None) -> None:
        """Take a row."""
        if value is not None:
            self._numbers.append(value)
            self._result = value if self._result is None else self.combined(self._result, value)

    def inverse(self, value: int | None) -> None:
        """Let the oldest row go."""
        if value is not None:
            self._numbers.popleft()
            self._result = reduce(self.combined, self._numbers) if self._numbers else None

    def value(self) -> int | None:
        """Return the result; None of nothing."""
        return self._result

    def finalize(self) -> int | None:
        """Return the result."""
        return self._result


class BitAnd(_Bits):
    """``covet_bit_and``."""

    def combined(self, left: int, right: int) -> int:
        return left & right


class BitOr(_Bits):
    """``covet_bit_or``."""

    def combined(self, left: int, right: int) -> int:
        return left | right


class BitXor(_Bits):
    """``covet_bit_xor``."""

    def combined(self, left: int, right: int) -> int:
        return left ^ right


class Variance:
    """``covet_variance`` of integers and floats: sums are kept exactly, so no digit is lost however large they are."""

    sample: ClassVar[bool] = False

    def __init__(self) -> None:
        self._count = self._endless = 0
        self._sum = self._squares = Fraction(0)

    def _take(self, value: float | None, sign: int) -> None:
        if value is None:
            return
        self._count += sign
        if math.isfinite(value):
            number = Fraction(value)
            self._sum += sign * number
            self._squares += sign * number * number
        else:
            self._endless += sign

    def step(self, value: float | None) -> None:
        """Take a row."""
        self._take(value, 1)

    def inverse(self, value: float | None) -> None:
        """Let a row go."""
        self._take(value, -1)

    def value(self) -> float | None:
        """Return the result; None of too few rows."""
        n = self._count
        if n <= self.sample:
            return None
        if self._endless:
            return math.nan
        return float((n * self._squares - self._sum * self._sum) / (n * (n - self.sample)))

    def finalize(self) -> float | None:
        """Return the result."""
        return self.value()


class SampleVariance(Variance):
    """``covet_variance_sample``."""

    sample = True


class StdDev(Variance):
    """``covet_stddev``."""

    def value(self) -> float | None:
        variance = super().value()
        return None if variance is None else math.sqrt(variance)


class SampleStdDev(StdDev):
    """``covet_stddev_sample``."""

    sample = True


def pack(*row: Stored) -> str:
    """``covet_pack``: a row as one text."""
    return json.dumps([[value.hex()] if isinstance(value, bytes) else value for value in row])


def folded(aggregate: Callable[[], Any]) -> Callable[[str | None], Any]:
    """Return the function that gives what an aggregate gives over packed rows, commas between them."""

    def of(rows: str | None) -> Any:
        if rows is None:
            return None
        found = aggregate()
        packed: list[list[Any]] = json.loads(f"[{rows}]")
        for row in packed:
            found.step(*(bytes.fromhex(cast("str", value[0])) if type(value) is list else value for value in row))
        return found.finalize()

    return of


#: ``(name, number of arguments, class)``, for ``functions.AGGREGATES``.
AGGREGATES: tuple[tuple[str, int, type], ...] = (
    ("covet_array_agg", -1, ArrayAgg),
    ("covet_bit_and", 1, BitAnd),
    ("covet_bit_or", 1, BitOr),
    ("covet_bit_xor", 1, BitXor),
    ("covet_json_agg", -1, JsonAgg),
    ("covet_stddev", 1, StdDev),
    ("covet_stddev_sample", 1, SampleStdDev),
    ("covet_string_agg", -1, StringAgg),
    ("covet_variance", 1, Variance),
    ("covet_variance_sample", 1, SampleVariance),
)
