"""The coercion table of docs/fields.md, row by row: what each field refuses, and in which words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from covet.database.orm.fields import (
    ArrayField,
    AutoField,
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
    SmallIntegerField,
    TextField,
    TimeField,
    URLField,
    UUIDField,
)
from covet.exceptions import ValidationError
from tests.unit.orm.fields.samples import (
    ID,
    NOON,
    PLUS_TWO,
    Access,
    Level,
    Make,
    Open,
    Status,
    bound,
    ids,
)

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


@pytest.mark.parametrize(("make", "value", "message"), REFUSED, ids=ids(REFUSED))
def test_a_refused_value_names_model_field_and_reason(make: Make, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        bound(make).clean(value)
    [text] = caught.value.errors["it"]
    assert str(caught.value) == f"Model.it: {text}"


PLAIN: list[Callable[..., Field[Any]]] = [
    BooleanField,
    IntegerField,
    FloatField,
    DecimalField,
    CharField,
    DateField,
    TimeField,
    DateTimeField,
    DurationField,
    UUIDField,
    BinaryField,
    JSONField,
    GenericIPAddressField,
]


@pytest.mark.parametrize("make", PLAIN)
def test_none_is_refused_unless_the_column_is_nullable(make: Callable[..., Field[Any]]) -> None:
    with pytest.raises(ValidationError, match=r"Model\.it: this field cannot be null"):
        bound(make).clean(None)
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
