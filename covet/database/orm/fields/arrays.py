"""ArrayField: a list whose items have a field of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final, overload

from typing_extensions import TypeVar, Unpack, override

from covet.database.orm.conditions import Q
from covet.database.orm.expressions.base import Expression
from covet.database.orm.expressions.documents import Item, ItemAt, Part, PartOf
from covet.database.orm.expressions.functions import Transform
from covet.database.orm.fields.base import Field, FieldOptions, No, Yes, type_of
from covet.database.orm.fields.document_lookups import ARRAY_LOOKUPS
from covet.database.orm.fields.documents import JSONField
from covet.database.orm.fields.sizes import read_size
from covet.database.schema.types import Array, Integer
from covet.exceptions import ModelDefinitionError, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.expressions.functions import PathTransform
    from covet.database.orm.lookups import Lookup

_T = TypeVar("_T")
_V = TypeVar("_V")

#: The dimensions that an array of PostgreSQL can have.
_MAX_DIMENSIONS: Final = 6
_MAX_SIZE: Final = 134_217_727
_INDEX: Final = re.compile(r"[0-9]{1,9}\Z")
_PART: Final = re.compile(r"([0-9]{1,9})_([0-9]{1,9})\Z")


class ArrayLen(Transform[int]):
    """How many items an array has: ``tags__len``. Inner arrays count as one item."""

    lookup_name = "len"
    function = "array_length"
    built_in = True
    returns = Integer(32)


class ArrayField(Field[_T]):
    """``list`` of what ``base_field`` holds; ``size`` is the most items it may have.

    >>> scores = ArrayField(IntegerField(), default=list)
    >>> board = ArrayField(ArrayField(CharField(max_length=1), size=3), size=3)

    ``scores integer[] NOT NULL``, ``board varchar(1)[][] NOT NULL``. Items may be None where the base field is
    nullable.
    """

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: ArrayField[list[_V]],
            base_field: Field[_V],
            size: int | None = ...,
            *,
            nullable: No = ...,
            null: No = ...,
            **options: Unpack[FieldOptions[list[_V]]],
        ) -> None: ...
        @overload
        def __init__(
            self: ArrayField[list[_V] | None],
            base_field: Field[_V],
            size: int | None = ...,
            *,
            nullable: Yes,
            null: Yes = ...,
            **options: Unpack[FieldOptions[list[_V] | None]],
        ) -> None: ...
        @overload
        def __init__(
            self: ArrayField[list[_V] | None],
            base_field: Field[_V],
            size: int | None = ...,
            *,
            null: Yes,
            **options: Unpack[FieldOptions[list[_V] | None]],
        ) -> None: ...
        def __init__(self, base_field: Any, size: int | None = None, **options: Any) -> None: ...
        def __set__(self, instance: Any, value: _T, /) -> None: ...
    else:

        def __init__(self, base_field: Any = None, size: int | None = None, **options: Any) -> None:
            super().__init__(base_field=base_field, size=size, **options)

    extra_options = frozenset({"base_field", "size"})
    holds_lists: bool = True
    own_lookups: ClassVar[dict[str, Lookup]] = ARRAY_LOOKUPS
    own_transforms: ClassVar[dict[str, type[Transform[Any]]]] = {"len": ArrayLen}

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        base = options["base_field"]
        if not isinstance(base, Field):
            raise ModelDefinitionError(
                f"{type(self).__name__}() needs the field of its items, such as {type(self).__name__}(IntegerField())."
            )
        self.base_field: Field[Any] = base
        if isinstance(base, JSONField):
            raise ModelDefinitionError(f"{type(self).__name__}(): a JSONField holds a list of documents by itself.")
        if base.primary_key or base.unique or base.db_index:
            raise ModelDefinitionError(
                f"{type(self).__name__}(): the field of the items cannot be a key or be indexed; give the options to "
                f"{type(self).__name__} itself."
            )
        super()._read_options(options)
        self.size = read_size(self, "size", options["size"], 0, _MAX_SIZE)
        if self.dimensions > _MAX_DIMENSIONS:
            raise ModelDefinitionError(f"{type(self).__name__}(): an array has at most {_MAX_DIMENSIONS} dimensions.")

    @property
    def dimensions(self) -> int:
        """How many arrays are nested, this one counted."""
        base = self.base_field
        return 1 + (base.dimensions if isinstance(base, ArrayField) else 0)

    @property
    @override
    def logical_type(self) -> Array:
        return Array(self.base_field.logical_type, self.size)

    # -- conditions ------------------------------------------------------------------------

    @overload
    def __getitem__(self: ArrayField[list[_V]], part: int) -> Item[_V]: ...
    @overload
    def __getitem__(self: ArrayField[list[_V] | None], part: int) -> Item[_V]: ...
    @overload
    def __getitem__(self, part: slice) -> Part[_T]: ...
    def __getitem__(self, part: int | slice) -> Item[Any] | Part[Any]:
        """Return an item, or some of them, counted from 0: ``Post.tags[0] == "a"``, ``Post.tags[1:3]``."""
        if isinstance(part, slice):
            start, stop, step = part.start or 0, part.stop, part.step
            if step is not None or start < 0 or (stop is not None and stop < start):
                raise ValueError("A slice of an array has no step, counts from its beginning and goes forward.")
            return Part(self, start, stop)
        if part < 0:
            raise ValueError("An array is counted from its beginning: negative numbers are not supported.")
        return Item(self, part)

    #: A subscript makes Python take this for a sequence; it has no end.
    __iter__: ClassVar[None] = None

    @override
    def contains(self, items: _T | Expression[_T], /) -> Q:  # type: ignore[override]  # a list holds items, a text text
        """All of ``items`` are in the array: ``Post.tags.contains(["a"])`` is ``tags @> $1``."""
        return self._condition("contains", items)

    @override
    def contained_by(self, items: _T | Expression[_T], /) -> Q:  # type: ignore[override]  # of a list, not of a number
        """All items of the array are among ``items``: ``tags <@ $1``."""
        return self._condition("contained_by", items)

    def overlap(self, items: _T | Expression[_T]) -> Q:
        """One of ``items`` is in the array: ``tags && $1``."""
        return self._condition("overlap", items)

    def len(self) -> ArrayLen:
        """Return how many items there are: ``Post.tags.len() > 2``."""
        return ArrayLen(self)

    # -- lookups ---------------------------------------------------------------------------

    @override
    def find_transform(self, name: str) -> PathTransform | None:
        """Return the transform of that name: ``0`` is an item, ``0_2`` a part of the array."""
        if _INDEX.match(name):
            item = self.base_field.clone()
            item.name, item.model, item.encode = self.name, self.model, item.bind_processor
            return ItemAt(int(name), item)
        part = _PART.match(name)
        if part is not None:
            return PartOf(int(part[1]), int(part[2]))
        return super().find_transform(name)

    # -- values ----------------------------------------------------------------------------

    @override
    def coerce(self, value: Any) -> Any:
        kind = type_of(value)
        if issubclass(kind, list):
            items: list[Any] = [*list[Any].__iter__(value)]
        elif issubclass(kind, tuple):
            items = [*tuple[Any, ...].__iter__(value)]
        else:
            raise self.refused(value, "a list or tuple")
        return self._each(items, self._item)

    def _item(self, item: object) -> object:
        if item is not None:
            return self.base_field.coerce(item)
        if self.base_field.null:
            return None
        raise self.base_field.invalid("None is not allowed.", "null")

    def _each(self, items: list[Any], function: Callable[[Any], Any]) -> list[Any]:
        result: list[Any] = []
        for index, item in enumerate(items):
            try:
                result.append(function(item))
            except ValidationError as error:
                messages = "; ".join(message for texts in error.errors.values() for message in texts)
                raise self.invalid(f"item {index}: {messages}") from error
        return result

    @override
    def validate(self, value: Any) -> None:
        if self.size is not None and len(value) > self.size:
            raise self.invalid(f"the list has {len(value)} items, {self.size} are allowed.", "size")
        self._each(value, self._validate_item)
        if self.dimensions > 1:
            shapes = {_shape(item, self.dimensions - 1) for item in value}
            if len(shapes) > 1 or any(0 in shape for shape in shapes):
                raise self.invalid("the inner lists must not be None or empty, and all of the same length.")
        super().validate(value)

    def _validate_item(self, item: object) -> None:
        if item is not None:
            self.base_field.validate(item)

    @override
    def to_db(self, value: Any) -> Any:
        convert = self.base_field.bind_processor
        return value if convert is None else [None if item is None else convert(item) for item in value]

    @override
    def from_db(self, value: Any) -> Any:
        convert = self.base_field.result_processor
        return value if convert is None else [None if item is None else convert(item) for item in value]

    @property
    @override
    def bind_processor(self) -> Callable[[Any], Any] | None:
        return None if self.base_field.bind_processor is None else self.to_db

    @property
    @override
    def result_processor(self) -> Callable[[Any], Any] | None:
        return None if self.base_field.result_processor is None else self.from_db


def _shape(value: list[Any] | None, dimensions: int) -> tuple[int, ...]:
    """Return the lengths of a list, of its first item, and so on; None counts as empty."""
    items = value or []
    if dimensions == 1:
        return (len(items),)
    return (len(items), *_shape(items[0] if items else None, dimensions - 1))
