"""The coercion table of docs/fields.md, row by row: what each field takes, what it makes of it, what it refuses."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import math
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

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
    Field,
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
from covet.exceptions import ValidationError


class Model:
    """Stands for the model that owns the field."""


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "a lie"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Suit(enum.StrEnum):
    HEARTS = "h"
    SPADES = "s"


class Status(enum.Enum):
    DRAFT = "draft"
    LIVE = "live"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Open(enum.IntFlag):
    """An IntFlag keeps bits that it has no name for."""

    READ = 1


class Index:
    def __index__(self) -> int:
        return 7


class Moment(dt.datetime):
    """A subclass, as pandas and freezegun have."""


class Day(dt.date):
    pass


class Clock(dt.time):
    pass


class Span(dt.timedelta):
    pass


class Key(uuid.UUID):
    pass


class Blob(bytes):
    def __bytes__(self) -> bytes:
        return b"a lie"


class Money(Decimal):
    pass


class Real(float):
    def __float__(self) -> float:
        return 0.5


ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
PLUS_TWO = dt.timezone(dt.timedelta(hours=2))
NOON = dt.datetime(2024, 5, 31, 12, tzinfo=dt.UTC)
NAIVE_NOON = dt.datetime(2024, 5, 31, 12)  # noqa: DTZ001 - naive on purpose

Make = Callable[[], Field[Any]]

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

REFUSED: list[tuple[Make, object, str]] = [
    (IntegerField, True, "not bool"),
    (IntegerField, 1.5, "not a fraction"),
    (IntegerField, math.nan, "not a fraction"),
    (IntegerField, math.inf, "not a fraction"),
    (IntegerField, Decimal("1.5"), "not a fraction"),
    (IntegerField, Decimal("sNaN"), "not a fraction"),
    (IntegerField, Decimal("1E+1000000"), "more digits"),
    (IntegerField, "1.0", "plain integer"),
    (IntegerField, " 1", "plain integer"),
    (IntegerField, "1_000", "plain integer"),
    (IntegerField, "٣", "plain integer"),
    (IntegerField, "1" * 5000, "plain integer"),
    (IntegerField, b"1", "not bytes"),
    (IntegerField, Status.DRAFT, "not Status"),
    (IntegerField, 2**31, "-2147483648 to 2147483647"),
    (IntegerField, -(2**31) - 1, "out of range"),
    (IntegerField, 2**70, "out of range"),
    (SmallIntegerField, 2**15, "-32768 to 32767"),
    (BigIntegerField, 2**63, "out of range"),
    (PositiveIntegerField, -1, "0 to 2147483647"),
    (PositiveSmallIntegerField, -1, "0 to 32767"),
    (PositiveBigIntegerField, 2**63, "0 to 9223372036854775807"),
    (lambda: IntegerField(min_value=1), 0, "less than 1"),
    (lambda: IntegerField(max_value=1), 2, "greater than 1"),
    (AutoField, 2**31, "out of range"),
    (AutoField, "x", "plain integer"),
    (BooleanField, 2, "only 0 and 1"),
    (BooleanField, "yes", "none of true"),
    (BooleanField, 1.0, "not float"),
    (BooleanField, [], "not list"),
    (FloatField, math.nan, "NaN"),
    (FloatField, Decimal("NaN"), "a number"),
    (FloatField, "nan", "a number"),
    (FloatField, "inf", "a number"),
    (FloatField, "1e400", "out of range"),
    (FloatField, "1e-400", "out of range"),
    (FloatField, 10**400, "out of range"),
    (FloatField, 2**53 + 1, "no exact double"),
    (FloatField, True, "not bool"),
    (FloatField, "1_0", "a number"),
    (FloatField, 1j, "not complex"),
    (lambda: FloatField(max_value=1.5), 2.0, "greater than 1.5"),
    (DecimalField, Decimal("NaN"), "NaN"),
    (DecimalField, Decimal("sNaN"), "NaN"),
    (DecimalField, math.inf, "infinity"),
    (DecimalField, "Infinity", "not a number"),
    (DecimalField, True, "not bool"),
    (DecimalField, b"1", "not bytes"),
    (DecimalField, Decimal("1E+131072"), "131072 digits"),
    (DecimalField, Decimal("1E+999999"), "131072 digits"),
    (DecimalField, Decimal("1E-16384"), "16383 after"),
    (lambda: DecimalField(max_digits=6, decimal_places=2), Decimal("1.005"), "more than 2 decimals"),
    (lambda: DecimalField(max_digits=6, decimal_places=2), 1.005, "more than 2 decimals"),
    (lambda: DecimalField(max_digits=6, decimal_places=2), Decimal("99999.99"), r"numeric\(6, 2\)"),
    (lambda: DecimalField(max_digits=6, decimal_places=2), Decimal("1E+999999"), r"numeric\(6, 2\)"),
    (lambda: DecimalField(max_digits=6, decimal_places=2, min_value=0), -1, "less than 0"),
    (CharField, "a\0b", "NUL"),
    (CharField, "a\ud800", "lone surrogate at position 1"),
    (CharField, True, "not bool"),
    (CharField, 1.5, "not float"),
    (CharField, b"a", "not bytes"),
    (CharField, ["a"], "not list"),
    (CharField, {"$ne": 1}, "not dict"),
    (CharField, {1, 2}, "not set"),
    (CharField, object(), "not object"),
    (CharField, Status.DRAFT, "not Status"),
    (CharField, 10**5000, "too many digits"),
    (lambda: CharField(max_length=3), "abcd", "4 characters, 3 are allowed"),
    (lambda: CharField(max_length=3), "abc ", "4 characters, 3 are allowed"),
    (lambda: CharField(min_length=3), "ab", "2 characters, 3 are needed"),
    (lambda: CharField(blank=False), "", "empty"),
    (lambda: TextField(max_length=3), "abcd", "4 characters"),
    (EmailField, "not-an-email", "valid e-mail address"),
    (EmailField, "", "valid e-mail address"),
    (EmailField, "a@" + "b" * 260 + ".org", "255 are allowed"),
    (SlugField, "a title", "slug"),
    (SlugField, "schön", "slug"),
    (SlugField, "a" * 51, "50 are allowed"),
    (URLField, "example.org", "valid URL"),
    (URLField, "javascript:alert(1)", "valid URL"),
    (URLField, "https://example.org/" + "a" * 200, "200 are allowed"),
    (DateField, NOON, "not datetime"),
    (DateField, "2024-05-32", "not a date"),
    (DateField, "20240531", "not a date"),
    (DateField, "2024-05-31T00:00", "not a date"),
    (DateField, 20240531, "not int"),
    (DateField, dt.date.max, "0001-01-02 to 9999-12-30"),
    (DateField, dt.date.min, "infinity"),
    (TimeField, dt.time(12, tzinfo=dt.UTC), "with a zone"),
    (TimeField, NOON, "not datetime"),
    (TimeField, "24:00", "not a time"),
    (TimeField, "12:00+02:00", "not a time"),
    (TimeField, "12:00:00.1234567", "not a time"),
    (DateTimeField, dt.date(2024, 5, 31), "not date"),
    (DateTimeField, "2024-05-31", "not a moment"),
    (DateTimeField, "2024-05-31T24:00", "not a moment"),
    (DateTimeField, "2024-02-30T12:00", "not a moment"),
    (DateTimeField, "2024-05-31T12:00:00.1234567", "not a moment"),
    (DateTimeField, 1717156800, "not int"),
    (DateTimeField, dt.datetime.max.replace(tzinfo=dt.UTC), "infinity"),
    (DateTimeField, dt.datetime.min, "infinity"),  # noqa: DTZ901 - naive on purpose
    (DateTimeField, dt.datetime(1, 1, 1, tzinfo=PLUS_TWO), "outside the years 1 to 9999"),
    (lambda: DateTimeField(timezone=False), dt.datetime.max, "infinity"),  # noqa: DTZ901 - naive on purpose
    (DurationField, dt.timedelta.max, "64 bits"),
    (DurationField, dt.timedelta(microseconds=-(2**63)), "64 bits"),
    (DurationField, 5, "not int"),
    (DurationField, "1 day", "not str"),
    (UUIDField, "zz", "32 hexadecimal digits"),
    (UUIDField, f"{{{ID}}}", "32 hexadecimal digits"),
    (UUIDField, b"123", "16 bytes"),
    (UUIDField, 5, "not int"),
    (GenericIPAddressField, "300.0.0.1", "not an IPv4 or IPv6 address"),
    (GenericIPAddressField, "10.0.0.0/8", "not an IPv4 or IPv6 address"),
    (GenericIPAddressField, "fe80::1%eth0", "with a zone"),
    (GenericIPAddressField, 1, "not int"),
    (GenericIPAddressField, b"\x01\x02\x03\x04", "not bytes"),
    (lambda: GenericIPAddressField(protocol="IPv4"), "::1", "an IPv4 address"),
    (lambda: GenericIPAddressField(protocol="IPv6"), "192.0.2.1", "an IPv6 address"),
    (BinaryField, "text", "not str"),
    (BinaryField, 5, "not int"),
    (BinaryField, [1, 2], "not list"),
    (lambda: BinaryField(max_length=2), b"abc", "3 bytes, 2 are allowed"),
    (JSONField, math.nan, "NaN"),
    (JSONField, [math.inf], "infinity"),
    (JSONField, {"a": "b\0"}, "NUL"),
    (JSONField, {"a\0": "b"}, "NUL"),
    (JSONField, ["\ud800"], "lone surrogate"),
    (JSONField, {1: "a"}, "key is not a text"),
    (JSONField, [{"a": {None: "a"}}], "key is not a text"),
    (JSONField, {(1, 2): "a"}, "JSON cannot say"),
    (JSONField, Decimal("1.5"), "JSON cannot say"),
    (JSONField, NOON, "JSON cannot say"),
    (JSONField, b"a", "JSON cannot say"),
    (JSONField, {1, 2}, "JSON cannot say"),
    (JSONField, 10**5000, "integer too long"),
    (JSONField, 1e23, "too large to come back exact"),
    (lambda: ArrayField(IntegerField()), "12", "not str"),
    (lambda: ArrayField(IntegerField()), {1, 2}, "not set"),
    (lambda: ArrayField(IntegerField()), iter([1]), "not list_iterator"),
    (lambda: ArrayField(IntegerField()), [1, "x"], "item 1: the text is not a plain integer"),
    (lambda: ArrayField(IntegerField()), [1, None], "item 1: None is not allowed"),
    (lambda: ArrayField(IntegerField(null=True)), [None, 2**31], "item 1: the number is out of range"),
    (lambda: ArrayField(IntegerField(), size=1), [1, 2], "2 items, 1 are allowed"),
    (lambda: ArrayField(ArrayField(IntegerField())), [[1], [2, 3]], "same length"),
    (lambda: ArrayField(ArrayField(IntegerField())), [[]], "same length"),
    (lambda: ArrayField(ArrayField(IntegerField(), null=True)), [[1], None], "same length"),
    (lambda: ArrayField(ArrayField(IntegerField())), [[1], ["x"]], "item 1: item 0: the text"),
    (lambda: EnumField(Status), "DRAFT", "'draft', 'live'"),
    (lambda: EnumField(Status), 1, "none of Status"),
    (lambda: EnumField(Status), Level.LOW, "none of Status"),
    (lambda: EnumField(Status), 1.0, "not float"),
    (lambda: EnumField(Status, store="name"), "draft", "'DRAFT', 'LIVE'"),
    (lambda: EnumField(Level), True, "not bool"),
    (lambda: EnumField(Level), 3, "1, 2"),
    (lambda: EnumField(Access), 8000, "none of Access"),
    (lambda: EnumField(Open), 2**31, "out of range"),
]


def bound(make: Make) -> Field[Any]:
    field = make()
    field.contribute_to_class(Model, "it")
    return field


def ids(rows: Sequence[tuple[Make, object, object]]) -> list[str]:
    """Name a case by its row, field and type; pytest would print the value."""
    return [f"{row}-{type(make()).__name__}-{type(value).__name__}" for row, (make, value, _) in enumerate(rows)]


def same(left: object, right: object) -> bool:
    """Equal, and of the same types all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Decimal):
        return str(left) == str(right)
    return left == right


