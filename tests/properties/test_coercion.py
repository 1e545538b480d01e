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
    CharField,
    DateTimeField,
    DecimalField,
    Field,
    FloatField,
    IntegerField,
    JSONField,
)
from covet.exceptions import ValidationError
from tests.properties.values import (
    FIELDS,
    HOSTILE,
    LIKELY,
    HostileDecimal,
    HostileFloat,
    HostileInt,
    HostileList,
    HostileText,
    alike,
    documents,
    values,
)

each_field = pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
each_with_likely_values = pytest.mark.parametrize(
    ("field", "likely"), LIKELY, ids=[type(field).__name__ for field in FIELDS]
)


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
