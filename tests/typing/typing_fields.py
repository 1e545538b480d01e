"""What type checkers say of the fields. Checked by mypy strict and pyright strict, never run.

Each ``type: ignore`` asserts a rejection: both checkers report one that is not needed.
"""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from typing_extensions import assert_type, override

from covet.database.orm.aggregates import RangeAgg, RangeIntersectAgg
from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Combined, OrderBy
from covet.database.orm.fields import (
    ArrayField,
    AutoField,
    BigAutoField,
    BigIntegerField,
    BigIntegerRangeField,
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateRangeField,
    DateTimeField,
    DateTimeRangeField,
    DecimalField,
    DecimalRangeField,
    DurationField,
    EmailField,
    EnumField,
    Field,
    FloatField,
    GenericIPAddressField,
    IntegerField,
    IntegerRangeField,
    JSONField,
    PositiveBigIntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SlugField,
    SmallAutoField,
    SmallIntegerField,
    TextField,
    TimeField,
    URLField,
    UUIDField,
    nullable,
)
from covet.database.schema.ranges import Range
from covet.database.schema.types import LogicalType, Text


class Status(enum.Enum):
    DRAFT = "draft"


class Point:
    x: float = 0


class PointField(Field[Point]):
    @property
    @override
    def logical_type(self) -> LogicalType:
        return Text()


class PhoneField(CharField):
    pass


class Row:
    auto = AutoField()
    small_auto = SmallAutoField()
    big_auto = BigAutoField(db_column="n")
    boolean = BooleanField(default=True)
    small = SmallIntegerField()
    integer = IntegerField(min_value=1, choices=[(1, "one")])
    big = BigIntegerField()
    positive_small = PositiveSmallIntegerField()
    positive = PositiveIntegerField()
    positive_big = PositiveBigIntegerField(default=lambda: 3)
    double = FloatField(min_value=0.5)
    decimal = DecimalField(max_digits=10, decimal_places=2, min_value=0, default=Decimal(0))
    char = CharField(max_length=100, min_length=1, db_collation="C")
    text = TextField()
    email = EmailField(unique=True)
    slug = SlugField(allow_unicode=True)
    url = URLField(schemes=["https"])
    date = DateField(auto_now_add=True)
    time = TimeField()
    moment = DateTimeField(auto_now=True, timezone=False)
    duration = DurationField()
    uuid = UUIDField(default=uuid4)
    generated = UUIDField(auto_generate=True)
    binary = BinaryField(max_length=3)
    json = JSONField()
    settings: JSONField[dict[str, int]] = JSONField(default=dict)
    address = GenericIPAddressField(protocol="IPv4")
    status = EnumField(Status, default=Status.DRAFT, store="name", db_type="status")
    scores = ArrayField(IntegerField(), size=3)
    board = ArrayField(ArrayField(CharField()), default=list)
    gaps = ArrayField(IntegerField(null=True))
    seats = IntegerRangeField(default=Range(1, 5))
    numbers = BigIntegerRangeField()
    prices = DecimalRangeField(default_bounds="[]")
    stay = DateRangeField()
    booked = DateTimeRangeField(timezone=False)
    point = PointField()
    phone = PhoneField()


class NullRow:
    boolean = BooleanField(null=True)
    small = SmallIntegerField(null=True)
    integer = IntegerField(nullable=True, default=0)
    big = BigIntegerField(nullable=True, null=True)
    positive_small = PositiveSmallIntegerField(null=True)
    positive = PositiveIntegerField(null=True, default=None)
    positive_big = PositiveBigIntegerField(null=True)
    double = FloatField(null=True)
    decimal = DecimalField(null=True)
    char = CharField(null=True)
    text = TextField(null=True)
    email = EmailField(null=True)
    slug = SlugField(null=True)
    url = URLField(null=True)
    date = DateField(null=True)
    time = TimeField(null=True)
    moment = DateTimeField(null=True)
    duration = DurationField(null=True)
    uuid = UUIDField(null=True)
    binary = BinaryField(null=True)
    json = JSONField(null=True)
    address = GenericIPAddressField(null=True)
    status = EnumField(Status, null=True)
    scores = ArrayField(IntegerField(), null=True)
    seats = IntegerRangeField(null=True)
    numbers = BigIntegerRangeField(nullable=True)
    prices = DecimalRangeField(null=True)
    stay = DateRangeField(null=True, default=None)
    booked = DateTimeRangeField(nullable=True)
    point = nullable(PointField())


