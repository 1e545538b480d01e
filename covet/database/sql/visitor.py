"""Visitor: dispatch by node class, printing without recursion. Pure.

A visit method does not print its children: it returns the pieces of its node in order, where a piece is a string or
another node. The loop in ``walk`` prints strings and replaces nodes by their pieces, so a tree of any depth needs no
Python stack, and whatever a visit method numbers (placeholders) is numbered in the order of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

#: What a visit method returns: strings and nodes in the order of the text.
Pieces = Sequence[object]

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class Visitor:
    """Prints a node by ``visit_<node_class>``; a method for a base class of the node serves too."""

    #: Methods by node class, one table for each compiler class, filled on first use.
    _methods: ClassVar[dict[type, Callable[[Any, Any], Pieces]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._methods = {}

    def visit(self, node: object) -> Pieces:
        """Return the pieces of ``node``."""
        cls = type(node)
        method = self._methods.get(cls)
        if method is None:
            method = self._methods[cls] = self._find(cls)
        return method(self, node)

    def walk(self, root: object, write: Callable[[str], object]) -> None:
        """Print ``root`` piece by piece."""
        stack: list[object] = [root]
        methods = self._methods
        while stack:
            piece = stack.pop()
            if type(piece) is str:
                write(piece)
                continue
            # visit(), without a call for it: every node of every statement comes by here.
            method = methods.get(type(piece))
            stack.extend((self.visit(piece) if method is None else method(self, piece))[::-1])

    @classmethod
    def _find(cls, node_class: type) -> Callable[[Any, Any], Pieces]:
        for base in node_class.__mro__:
            method = getattr(cls, "visit_" + _WORD.sub("_", base.__name__.lstrip("_")).lower(), None)
            if method is not None:
                found: Callable[[Any, Any], Pieces] = method
                return found
        raise TypeError(f"{cls.__name__} has no visit method for {node_class.__name__}")


def separated(items: Iterable[object], separator: str = ", ") -> list[object]:
    """Return the items with ``separator`` between them."""
    pieces: list[object] = []
    for item in items:
        if pieces:
            pieces.append(separator)
        pieces.append(item)
    return pieces
