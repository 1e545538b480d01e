"""Bits and truth values: BitAnd, BitOr, BitXor, BoolAnd, BoolOr."""

from __future__ import annotations

from typing import ClassVar

from covet.database.orm.aggregates.base import Aggregate
from covet.database.orm.conditions import Q
from covet.database.schema.types import Boolean, Integer, LogicalType


class _Bits(Aggregate[int]):
    built_in = True
    accepts: ClassVar[tuple[type[LogicalType], ...]] = (Integer,)

    def __init__(self, source: object, *, filter: Q | None = None, default: object = None) -> None:
        super().__init__(source, filter=filter, default=default)


class BitAnd(_Bits):
    """The bits that every value has: ``BIT_AND(permissions)``; None over no rows."""

    function = "bit_and"


class BitOr(_Bits):
    """The bits that some value has: ``BIT_OR(permissions)``; None over no rows."""

    function = "bit_or"


class BitXor(_Bits):
    """The bits that an odd number of values have: ``BIT_XOR(permissions)``; None over no rows."""

    function = "bit_xor"


class _Truth(Aggregate[bool]):
    built_in = True
    accepts: ClassVar[tuple[type[LogicalType], ...]] = (Boolean,)
    of_documents = Boolean()

    def __init__(self, source: object, *, filter: Q | None = None, default: object = None) -> None:
        super().__init__(source, filter=filter, default=default)


class BoolAnd(_Truth):
    """Whether all are true, of a field or of a condition: ``BoolAnd(Q(age__gte=18))``; None over no rows."""

    function = "bool_and"


class BoolOr(_Truth):
    """Whether one is true: ``BoolOr("is_active")``; None over no rows."""

    function = "bool_or"
