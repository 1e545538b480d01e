"""Rows: comparisons of a key of several columns with tuples, checked value by value. Pure.

``pk = (1, 2)`` compares column with column; ``pk__in`` has one parameter, a tuple of tuples; ``pk__lt`` compares row
values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from covet.database.orm.lookups import EXACT, IN, ISNULL, Decided
from covet.database.orm.options import ResolvedPath
from covet.database.orm.query.tokens import ExpressionToken, NullTest, PathToken, Predicate
from covet.database.sql import nodes
from covet.exceptions import FieldError


def prepare_row(path: ResolvedPath, value: Any) -> Any:
    """Return the parameters of a comparison: a value a column, or for ``in`` a tuple of such tuples.

    Raise ``Decided`` where no row can have this key.
    """
    if path.lookup is ISNULL:
        return ISNULL.prepare(path.field, value)
    if path.lookup is IN:
        return tuple(_rows(path, value))
    try:
        return _columns(path, value)
    except Decided as decided:
        if path.lookup is EXACT:
            raise
        raise path.field.invalid(
            "a key with a number that its column cannot hold has no place in its order."
        ) from decided


def _columns(path: ResolvedPath, value: Any) -> tuple[object, ...]:
    values = path.field.prepare(value)
    return tuple([EXACT.prepare(part.field, item) for part, item in zip(path.parts, values, strict=True)])


def _rows(path: ResolvedPath, value: object) -> list[tuple[object, ...]]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise path.field.invalid("'in' takes a list, tuple, set or queryset of keys.")
    found: list[tuple[object, ...]] = []
    for item in cast("Iterable[object]", value):
        if item is not None:
            try:
                found.append(_columns(path, item))
            except Decided:
                continue  # no column holds it: it is no key
    return found


def compared(
    path: ResolvedPath, columns: tuple[nodes.Expression, ...], params: tuple[nodes.Expression, ...]
) -> nodes.Expression:
    """Return the comparison of columns with a parameter each."""
    if path.lookup is EXACT:
        return nodes.And(tuple(EXACT.build(*pair) for pair in zip(columns, params, strict=True)))
    return path.lookup.build(nodes.Row(columns), nodes.Row(params))


def certain(path: ResolvedPath, columns: tuple[nodes.Expression, ...]) -> nodes.Expression:
    """Return the condition that a key is there: none of its columns is NULL."""
    return nodes.And(tuple(nodes.IsNull(column, negated=True) for column in _deciding(path, columns)))


def null_test(path: ResolvedPath, columns: tuple[nodes.Expression, ...], *, is_null: bool) -> nodes.Expression:
    """Return the condition that there is no value, or that there is: a key is NULL where a column of it is."""
    if not path.parts:
        return nodes.IsNull(columns[0], negated=not is_null)
    if not is_null:
        return certain(path, columns)
    return nodes.Or(tuple(nodes.IsNull(column) for column in _deciding(path, columns)))


def _deciding(path: ResolvedPath, columns: tuple[nodes.Expression, ...]) -> Sequence[nodes.Expression]:
    """Return the columns that may be NULL where the row is there; none may: the first, which tells whether it is."""
    nullable = [column for part, column in zip(path.parts, columns, strict=True) if part.field.null]
    return nullable or columns[:1]


# -- in expressions --------------------------------------------------------------------------


def single(token: ExpressionToken) -> ExpressionToken:
    """Return a token of one value; refuse a key of several fields, which is no value to compute with."""
    if isinstance(token, PathToken) and token.path.parts:
        names = part_names(token.path)
        raise FieldError(f"{token.path.path!r} is a key of several fields; an expression takes one of them: {names}.")
    return token


def part_names(path: ResolvedPath) -> str:
    """Return the paths of the columns, for a message."""
    return ", ".join(part.path for part in path.parts)


def counted(path: ResolvedPath) -> tuple[ExpressionToken, Predicate | None]:
    """Return what counts the rows that have a key of several fields: one of them, and that the others are there."""
    nullable = [part for part in path.parts if part.field.null]
    there = NullTest("null", PathToken("path", path), False) if len(nullable) > 1 else None
    return PathToken("path", (nullable or path.parts)[0]), there
