"""The coercion table of docs/fields.md, row by row: what each field takes and what it makes of it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import math
from decimal import Decimal

import pytest

from covet.database.orm.fields import (
    ArrayField,
    AutoField,
    BigAutoField,
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
)
from tests.unit.orm.fields.samples import (
    ID,
    NAIVE_NOON,
    NOON,
    PLUS_TWO,
    Access,
    Blob,
    Clock,
    Day,
    Index,
    Key,
    Level,
    Make,
    Moment,
    Money,
    Open,
    Real,
    Span,
    Status,
    Suit,
    Text,
    bound,
    ids,
)

ACCEPTED: list[tuple[Make, object, object]] = [
    # integers
    (IntegerField, 3, 3),
    (IntegerField, 3.0, 3),
    (IntegerField, Real(3.0), 3),
    (IntegerField, Decimal("3.00"), 3),
    (IntegerField, Decimal("3E+2"), 300),
    (IntegerField, "3", 3),
    (IntegerField, "-03", -3),
    (IntegerField, "+3", 3),
    (IntegerField, Text("3"), 3),
    (IntegerField, Level.HIGH, 2),
    (IntegerField, Index(), 7),
    (IntegerField, -(2**31), -(2**31)),
    (IntegerField, 2**31 - 1, 2**31 - 1),
    (SmallIntegerField, 2**15 - 1, 2**15 - 1),
    (BigIntegerField, -(2**63), -(2**63)),
    (BigIntegerField, str(2**63 - 1), 2**63 - 1),
    (PositiveSmallIntegerField, 0, 0),
    (PositiveIntegerField, 2**31 - 1, 2**31 - 1),
    (PositiveBigIntegerField, 2**63 - 1, 2**63 - 1),
    (AutoField, "12", 12),
    (SmallAutoField, 12, 12),
    (BigAutoField, 2**40, 2**40),
    # bool
    (BooleanField, True, True),
    (BooleanField, 0, False),
    (BooleanField, Level.LOW, True),
    (BooleanField, "TRUE", True),
    (BooleanField, "t", True),
    (BooleanField, "1", True),
    (BooleanField, "False", False),
    (BooleanField, "f", False),
    (BooleanField, "0", False),
    # float
    (FloatField, 0.1 + 0.2, 0.30000000000000004),
    (FloatField, 3, 3.0),
    (FloatField, Level.HIGH, 2.0),
    (FloatField, Real(2.5), 2.5),
    (FloatField, Decimal("0.1"), 0.1),
    (FloatField, "-1.5e3", -1500.0),
    (FloatField, ".5", 0.5),
    (FloatField, 5e-324, 5e-324),
    (FloatField, math.inf, math.inf),
    (FloatField, -math.inf, -math.inf),
    (FloatField, 2**53, 2.0**53),
    # Decimal
    (DecimalField, Decimal("1.50"), Decimal("1.50")),
    (DecimalField, Money("1.5"), Decimal("1.5")),
    (DecimalField, 3, Decimal(3)),
    (DecimalField, 1.1, Decimal("1.1")),
    (DecimalField, Real(1.1), Decimal("1.1")),
    (DecimalField, "-1.50", Decimal("-1.50")),
    (DecimalField, "1E+3", Decimal(1000)),
    (DecimalField, Decimal("1E-16383"), Decimal("1E-16383")),
    (DecimalField, Decimal("10E-16384"), Decimal("1E-16383")),
    (DecimalField, Decimal("0E-20000"), Decimal(0)),
    (lambda: DecimalField(max_digits=6, decimal_places=2), Decimal("1.5"), Decimal("1.50")),
    (lambda: DecimalField(max_digits=6, decimal_places=2), Decimal("1.500"), Decimal("1.50")),
    (lambda: DecimalField(max_digits=6, decimal_places=2), 9999.99, Decimal("9999.99")),
    (lambda: DecimalField(max_digits=6, decimal_places=2), "1e2", Decimal("100.00")),
    # text
    (CharField, "a", "a"),
    (CharField, "", ""),
    (CharField, "a ", "a "),
    (CharField, Text("b"), "b"),
    (CharField, Suit.HEARTS, "h"),
    (CharField, 5, "5"),
    (CharField, Level.HIGH, "2"),
    (CharField, Decimal("1.50"), "1.50"),
    (CharField, ID, str(ID)),
    (lambda: CharField(max_length=5), "👩‍👩‍👧", "👩‍👩‍👧"),  # five code points, one picture
    (TextField, "x" * 100_000, "x" * 100_000),
    (EmailField, "ann@example.org", "ann@example.org"),
    (lambda: EmailField(blank=True), "", ""),
    (SlugField, "a-title_1", "a-title_1"),
    (lambda: SlugField(allow_unicode=True), "schön", "schön"),
    (URLField, "https://example.org/?a=1#b", "https://example.org/?a=1#b"),
    (lambda: URLField(schemes=["ssh"]), "ssh://git@example.org:22/x", "ssh://git@example.org:22/x"),
    # time
    (DateField, dt.date(2024, 5, 31), dt.date(2024, 5, 31)),
    (DateField, Day(2024, 5, 31), dt.date(2024, 5, 31)),
    (DateField, "2024-05-31", dt.date(2024, 5, 31)),
    (DateField, dt.date(9999, 12, 30), dt.date(9999, 12, 30)),
    (DateField, dt.date(1, 1, 2), dt.date(1, 1, 2)),
    (TimeField, dt.time(17, 30), dt.time(17, 30)),
    (TimeField, dt.time(17, 30, fold=1), dt.time(17, 30)),
    (TimeField, Clock(17, 30), dt.time(17, 30)),
    (TimeField, "17:30", dt.time(17, 30)),
    (TimeField, "17:30:01.5", dt.time(17, 30, 1, 500_000)),
    (TimeField, dt.time.max, dt.time.max),
    (DateTimeField, NOON, NOON),
    (DateTimeField, NAIVE_NOON, NOON),
    (DateTimeField, NAIVE_NOON.replace(fold=1), NOON),
    (DateTimeField, NOON.astimezone(PLUS_TWO), NOON),
    (DateTimeField, Moment(2024, 5, 31, 12), NOON),
    (DateTimeField, "2024-05-31T14:00+02:00", NOON),
    (DateTimeField, "2024-05-31T12:00:00Z", NOON),
    (DateTimeField, "2024-05-31 12:00:00.000000", NOON),
    (DateTimeField, "0001-01-01T00:00:00.000001", dt.datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)),
    (lambda: DateTimeField(timezone=False), NAIVE_NOON, NAIVE_NOON),
    (lambda: DateTimeField(timezone=False), NOON.astimezone(PLUS_TWO), NAIVE_NOON),
    (lambda: DateTimeField(timezone=False), "2024-05-31T14:00+02:00", NAIVE_NOON),
    (DurationField, dt.timedelta(microseconds=-1), dt.timedelta(microseconds=-1)),
    (DurationField, dt.timedelta(microseconds=2**63 - 1), dt.timedelta(microseconds=2**63 - 1)),
    (DurationField, Span(days=1), dt.timedelta(days=1)),
    # identifiers
    (UUIDField, ID, ID),
    (UUIDField, Key(int=ID.int), ID),
    (UUIDField, str(ID).upper(), ID),
    (UUIDField, ID.hex, ID),
    (UUIDField, ID.bytes, ID),
    (GenericIPAddressField, "192.0.2.1", "192.0.2.1"),
    (GenericIPAddressField, "2001:DB8:0:0::1", "2001:db8::1"),
    (GenericIPAddressField, "::FFFF:1.2.3.4", "::ffff:1.2.3.4"),
    (GenericIPAddressField, ipaddress.ip_address("::ffff:1.2.3.4"), "::ffff:1.2.3.4"),
    (GenericIPAddressField, ipaddress.ip_address("192.0.2.1"), "192.0.2.1"),
    # bytes
    (BinaryField, b"\x00\xff", b"\x00\xff"),
    (BinaryField, b"", b""),
    (BinaryField, Blob(b"x"), b"x"),
    (BinaryField, bytearray(b"x"), b"x"),
    (BinaryField, memoryview(b"xyz")[::2], b"xz"),
    # documents
    (JSONField, {"a": [1, 2.5, "x", True, None, {}]}, {"a": [1, 2.5, "x", True, None, {}]}),
    (JSONField, "text", "text"),
    (JSONField, False, False),
    (JSONField, 2**70, 2**70),
    (JSONField, 1e22, 1e22),
    (JSONField, 5e-324, 5e-324),
    (JSONField, ("a", (1, 2)), ["a", [1, 2]]),
    (JSONField, {"a": (1,)}, {"a": [1]}),
    (JSONField, {"\\u0000": "\\u0000"}, {"\\u0000": "\\u0000"}),
    (JSONField, "👍", "👍"),
    (JSONField, "1e+99", "1e+99"),
    # arrays
    (lambda: ArrayField(IntegerField()), [1, 2], [1, 2]),
    (lambda: ArrayField(IntegerField()), [], []),
    (lambda: ArrayField(IntegerField()), ("1", 2.0), [1, 2]),
    (lambda: ArrayField(IntegerField(null=True)), [1, None], [1, None]),
    (lambda: ArrayField(ArrayField(CharField())), [["a", "b"], ("c", "d")], [["a", "b"], ["c", "d"]]),
    (lambda: ArrayField(ArrayField(CharField())), [], []),
    (lambda: ArrayField(EnumField(Status)), ["draft"], [Status.DRAFT]),
    # members
    (lambda: EnumField(Status), Status.LIVE, Status.LIVE),
    (lambda: EnumField(Status), "live", Status.LIVE),
    (lambda: EnumField(Status, store="name"), "LIVE", Status.LIVE),
    (lambda: EnumField(Level), 2, Level.HIGH),
    (lambda: EnumField(Suit), "h", Suit.HEARTS),
    (lambda: EnumField(Access), 3, Access.READ | Access.WRITE),
    (lambda: EnumField(Open), 2**30, Open(2**30)),
]


def same(left: object, right: object) -> bool:
    """Equal, and of the same types all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Decimal):
        return str(left) == str(right)
    if isinstance(left, (dt.time, dt.datetime)):
        return repr(left) == repr(right)  # the fold too
    return left == right


@pytest.mark.parametrize(("make", "value", "expected"), ACCEPTED, ids=ids(ACCEPTED))
def test_an_accepted_value_becomes_the_documented_one(make: Make, value: object, expected: object) -> None:
    result = bound(make).clean(value)
    assert same(result, expected), repr(result)


@pytest.mark.parametrize(("make", "value", "expected"), ACCEPTED, ids=ids(ACCEPTED))
def test_cleaning_twice_changes_nothing(make: Make, value: object, expected: object) -> None:
    field = bound(make)
    assert same(field.clean(field.clean(value)), expected)


def test_negative_zero_loses_its_sign_because_sqlite_drops_it() -> None:
    assert math.copysign(1, bound(FloatField).clean(-0.0)) == 1
    assert str(bound(lambda: DecimalField(max_digits=3, decimal_places=1)).clean(Decimal("-0"))) == "0.0"


def test_a_document_is_kept_as_it_is_and_not_copied() -> None:
    document = {"a": [1]}
    assert bound(JSONField).clean(document) is document
