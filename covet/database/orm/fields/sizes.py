"""Sizes: what is too large for any value, and how an option that counts something is read."""

from __future__ import annotations

from typing import Any, Final

from covet.database.orm.fields.base import Field
from covet.exceptions import ModelDefinitionError

#: The largest text, binary or JSON value. PostgreSQL ends at 256 MiB (a text in jsonb) and 1 GiB (everything).
MAX_BYTES: Final = 256 * 1024 * 1024 - 1


def read_size(field: Field[Any], name: str, value: object, least: int, greatest: int) -> int | None:
    """Return the option ``name``: a plain int in its bounds, or None."""
    if value is None:
        return None
    if type(value) is not int or not least <= value <= greatest:
        raise ModelDefinitionError(f"{type(field).__name__}(): {name} must be an integer of {least} to {greatest}.")
    return value
