"""Coercion holds for every value: it is stable, exact, and ends in a value or in a ValidationError."""

from __future__ import annotations

import datetime as dt
import enum
import json
import math
from collections.abc import Callable, Iterator
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


MAKERS: list[Callable[[], Field[Any]]] = [
    AutoField,
    BooleanField,
    IntegerField,
    BigIntegerField,
    PositiveSmallIntegerField,
    FloatField,
    DecimalField,
    lambda: DecimalField(max_digits=8, decimal_places=3),
    CharField,
    lambda: CharField(max_length=5, choices=[("a", "A")]),
    TextField,
    EmailField,
    SlugField,
    URLField,
    DateField,
    TimeField,
    DateTimeField,
    lambda: DateTimeField(timezone=False),
    DurationField,
    UUIDField,
    BinaryField,
    JSONField,
    GenericIPAddressField,
    lambda: EnumField(Colour),
    lambda: EnumField(Colour, store="name"),
    lambda: EnumField(Size),
    lambda: ArrayField(IntegerField(null=True), size=4),
    lambda: ArrayField(ArrayField(CharField())),
]
FIELDS = [make() for make in MAKERS]


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
        return "text"


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

texts = (
    st.text() | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Nd", "Lu"])) | st.from_regex(r"[-+0-9.eE_ ]*")
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats()
    | st.decimals()
    | texts
    | st.binary()
    | st.dates()
    | st.times(timezones=st.none() | st.timezones())
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.timedeltas()
    | st.uuids()
    | st.uuids().map(str)
    | st.ip_addresses()
    | st.ip_addresses().map(str)
    | st.emails()
    | st.datetimes().map(dt.datetime.isoformat)
    | st.fractions()
    | st.complex_numbers()
    | st.sampled_from([*Colour, *Size, "red", "RED", object(), int, ...])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=2)
    ),
    max_leaves=8,
)


def alike(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
@given(value=values)
def test_coercion_ends_in_a_stable_value_or_in_a_validation_error(field: Field[Any], value: object) -> None:
    if value is None:
        return
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


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
@given(value=values)
def test_preparing_ends_in_a_value_or_in_a_validation_error(field: Field[Any], value: object) -> None:
    if value is None:
        return
    try:
        once = field.prepare(value)
    except ValidationError:
        return
    assert alike(field.prepare(once), once)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
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


@given(values)
def test_an_accepted_document_is_what_reading_its_text_gives(value: object) -> None:
    if value is None:
        return
    try:
        stored = JSONField().clean(value)
    except ValidationError:
        return
    assert json.loads(json.dumps(stored)) == stored
    assert not any(isinstance(leaf, str) and "\0" in leaf for leaf in _leaves(stored))
