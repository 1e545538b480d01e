"""What a field is to the database: its column type, and the way of a value there and back."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import pytest

from covet.database.orm import fields
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
    SearchVectorField,
    SlugField,
    SmallAutoField,
    SmallIntegerField,
    TextField,
    TimeField,
    URLField,
    UUIDField,
    nullable,
)
from covet.database.schema import types
from covet.exceptions import DecodeError, ModelDefinitionError, ValidationError

Make = Callable[..., Field[Any]]


class Model:
    """Stands for the model that owns the field."""


class Status(enum.Enum):
    DRAFT = "draft"
    LIVE = "live"
    PUBLISHED = "live"  # noqa: PIE796 - an alias


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Huge(enum.Enum):
    BIG = 2**40


class Pairs(enum.Enum):
    ONE = (1, 2)


class Loose(enum.Enum):
    DRAFT = "draft"

    @classmethod
    def _missing_(cls, value: object) -> Loose | None:
        return cls.DRAFT if value == "DRAFT" else None


def bound(field: Field[Any], name: str = "it") -> Field[Any]:
    field.contribute_to_class(Model, name)
    return field


COLUMNS: list[tuple[Make, types.LogicalType]] = [
    (AutoField, types.Integer(32)),
    (SmallAutoField, types.Integer(16)),
    (BigAutoField, types.Integer(64)),
    (BooleanField, types.Boolean()),
    (SmallIntegerField, types.Integer(16)),
    (IntegerField, types.Integer(32)),
    (BigIntegerField, types.Integer(64)),
    (PositiveSmallIntegerField, types.Integer(16)),
    (PositiveIntegerField, types.Integer(32)),
    (PositiveBigIntegerField, types.Integer(64)),
    (FloatField, types.Float()),
    (DecimalField, types.Numeric()),
    (lambda: DecimalField(max_digits=10, decimal_places=2), types.Numeric(10, 2)),
    (CharField, types.Varchar()),
    (lambda: CharField(max_length=100), types.Varchar(100)),
    (TextField, types.Text()),
    (lambda: TextField(max_length=100), types.Text()),
    (EmailField, types.Varchar(255)),
    (lambda: EmailField(max_length=254), types.Varchar(254)),
    (SlugField, types.Varchar(50)),
    (URLField, types.Varchar(200)),
    (DateField, types.Date()),
    (TimeField, types.Time()),
    (DateTimeField, types.Timestamp(timezone=True)),
    (lambda: DateTimeField(timezone=False), types.Timestamp(timezone=False)),
    (DurationField, types.Interval()),
    (UUIDField, types.Uuid()),
    (BinaryField, types.Binary()),
    (JSONField, types.Json()),
    (lambda: JSONField(binary=False), types.Json(binary=False)),
    (GenericIPAddressField, types.Inet()),
    (lambda: ArrayField(ArrayField(CharField(max_length=1)), 3), types.Array(types.Array(types.Varchar(1)), 3)),
    (IntegerRangeField, types.RangeOf(types.Integer(32))),
    (BigIntegerRangeField, types.RangeOf(types.Integer(64))),
    (DecimalRangeField, types.RangeOf(types.Numeric())),
    (DateRangeField, types.RangeOf(types.Date())),
    (DateTimeRangeField, types.RangeOf(types.Timestamp())),
    (lambda: DateTimeRangeField(timezone=False), types.RangeOf(types.Timestamp(timezone=False))),
    (lambda: EnumField(Status), types.Varchar(5)),
    (lambda: EnumField(Status, max_length=20), types.Varchar(20)),
    (lambda: EnumField(Status, store="name"), types.Varchar(9)),
    (lambda: EnumField(Status, db_type="status"), types.NativeEnum("status", ("draft", "live"))),
    (
        lambda: EnumField(Status, store="name", db_type="status"),
        types.NativeEnum("status", ("DRAFT", "LIVE", "PUBLISHED")),
    ),
    (lambda: EnumField(Level), types.Integer(32)),
    (lambda: EnumField(Huge), types.Integer(64)),
    (lambda: EnumField(Pairs, store="name"), types.Varchar(3)),
]


@pytest.mark.parametrize(("make", "logical"), COLUMNS)
def test_each_field_has_its_column_type(make: Make, logical: types.LogicalType) -> None:
    assert make().logical_type == logical


def test_the_column_table_covers_every_field_of_the_facade() -> None:
    concrete = {
        kind
        for kind in vars(fields).values()
        if isinstance(kind, type) and issubclass(kind, Field) and kind is not Field
    }
    # A column of PostgreSQL only: tests/integration/test_search.py.
    assert concrete - {SearchVectorField} == {type(make()) for make, _ in COLUMNS}


def test_the_facade_is_sorted_and_complete() -> None:
    assert sorted(fields.__all__, key=lambda name: (not name.isupper(), name)) == fields.__all__
    assert all(hasattr(fields, name) for name in fields.__all__)


def test_positive_fields_carry_the_bound_of_their_check_constraint() -> None:
    assert {kind.min_bound for kind in (PositiveSmallIntegerField, PositiveIntegerField, PositiveBigIntegerField)} == {
        0
    }
    assert IntegerField.min_bound is None


# -- belonging to a model ----------------------------------------------------------------------


def test_a_clone_belongs_to_no_model_and_leaves_its_original_alone() -> None:
    original = IntegerField()
    copied = bound(original.clone(), "age")
    assert (original.name, original.model) == ("", None)
    assert (copied.name, copied.attname, copied.column, copied.label) == ("age", "age", "age", "Model.age")
    assert repr(copied) == "<IntegerField: Model.age>"


def test_a_field_of_a_plain_class_is_a_non_data_descriptor() -> None:
    class Mixin:
        deleted_at = DateTimeField(null=True)

    assert isinstance(Mixin.deleted_at, DateTimeField)
    assert not hasattr(type(Mixin.deleted_at), "__set__")
    instance = Mixin()
    with pytest.raises(AttributeError, match=r"Mixin\.deleted_at has no value"):
        _ = instance.deleted_at
    instance.deleted_at = None
    assert instance.deleted_at is None


def test_nullable_gives_a_nullable_copy() -> None:
    original = IntegerField()
    copied = nullable(original)
    assert copied.null
    assert not original.null
    with pytest.raises(ModelDefinitionError, match="primary_key"):
        nullable(IntegerField(primary_key=True))


def test_a_field_without_column_type_says_so() -> None:
    with pytest.raises(ModelDefinitionError, match="Field has no column type"):
        _ = Field[int]().logical_type


def test_auto_fields_are_keys_that_the_database_numbers() -> None:
    field = AutoField()
    assert field.primary_key
    assert field.identity
    assert not IntegerField(primary_key=True).identity


# -- the way to the database -------------------------------------------------------------------


@pytest.mark.parametrize("make", [IntegerField, CharField, JSONField, lambda: ArrayField(IntegerField())])
def test_most_fields_need_no_processor(make: Make) -> None:
    assert make().bind_processor is None
    assert make().result_processor is None


def test_an_enum_is_stored_by_value_or_by_name_and_read_back() -> None:
    for field, stored in ((EnumField(Status), "live"), (EnumField(Status, store="name"), "LIVE")):
        assert field.bind_processor is not None
        assert field.result_processor is not None
        assert field.bind_processor(Status.LIVE) == stored
        assert field.result_processor(stored) is Status.LIVE


def test_an_alias_in_the_database_is_read_as_its_member() -> None:
    assert EnumField(Status, store="name").from_db("PUBLISHED") is Status.LIVE


def test_a_stored_value_without_member_is_a_decode_error_that_names_the_field() -> None:
    field = bound(EnumField(Status), "status")
    with pytest.raises(DecodeError, match=r"Model\.status: the database holds a value that is no member of Status"):
        field.from_db("gone")


def test_an_enum_may_know_more_spellings_of_its_members() -> None:
    field = bound(EnumField(Loose))
    assert field.clean("DRAFT") is Loose.DRAFT
    assert field.from_db("DRAFT") is Loose.DRAFT
    with pytest.raises(ValidationError, match="none of Loose"):
        field.clean("x")


def test_an_array_converts_each_item() -> None:
    field = ArrayField(ArrayField(EnumField(Level, null=True)))
    assert field.bind_processor is not None
    assert field.result_processor is not None
    assert field.bind_processor([[Level.LOW, None]]) == [[1, None]]
    assert field.result_processor([[1, None]]) == [[Level.LOW, None]]
