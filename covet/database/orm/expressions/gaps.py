"""Gaps: places in a query whose values are given later, when the prepared query is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typing_extensions import TypeVar

from covet.database.orm.expressions.base import Expression
from covet.exceptions import ValidationError

_T = TypeVar("_T", default=Any)


class Param(Expression[_T]):
    """A value that is given when a prepared query is called.

    >>> older = User.objects.filter(age__gt=Param("age")).prepare()
    >>> await older(age=18)  # SELECT .. WHERE age > $1
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        if not name.isidentifier():
            raise ValueError(f"{name[:80]!a} is no name for a parameter.")
        self.name = name

    def __repr__(self) -> str:
        return f"Param({self.name!r})"


class Gap:
    """What stands among the parameters of a query in the place of a value: its name, and the check of the value."""

    __slots__ = ("_check", "label", "name")

    def __init__(self, name: str, label: str, check: Callable[[Any], Any]) -> None:
        self.name = name
        self.label = label
        self._check = check

    def check(self, value: Any) -> Any:
        """Return the parameter for a value, as ``filter`` would."""
        if value is None:
            raise ValidationError({self.name: [f"None is no value for {self.label}; isnull asks for NULL."]})
        return self._check(value)

    def beyond(self) -> ValidationError:
        """Return the error for a number that every row of the column compares alike with."""
        return ValidationError({self.name: [f"the number is beyond what {self.label} holds."]})

    def __repr__(self) -> str:
        return f"<Gap {self.name}>"
