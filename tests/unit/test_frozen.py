"""Frozen classes behave like frozen dataclasses with slots, and nothing is generated for them before their use."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import ClassVar

import pytest

from covet._frozen import Frozen, replace


class Point(Frozen):
    dimensions: ClassVar[int] = 2

    x: int
    y: int = 0


class Named(Point):
    name: str = ""


class Other(Frozen):
    x: int
    y: int = 0


class Nothing(Frozen):
    pass


class Positive(Frozen):
    number: int

    def __post_init__(self) -> None:
        if self.number <= 0:
            raise ValueError(self.number)


class Identical(Frozen, eq=False):
    x: int


@dataclass(frozen=True, slots=True)
class DataPoint:
    x: int
    y: int = 0


def test_fields_are_parameters_by_place_and_by_name() -> None:
    assert (Point(1).x, Point(1).y, Point(y=3, x=2).y) == (1, 0, 3)
    assert (Named(1, 2, "a").x, Named(1, name="b").name) == (1, "b")


def test_a_missing_and_an_unknown_parameter_are_refused() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # what is to be refused
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        replace(Point(1), z=2)


def test_equality_and_hash_are_those_of_class_and_values() -> None:
    assert Point(1, 2) == Point(1, 2) != Point(2, 1)
    assert Point(1) != Other(1)
    assert Point(1) != Named(1)
    assert Nothing() == Nothing() != Point(1)
    assert len({Point(1), Point(1, 0), Other(1), Named(1), Nothing(), Nothing()}) == 4
    assert len({Identical(1), Identical(1)}) == 2


def test_an_instance_cannot_be_changed_and_has_slots() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match=r"Point\.x cannot be set"):
        point.x = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # what is to be refused
    with pytest.raises(AttributeError, match=r"Point\.x cannot be deleted"):
        del point.x
    assert not hasattr(Named(1), "__dict__")


def test_repr_and_match_are_those_of_a_dataclass() -> None:
    assert repr(Point(1)) == repr(DataPoint(1)).replace("DataPoint", "Point")
    match Named(1, 2, "a"):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_copies_and_pickles_are_equal() -> None:
    for instance in (Named(1, 2, "a"), Nothing(), Positive(1)):
        assert copy.copy(instance) == copy.deepcopy(instance) == pickle.loads(pickle.dumps(instance)) == instance
    assert replace(Named(1, 2, "a"), y=5) == Named(1, 5, "a")


def test_post_init_checks_the_fields() -> None:
    with pytest.raises(ValueError, match="-1"):
        Positive(-1)


def test_a_subclass_may_have_an_init_of_its_own() -> None:
    class Unit(Point):
        def __init__(self) -> None:
            super().__init__(1, 1)

    assert [(Unit().x, Unit().y) for _ in range(2)] == [(1, 1), (1, 1)]


def test_init_is_made_with_the_first_instance() -> None:
    class Late(Frozen):
        x: int

    before = Late.__init__
    assert Late(1).x == 1
    assert Late.__init__ is not before
    assert Late(2).x == 2
