"""Binding: parameters to arguments, in one Python call."""

from __future__ import annotations

import sys

import pytest

from covet.database.sql.compiled import Bind, Compiled, CompiledRows


def spread(items, number, room):
    assert len(items) <= room
    return ",".join(f"?{number + at}" for at in range(len(items))), items


def python_calls(function, *args):
    """Count the Python functions that run, generated frames included."""
    calls = []
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
    return calls


def test_parameters_in_order_are_the_arguments_as_they_are():
    params = (1, 2)
    compiled = Compiled("x", (Bind(0), Bind(1)))
    assert compiled.bind(params) == ("x", params)
    assert compiled.bind(params)[1] is params


@pytest.mark.parametrize(
    ("binds", "params", "arguments"),
    [
        ((), (1, 2), []),
        ((Bind(1),), (1, 2), [2]),
        ((Bind(1), Bind(0)), (1, 2), [2, 1]),
        ((Bind(0), Bind(0)), (1,), [1, 1]),
        ((Bind(0, str), Bind(1, str), Bind(1)), (1, None), ["1", None, None]),
    ],
)
def test_arguments_are_picked_and_converted(binds, params, arguments):
    sql, found = Compiled("x", binds).bind(params)
    assert (sql, list(found)) == ("x", arguments)


def test_a_list_is_printed_between_the_parts():
    lists = (Bind(1, str, spread), Bind(2, None, spread))
    compiled = Compiled("", (Bind(0),), ("a(", ") b(", ") c"), lists, 5)
    assert compiled.bind((7, (1, None), [9])) == ("a(?2,?3) b(?4) c", [7, "1", None, 9])
    assert compiled.bind((7, (), ())) == ("a() b() c", [7])


def test_rows_are_converted_by_column():
    compiled = CompiledRows("x", (Bind(4, str),), processors=(None, str), row_params=4)
    assert compiled.bind((1, 2, 3, None, 5)) == ("x", [1, "2", 3, None, "5"])
    params = (1, 2)
    assert CompiledRows("x", (), processors=(None,), row_params=2).bind(params)[1] is params


def test_binding_is_one_python_call():
    assert python_calls(Compiled("x", (Bind(0), Bind(1))).bind, (1, 2)) == ["bind"]
    assert python_calls(Compiled("x", (Bind(1, str), Bind(0))).bind, (1, 2)) == ["bind"]


def test_two_equal_statements_are_equal():
    assert Compiled("x", (Bind(0),)) == Compiled("x", (Bind(0),))
    assert hash(Compiled("x", (Bind(0),))) == hash(Compiled("x", (Bind(0),)))
