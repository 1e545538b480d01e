"""Large results of SQLite: what the rows become is made on the connection's thread, while they come."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from covet._collector import paused
from covet.database.adapters.session import DriverRow, Make

#: Rows that are fetched at once. Their memory is used again by the next ones while it is in the processor's cache.
_PIECE: Final = 100


class Made:
    """What was made of many rows. A failure of the making is kept apart from the errors of the database."""

    __slots__ = ("_error", "_result", "count")

    def __init__(self, make: Make, first: list[DriverRow], cursor: sqlite3.Cursor) -> None:
        self.count = 0
        self._result: list[Any] = []
        self._error: Exception | None = None
        try:
            self._result = paused(make, chain.from_iterable(self._pieces(first, cursor)))
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - raised by result()
            self._error = error

    def __len__(self) -> int:
        return self.count

    def _pieces(self, piece: list[DriverRow], cursor: sqlite3.Cursor) -> Iterator[list[DriverRow]]:
        while piece:
            self.count += len(piece)
            yield piece
            piece = cursor.fetchmany(_PIECE)

    def result(self) -> list[Any]:
        """Return what was made, or raise what the making raised."""
        if self._error is not None:
            raise self._error
        return self._result