@pytest.mark.parametrize(("make", "value", "expected"), ACCEPTED, ids=ids(ACCEPTED))
def test_an_accepted_value_becomes_the_documented_one(make: Make, value: object, expected: object) -> None:
    result = bound(make).clean(value)
    assert same(result, expected), repr(result)


@pytest.mark.parametrize(("make", "value", "expected"), ACCEPTED, ids=ids(ACCEPTED))
def test_cleaning_twice_changes_nothing(make: Make, value: object, expected: object) -> None:
    field = bound(make)
    assert same(field.clean(field.clean(value)), expected)


@pytest.mark.parametrize(("make", "value", "message"), REFUSED, ids=ids(REFUSED))
def test_a_refused_value_names_model_field_and_reason(make: Make, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        bound(make).clean(value)
    [text] = caught.value.errors["it"]
    assert text.startswith("Model.it: ")


@pytest.mark.parametrize("make", sorted({make for make, _, _ in ACCEPTED if isinstance(make, type)}, key=str))
def test_none_is_refused_unless_the_column_is_nullable(make: Callable[..., Field[Any]]) -> None:
    with pytest.raises(ValidationError, match=r"Model\.it: this field cannot be null"):
        bound(make).clean(None)
    if not issubclass(make, AutoField):  # type: ignore[arg-type]  # the parameters are classes
        assert bound(lambda: make(nullable=True)).clean(None) is None
        assert bound(lambda: make(null=True)).clean(None) is None


SECRETS: list[tuple[Make, object]] = [
    (IntegerField, "hunter2"),
    (BooleanField, "hunter2"),
    (FloatField, "hunter2"),
    (DecimalField, "hunter2"),
    (lambda: CharField(max_length=3), "hunter2"),
    (CharField, "hunter2\ud800"),
    (EmailField, "hunter2"),
    (SlugField, "hunter2 "),
    (URLField, "hunter2"),
    (DateField, "hunter2"),
    (TimeField, "hunter2"),
    (DateTimeField, "hunter2"),
    (UUIDField, "hunter2"),
    (GenericIPAddressField, "hunter2"),
    (lambda: EnumField(Status), "hunter2"),
    (lambda: ArrayField(IntegerField()), ["hunter2"]),
    (JSONField, "hunter2\ud800"),
    (lambda: CharField(choices=[("a", "A")]), "hunter2"),
]


@pytest.mark.parametrize(("make", "value"), SECRETS)
def test_no_message_in_the_chain_holds_the_value(make: Make, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        bound(make).clean(value)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_negative_zero_loses_its_sign_because_sqlite_drops_it() -> None:
    assert math.copysign(1, bound(FloatField).clean(-0.0)) == 1
    assert str(bound(lambda: DecimalField(max_digits=3, decimal_places=1)).clean(Decimal("-0"))) == "0.0"


def test_a_document_that_contains_itself_is_refused() -> None:
    document: list[object] = []
    document.append(document)
    with pytest.raises(ValidationError, match="contains itself"):
        bound(JSONField).clean(document)


@pytest.mark.parametrize(("depth", "fits"), [(500, True), (501, False), (100_000, False)])
def test_a_document_may_be_500_levels_deep(depth: int, fits: bool) -> None:
    document: list[object] = []
    for _ in range(depth - 1):
        document = [document]
    if fits:
        assert bound(JSONField).clean(document) is document
    else:
        with pytest.raises(ValidationError, match="more than 500 levels"):
            bound(JSONField).clean(document)


def test_a_document_is_kept_as_it_is_and_not_copied() -> None:
    document = {"a": [1]}
    assert bound(JSONField).clean(document) is document


@pytest.mark.parametrize("make", [TextField, BinaryField, JSONField])
def test_a_value_of_256_mib_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    # The limit is lowered here, so that the test needs no such value.
    for module in ("text", "binary", "documents"):
        monkeypatch.setattr(f"covet.database.orm.fields.{module}.MAX_BYTES", 10)
    field = bound(make)
    with pytest.raises(ValidationError, match=r"larger than 10 bytes|10 are allowed"):
        field.clean(b"x" * 11 if make is BinaryField else "é" * 6)
    field.clean(b"x" * 10 if make is BinaryField else "é" * 4)


def test_a_released_memoryview_is_refused() -> None:
    view = memoryview(b"x")
    view.release()
    with pytest.raises(ValidationError, match="released"):
        bound(BinaryField).clean(view)
