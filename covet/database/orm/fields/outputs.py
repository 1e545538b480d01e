"""The field for each logical type: what checks the values of an expression that belongs to no model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from covet.database.orm.fields.arrays import ArrayField
from covet.database.orm.fields.base import Field, field_of
from covet.database.orm.fields.binary import BinaryField
from covet.database.orm.fields.boolean import BooleanField
from covet.database.orm.fields.documents import JSONField
from covet.database.orm.fields.identifiers import GenericIPAddressField, UUIDField
from covet.database.orm.fields.integers import BigIntegerField, IntegerField, SmallIntegerField
from covet.database.orm.fields.numeric import DecimalField, FloatField
from covet.database.orm.fields.ranges import (
    BigIntegerRangeField,
    DateRangeField,
    DateTimeRangeField,
    DecimalRangeField,
    IntegerRangeField,
)
from covet.database.orm.fields.search import SearchVectorField
from covet.database.orm.fields.temporal import DateField, DateTimeField, DurationField, TimeField
from covet.database.orm.fields.text import CharField, TextField
from covet.database.schema.types import (
    Array,
    Binary,
    Boolean,
    Date,
    Float,
    Inet,
    Integer,
    Interval,
    Json,
    LogicalType,
    NativeEnum,
    Numeric,
    RangeOf,
    Text,
    Time,
    Timestamp,
    TsVector,
    Uuid,
    Varchar,
)

_INTEGERS = {16: SmallIntegerField(), 32: IntegerField(), 64: BigIntegerField()}
_RANGES = {32: IntegerRangeField(), 64: BigIntegerRangeField()}


def _range_field(logical: RangeOf) -> Field[Any]:
    match logical.item:
        case Integer(bits=bits):
            return _RANGES[bits]
        case Timestamp(timezone=timezone):
            return DateTimeRangeField(timezone=timezone)
        case Date():
            return DateRangeField()
        case _:
            return DecimalRangeField()


#: Makes a field for each type.
OUTPUT_FIELDS: dict[type[LogicalType], Callable[[Any], Field[Any]]] = {
    Array: lambda logical: ArrayField(field_of(logical.item)),
    Binary: lambda _: BinaryField(),
    Boolean: lambda _: BooleanField(),
    Date: lambda _: DateField(),
    Float: lambda _: FloatField(),
    Inet: lambda _: GenericIPAddressField(),
    Integer: lambda logical: _INTEGERS[logical.bits],
    Interval: lambda _: DurationField(),
    Json: lambda _: JSONField(),
    NativeEnum: lambda _: TextField(),
    Numeric: lambda logical: DecimalField(max_digits=logical.precision, decimal_places=logical.scale),
    RangeOf: _range_field,
    Text: lambda _: TextField(),
    Time: lambda _: TimeField(),
    TsVector: lambda _: SearchVectorField(),
    Timestamp: lambda logical: DateTimeField(timezone=logical.timezone),
    Uuid: lambda _: UUIDField(),
    Varchar: lambda logical: CharField(max_length=logical.length),
}
