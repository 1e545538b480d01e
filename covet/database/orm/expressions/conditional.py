"""CASE: values chosen by conditions."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypeVar

from covet.database.orm.conditions import Q
from covet.database.orm.expressions.base import Operators, OutputField

_T = TypeVar("_T", default=Any)


class When:
    """One branch of a ``Case``: ``When(age__gte=18, then=Value("adult"))``, ``When(Q(...), then="field")``."""

    __slots__ = ("condition", "then")

    def __init__(self, *conditions: Q, then: object, **lookups: Any) -> None:
        self.condition = Q(*conditions, **lookups)
        if not self.condition.children:
            raise ValueError("When() takes at least one condition.")
        self.then = then

    def __repr__(self) -> str:
        return f"When({self.condition!r})"


class Case(Operators[_T]):
    """The value of the first branch whose condition holds, else ``default`` (NULL without one).

    >>> User.objects.annotate(group=Case(When(age__lt=18, then=Value("young")), default=Value("old")))

    ``CASE WHEN age < $1 THEN $2 ELSE $3 END``. A string is the path of a field; a text is a ``Value``.
    """

    __slots__ = ("default", "output_field", "whens")

    def __init__(self, *whens: When, default: object = None, output_field: OutputField | None = None) -> None:
        for when in whens:
            if not isinstance(when, When):
                raise TypeError(f"Case() takes When(...) branches, not {type(when).__name__}.")
        if not whens:
            raise TypeError("Case() takes at least one When(...) branch.")
        self.whens = whens
        self.default = default
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"Case({', '.join(map(repr, self.whens))})"
