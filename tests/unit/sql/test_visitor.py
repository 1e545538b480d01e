"""The visitor: dispatch by class, order of the text, any depth."""

from __future__ import annotations

import pytest

from covet.database.sql.visitor import Pieces, Visitor, separated


class Leaf:
    def __init__(self, name: str = "leaf") -> None:
        self.name = name


class SpecialLeaf(Leaf):
    pass


class _Pair:
    def __init__(self, left: object, right: object) -> None:
        self.left, self.right = left, right


class Printer(Visitor):
    def visit_leaf(self, node: Leaf) -> Pieces:
        return (node.name,)

    def visit_pair(self, node: _Pair) -> Pieces:
        return "(", node.left, " ", node.right, ")"


class LoudPrinter(Printer):
    def visit_leaf(self, node: Leaf) -> Pieces:
        return (node.name.upper(),)


def printed(visitor: Visitor, node: object) -> str:
    out: list[str] = []
    visitor.walk(node, out.append)
    return "".join(out)


def test_pieces_come_in_the_order_of_the_text():
    assert printed(Printer(), _Pair(_Pair(Leaf("a"), "b"), Leaf("c"))) == "((a b) c)"


def test_a_subclass_overrides_a_method_whatever_was_printed_before():
    for _ in range(2):
        assert printed(Printer(), Leaf()) == "leaf"
        assert printed(LoudPrinter(), Leaf()) == "LEAF"


def test_a_node_is_printed_by_the_method_of_its_base_class():
    assert printed(Printer(), SpecialLeaf("x")) == "x"


def test_an_unknown_node_is_named():
    with pytest.raises(TypeError, match="Printer has no visit method for int"):
        printed(Printer(), 5)


def test_depth_is_no_limit():
    node: object = Leaf("x")
    for _ in range(50_000):
        node = _Pair(node, "y")
    assert printed(Printer(), node).count("(") == 50_000


def test_items_are_separated():
    assert separated([]) == []
    assert separated(["a"]) == ["a"]
    assert separated("abc", "-") == ["a", "-", "b", "-", "c"]