def values(row: Row) -> None:
    assert_type(row.auto, int)
    assert_type(row.small_auto, int)
    assert_type(row.big_auto, int)
    assert_type(row.boolean, bool)
    assert_type(row.small, int)
    assert_type(row.integer, int)
    assert_type(row.big, int)
    assert_type(row.positive_small, int)
    assert_type(row.positive, int)
    assert_type(row.positive_big, int)
    assert_type(row.double, float)
    assert_type(row.decimal, Decimal)
    assert_type(row.char, str)
    assert_type(row.text, str)
    assert_type(row.email, str)
    assert_type(row.slug, str)
    assert_type(row.url, str)
    assert_type(row.date, dt.date)
    assert_type(row.time, dt.time)
    assert_type(row.moment, dt.datetime)
    assert_type(row.duration, dt.timedelta)
    assert_type(row.uuid, UUID)
    assert_type(row.generated, UUID)
    assert_type(row.binary, bytes)
    assert_type(row.json, Any)
    assert_type(row.settings, dict[str, int])
    assert_type(row.address, str)
    assert_type(row.status, Status)
    assert_type(row.scores, list[int])
    assert_type(row.board, list[list[str]])
    assert_type(row.gaps, list[int | None])
    assert_type(row.point, Point)
    assert_type(row.phone, str)


def ranges(row: Row) -> None:
    assert_type(row.seats, Range[int])
    assert_type(row.numbers, Range[int])
    assert_type(row.prices, Range[Decimal])
    assert_type(row.stay, Range[dt.date])
    assert_type(row.booked, Range[dt.datetime])
    assert_type(row.seats.lower, int | None)
    assert_type(row.prices.upper_inc, bool)
    assert_type(Range(1, None), Range[int])


def nullable_values(row: NullRow) -> None:
    assert_type(row.boolean, bool | None)
    assert_type(row.small, int | None)
    assert_type(row.integer, int | None)
    assert_type(row.big, int | None)
    assert_type(row.positive_small, int | None)
    assert_type(row.positive, int | None)
    assert_type(row.positive_big, int | None)
    assert_type(row.double, float | None)
    assert_type(row.decimal, Decimal | None)
    assert_type(row.char, str | None)
    assert_type(row.text, str | None)
    assert_type(row.email, str | None)
    assert_type(row.slug, str | None)
    assert_type(row.url, str | None)
    assert_type(row.date, dt.date | None)
    assert_type(row.time, dt.time | None)
    assert_type(row.moment, dt.datetime | None)
    assert_type(row.duration, dt.timedelta | None)
    assert_type(row.uuid, UUID | None)
    assert_type(row.binary, bytes | None)
    assert_type(row.json, Any)
    assert_type(row.address, str | None)
    assert_type(row.status, Status | None)
    assert_type(row.scores, list[int] | None)
    assert_type(row.seats, Range[int] | None)
    assert_type(row.numbers, Range[int] | None)
    assert_type(row.prices, Range[Decimal] | None)
    assert_type(row.stay, Range[dt.date] | None)
    assert_type(row.booked, Range[dt.datetime] | None)
    assert_type(row.point, Point | None)


def narrowing(row: NullRow) -> int:
    if row.integer is not None:
        return row.integer + 1
    return row.integer + 1  # type: ignore[operator]


def class_access() -> None:
    assert_type(Row.integer, IntegerField[int])
    assert_type(NullRow.integer, IntegerField[int | None])
    assert_type(Row.point, PointField)
    assert_type(NullRow.point, Field[Point | None])
    assert_type(Row.status, EnumField[Status])
    assert_type(Row.scores, ArrayField[list[int]])
    assert_type(Row.integer > 3, Q)
    assert_type(Row.moment >= dt.datetime.now(dt.UTC), Q)
    assert_type(Row.char.startswith("a"), Q)
    assert_type(NullRow.char.startswith("a"), Q)
    assert_type(Row.char.like("a%"), Q)
    assert_type(NullRow.char.ilike("a%"), Q)
    assert_type(Row.integer.is_distinct_from(None), Q)
    assert_type(Row.integer.is_not_distinct_from(Row.integer + 1), Q)
    assert_type(Row.integer + 1, Combined[int])
    assert_type(Row.integer.desc(), OrderBy)


