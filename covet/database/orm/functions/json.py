"""Functions of documents: parts as text, building, changing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from typing_extensions import override

from covet.database.orm.expressions import Func, Value
from covet.database.orm.expressions.base import Operators
from covet.database.orm.expressions.documents import KeyTextTransform, KeyTransform, read_key
from covet.database.orm.fields.documents import JSONField
from covet.database.schema.types import Binary, Interval, Json, LogicalType, Text
from covet.exceptions import FieldError

__all__ = ["KT", "JSONArray", "JSONNull", "JSONObject", "JSONRemove", "JSONSet", "KeyTextTransform", "KeyTransform"]

#: ``"a__b"``, or the keys one by one where they are no names: ``("a.b", 0)``.
KeyPathLike: TypeAlias = "str | tuple[str | int, ...]"


class KT(Func[str]):
    """The part of a document at a path, as text: a JSON string without its quotes, null as NULL.

    >>> Dog.objects.annotate(city=KT("data__owner__city")).order_by("city")  # (data #> $1) as text

    The path is that of ``order_by()``: it may cross relations to the document.
    """

    function = "json_text"
    built_in = True
    returns = Text()

    def __init__(self, path: str) -> None:
        if not isinstance(path, str):
            raise TypeError(f"KT() takes a path such as 'data__owner__city', not {type(path).__name__}.")
        super().__init__(path)

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        if not isinstance(types[0], Json):
            raise FieldError(f"{self!r}: this is no path into a document.")
        return self.returns


class JSONNull(Value[Any]):
    """The document ``null``, which is not SQL's NULL: ``create(data=JSONNull())``."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None, JSONField())

    @override
    def __repr__(self) -> str:
        return "JSONNull()"


class _Built(Func[Any]):
    """A document made of values."""

    built_in = True
    returns = Json()

    @override
    def result_type(self, types: Sequence[LogicalType | None]) -> LogicalType | None:
        wrong = next((each for each in types if isinstance(each, Binary | Interval)), None)
        if wrong is not None:
            raise FieldError(f"{self!r}: a document cannot hold a value of type {type(wrong).__name__}.")
        return self.returns


class JSONArray(_Built):
    """A document that is an array of values. A string is the path of a field; NULL becomes null.

    >>> User.objects.annotate(pair=JSONArray("name", Lower("email")))  # JSONB_BUILD_ARRAY(name, LOWER(email))
    """

    function = "json_array"


class JSONObject(_Built):
    """A document that is an object. A string is the path of a field; NULL becomes null.

    >>> User.objects.annotate(card=JSONObject(name="name", mail=Lower("email")))

    ``JSONB_BUILD_OBJECT($1::text, name, $2::text, LOWER(email))``. SQLite's functions take at most 63 keys.
    """

    function = "json_object"

    def __init__(self, **fields: object) -> None:
        super().__init__(*(part for key, value in fields.items() for part in (Value(key), value)))


def read_path(path: KeyPathLike) -> tuple[str, ...]:
    """Return the keys of a path into a document."""
    if not path:
        raise ValueError("A path into a document is not empty.")
    return tuple(map(read_key, path.split("__") if isinstance(path, str) else path))


class JSONSet(Operators[Any]):
    """A document with values at paths; the rest of it stays.

    >>> await Dog.objects.update(data=JSONSet("data", owner__name="Bob"))
    >>> await Dog.objects.update(data__owner__name="Bob")  # the same

    ``JSONB_SET(..)`` of the path, ``$1`` and ``$2`` being keys and value. A plain value is a value, a string too; an
    expression (``F("age")``) is computed; None is JSON's null. Objects that are missing on the way are made, a NULL
    document counts as an empty object. An index beyond the end of an array adds an item. Keys that are no names go into
    a mapping: ``JSONSet("data", {("a.b", 0): 1})``.
    """

    __slots__ = ("changes", "expression")

    def __init__(self, expression: object, changes: Mapping[KeyPathLike, Any] | None = None, /, **paths: Any) -> None:
        every: dict[KeyPathLike, Any] = dict(changes or {})
        every.update(paths.items())
        if not every:
            raise TypeError("JSONSet() takes at least one path with its value.")
        self.expression = expression
        self.changes: tuple[tuple[tuple[str, ...], Any], ...] = tuple(
            (read_path(path), value) for path, value in every.items()
        )

    @override
    def __repr__(self) -> str:
        return f"JSONSet({self.expression!r}, {', '.join('__'.join(path) for path, _ in self.changes)})"


class JSONRemove(Operators[Any]):
    """A document without what is at the paths; a path that leads nowhere changes nothing.

    >>> await Dog.objects.update(data=JSONRemove("data", "owner__phone", "toys__0"))  # data #- $1::text[] #- $2
    """

    __slots__ = ("expression", "paths")

    def __init__(self, expression: object, *paths: KeyPathLike) -> None:
        if not paths:
            raise TypeError("JSONRemove() takes at least one path.")
        self.expression = expression
        self.paths: tuple[tuple[str, ...], ...] = tuple(map(read_path, paths))

    @override
    def __repr__(self) -> str:
        return f"JSONRemove({self.expression!r}, {', '.join('__'.join(path) for path in self.paths)})"
