"""Row classes: which fields a class of ``into()`` declares, and by which keywords it is made. Pure.

Libraries are known by what their classes carry, so none of them is imported: a ``TypedDict`` (``__annotations__``), a
dataclass, a ``NamedTuple`` (``_fields``), attrs (``__attrs_attrs__``), msgspec (``__struct_fields__``), pydantic
(``model_fields``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast


class RowField(NamedTuple):
    """A field of a row class: its name, and the keyword that gives it."""

    name: str
    keyword: str


def row_fields(row: type[Any]) -> tuple[RowField, ...]:
    """Return the fields that a row class takes, in the order in which they are declared."""
    if dataclasses.is_dataclass(row):
        return _same(field.name for field in dataclasses.fields(row) if field.init)
    attributes: Any = getattr(row, "__attrs_attrs__", None)
    if attributes is not None:
        return tuple(_of_attrs(each) for each in attributes if each.init)
    declared: Any = getattr(row, "__pydantic_fields__", None) or getattr(row, "model_fields", None)
    if isinstance(declared, Mapping):
        config = cast("Mapping[str, Any]", getattr(row, "model_config", None) or {})
        by_name = bool(config.get("populate_by_name") or config.get("validate_by_name"))
        fields = cast("Mapping[str, Any]", declared)
        return tuple(RowField(name, name if by_name else _alias(name, field)) for name, field in fields.items())
    for names in ("__struct_fields__", "_fields", "__annotations__"):
        found = getattr(row, names, None)
        if found:
            return _same(cast("Iterable[str]", found))
    return ()


def _same(names: Iterable[str]) -> tuple[RowField, ...]:
    return tuple(RowField(name, name) for name in names)


def _of_attrs(attribute: Any) -> RowField:
    """Return a field of attrs: ``_name`` is private, and its keyword ``name``."""
    keyword = getattr(attribute, "alias", None) or attribute.name.lstrip("_")
    return RowField(keyword if attribute.name.startswith("_") else attribute.name, keyword)


def _alias(name: str, field: Any) -> str:
    """Return the keyword of a field of pydantic: its alias where it has one."""
    for found in (getattr(field, "validation_alias", None), getattr(field, "alias", None)):
        if isinstance(found, str):
            return found
    return name
