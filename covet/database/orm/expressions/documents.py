"""Parts of documents and arrays: what the keys, indexes and slices in a path stand for.

Keys and indexes are parameters, never part of the SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import TypeVar

from covet.database.orm.conditions import Q
from covet.database.orm.expressions.base import Expression, Operators
from covet.database.orm.expressions.functions import Func
from covet.database.orm.expressions.values import Value
from covet.database.schema.types import Array, Integer, Json, LogicalType, Text
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.lookups import DirectLookup, LookupField

_T = TypeVar("_T", default=Any)


class _Plain:
    """The type of a parameter that needs no check: keys of a path, an index."""

    __slots__ = ("logical_type",)

    bind_processor: Callable[[Any], Any] | None = None
    result_processor: Callable[[Any], Any] | None = None

    def __init__(self, logical_type: LogicalType) -> None:
        self.logical_type = logical_type

    def prepare(self, value: Any) -> Any:
        return value


#: The types of the parameters that are no values of the user's columns.
KEYS = _Plain(Array(Text()))
INDEX = _Plain(Integer(32))


def read_key(key: object) -> str:
    """Return the text of one key or index of a path into a document."""
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise TypeError(f"A key of a document is a string or an int, not {type(key).__name__}.")
    text = str(key)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise FieldError("A key of a document holds a NUL character or a lone surrogate; no document has such a key.")
    return text


class DocumentOperators(Operators[_T]):
    """What a document is asked: ``Dog.data["owner"]["name"] == "Ann"``, ``Dog.data.has_key("age")``."""

    __slots__ = ()

    def __getitem__(self, key: str | int) -> KeyTransform[Any]:
        """Return the part at a key or an index; any text is a key here: ``data #> $1``."""
        return KeyTransform(key, self)

    #: A subscript makes Python take this for a sequence; it has no end.
    __iter__: ClassVar[None] = None

    def contains(self, document: object, /) -> Q:
        """Everything in ``document`` is in this one."""
        return self._condition("contains", document)

    def contained_by(self, document: object, /) -> Q:
        """Everything in this document is in ``document``."""
        return self._condition("contained_by", document)

    def has_key(self, key: str | int) -> Q:
        """Is an object with that key, or an array with that text."""
        return self._condition("has_key", key)

    def has_keys(self, keys: Iterable[str | int]) -> Q:
        """Has all of the keys."""
        return self._condition("has_keys", keys)

    def has_any_keys(self, keys: Iterable[str | int]) -> Q:
        """Has at least one of the keys."""
        return self._condition("has_any_keys", keys)


class _AtKeys(Func[_T]):
    """What stands at a path of keys. Keys one after the other are one path."""

    built_in = True
    keys: tuple[str, ...]

    def __init__(self, key: str | int, expression: object) -> None:
        keys: tuple[str, ...] = (read_key(key),)
        if isinstance(expression, KeyTransform):
            keys = (*expression.keys, *keys)
            expression = expression.arguments[0]
        self.keys = keys
        super().__init__(expression, Value(keys, KEYS))

    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        if types[0] is not None and not isinstance(types[0], Json):
            raise FieldError(f"{self!r}: a value of type {type(types[0]).__name__} is no document, it has no keys.")
        return self.returns

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.keys[-1]!r}, {self.arguments[0]!r})"


class KeyTransform(DocumentOperators[_T], _AtKeys[_T]):
    """The part of a document at a key or an index, as a document.

    >>> KeyTransform("b", KeyTransform("a", "data"))  # data #> $1::text[]; the parameter is ["a", "b"]

    It stands for ``data__a__b``, also where a key is no name: it may hold dots, quotes, double underscores. A key that
    is a number is an index of an array (negative: from the end) and a key of an object.
    """

    function = "json_at"
    returns = Json()


class KeyTextTransform(_AtKeys[str]):
    """The part of a document at a key or an index, as text: a JSON string without its quotes, null as NULL.

    >>> KeyTextTransform("name", "data")  # data #>> $1::text[]
    """

    function = "json_text_at"
    returns = Text()


class KeyPath:
    """A name after a JSON field: a key or an index."""

    __slots__ = ("field", "key")

    direct: Mapping[str, DirectLookup] = MappingProxyType({})

    def __init__(self, key: str, field: LookupField) -> None:
        self.key = key
        self.field = field

    def __call__(self, operand: Expression[Any]) -> Expression[Any]:
        return KeyTransform(self.key, operand)

    def output(self, field: LookupField) -> LookupField:  # noqa: ARG002 - of any document the part is a document
        return self.field


class Item(Func[_T]):
    """An item of an array, counted from 0; NULL beyond its ends."""

    function = "array_at"
    built_in = True

    def __init__(self, expression: object, index: int) -> None:
        super().__init__(expression, Value(index, INDEX))

    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        return types[0].item if isinstance(types[0], Array) else None


class Part(Func[_T]):
    """The items of an array from ``start`` up to but not including ``stop``; without it to the end."""

    function = "array_part"
    built_in = True

    def __init__(self, expression: object, start: int, stop: int | None) -> None:
        bounds = [Value(start, INDEX)] if stop is None else [Value(start, INDEX), Value(stop, INDEX)]
        super().__init__(expression, *bounds)


class ItemAt:
    """A number after an array field: ``tags__0``."""

    __slots__ = ("field", "index")

    direct: Mapping[str, DirectLookup] = MappingProxyType({})

    def __init__(self, index: int, field: LookupField) -> None:
        self.index = index
        self.field = field

    def __call__(self, operand: Expression[Any]) -> Expression[Any]:
        return Item(operand, self.index)

    def output(self, field: LookupField) -> LookupField:  # noqa: ARG002 - known from the array's field
        return self.field


class PartOf:
    """Two numbers after an array field: ``tags__0_2``."""

    __slots__ = ("start", "stop")

    direct: Mapping[str, DirectLookup] = MappingProxyType({})

    def __init__(self, start: int, stop: int) -> None:
        self.start = start
        self.stop = stop

    def __call__(self, operand: Expression[Any]) -> Expression[Any]:
        return Part(operand, self.start, self.stop)

    def output(self, field: LookupField) -> LookupField:
        return field
