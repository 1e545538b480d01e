"""Fields: the columns of a model."""

from __future__ import annotations

from covet.database.orm.fields.arrays import ArrayField
from covet.database.orm.fields.auto import AutoField, BigAutoField, SmallAutoField
from covet.database.orm.fields.base import MISSING, OUTPUTS, Field, FieldOptions, Missing, field_of, nullable
from covet.database.orm.fields.binary import BinaryField
from covet.database.orm.fields.boolean import BooleanField
from covet.database.orm.fields.documents import JSONField
from covet.database.orm.fields.enumeration import EnumField
from covet.database.orm.fields.identifiers import GenericIPAddressField, UUIDField
from covet.database.orm.fields.integers import (
    BigIntegerField,
    IntegerField,
    PositiveBigIntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SmallIntegerField,
)
from covet.database.orm.fields.numeric import DecimalField, FloatField
from covet.database.orm.fields.outputs import OUTPUT_FIELDS
from covet.database.orm.fields.ranges import (
    BigIntegerRangeField,
    DateRangeField,
    DateTimeRangeField,
    DecimalRangeField,
    IntegerRangeField,
)
from covet.database.orm.fields.search import SearchVectorField
from covet.database.orm.fields.temporal import DateField, DateTimeField, DurationField, TimeField
from covet.database.orm.fields.text import CharField, EmailField, SlugField, TextField, URLField

OUTPUTS.update(OUTPUT_FIELDS)

__all__ = [
    "MISSING",
    "ArrayField",
    "AutoField",
    "BigAutoField",
    "BigIntegerField",
    "BigIntegerRangeField",
    "BinaryField",
    "BooleanField",
    "CharField",
    "DateField",
    "DateRangeField",
    "DateTimeField",
    "DateTimeRangeField",
    "DecimalField",
    "DecimalRangeField",
    "DurationField",
    "EmailField",
    "EnumField",
    "Field",
    "FieldOptions",
    "FloatField",
    "GenericIPAddressField",
    "IntegerField",
    "IntegerRangeField",
    "JSONField",
    "Missing",
    "PositiveBigIntegerField",
    "PositiveIntegerField",
    "PositiveSmallIntegerField",
    "SearchVectorField",
    "SlugField",
    "SmallAutoField",
    "SmallIntegerField",
    "TextField",
    "TimeField",
    "URLField",
    "UUIDField",
    "field_of",
    "nullable",
]
