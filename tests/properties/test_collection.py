"""What the generated code of a save makes of a value is what the fields make of it, call by call."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from covet import AutoField, F, ForeignKey, Model
from covet.database.orm.fields import (
    ArrayField,
    BigIntegerField,
    BinaryField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    FloatField,
    IntegerField,
    UUIDField,
)
from covet.database.orm.query.collection import Collector, insert_collector, update_collector
from covet.exceptions import FieldError, ValidationError
from tests.properties.values import HOSTILE, LIKELY, alike, numbers, texts, values


class Doubled(IntegerField[int]):
    """Overrides what the inherited test is about: the test must not be trusted."""

    @override
    def coerce(self, value: Any) -> Any:
        return super().coerce(value) * 2


class Never(CharField[str]):
    @override
    def validate(self, value: Any) -> None:
        raise self.invalid("never")


class Today(DateField):
    """A day that does not change while the test runs."""

    @override
    def now(self) -> dt.date:
        return dt.date(2024, 5, 31)


class NothingIsEmpty(CharField[str]):
    @override
    def clean(self, value: Any) -> Any:
        return super().clean("" if value is None else value)


class Stamped(CharField[str]):
    """Sets another attribute, which comes after it."""

    @override
    def pre_save(self, instance: Any, *, adding: bool) -> Any:
        vars(instance)["after"] = 7
        return f"stamped {adding}"


def above_ten(value: Any) -> None:
    if value <= 10:
        raise ValidationError("too small")


FIRST = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)

MORE: list[tuple[Field[Any], st.SearchStrategy[Any]]] = [
    (CharField(max_length=3), texts),
    (CharField(min_length=2, max_length=3), texts),
    (CharField(blank=True, min_length=2), texts),
    (CharField(blank=False), texts),
    (IntegerField(min_value=-5, max_value=5), numbers | st.integers(-7, 7)),
    (IntegerField(max_value=5), numbers | st.integers(-7, 7)),
    (IntegerField(choices=[(1, "a"), (2, "b")]), st.integers(-1, 3)),
    (BigIntegerField(validators=[above_ten]), numbers),
    (FloatField(min_value=-1, max_value=1.5), numbers | st.floats(-2, 2)),
    (FloatField(), st.sampled_from([0.0, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324])),
    (DecimalField(max_digits=3, decimal_places=1), st.decimals(-110, 110, places=1) | st.decimals()),
    (DecimalField(max_digits=3, decimal_places=3), st.decimals(-2, 2, places=3) | st.decimals()),
    (DecimalField(max_digits=3, decimal_places=1), st.sampled_from(["0.0", "-0.0", "sNaN", "0"]).map(Decimal)),
    (DecimalField(max_digits=4, decimal_places=2, max_value=Decimal("1.5")), st.decimals(-9, 9, places=2)),
    (BinaryField(max_length=3), st.binary(max_size=5)),
    (DateField(), st.sampled_from([dt.date.min, dt.date.max]) | st.datetimes()),
    (DateTimeField(), st.sampled_from([FIRST, LAST])),
    (
        DateTimeField(),
        st.datetimes(timezones=st.just(dt.UTC)) | st.just(dt.datetime(2024, 1, 1, tzinfo=dt.UTC, fold=1)),
    ),
    (Today(auto_now=True), st.none() | st.dates()),
    (Today(auto_now_add=True), st.none() | st.dates()),
    (Doubled(), st.integers(-9, 9)),
    (Never(), texts),
    (NothingIsEmpty(null=True), texts | st.none()),
]


def carrier(field: Field[Any], *, null: bool) -> Any:
    """Return a model of one field besides its key."""
    copied = field.clone()
    copied.null = null
    key = {"id": AutoField()} if not field.primary_key else {}
    metaclass: Any = type(Model)
    return metaclass("Carrier", (Model,), {"__module__": __name__, **key, "value": copied})


CASES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (carrier(field, null=null), likely)
    for field, likely in [*LIKELY, *MORE]
    for null in ((False,) if field.primary_key else (False, True))
]
MODELS = [model for model, _ in CASES]
ABSENT: Final = object()
BY_DATABASE: Final = "by the database"


def instance_of(model: Any, value: object) -> Any:
    made = object.__new__(model)
    vars(made).update({"id": 1} if value is ABSENT else {"id": 1, "value": value})
    return made


def kept(instance: Any, value: object) -> object:
    return type(value), value, vars(instance).get("value", ABSENT)


def asked(field: Field[Any], instance: Any, *, adding: bool) -> object:
    """Return what the field itself makes of a value, and what is on the instance then."""
    try:
        value = field.pre_save(instance, adding=adding)
        if adding and value is None and (field.identity or field.attname not in vars(instance)):
            return BY_DATABASE
        vars(instance)[field.attname] = value = field.clean(value)
    except ValidationError as error:
        return str(error)
    return kept(instance, value if field.encode is None or value is None else field.encode(value))


def collected(collector: Collector, instance: Any) -> object:
    rows: list[tuple[object, ...]] = []
    masks: list[int] = []
    try:
        collector.collect([instance], rows, masks)
    except ValidationError as error:
        return str(error)
    return BY_DATABASE if masks[0] else kept(instance, rows[0][-1])


def same(one: object, other: object) -> bool:
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return one == other
    return all(
        left is right or (alike(left, right) and repr(left) == repr(right))  # repr: -0.0, fold, 1.50
        for left, right in zip(one, other, strict=True)
    )


def check(model: Any, value: object) -> None:
    field = model._meta.get_field("value")
    collector = insert_collector(model._meta, validate=True)
    assert same(collected(collector, instance_of(model, value)), asked(field, instance_of(model, value), adding=True))
    if not field.primary_key:
        collector = update_collector(model._meta, (field,), validate=True)
        one, other = instance_of(model, value), instance_of(model, value)
        assert same(collected(collector, one), asked(field, other, adding=False))


each_case = pytest.mark.parametrize(("model", "likely"), CASES, ids=lambda case: repr(getattr(case, "value", "")))


@each_case
@given(data=st.data())
def test_a_likely_value_is_collected_as_its_field_cleans_it(
    model: Any, likely: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    check(model, data.draw(likely | st.none() | st.just(ABSENT)))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: repr(model.value))
@given(value=values)
def test_any_value_is_collected_as_its_field_cleans_it(model: Any, value: object) -> None:
    check(model, value)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: repr(model.value))
def test_an_object_that_raises_wherever_it_is_asked_is_collected_as_its_field_cleans_it(model: Any) -> None:
    field = model._meta.get_field("value")
    for value in HOSTILE:
        expected = asked(field, instance_of(model, value), adding=True)
        found = collected(insert_collector(model._meta, validate=True), instance_of(model, value))
        assert type(found) is type(expected)
        assert not isinstance(found, str) or found == expected


class Owner(Model):
    key = UUIDField(primary_key=True)


class Owned(Model):
    stamp = Stamped()
    after = IntegerField()
    owner = ForeignKey(Owner, null=True, related_name="+")
    numbers = ArrayField(IntegerField(), default=list)


async def test_what_a_pre_save_sets_is_read_after_it() -> None:
    rows: list[tuple[object, ...]] = []
    masks: list[int] = []
    insert_collector(Owned._meta, validate=True).collect([Owned(after=1)], rows, masks)
    assert rows == [(None, "stamped True", 7, None, [])]
    assert masks == [1]


def test_an_expression_is_refused_in_an_insert_and_marked_in_an_update() -> None:
    changed = Owned(after=F("after") + 1)
    options = Owned._meta
    with pytest.raises(FieldError, match=r"Owned\.numbers"):
        insert_collector(options, validate=True).collect([Owned(stamp="x", numbers=F("numbers"))], [], [])
    rows: list[tuple[object, ...]] = []
    masks: list[int] = []
    fields = (options.get_field("after"), options.get_field("numbers"))
    update_collector(options, fields, validate=True).collect([changed], rows, masks)
    assert masks == [1]
    assert rows[0][1] == []
