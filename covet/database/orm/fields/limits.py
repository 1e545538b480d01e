"""Limits: min_value and max_value of a field of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from covet.database.orm.fields.base import Field
from covet.exceptions import ModelDefinitionError


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the greatest value that a field takes; None is no limit."""

    least: int | float | Decimal | None = None
    greatest: int | float | Decimal | None = None

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
