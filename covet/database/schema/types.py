"""Logical column types: what a column holds, whatever a database calls it.

A dialect maps each to its own column type and to the conversions between Python and the driver.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogicalType:
    """Base of all logical types."""


@dataclass(frozen=True, slots=True)
class Boolean(LogicalType):
    """``bool``."""


@dataclass(frozen=True, slots=True)
class Integer(LogicalType):
    """``int`` of 16, 32 or 64 bits."""

    bits: int = 32


@dataclass(frozen=True, slots=True)
class Float(LogicalType):
    """``float``, double precision."""


@dataclass(frozen=True, slots=True)
class Numeric(LogicalType):
    """``Decimal``; unconstrained when ``precision`` and ``scale`` are None."""

    precision: int | None = None
    scale: int | None = None


@dataclass(frozen=True, slots=True)
class Varchar(LogicalType):
    """``str`` of at most ``length`` characters; no limit when None."""

    length: int | None = None


@dataclass(frozen=True, slots=True)
class Text(LogicalType):
    """``str`` of any length."""


@dataclass(frozen=True, slots=True)
class Binary(LogicalType):
    """``bytes``."""


@dataclass(frozen=True, slots=True)
class Date(LogicalType):
    """``datetime.date``."""


@dataclass(frozen=True, slots=True)
class Time(LogicalType):
    """``datetime.time`` without a zone."""


@dataclass(frozen=True, slots=True)
class Timestamp(LogicalType):
    """``datetime.datetime``: aware UTC with ``timezone``, naive without."""

    timezone: bool = True


@dataclass(frozen=True, slots=True)
class Interval(LogicalType):
    """``datetime.timedelta``, to the microsecond."""


@dataclass(frozen=True, slots=True)
class Uuid(LogicalType):
    """``uuid.UUID``."""


@dataclass(frozen=True, slots=True)
class Json(LogicalType):
    """Whatever ``json.dumps`` takes. ``binary`` is jsonb on PostgreSQL."""

    binary: bool = True


@dataclass(frozen=True, slots=True)
class Inet(LogicalType):
    """An IPv4 or IPv6 address as ``str``."""


@dataclass(frozen=True, slots=True)
class Array(LogicalType):
    """``list`` of ``item``; ``size`` is documentation for the database, checked by the field."""

    item: LogicalType
    size: int | None = None


@dataclass(frozen=True, slots=True)
class RangeOf(LogicalType):
    """``Range`` of ``item``: integers, decimals, dates or timestamps. PostgreSQL."""

    item: LogicalType


@dataclass(frozen=True, slots=True)
class TsVector(LogicalType):
    """A text taken apart into lexemes for searching. PostgreSQL."""


@dataclass(frozen=True, slots=True)
class TsQuery(LogicalType):
    """What is searched for in a ``TsVector``. PostgreSQL."""


@dataclass(frozen=True, slots=True)
class NativeEnum(LogicalType):
    """A named enum type of the database; text where the database has none."""

    name: str
    labels: tuple[str, ...]
