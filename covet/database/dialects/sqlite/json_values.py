"""Documents as PostgreSQL's jsonb treats them: order, containment, paths, text, changes. Pure.

SQLite calls these; documents come and go as JSON text. NULL (None) in gives NULL out unless said otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeGuard, cast

#: What JSON can say; ``Any`` because the type contains itself.
Document: TypeAlias = Any
_Path: TypeAlias = tuple[str, ...]

_decode: Final = json.JSONDecoder().decode
_encode: Final = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode
#: As the bind processor of jsonb writes it.
_sorted: Final = json.JSONEncoder(allow_nan=False, ensure_ascii=False, sort_keys=True).encode
_decode_small: Final = lru_cache(maxsize=64)(_decode)
#: Texts up to this length are kept parsed: one row is often asked several questions.
_SMALL: Final = 4096
#: An index as PostgreSQL reads it, white space before it included.
_INDEX: Final = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+\Z")
_LARGEST: Final = 2**31 - 1
_NOTHING: Final = object()


def _is_array(value: object) -> TypeGuard[list[Document]]:
    return isinstance(value, list)


def _is_object(value: object) -> TypeGuard[dict[str, Document]]:
    return isinstance(value, dict)


def parse(text: str) -> Document:
    """Return a document; it may be shared, so it must not be changed."""
    return _decode_small(text) if len(text) <= _SMALL else _decode(text)


@lru_cache(maxsize=256)
def _path(text: str) -> _Path:
    return tuple(_decode(text))


def _index(key: str, length: int) -> int | None:
    """Return which item of an array ``key`` names, counted from the end if negative; None: it is no index."""
    if not _INDEX.match(key):
        return None
    number = int(key)
    if not -_LARGEST - 1 <= number <= _LARGEST:
        return None
    return number + length if number < 0 else number


# Order and equality -------------------------------------------------------------------------------------------------


def _rank(value: Document) -> int:
    if value is None:
        return 0
    if isinstance(value, str):
        return 1
    if isinstance(value, bool):
        return 3
    if isinstance(value, int | float):
        return 2
    return 4 if _is_array(value) else 5


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _stored(item: tuple[str, Document]) -> tuple[int, bytes]:
    """Return where jsonb keeps an entry: shorter keys first."""
    key = item[0].encode()
    return len(key), key


def _first(signs: Iterable[int]) -> int:
    return next((sign for sign in signs if sign), 0)


def compare(left: Document, right: Document) -> int:
    """Return -1, 0 or 1: null < text < number < boolean < array < object; fewer items before more."""
    rank = _rank(left)
    if rank != _rank(right):
        return _sign(rank, _rank(right))
    if _is_array(left):
        items = left
        found = _sign(len(items), len(right))
        return found or _first(compare(a, b) for a, b in zip(items, right, strict=False))
    if _is_object(left):
        entries = left
        found = _sign(len(entries), len(right))
        pairs = zip(sorted(entries.items(), key=_stored), sorted(right.items(), key=_stored), strict=False)
        return found or _first(_sign(a[0], b[0]) or compare(a[1], b[1]) for a, b in pairs)
    return 0 if left is None else _sign(left, right)


def collate(left: str, right: str) -> int:
    """Order two texts of documents. An empty array goes before everything, as in PostgreSQL."""
    if left == right:
        return 0
    first, second = parse(left), parse(right)
    if first == [] or second == []:
        return _sign(first != [], second != [])
    return compare(first, second)


# Questions ----------------------------------------------------------------------------------------------------------


def _walk(value: Document, path: _Path) -> Document:
    for key in path:
        if _is_object(value):
            value = value.get(key, _NOTHING)
        elif _is_array(value):
            items = value
            at = _index(key, len(items))
            value = items[at] if at is not None and 0 <= at < len(items) else _NOTHING
        else:
            return _NOTHING
        if value is _NOTHING:
            break
    return value


def at(document: str | None, path: str | None) -> str | None:
    """Return the document at a path (a JSON array of keys): the JSON text ``null`` is a value, absence is NULL."""
    if document is None or path is None:
        return None
    found = _walk(parse(document), _path(path))
    return None if found is _NOTHING else _encode(found)


def text_at(document: str | None, path: str | None) -> str | None:
    """Return what is at a path as text: a text as it is, null as NULL, everything else as jsonb writes it."""
    if document is None or path is None:
        return None
    found = _walk(parse(document), _path(path))
    if found is _NOTHING or found is None:
        return None
    return found if isinstance(found, str) else written(found)


def _contains(left: Document, right: Document) -> bool:
    if _is_object(right):
        wanted = right
        return _is_object(left) and all(key in left and _contains(left[key], wanted[key]) for key in wanted)
    if _is_array(right):
        items = right
        return _is_array(left) and all(any(_contains(have, want) for have in left) for want in items)
    return compare(left, right) == 0


def contains(left: str | None, right: str | None) -> int | None:
    """Whether everything in ``right`` is in ``left``; an array contains a scalar, at the top only."""
    if left is None or right is None:
        return None
    outer, inner = parse(left), parse(right)
    if _is_array(outer) and not (_is_array(inner) or _is_object(inner)):
        inner = [inner]
    return int(_contains(outer, inner))


def _exists(document: Document, key: str) -> bool:
    if _is_object(document):
        return key in document
    if _is_array(document):
        return any(isinstance(item, str) and item == key for item in document)
    return isinstance(document, str) and document == key


def exists(document: str | None, key: str | None) -> int | None:
    """Whether a text is a key of an object, an item of an array, or the document itself."""
    return None if document is None or key is None else int(_exists(parse(document), key))


def exists_all(document: str | None, keys: str | None) -> int | None:
    """``exists`` for all of a JSON array of keys."""
    return None if document is None or keys is None else int(all(_exists(parse(document), k) for k in _path(keys)))


def exists_any(document: str | None, keys: str | None) -> int | None:
    """``exists`` for any of a JSON array of keys."""
    return None if document is None or keys is None else int(any(_exists(parse(document), k) for k in _path(keys)))


# Text ---------------------------------------------------------------------------------------------------------------


def written(value: Document) -> str:
    """Return a document as jsonb writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)) + 0, "f")
    if _is_array(value):
        return f"[{', '.join(map(written, value))}]"
    if _is_object(value):
        entries = sorted(value.items(), key=_stored)
        return f"{{{', '.join(f'{_encode(key)}: {written(item)}' for key, item in entries)}}}"
    return _encode(value)


