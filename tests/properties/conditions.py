"""Random conditions as data: a Q can be made of them, and Python can say for which rows they hold.

The rule: a comparison with NULL does not hold, and NOT turns around what holds. SQL's own rule differs below a NOT,
where ``NOT (a = 1)`` is unknown for a NULL; Django's ``exclude`` mends that by ``NOT (a = 1 AND a IS NOT NULL)``, and
this rule is what that comes to for every tree of AND, OR and NOT. (``test_against_django`` asks Django itself.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, or_, xor
from typing import Any, Literal

from hypothesis import strategies as st

from covet import F, Q


@dataclass(frozen=True)
class Test:
    """``name lookup value``. ``column`` says that ``value`` is the name of another column."""

    __test__ = False  # no test of pytest

    name: str
    lookup: str
    value: Any
    column: bool = False

    def q(self) -> Q:
        """Return this as a Q."""
        value = F(self.value) if self.column else self.value
        return Q(**{f"{self.name}__{self.lookup}" if self.lookup else self.name: value})

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Say whether it holds for ``row``."""
        left = row[self.name]
        right = row[self.value] if self.column else self.value
        if self.lookup == "isnull":
            return bool((left is None) == right)
        if self.value is None:
            return left is None
        return left is not None and right is not None and COMPARISONS[self.lookup](left, right)


@dataclass(frozen=True)
class Joined:
    """Several conditions under one connector, maybe negated."""

    connector: Literal["AND", "OR", "XOR"]
    negation: bool
    children: tuple[Test | Joined, ...]

    def q(self) -> Q:
        """Return this as a Q."""
        operator = {"AND": and_, "OR": or_, "XOR": xor}[self.connector]
        joined: Q = reduce(operator, [child.q() for child in self.children])
        return ~Q(joined) if self.negation else joined

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Say whether it holds for ``row``."""
        number = sum(child.holds(row) for child in self.children)
        result = {"AND": number == len(self.children), "OR": number > 0, "XOR": number % 2 == 1}[self.connector]
        return result is not self.negation


Condition = Test | Joined


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "": eq,
    "exact": eq,
    "gt": gt,
    "gte": ge,
    "lt": lt,
    "lte": le,
    "in": lambda left, right: left in right,
    "range": lambda left, right: right[0] <= left <= right[1],
    "contains": lambda left, right: right in left,
    "icontains": lambda left, right: right.lower() in left.lower(),
    "startswith": str.startswith,
    "istartswith": lambda left, right: left.lower().startswith(right.lower()),
    "endswith": str.endswith,
    "iexact": lambda left, right: left.lower() == right.lower(),
}


numbers = st.sampled_from(["a", "b", "c"])
small = st.integers(-1, 4)
texts = st.sampled_from(["", "a", "A", "b", "ab", "B", "%", "_", "a_", "\\", "b%"])

tests: st.SearchStrategy[Test] = st.one_of(
    st.builds(Test, numbers, st.sampled_from(["", "exact", "gt", "gte", "lt", "lte"]), small),
    st.builds(Test, numbers, st.just("in"), st.lists(st.one_of(small, st.none()), max_size=4).map(tuple)),
    st.builds(Test, numbers, st.just("range"), st.tuples(small, small)),
    st.builds(Test, st.sampled_from(["a", "b", "flag", "text"]), st.just("isnull"), st.booleans()),
    st.builds(Test, st.sampled_from(["a", "b", "flag", "text"]), st.just(""), st.none()),
    st.builds(Test, st.just("flag"), st.just(""), st.booleans()),
    st.builds(Test, numbers, st.sampled_from(["", "gt", "lte"]), numbers, st.just(value=True)),
    st.builds(
        Test,
        st.just("text"),
        st.sampled_from(
            ["", "contains", "icontains", "startswith", "istartswith", "endswith", "iexact", "gt", "lte"],
        ),
        texts,
    ),
)


def joined(children: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Join one to three conditions."""
    return st.builds(
        Joined,
        st.sampled_from(["AND", "OR", "XOR"]),
        st.booleans(),
        st.lists(children, min_size=1, max_size=3).map(tuple),
    )


conditions: st.SearchStrategy[Condition] = st.recursive(tests, joined, max_leaves=8)
