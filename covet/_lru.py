"""A bounded mapping that forgets what was used least recently. Holds the query plans of an adapter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple

from typing_extensions import TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class CacheInfo(NamedTuple):
    """What a cache did so far."""

    hits: int
    misses: int
    size: int
    limit: int


class LRU(Generic[_K, _V]):
    """A mapping of at most ``limit`` entries.

    >>> cache = LRU[str, int](limit=2)
    >>> cache.put("a", 1)
    >>> cache.get("a")
    1
    """

    __slots__ = ("_entries", "_hits", "_misses", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: OrderedDict[_K, _V] = OrderedDict()
        self._hits = 0
        self._misses = 0

    def get(self, key: _K) -> _V | None:
        """Return the value of ``key`` and mark it as just used, or None."""
        value = self._entries.get(key)
        if value is None:
            self._misses += 1
        else:
            self._hits += 1
            self._entries.move_to_end(key)
        return value

    def put(self, key: _K, value: _V) -> None:
        """Store ``value`` and forget the least recently used entry when there are too many."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self.limit:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything, the counts included."""
        self._entries.clear()
        self._hits = self._misses = 0

    def info(self) -> CacheInfo:
        """Hits, misses and size so far."""
        return CacheInfo(self._hits, self._misses, len(self._entries), self.limit)
