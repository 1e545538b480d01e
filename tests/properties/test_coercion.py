"""Coercion holds for every value: it is stable, exact, and ends in a value or in a ValidationError."""

from __future__ import annotations

import datetime as dt
import enum
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    PositiveSmallIntegerField,
    SlugField,
    TextField,
    TimeField,
    URLField,
    UUIDField,
)
from covet.exceptions import ValidationError


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Hostile:
    """Raises wherever Python asks it something, and lies about its class."""

    def _fail(self, *_: object) -> Any:
        raise RuntimeError("do not ask")

    __class__ = property(_fail)
    __str__ = __repr__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _fail
    __int__ = __float__ = __index__ = __bytes__ = __len__ = __iter__ = __getitem__ = __contains__ = _fail
    __hash__ = _fail

    def resolve_expression(self) -> str:
        return "1 = 1"


class HostileText(str):
    __slots__ = ()
    __str__ = __repr__ = __eq__ = __len__ = __iter__ = Hostile._fail
    __hash__ = str.__hash__


class HostileInt(int):
    __str__ = __repr__ = __eq__ = __int__ = __index__ = __bool__ = __lt__ = __float__ = Hostile._fail
    __hash__ = int.__hash__


class HostileFloat(float):
    __str__ = __repr__ = __eq__ = __int__ = __float__ = __bool__ = __lt__ = is_integer = Hostile._fail
    __hash__ = float.__hash__


class HostileDecimal(Decimal):
    __str__ = __repr__ = __eq__ = __int__ = __bool__ = __lt__ = is_nan = Hostile._fail
    __hash__ = Decimal.__hash__


class HostileList(list[Any]):
    __iter__ = __len__ = __getitem__ = __eq__ = __bool__ = Hostile._fail
    __hash__ = None


class HostileDict(dict[Any, Any]):
    items = keys = values = __iter__ = __len__ = __eq__ = Hostile._fail
    __hash__ = None


class HostileMoment(dt.datetime):
    utcoffset = Hostile._fail


class HostileClock(dt.time):
    @property
    def hour(self) -> int:
        raise RuntimeError("do not ask")


class HostileZone(dt.tzinfo):
    utcoffset = tzname = dst = Hostile._fail


class Liar:
    def __index__(self) -> Any:
        return "text"  # noqa: PLE0305 - that is the lie


HOSTILE = [
    Hostile(),
    [Hostile()],
    {"a": Hostile()},
    HostileText("x"),
    HostileInt(1),
    HostileFloat(1.5),
    HostileDecimal("1.5"),
    HostileList([1]),
    HostileDict(a=1),
    HostileMoment(2024, 1, 1),
    HostileClock(12),
    dt.datetime(2024, 1, 1, tzinfo=HostileZone()),
    Liar(),
    Hostile,
]


def short(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4)


texts = (
    st.text() | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Nd", "Lu"])) | st.from_regex(r"[-+0-9.eE_ ]*")
)
moments = st.datetimes(timezones=st.none() | st.timezones())
numbers = st.integers() | st.integers(-(2**80), 2**80) | st.floats() | st.decimals() | st.decimals(places=3).map(str)
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: short(inner) | short(inner).map(tuple) | st.dictionaries(texts | st.integers(), inner, max_size=3),
    max_leaves=8,
)
odd = (
    st.binary()
    | st.fractions()
    | st.complex_numbers()
    | st.frozensets(st.integers(), max_size=2)
    | st.sampled_from([*Colour, *Size, "red", "RED", 1, True, object(), int, ..., b""])
)
scalars = (
    numbers
    | texts
    | moments
    | st.dates()
    | st.times(timezones=st.none() | st.timezones())
    | st.timedeltas()
    | st.uuids()
    | odd
)
values = scalars | documents | short(scalars) | short(scalars).map(tuple)

