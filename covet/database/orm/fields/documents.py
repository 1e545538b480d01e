"""JSONField: a document that comes back as it went in, or is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from typing_extensions import TypeVar, Unpack, override

from covet.database.dialects.base import JsonText
from covet.database.orm.expressions.documents import DocumentOperators, KeyPath
from covet.database.orm.fields.base import Field, FieldOptions
from covet.database.orm.fields.document_lookups import DOCUMENT_LOOKUPS
from covet.database.orm.fields.sizes import MAX_BYTES
from covet.database.schema.types import Json

if TYPE_CHECKING:
    from covet.database.orm.expressions.functions import PathTransform, Transform
    from covet.database.orm.lookups import Lookup

_T = TypeVar("_T")
_Any = TypeVar("_Any", default=Any)

#: The deepest nesting. SQLite's JSON functions end at 1000, Python's encoder at what is left of its stack.
MAX_DEPTH: Final = 500

#: The document ``null``; None as a whole value is SQL NULL.
JSON_NULL: Final = JsonText("null")

_dumps: Final[Callable[[object], str]] = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode
_loads: Final[Callable[[str], object]] = json.JSONDecoder().decode


class JSONOptions(FieldOptions[_T], total=False):
    """The options of JSONField. ``binary=False`` is for an existing ``json`` column."""

    binary: bool


class JSONField(DocumentOperators[_Any], Field[_Any]):
    """Whatever JSON can say: dict with text keys, list, str, int, float, bool, None.

    >>> settings: JSONField[dict[str, int]] = JSONField(default=dict)

    ``settings jsonb NOT NULL``. ``None`` as the whole value is SQL NULL; inside of a document it is JSON's null.
    """

    extra_options = frozenset(JSONOptions.__annotations__)
    own_lookups: ClassVar[dict[str, Lookup]] = DOCUMENT_LOOKUPS
    own_transforms: ClassVar[dict[str, type[Transform[Any]]]] = {}
    null_literal: object = JSON_NULL

    if TYPE_CHECKING:

        def __init__(self, *, nullable: bool = ..., null: bool = ..., **options: Unpack[JSONOptions[_Any]]) -> None: ...
        def __set__(self, instance: Any, value: _Any, /) -> None: ...

    @override
    def _read_options(self, options: dict[str, Any]) -> None:
        super()._read_options(options)
        self.binary = bool(options.get("binary", True))

    @property
    @override
    def logical_type(self) -> Json:
        return Json(self.binary)

    @override
    def find_transform(self, name: str) -> PathTransform | None:
        """Return the transform that was registered under a name; any other name is a key or an index."""
        found = super().find_transform(name)
        if found is not None:
            return found
        part: JSONField[Any] = JSONField()
        part.name, part.model = self.name, self.model
        return KeyPath(name, part)

    @override
    def coerce(self, value: Any) -> Any:
        """Return ``value`` itself, or with lists where it has tuples."""
        text, back, same = self._through_json(value)
        self._check_text(text, back)
        if same:
            return value
        if _has_foreign_key(value):
            raise self.invalid("a key is not a text; JSON has only text keys.")
        return back

    def _through_json(self, value: object) -> tuple[str, Any, bool]:
        """Return the text of ``value``, what reading it gives, and whether that is the same."""
        try:
            text = _dumps(value)
            back = _loads(text)
            return text, back, bool(back == value)
        except RecursionError:
            raise self.invalid(f"the document is nested more than {MAX_DEPTH} levels deep.", "size") from None
        except ValueError as error:
            cause = "contains itself" if "ircular" in str(error) else "holds NaN, an infinity or an integer too long"
            raise self.invalid(f"the document {cause}.") from None  # the cause may hold the value
        except TypeError:
            raise self.invalid(
                "the document holds something that JSON cannot say; it takes dict, list, str, int, float, bool, None."
            ) from None
        except Exception as error:  # whatever a foreign __eq__ or items() raises
            raise self.refused(value, "a JSON document") from error

    def _check_text(self, text: str, back: object) -> None:
        size = len(text)
        if not text.isascii():
            try:
                size = len(text.encode())
            except UnicodeEncodeError:
                raise self.invalid("a text in the document holds a lone surrogate.") from None
        if size > MAX_BYTES:
            raise self.invalid(f"the document is larger than {MAX_BYTES} bytes.", "size")
        if text.count("[") + text.count("{") > MAX_DEPTH and _depth(back) > MAX_DEPTH:
            raise self.invalid(f"the document is nested more than {MAX_DEPTH} levels deep.", "size")
        # Two rare things, looked for where the text allows them at all.
        if "\\u0000" in text and any(type(leaf) is str and "\0" in leaf for leaf in _leaves(back)):
            raise self.invalid("a text in the document holds a NUL character, which not every database can store.")
        if "e+" in text and any(type(leaf) is float and _changes_as_numeric(leaf) for leaf in _leaves(back)):
            raise self.invalid("a float in the document is too large to come back exact; store an int or a text.")


def _levels(document: object) -> Iterator[list[Any]]:
    """Yield the values of each level of nesting; without recursion."""
    level: list[Any] = [document]
    while level:
        yield level
        level = [inner for outer in level if type(outer) in (list, dict) for inner in _inside(outer)]


def _inside(container: list[Any] | dict[str, Any]) -> list[Any]:
    return container if isinstance(container, list) else [*container, *container.values()]


def _depth(document: object) -> int:
    return sum(any(type(value) in (list, dict) for value in level) for level in _levels(document))


def _leaves(document: object) -> Iterator[Any]:
    return (value for level in _levels(document) for value in level)


def _changes_as_numeric(value: float) -> bool:
    """Whether the shortest digits of ``value``, which jsonb keeps as an integer, are another number."""
    return Decimal(repr(value)) != Decimal(value) and value.is_integer()


def _has_foreign_key(document: object) -> bool:
    """Whether a dict in what ``json`` could read has a key that is no text."""
    todo: list[Any] = [document]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            entries = cast("dict[object, object]", value)
            if not all(isinstance(key, str) for key in entries):
                return True
            todo.extend(entries.values())
        elif isinstance(value, (list, tuple)):
            todo.extend(cast("Iterable[object]", value))
    return False
