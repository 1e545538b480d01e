"""Limits: min_value and max_value of a field of numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self, TypeAlias

from covet._frozen import Frozen
from covet.database.orm.fields.base import Field
from covet.exceptions import ModelDefinitionError

_Number: TypeAlias = int | float | Decimal


class Limits(Frozen):
    """The least and the greatest value that a field takes; None is no limit."""

    least: _Number | None = None
    greatest: _Number | None = None

    @classmethod
    def read(cls, field: Field[Any], options: dict[str, Any]) -> Self | None:
        """Read the two options; None without either."""
        least, greatest = options.get("min_value"), options.get("max_value")
        if least is None and greatest is None:
            return None
        for name, value in (("min_value", least), ("max_value", greatest)):
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or value != value:  # noqa: PLR0124 - NaN
                raise ModelDefinitionError(f"{type(field).__name__}(): {name} must be a number.")
        if least is not None and greatest is not None and least > greatest:
            raise field.contradiction(f"min_value={least} and max_value={greatest}")
        return cls(least, greatest)

    def check(self, field: Field[Any], value: Any) -> None:
        """Refuse a value outside."""
        if self.least is not None and value < self.least:
            raise field.invalid(f"the number is less than {self.least}.", "bounds")
        if self.greatest is not None and value > self.greatest:
            raise field.invalid(f"the number is greater than {self.greatest}.", "bounds")

    @staticmethod
    def narrowed(limits: Limits | None, low: _Number, high: _Number) -> tuple[_Number, _Number]:
        """Return what is left of ``low`` to ``high``."""
        if limits is None:
            return low, high
        least, greatest = limits.least, limits.greatest
        return low if least is None else max(low, least), high if greatest is None else min(high, greatest)