#: Each field with values that it may well take.
LIKELY: list[tuple[Field[Any], st.SearchStrategy[Any]]] = [
    (AutoField(), numbers),
    (BooleanField(), st.booleans() | st.integers(-1, 2) | st.sampled_from(["t", "F", "yes", "1", "TRUE"])),
    (IntegerField(), numbers),
    (BigIntegerField(), numbers | st.integers(-(2**64), 2**64)),
    (PositiveSmallIntegerField(), numbers | st.integers(-9, 2**16)),
    (FloatField(), numbers),
    (DecimalField(), numbers | st.decimals(allow_nan=False, allow_infinity=False)),
    (DecimalField(max_digits=8, decimal_places=3), numbers | st.decimals(-99999, 99999, places=3)),
    (CharField(), texts),
    (CharField(max_length=5, choices=[("a", "A")]), texts | st.sampled_from("ab")),
    (TextField(), texts),
    (EmailField(), st.emails() | texts),
    (SlugField(), st.from_regex(r"[-\w]*", fullmatch=True) | texts),
    (URLField(), st.from_regex(r"https?://[a-z]{1,9}\.org(:[1-9]{1,4})?/[a-z]*", fullmatch=True) | texts),
    (DateField(), st.dates() | st.dates().map(str)),
    (TimeField(), st.times(timezones=st.none() | st.timezones()) | st.times().map(str)),
    (DateTimeField(), moments | moments.map(str)),
    (DateTimeField(timezone=False), moments | moments.map(str)),
    (DurationField(), st.timedeltas()),
    (UUIDField(), st.uuids() | st.uuids().map(str) | st.binary(min_size=16, max_size=16)),
    (BinaryField(), st.binary() | st.binary().map(bytearray) | st.binary().map(lambda data: memoryview(data))),  # noqa: PLW0108 - for mypy
    (JSONField(), documents),
    (GenericIPAddressField(), st.ip_addresses() | st.ip_addresses().map(str)),
    (EnumField(Colour), st.sampled_from([*Colour, "red", "RED"])),
    (EnumField(Colour, store="name"), st.sampled_from([*Colour, "red", "RED"])),
    (EnumField(Size), st.sampled_from([*Size, 1, 2, 3, True])),
    (ArrayField(IntegerField(null=True), size=4), short(numbers | st.none())),
    (
        ArrayField(ArrayField(CharField())),
        st.integers(0, 3).flatmap(lambda n: short(st.lists(texts, min_size=n, max_size=3))),
    ),
]
FIELDS = [field for field, _ in LIKELY]

each_field = pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
each_with_likely_values = pytest.mark.parametrize(
    ("field", "likely"), LIKELY, ids=[type(field).__name__ for field in FIELDS]
)


def alike(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


def check_coercion(field: Field[Any], value: object) -> None:
    try:
        once = field.coerce(value)
    except ValidationError:
        return
    assert alike(field.coerce(once), once)
    try:
        field.validate(once)
    except ValidationError:
        return
    assert alike(field.clean(once), once)


def check_preparing(field: Field[Any], value: object) -> None:
    try:
        once = field.prepare(value)
    except ValidationError:
        return
    assert alike(field.prepare(once), once)


@each_field
@given(value=values.filter(lambda value: value is not None))
def test_any_value_ends_in_a_stable_value_or_in_a_validation_error(field: Field[Any], value: object) -> None:
    check_coercion(field, value)
    check_preparing(field, value)


@each_with_likely_values
@given(data=st.data())
def test_a_likely_value_ends_in_a_stable_value_or_in_a_validation_error(
    field: Field[Any], likely: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    value = data.draw(likely.filter(lambda value: value is not None))
    check_coercion(field, value)
    check_preparing(field, value)


@each_field
@pytest.mark.parametrize("row", range(len(HOSTILE)))  # pytest would ask the objects themselves
def test_an_object_that_raises_wherever_it_is_asked_does_no_harm(field: Field[Any], row: int) -> None:
    value = HOSTILE[row]
    for ask in (field.coerce, field.clean, field.prepare):
        try:
            result = ask(value)
        except ValidationError:
            continue
        assert type(result).__module__ != __name__ or isinstance(result, enum.Enum)


def test_subclasses_become_plain_values_whatever_they_override() -> None:
    assert alike(CharField().clean(HostileText("x")), "x")
    assert alike(IntegerField().clean(HostileInt(1)), 1)
    assert alike(FloatField().clean(HostileFloat(1.5)), 1.5)
    assert alike(DecimalField().clean(HostileDecimal("1.5")), Decimal("1.5"))
    assert alike(ArrayField(IntegerField()).clean(HostileList([1])), [1])


@given(st.integers() | st.floats(allow_nan=False) | st.decimals(allow_nan=False))
def test_an_integer_field_never_changes_a_number(value: float | Decimal) -> None:
    try:
        stored = IntegerField().clean(value)
    except ValidationError:
        in_range = math.isfinite(value) and -(2**31) <= value < 2**31
        assert not in_range or value != int(value)
    else:
        assert stored == value


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_decimal_field_never_changes_a_number(value: Decimal | int) -> None:
    for field in (DecimalField(), DecimalField(max_digits=8, decimal_places=3)):
        try:
            stored = field.clean(value)
        except ValidationError:
            continue
        assert stored == value
        assert "E" not in f"{stored:f}"


@given(st.datetimes(timezones=st.timezones(), allow_imaginary=False))
def test_a_moment_stays_the_same_moment(value: dt.datetime) -> None:
    try:
        stored = DateTimeField().clean(value)
    except ValidationError:
        assert value.year in {1, 9999}
    else:
        assert stored.tzinfo is dt.UTC
        assert stored == value.astimezone(dt.UTC)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


@given(documents)
def test_an_accepted_document_is_what_reading_its_text_gives(value: object) -> None:
    if value is None:
        return
    try:
        stored = JSONField().clean(value)
    except ValidationError:
        return
    assert json.loads(json.dumps(stored)) == stored
    assert not any(isinstance(leaf, str) and "\0" in leaf for leaf in _leaves(stored))
