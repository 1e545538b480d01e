"""A model with a column of every type that the guide names, each nullable."""

from __future__ import annotations

import enum

from covet import (
    ArrayField,
    BigIntegerField,
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    EmailField,
    EnumField,
    FloatField,
    GenericIPAddressField,
    IntegerField,
    JSONField,
    Model,
    PositiveBigIntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SlugField,
    SmallIntegerField,
    TextField,
    TimeField,
    URLField,
    UUIDField,
)


class Status(enum.Enum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 100


class Everything(Model):
    integer = IntegerField(nullable=True)
    big = BigIntegerField(nullable=True)
    small = SmallIntegerField(nullable=True)
    positive = PositiveIntegerField(nullable=True)
    positive_big = PositiveBigIntegerField(nullable=True)
    positive_small = PositiveSmallIntegerField(nullable=True)
    char = CharField(max_length=10, nullable=True)
    free_char = CharField(nullable=True)
    text = TextField(nullable=True)
    flag = BooleanField(nullable=True)
    moment = DateTimeField(nullable=True)
    naive_moment = DateTimeField(nullable=True, timezone=False)
    day = DateField(nullable=True)
    clock = TimeField(nullable=True)
    free_decimal = DecimalField(nullable=True)
    price = DecimalField(max_digits=10, decimal_places=2, nullable=True)
    number = FloatField(nullable=True)
    document = JSONField(nullable=True)
    old_document = JSONField(nullable=True, binary=False)
    numbers = ArrayField(IntegerField(), nullable=True)
    words = ArrayField(CharField(max_length=20, nullable=True), nullable=True)
    status = EnumField(Status, nullable=True)
    named_status = EnumField(Status, nullable=True, store="name")
    level = EnumField(Level, nullable=True)
    binary = BinaryField(nullable=True)
    email = EmailField(nullable=True)
    slug = SlugField(nullable=True)
    url = URLField(nullable=True)
    uuid = UUIDField(nullable=True)
    took = DurationField(nullable=True)
    address = GenericIPAddressField(nullable=True)

    class Meta:
        db_table = "everything"