def text(document: str | None) -> str | None:
    """Return a document as text: a text as it is, null as NULL, everything else as jsonb writes it."""
    return text_at(document, "[]")


def rewritten(document: str | None) -> str | None:
    """Return a document as jsonb writes it; a text stays in its quotes."""
    return None if document is None else written(parse(document))


def number(document: str | None) -> str | None:
    """Return a document that is a number as its decimal text; null is NULL, anything else an error."""
    value = None if document is None else parse(document)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("the document is no number")  # noqa: TRY004 - of the data
    return written(value)


def boolean(document: str | None) -> int | None:
    """Return a document that is true or false as 1 or 0; null is NULL, anything else an error."""
    value = None if document is None else parse(document)
    if value is None or isinstance(value, bool):
        return None if value is None else int(value)
    raise ValueError("the document is neither true nor false")


# Building and changing ----------------------------------------------------------------------------------------------


def quoted(value: str | float | None) -> str | None:
    """Return a text or number as a document."""
    return None if value is None else _encode(value)


def moment(value: str | None) -> str | None:
    """Return a date or time as PostgreSQL writes it into a document: ``T`` in the middle, no zeros at the end."""
    if value is None:
        return None
    clock, plus, zone = value.replace(" ", "T", 1).partition("+")
    if "." in clock:
        clock = clock.rstrip("0").rstrip(".")
    return _encode(clock + plus + zone)


def array(*documents: str | None) -> str:
    """Return an array of documents; NULL is null."""
    return f"[{', '.join('null' if each is None else each for each in documents)}]"


def object_(*entries: str | None) -> str:
    """Return an object: key, document, key, document; of equal keys the last one stays."""
    found = {cast("str", entries[i]): entries[i + 1] or "null" for i in range(0, len(entries), 2)}
    return f"{{{', '.join(f'{_encode(key)}: {value}' for key, value in sorted(found.items()))}}}"


def put(document: str | None, path: str, value: str | None) -> str:
    """Return a document with a value at a path; missing objects on the way are made, NULL counts as an empty one."""
    root: Document = {} if document is None else _decode(document)
    new = None if value is None else _decode(value)
    return _sorted(_put(root, _path(path), new))


def _put(holder: Document, path: _Path, value: Document) -> Document:
    if not path:
        return value
    key, rest = path[0], path[1:]
    if holder is None:
        holder = {}
    if _is_object(holder):
        return {**holder, key: _put(holder.get(key), rest, value)}
    if not _is_array(holder):
        raise ValueError("a value that is neither object nor array has no keys to set")
    items = [*holder]
    place = _place(key, len(items))
    if 0 <= place < len(items):
        items[place] = _put(items[place], rest, value)
    else:
        items.insert(max(place, 0), _put(None, rest, value))
    return items


def remove(document: str | None, path: str) -> str | None:
    """Return a document without what is at a path; what is not there cannot be removed and changes nothing."""
    if document is None:
        return None
    root = _decode(document)
    if not (_is_array(root) or _is_object(root)):
        raise ValueError("a value that is neither object nor array has no keys to remove")
    *way, last = _path(path)
    holder = root
    for key in way:
        holder = _inside(holder, key)
    if _is_array(holder):
        place = _place(last, len(holder))
        if 0 <= place < len(holder):
            del holder[place]
    elif _is_object(holder):
        holder.pop(last, None)
    return _sorted(root)


def _inside(holder: Document, key: str) -> Document:
    if _is_array(holder):
        place = _place(key, len(holder))
        return holder[place] if 0 <= place < len(holder) else None
    return holder.get(key) if _is_object(holder) else None


def _place(key: str, length: int) -> int:
    place = _index(key, length)
    if place is None:
        raise ValueError("the key of an array is an index")
    return place


#: ``(name, number of arguments, function, deterministic)``; -1: any number.
FUNCTIONS: tuple[tuple[str, int, Callable[..., Any], bool], ...] = (
    ("covet_json_array", -1, array, True),
    ("covet_json_at", 2, at, True),
    ("covet_json_boolean", 1, boolean, True),
    ("covet_json_contains", 2, contains, True),
    ("covet_json_exists", 2, exists, True),
    ("covet_json_exists_all", 2, exists_all, True),
    ("covet_json_exists_any", 2, exists_any, True),
    ("covet_json_moment", 1, moment, True),
    ("covet_json_number", 1, number, True),
    ("covet_json_object", -1, object_, True),
    ("covet_json_put", 3, put, True),
    ("covet_json_quoted", 1, quoted, True),
    ("covet_json_remove", 2, remove, True),
    ("covet_json_text", 1, text, True),
    ("covet_json_text_at", 2, text_at, True),
    ("covet_json_written", 1, rewritten, True),
)
