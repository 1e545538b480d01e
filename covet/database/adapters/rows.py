"""Rows and results of raw SQL, the same on every database."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any, overload

from covet.database.adapters.session import Answer


class Row:
    """A row of raw SQL: by attribute, by column name, by position.

    ::

        row = await adapter.fetch_one("SELECT id, name FROM users WHERE id = $1", [1])
        row.name, row["name"], row[1]
        id, name = row
        dict(row)

    A column that is called like a method of this class (``keys``, ``values``, ``items``, ``get``) is reached by
    ``row["keys"]``. Of columns with equal names the last one has the name.
    """

    __slots__ = ("_columns", "_values")

    def __init__(self, columns: Mapping[str, int], values: tuple[object, ...]) -> None:
        self._columns = columns
        self._values = values

    @overload
    def __getitem__(self, key: slice) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, key: int | str) -> Any: ...
    def __getitem__(self, key: int | str | slice) -> Any:
        if isinstance(key, str):
            try:
                return self._values[self._columns[key]]
            except KeyError:
                raise KeyError(f"The row has no column {key!r}. Columns: {', '.join(self._columns)}.") from None
        return self._values[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._values[self._columns[name]]
        except KeyError:
            raise AttributeError(f"The row has no column {name!r}. Columns: {', '.join(self._columns)}.") from None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Row):
            return self._values == other._values and list(self._columns) == list(other._columns)
        if isinstance(other, tuple):
            return self._values == other
        if isinstance(other, Mapping):
            return dict(self) == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._values)

    def __repr__(self) -> str:
        return f"<Row {' '.join(f'{name}={self._values[index]!r}' for name, index in self._columns.items())}>"

    def __reduce__(self) -> tuple[type[Row], tuple[dict[str, int], tuple[object, ...]]]:
        return Row, (dict(self._columns), self._values)

    def keys(self) -> KeysView[str]:
        """Return the column names."""
        return self._columns.keys()

    def values(self) -> ValuesView[Any]:
        """Return the values."""
        return dict(self).values()

    def items(self) -> ItemsView[str, Any]:
        """Return pairs of column name and value."""
        return dict(self).items()

    def get(self, name: str, default: object = None) -> Any:
        """Return the value of a column, or ``default`` if there is no such column."""
        index = self._columns.get(name)
        return default if index is None else self._values[index]


class Result(list[Row]):
    """The rows of a statement, with ``rowcount`` and ``status``.

    ::

        result = await adapter.execute("UPDATE users SET active = $1 WHERE age > $2", [False, 90])
        result.rowcount   # 3
        result.status     # 'UPDATE 3'
    """

    __slots__ = ("columns", "rowcount", "status")

    def __init__(self, rows: Sequence[Row], *, columns: tuple[str, ...], rowcount: int | None, status: str) -> None:
        super().__init__(rows)
        self.columns = columns
        self.rowcount = rowcount
        self.status = status


def result_of(verb: str, answer: Answer) -> Result:
    """Make the result of a statement; the status has PostgreSQL's form on every database."""
    columns = {name: index for index, name in enumerate(answer.columns)}
    rows = [Row(columns, tuple(row)) for row in answer.rows]
    if answer.rowcount is None:
        status = verb
    else:
        status = f"{verb} 0 {answer.rowcount}" if verb == "INSERT" else f"{verb} {answer.rowcount}"
    return Result(rows, columns=answer.columns, rowcount=answer.rowcount, status=status)
