"""Parameters become literals, everywhere in an expression."""

from __future__ import annotations

import pytest

from covet.database.schema.types import Integer, Text
from covet.database.sql.inline import inlined
from covet.database.sql.nodes import And, Case, ColumnRef, Comparison, Constant, In, Literal, Param, ParamList
from covet.exceptions import ProgrammingError

A = ColumnRef(None, "a", Integer())


def test_parameters_become_literals():
    whens = ((Comparison("=", A, Param(1, Integer())), Param(0, Text())),)
    expression = And((Comparison("=", A, Case(whens, Constant(1))), In(A, ParamList(2, Integer()))))
    whens = ((Comparison("=", A, Literal(5, Integer())), Literal("x", Text())),)
    expected = And(
        (Comparison("=", A, Case(whens, Constant(1))), In(A, (Literal(1, Integer()), Literal(2, Integer())))),
    )
    assert inlined(expression, ("x", 5, [1, 2])) == expected


def test_a_parameter_without_a_type_is_refused():
    with pytest.raises(ProgrammingError, match="needs a type"):
        inlined(Param(0), (1,))
