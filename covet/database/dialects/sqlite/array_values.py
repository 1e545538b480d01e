"""Arrays as PostgreSQL treats them; on SQLite they are JSON text. Pure.

A NULL among the items is equal to nothing, except where an item is removed or replaced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias, TypeGuard, cast

_Items: TypeAlias = list[Any]

_decode: Final[Callable[[str], Any]] = json.JSONDecoder().decode
# As the bind processor of an array writes it, so that equal arrays are equal texts.
_encode: Final = json.JSONEncoder(ensure_ascii=False).encode


def _is_array(value: object) -> TypeGuard[_Items]:
    return isinstance(value, list)


def _leaves(items: _Items) -> Iterator[Any]:
    for item in items:
        if _is_array(item):
            yield from _leaves(item)
        else:
            yield item


def contains(left: str | None, right: str | None) -> int | None:
    """Whether every item of ``right`` is in ``left``; order, nesting and repetition do not count."""
    if left is None or right is None:
        return None
    wanted = list(_leaves(_decode(right)))
    return int(None not in wanted and set(wanted) <= set(_leaves(_decode(left))))


def overlap(left: str | None, right: str | None) -> int | None:
    """Whether an item is in both."""
    if left is None or right is None:
        return None
    return int(bool((set(_leaves(_decode(left))) & set(_leaves(_decode(right)))) - {None}))


def length(array: str | None) -> int | None:
    """Return how many items there are, not counting those of inner arrays."""
    return None if array is None else len(_decode(array))


def at(array: str | None, index: int | None) -> str | int | float | None:
    """Return the item at an index from 0, NULL where there is none."""
    if array is None or index is None:
        return None
    items = _decode(array)
    found = items[index] if 0 <= index < len(items) else None
    return _encode(found) if _is_array(found) else cast("str | int | float | None", found)


def part(array: str | None, start: int, stop: int | None) -> str | None:
    """Return the items from ``start`` up to but not including ``stop``."""
    return None if array is None else _encode(_decode(array)[start:stop])


def _item(value: object, kind: str) -> object:
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind == "binary":
        return cast("bytes", value).hex()
    return _decode(cast("str", value)) if kind == "array" else value


def cat(left: str | None, right: str | None) -> str | None:
    """Return both, one after the other; NULL counts as nothing, unless both are."""
    if left is None or right is None:
        return left if right is None else right
    return _encode([*_decode(left), *_decode(right)])


def append(array: str | None, value: object, kind: str) -> str:
    """Return an array with one more item at its end; NULL counts as an empty one."""
    return _encode([*([] if array is None else _decode(array)), _item(value, kind)])


def prepend(array: str | None, value: object, kind: str) -> str:
    """Return an array with one more item at its beginning; NULL counts as an empty one."""
    return _encode([_item(value, kind), *([] if array is None else _decode(array))])


def remove(array: str | None, value: object, kind: str) -> str | None:
    """Return an array without the items that are equal to a value."""
    gone = _item(value, kind)
    return None if array is None else _encode([item for item in _decode(array) if item != gone])


def replace(array: str | None, old: object, new: object, kind: str) -> str | None:
    """Return an array with ``new`` in the place of every ``old``."""
    before, after = _item(old, kind), _item(new, kind)
    return None if array is None else _encode([after if item == before else item for item in _decode(array)])


#: ``(name, number of arguments, function, deterministic)``.
FUNCTIONS: tuple[tuple[str, int, Callable[..., Any], bool], ...] = (
    ("covet_array_append", 3, append, True),
    ("covet_array_at", 2, at, True),
    ("covet_array_cat", 2, cat, True),
    ("covet_array_contains", 2, contains, True),
    ("covet_array_length", 1, length, True),
    ("covet_array_overlap", 2, overlap, True),
    ("covet_array_part", 3, part, True),
    ("covet_array_prepend", 3, prepend, True),
    ("covet_array_remove", 3, remove, True),
    ("covet_array_replace", 4, replace, True),
)
