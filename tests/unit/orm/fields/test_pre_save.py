"""auto_now and auto_now_add: when they fill the attribute, and with what."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from covet.database.orm.fields import CharField, DateField, DateTimeField, Field, TimeField

LONG_AGO = dt.datetime(2001, 2, 3, tzinfo=dt.UTC)


class Model:
    """Stands for an instance of a model."""


def bound(field: Field[Any]) -> Field[Any]:
    field.contribute_to_class(Model, "at")
    return field


def instance(**values: object) -> Any:
    made = Model()
    vars(made).update(values)
    return made


@pytest.mark.parametrize("values", [{}, {"at": None}])
def test_auto_now_add_fills_an_unset_attribute_on_insert(values: dict[str, object]) -> None:
    made = instance(**values)
    before = dt.datetime.now(dt.UTC)
    stored = bound(DateTimeField(auto_now_add=True)).pre_save(made, adding=True)
    assert before <= stored <= dt.datetime.now(dt.UTC)
    assert stored.tzinfo is dt.UTC
    assert made.at is stored


def test_auto_now_add_leaves_a_given_value_alone() -> None:
    made = instance(at=LONG_AGO)
    assert bound(DateTimeField(auto_now_add=True)).pre_save(made, adding=True) == LONG_AGO
    assert made.at == LONG_AGO


def test_auto_now_add_does_nothing_on_update() -> None:
    made = instance(at=None)
    assert bound(DateTimeField(auto_now_add=True)).pre_save(made, adding=False) is None


@pytest.mark.parametrize("adding", [True, False])
def test_auto_now_fills_on_every_save(adding: bool) -> None:
    made = instance(at=LONG_AGO)
    stored = bound(DateTimeField(auto_now=True)).pre_save(made, adding=adding)
    assert stored > LONG_AGO
    assert made.at is stored


def test_auto_now_without_zone_is_naive_utc() -> None:
    stored = bound(DateTimeField(auto_now=True, timezone=False)).pre_save(instance(), adding=True)
    assert stored.tzinfo is None
    assert abs(dt.datetime.now(dt.UTC).replace(tzinfo=None) - stored) < dt.timedelta(minutes=1)


def test_auto_now_of_dates_and_times_is_utc_too() -> None:
    before = dt.datetime.now(dt.UTC).date()
    assert before <= bound(DateField(auto_now=True)).pre_save(instance(), adding=True) <= dt.datetime.now(dt.UTC).date()
    stored = bound(TimeField(auto_now=True)).pre_save(instance(), adding=True)
    assert type(stored) is dt.time
    assert stored.tzinfo is None


def test_what_auto_now_gives_passes_its_own_field() -> None:
    for field in (DateTimeField(auto_now=True), DateField(auto_now=True), TimeField(auto_now=True)):
        stored = bound(field).pre_save(instance(), adding=True)
        assert field.clean(stored) == stored


def test_other_fields_give_the_attribute_as_it_is() -> None:
    field = bound(CharField())
    assert field.pre_save(instance(at="x"), adding=True) == "x"
    assert field.pre_save(instance(), adding=True) is None
