"""Options of fields: what they do, which are unknown, which contradict."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from covet.database.orm.fields import (
    MISSING,
    ArrayField,
    AutoField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    EnumField,
    Field,
    FloatField,
    GenericIPAddressField,
    IntegerField,
    JSONField,
    SlugField,
    UUIDField,
)
from covet.exceptions import ModelDefinitionError, ValidationError

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


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


class Pairs(enum.Enum):
    ONE = (1, 2)


class Empty(enum.Enum):
    pass


def bound(field: Field[Any], name: str = "it") -> Field[Any]:
    field.contribute_to_class(Model, name)
    return field


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CharField(max_lenght=3), r"CharField\(\) has no option 'max_lenght'. Did you mean 'max_length'\?"),  # type: ignore[call-overload]
        (lambda: IntegerField(max_length=3), r"IntegerField\(\) has no option 'max_length'"),  # type: ignore[call-overload]
        (lambda: IntegerField(server_default=3), r"Did you mean 'db_default'\?"),  # type: ignore[call-overload]
        (lambda: IntegerField(index=True), r"Did you mean 'db_index'\?"),  # type: ignore[call-overload]
        (lambda: BooleanField(zzz=1), r"has no option 'zzz'. Choices: blank, choices, db_column"),  # type: ignore[call-overload]
        (lambda: IntegerField(3), "takes keyword options only"),  # type: ignore[call-overload]
    ],
)
def test_an_unknown_option_is_a_type_error_with_the_choices(make: Make, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


CONTRADICTIONS: list[tuple[Make, str]] = [
    (lambda: IntegerField(null=True, nullable=False), "null=True and nullable=False contradict"),  # type: ignore[call-overload]
    (lambda: IntegerField(primary_key=True, null=True), "primary_key=True and nullable=True contradict"),
    (lambda: IntegerField(default=None), "default=None and a column that is not nullable"),  # type: ignore[call-overload]
    (lambda: IntegerField(min_value=3, max_value=2), "min_value=3 and max_value=2 contradict"),
    (lambda: IntegerField(min_value="3"), "min_value must be a number"),  # type: ignore[call-overload]
    (lambda: FloatField(max_value=float("nan")), "max_value must be a number"),
    (lambda: IntegerField(choices=[]), "choices is empty"),
    (lambda: IntegerField(choices="ab"), "choices must be pairs"),  # type: ignore[arg-type]
    (lambda: IntegerField(choices=[1, 2]), "choices must be pairs"),  # type: ignore[list-item]
    (lambda: IntegerField(choices=[(1, "a", "b")]), "choices must be pairs"),  # type: ignore[list-item]
    (lambda: IntegerField(choices=int), "choices must be pairs"),  # type: ignore[call-overload]
    (lambda: IntegerField(error_messages={"nul": "x"}), r"error_messages has no nul. Choices: blank, bounds"),
    (lambda: AutoField(primary_key=False), "primary_key=False contradict"),
    (lambda: AutoField(default=1), "a default contradict"),
    (lambda: AutoField(nullable=True), "primary_key=True and nullable=True"),  # type: ignore[call-arg]
    (lambda: DecimalField(max_digits=5), "max_digits and decimal_places, or neither"),
    (lambda: DecimalField(decimal_places=5), "max_digits and decimal_places, or neither"),
    (lambda: DecimalField(max_digits=5, decimal_places=6), "decimal_places 0 to max_digits"),
    (lambda: DecimalField(max_digits=1001, decimal_places=2), "max_digits must be 1 to 1000"),
    (lambda: DecimalField(max_digits=True, decimal_places=0), "max_digits must be 1 to 1000"),
    (lambda: CharField(max_length=0), "max_length must be an integer of 1 to 10485760"),
    (lambda: CharField(max_length="5); drop"), "max_length must be an integer"),  # type: ignore[call-overload]
    (lambda: CharField(max_length=True), "max_length must be an integer"),
    (lambda: CharField(max_length=3, min_length=4), "min_length=4 and max_length=3 contradict"),
    (lambda: DateTimeField(auto_now=True, auto_now_add=True), "auto_now and auto_now_add contradict"),
    (lambda: DateField(auto_now_add=True, default=Model), "auto_now_add and default contradict"),  # type: ignore[arg-type]
    (lambda: UUIDField(auto_generate=True, default=uuid.uuid4), "auto_generate=True and a default"),
    (lambda: GenericIPAddressField(protocol="v4"), "protocol must be"),  # type: ignore[call-overload]
    (lambda: JSONField(default=[]), "all instances would share one default list. Write default=list"),
    (lambda: JSONField(default={}), "Write default=dict"),
    (lambda: JSONField(default={"a": 1}), r"default=lambda: dict\(...\)"),
    (ArrayField, r"ArrayField\(IntegerField\(\)\)"),
    (lambda: ArrayField(IntegerField), r"ArrayField\(IntegerField\(\)\)"),  # type: ignore[call-overload]
    (lambda: ArrayField(IntegerField(unique=True)), "cannot be a key or be indexed"),
    (lambda: ArrayField(AutoField()), "cannot be a key or be indexed"),
    (lambda: ArrayField(JSONField()), "a JSONField holds a list"),
    (lambda: ArrayField(IntegerField(), size=-1), "size must be an integer"),
    (EnumField, "needs an Enum class"),
    (lambda: EnumField(int), "needs an Enum class"),
    (lambda: EnumField(Empty), "with members"),
    (lambda: EnumField(Mixed), "the values are str and int; use store='name'"),
    (lambda: EnumField(Pairs), "the value of ONE is neither str nor int; use store='name'"),
    (lambda: EnumField(Status, max_length=3), "max_length must be an integer of 5"),
    (lambda: EnumField(Status, store="key"), "store must be 'value' or 'name'"),  # type: ignore[call-overload]
    (lambda: EnumField(Status, db_type="status", max_length=9), "without max_length"),
    (lambda: EnumField(Level, db_type="level"), "int values have neither db_type"),
]


@pytest.mark.parametrize(("make", "message"), CONTRADICTIONS)
def test_options_that_cannot_work_are_a_definition_error(make: Make, message: str) -> None:
    with pytest.raises(ModelDefinitionError, match=message):
        make()


def test_an_array_of_seven_dimensions_is_refused() -> None:
    field: Field[Any] = IntegerField()
    for _ in range(6):
        field = ArrayField(field)
    with pytest.raises(ModelDefinitionError, match="at most 6 dimensions"):
        ArrayField(field)


def test_null_and_nullable_are_the_same() -> None:
    assert IntegerField(null=True).null
    assert IntegerField(nullable=True).null
    assert IntegerField(null=True, nullable=True).null
    assert not IntegerField().null


def test_options_of_the_column_are_kept() -> None:
    field = IntegerField(db_column="n", unique=True, db_index=True, db_comment="how many", db_default=3, editable=False)
    assert (field.db_column, field.unique, field.db_index, field.db_comment, field.db_default) == (
        "n",
        True,
        True,
        "how many",
        3,
    )
    assert not field.editable
    assert bound(field).column == "n"
    assert CharField(db_collation="C").db_collation == "C"
    assert (CharField(verbose_name="a", help_text="b").verbose_name, IntegerField().help_text) == ("a", "")


def test_a_slug_is_indexed_unless_told_otherwise() -> None:
    assert SlugField().db_index
    assert not SlugField(db_index=False).db_index


# -- defaults ----------------------------------------------------------------------------------


def test_a_default_gets_the_type_of_the_field() -> None:
    assert bound(CharField(default="x")).get_default() == "x"
    assert repr(bound(DecimalField(default=1)).get_default()) == "Decimal('1')"  # type: ignore[call-overload]
    assert bound(EnumField(Status, default="live")).get_default() is Status.LIVE
    assert bound(IntegerField(null=True, default=None)).get_default() is None


def test_a_callable_default_is_called_for_each_instance() -> None:
    field = bound(JSONField(default=dict))
    assert field.has_default()
    assert field.get_default() == {}
    assert field.get_default() is not field.get_default()


def test_a_field_without_default_has_none() -> None:
    field = bound(IntegerField())
    assert not field.has_default()
    assert field.default is MISSING
    assert field.get_default() is None


@pytest.mark.parametrize("option", ["auto_generate", "auto_create"])
def test_a_generated_uuid_is_new_for_each_instance(option: str) -> None:
    field = bound(UUIDField(**{option: True}))  # type: ignore[call-overload]
    assert isinstance(field.get_default(), uuid.UUID)
    assert field.get_default() != field.get_default()


def test_a_default_that_the_field_refuses_is_a_definition_error() -> None:
    with pytest.raises(ModelDefinitionError, match=r"Model\.age: the text is not a plain integer"):
        bound(IntegerField(default="x"), "age")  # type: ignore[call-overload]


def test_a_tuple_as_the_default_of_an_array_is_refused_because_it_becomes_one_shared_list() -> None:
    with pytest.raises(ModelDefinitionError, match="Write default=list"):
        bound(ArrayField(IntegerField(), default=()))  # type: ignore[call-overload]


# -- choices, validators, messages -------------------------------------------------------------


@pytest.mark.parametrize(
    "choices",
    [
        [("a", "A"), ("b", "B")],
        (pair for pair in (("a", "A"), ["b", "B"])),
        {"a": "A", "b": "B"},
        [("First", [("a", "A")]), ("Second", {"b": "B"})],
        enum.Enum("Letters", {"A": "a", "B": "b"}),
        type("Letters", (), {"choices": [("a", "A"), ("b", "B")]}),
    ],
)
def test_choices_are_read_from_pairs_groups_mappings_and_classes(choices: Any) -> None:
    field = bound(CharField(choices=choices))
    assert field.choices == (("a", "A"), ("b", "B"))
    assert field.clean("a") == "a"
    with pytest.raises(ValidationError, match=r"Model\.it: the value is not one of the choices: 'a', 'b'"):
        field.clean("c")


def test_choices_get_the_type_of_the_field() -> None:
    field = bound(IntegerField(choices=[("1", "one"), (2, "two")]))  # type: ignore[list-item]
    assert field.clean(1) == 1
    assert field.choices == ((1, "one"), (2, "two"))


def test_a_choice_that_the_field_refuses_is_a_definition_error() -> None:
    with pytest.raises(ModelDefinitionError, match="choice is refused by its own field"):
        bound(IntegerField(choices=[("x", "X")]))  # type: ignore[list-item]


def test_choices_are_not_asked_for_a_comparison() -> None:
    assert bound(CharField(choices=[("a", "A")])).prepare("c") == "c"


def test_validators_run_after_the_checks_of_the_field() -> None:
    def even(value: int) -> None:
        if value % 2:
            raise ValueError("an even number is wanted.")

    def small(value: int) -> None:
        if value > 9:
            raise ValidationError("a digit is wanted.")

    field = bound(IntegerField(validators=[even, small]))
    assert field.clean("8") == 8
    with pytest.raises(ValidationError, match=r"Model\.it: an even number"):
        field.clean(3)
    with pytest.raises(ValidationError, match=r"Model\.it: a digit"):
        field.clean(10)


def test_error_messages_replace_those_of_the_field() -> None:
    field = bound(IntegerField(error_messages={"null": "say how old", "bounds": "too old"}, max_value=150))
    with pytest.raises(ValidationError, match=r"Model\.it: say how old"):
        field.clean(None)
    with pytest.raises(ValidationError, match=r"Model\.it: too old"):
        field.clean(151)
