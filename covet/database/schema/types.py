"""Logical column types: what a column holds, whatever a database calls it.

A dialect maps each to its own column type and to the conversions between Python and the driver.
"""

from __future__ import annotations

from covet._frozen import Frozen


class LogicalType(Frozen):
    """Base of all logical types."""


class Boolean(LogicalType):
    """``bool``."""


class Integer(LogicalType):
    """``int`` of 16, 32 or 64 bits."""

    bits: int = 32


class Float(LogicalType):
    """``float``, double precision."""


class Numeric(LogicalType):
    """``Decimal``; unconstrained when ``precision`` and ``scale`` are None."""

    precision: int | None = None
    scale: int | None = None


class Varchar(LogicalType):
    """``str`` of at most ``length`` characters; no limit when None."""

    length: int | None = None


class Text(LogicalType):
    """``str`` of any length."""


class Binary(LogicalType):
    """``bytes``."""


class Date(LogicalType):
    """``datetime.date``."""


class Time(LogicalType):
    """``datetime.time`` without a zone."""


class Timestamp(LogicalType):
    """``datetime.datetime``: aware UTC with ``timezone``, naive without."""

    timezone: bool = True


class Interval(LogicalType):
    """``datetime.timedelta``, to the microsecond."""


class Uuid(LogicalType):
    """``uuid.UUID``."""


class Json(LogicalType):
    """Whatever ``json.dumps`` takes. ``binary`` is jsonb on PostgreSQL."""

    binary: bool = True


class Inet(LogicalType):
    """An IPv4 or IPv6 address as ``str``."""


class Array(LogicalType):
    """``list`` of ``item``; ``size`` is documentation for the database, checked by the field."""

    item: LogicalType
    size: int | None = None


class RangeOf(LogicalType):
    """``Range`` of ``item``: integers, decimals, dates or timestamps. PostgreSQL."""

    item: LogicalType


class TsVector(LogicalType):
    """A text taken apart into lexemes for searching. PostgreSQL."""


class TsQuery(LogicalType):
    """What is searched for in a ``TsVector``. PostgreSQL."""


class NativeEnum(LogicalType):
    """A named enum type of the database; text where the database has none."""

    name: str
    labels: tuple[str, ...]
