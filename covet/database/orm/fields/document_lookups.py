"""Lookups of documents and arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from typing_extensions import override

from covet.database.orm.expressions.documents import read_key
from covet.database.orm.lookups import LOOKUPS, Lookup, LookupField
from covet.database.schema.types import Array, Boolean, LogicalType, Text
from covet.database.sql import nodes

if TYPE_CHECKING:
    from covet.exceptions import ValidationError


class FunctionLookup(Lookup):
    """A lookup that is a function of both sides; each dialect knows how to say it."""

    function: ClassVar[str] = ""

    @override
    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return nodes.Function(self.function, (operand, *values), Boolean())


class DocumentContains(FunctionLookup):
    """``contains``: everything in the value is in the document."""

    name = "contains"
    function = "json_contains"


class DocumentContainedBy(FunctionLookup):
    """``contained_by``: everything in the document is in the value."""

    name = "contained_by"
    function = "json_contained"


class HasKey(FunctionLookup):
    """``has_key``: the object has the key, the array the text."""

    name = "has_key"
    function = "json_exists"

    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        return _key(field, self.name, value)

    @override
    def param_type(self, field: LookupField) -> LogicalType:
        return Text()


class HasKeys(FunctionLookup):
    """``has_keys``: all of a list of keys."""

    name = "has_keys"
    function = "json_exists_all"

    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        keys: object = value
        if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
            raise field.invalid(f"{self.name!r} takes a list of keys, not {type(value).__name__}.")
        return [_key(field, self.name, key) for key in cast("Iterable[object]", keys)]

    @override
    def param_type(self, field: LookupField) -> LogicalType:
        return Array(Text())


class HasAnyKeys(HasKeys):
    """``has_any_keys``: at least one of a list of keys."""

    name = "has_any_keys"
    function = "json_exists_any"


def _key(field: LookupField, name: str, value: object) -> str:
    try:
        return read_key(value)
    except TypeError:
        wrong: ValidationError = field.invalid(
            f"{name!r} takes keys: a key is a string or an int, not {type(value).__name__}."
        )
        raise wrong from None


class OnText(Lookup):
    """A lookup of text, asked of a document: a JSON string without its quotes, everything else as it is written."""

    def __init__(self, lookup: Lookup) -> None:
        self.name = lookup.name  # type: ignore[misc]  # an instance a lookup, named as the one it stands for
        self.lookup = lookup

    @override
    def prepare(self, field: LookupField, value: Any) -> Any:
        return self.lookup.prepare(field, value)

    @override
    def param_type(self, field: LookupField) -> LogicalType:
        return Text()

    @override
    def tested(self, operand: nodes.Expression) -> nodes.Expression:
        return nodes.Function("json_text", (operand,), Text())

    @override
    def build(self, operand: nodes.Expression, *values: nodes.Expression) -> nodes.Expression:
        return self.lookup.build(self.tested(operand), *values)


_OF_TEXT = (
    "iexact",
    "icontains",
    "startswith",
    "istartswith",
    "endswith",
    "iendswith",
    "regex",
    "iregex",
    "like",
    "ilike",
)

#: The lookups that a JSONField has of its own.
DOCUMENT_LOOKUPS: Final[dict[str, Lookup]] = {
    lookup.name: lookup
    for lookup in (
        DocumentContains(),
        DocumentContainedBy(),
        HasKey(),
        HasKeys(),
        HasAnyKeys(),
        *(OnText(LOOKUPS[name]) for name in _OF_TEXT),
    )
}


class ArrayContains(FunctionLookup):
    """``contains``: every item of the value is in the array."""

    name = "contains"
    function = "array_contains"


class ArrayContainedBy(FunctionLookup):
    """``contained_by``: every item of the array is in the value."""

    name = "contained_by"
    function = "array_contained"


class ArrayOverlap(FunctionLookup):
    """``overlap``: an item is in both."""

    name = "overlap"
    function = "array_overlap"


#: The lookups that an ArrayField has of its own.
ARRAY_LOOKUPS: Final[dict[str, Lookup]] = {
    lookup.name: lookup for lookup in (ArrayContains(), ArrayContainedBy(), ArrayOverlap())
}
