"""Peers: the instances that came with the same result, so that a relation awaited on one is loaded for all of them.

Every instance of a result refers to one ``Peers`` object; that refers to the result's list, weakly. So the
bookkeeping is one attribute a row, an instance never keeps the rest of its result alive, and once the list is gone an
instance loads alone. ``path`` says how to come from the rows of the list to the peers: an author brought along by
``select_related`` is found at ``_related_author`` of each post.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, ClassVar, Literal, TypeVar

_R = TypeVar("_R")


#: What awaiting an unloaded relation does: load it for all peers, for the one instance, or refuse.
FetchMode = Literal["peers", "one", "raise"]
FETCH_MODES: tuple[FetchMode, ...] = ("peers", "one", "raise")


class Rows(list[_R]):
    """The list that a query gives. A list in every way; it can be referred to weakly."""

    __slots__ = ("__weakref__",)


class Peers:
    """What an instance knows of its result."""

    __slots__ = ("_locks", "_rows", "path")

    #: Nothing is loaded on being awaited (fetch mode ``raise``).
    refused: ClassVar[bool] = False

    def __init__(self, rows: Rows[Any] | weakref.ref[Any], path: tuple[str, ...] = ()) -> None:
        self._rows: weakref.ref[Any] = rows if isinstance(rows, weakref.ref) else weakref.ref(rows)
        self.path = path
        self._locks: dict[Hashable, asyncio.Lock] | None = None

    @classmethod
    def of(cls, instance: object, path: tuple[str, ...] = ()) -> Peers:
        """Return the peers that one instance leads to, whatever became of the list that it came in (``get()``)."""
        return cls(weakref.ref(instance), path)

    def under(self, name: str) -> Peers:
        """Return the peers of the instances at the attribute ``name`` of these."""
        return Peers(self._rows, (*self.path, name))

    def lock(self, key: Hashable) -> asyncio.Lock:
        """Return the lock under which ``key`` is loaded, so that tasks that await it together ask once."""
        if self._locks is None:
            self._locks = {}
        return self._locks.setdefault(key, asyncio.Lock())

    def members(self, model: type[Any] = object) -> list[Any]:
        """Return the instances of a model, each once; empty when the result is gone.

        At the end of a generic relation stand instances of several models.
        """
        rows = self._rows()
        start: Iterable[Any] = () if rows is None else (rows,) if hasattr(rows, "_meta") else rows
        found = iter(start)
        for name in self.path:
            found = _step(found, name)
        return list({id(instance): instance for instance in found if isinstance(instance, model)}.values())

    def __reduce__(self) -> tuple[Any, ...]:
        return _no_peers, ()


class RefusedPeers(Peers):
    """The peers of every instance that was loaded in the fetch mode ``raise``: awaiting loads nothing."""

    __slots__ = ()

    refused = True

    def under(self, name: str) -> Peers:  # noqa: ARG002 - what is below refuses too
        """Return itself."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _refused, ()


#: There is nothing to tell one from another.
REFUSED = RefusedPeers(Rows[Any]())


def _refused() -> Peers:
    return REFUSED


def _no_peers() -> None:
    """Return nothing: a copy that was sent elsewhere has no peers there."""


def _step(instances: Iterator[Any], name: str) -> Iterator[Any]:
    for instance in instances:
        related = instance.__dict__.get(name)
        if isinstance(related, list):
            yield from related
        elif related is not None:
            yield related