def conditions_of_lists_documents_and_ranges() -> None:
    assert_type(Row.scores.contains([1]), Q)
    assert_type(NullRow.scores.overlap([1, 2]), Q)
    assert_type(Row.scores.contained_by(Row.scores), Q)
    assert_type(Row.scores[0] > 3, Q)
    assert_type(NullRow.scores[0] == 3, Q)
    assert_type(Row.board[0] == ["a"], Q)
    assert_type(Row.scores[1:3] == [1], Q)
    assert_type(Row.scores.len() > 2, Q)
    Row.scores.contains(["a"])  # type: ignore[list-item]
    Row.scores.contains("a")  # type: ignore[arg-type]
    NullRow.scores.overlap(1)  # type: ignore[arg-type]
    Row.scores[0] > "a"  # type: ignore[operator]
    Row.scores.len() > "a"  # type: ignore[operator]
    Row.char.overlap("a")  # type: ignore[attr-defined]
    assert_type(Row.json["owner"]["name"] == "Ann", Q)
    assert_type(Row.settings["a"] > 3, Q)
    assert_type(Row.json["owner"]["name"].icontains("a"), Q)
    assert_type(Row.json.contains({"a": 1}), Q)
    assert_type(Row.settings.has_key("a"), Q)
    assert_type(Row.json["owner"].has_any_keys(["a", "b"]), Q)
    Row.json[1.5]  # type: ignore[index]
    Row.json.has_keys([1.5])  # type: ignore[list-item]
    assert_type(Row.seats.contains(3), Q)
    assert_type(Row.seats.contains(Row.integer), Q)
    assert_type(NullRow.seats.contains(Range(3, 5)), Q)
    assert_type(Row.stay.overlap(Range(dt.date(2024, 5, 31), None)), Q)
    assert_type(Row.prices.adjacent_to(Row.prices), Q)
    assert_type(NullRow.seats.fully_lt(Range(3, 5)), Q)
    Row.seats.contains("a")  # type: ignore[arg-type]
    Row.seats.overlap(3)  # type: ignore[arg-type]
    Row.stay.not_gt(Range(1, 2))  # type: ignore[arg-type]
    assert_type(RangeAgg(Row.seats), RangeAgg[list[Range[int]] | None])
    assert_type(RangeIntersectAgg(Row.stay), RangeIntersectAgg[Range[dt.date] | None])
    assert_type(Row.integer.contained_by(Range(1, 5)), Q)
    assert_type(NullRow.integer.contained_by(Range(1, None)), Q)
    assert_type(Row.small.contained_by(Row.seats), Q)
    assert_type(Row.moment.contained_by(Range(None, dt.datetime.now(dt.UTC))), Q)
    Row.integer.contained_by(Range("a", "b"))  # type: ignore[arg-type]
    Row.char.contained_by(Range(1, 2))  # type: ignore[misc]


def writes(row: Row, other: NullRow) -> None:
    row.integer = 3
    row.board = [["a"]]
    row.status = Status.DRAFT
    other.integer = None
    other.point = None
    other.seats = None
    row.seats = Range(1, 5, "[]")
    row.stay = Range(None, dt.date(2024, 5, 31))
    row.seats = Range("a", "b")  # type: ignore[arg-type]
    row.seats = (1, 5)  # type: ignore[assignment]
    row.seats = None  # type: ignore[assignment]
    row.seats.lower = 3  # type: ignore[misc]
    row.integer = None  # type: ignore[assignment]
    row.integer = "3"  # type: ignore[assignment]
    row.char = b"x"  # type: ignore[assignment]
    row.status = "draft"  # type: ignore[assignment]
    row.scores = ["a"]  # type: ignore[list-item]
    other.moment = dt.date(2024, 1, 1)  # type: ignore[assignment]


def wrong_declarations() -> None:
    IntegerField(default="a")  # type: ignore[call-overload]
    IntegerField(default=None)  # type: ignore[call-overload]
    IntegerField(max_length=3)  # type: ignore[call-overload]
    CharField(max_lenght=3)  # type: ignore[call-overload]
    AutoField(null=True)  # type: ignore[call-arg]
    DecimalField(max_digits="3")  # type: ignore[call-overload]
    BooleanField(choices=[("a", "A")])  # type: ignore[list-item]
    EnumField(Status, default="draft")  # type: ignore[call-overload]
    EnumField(Status, store="key")  # type: ignore[call-overload]
    IntegerRangeField(default=Range("a", "b"))  # type: ignore[arg-type]
    DateRangeField(default_bounds="[]")  # type: ignore[call-overload]
    DecimalRangeField(default_bounds="[[")  # type: ignore[call-overload]
    Range(1, 5, "[[")  # type: ignore[arg-type]
    ArrayField(int)  # type: ignore[call-overload]
    GenericIPAddressField(protocol="v4")  # type: ignore[call-overload]
    Row.integer > "a"  # type: ignore[operator]
    Row.integer.startswith("a")  # type: ignore[misc]
    Row.integer.like("a%")  # type: ignore[misc]
    Row.integer.is_distinct_from("a")  # type: ignore[arg-type]
