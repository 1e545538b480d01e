"""Functions that change arrays. On SQLite an array is JSON text, and these are registered functions."""

from __future__ import annotations

from typing import Any, ClassVar

from typing_extensions import override

from covet.database.orm.expressions.base import Operators

__all__ = ["ArrayAppend", "ArrayCat", "ArrayPrepend", "ArrayRemove", "ArrayReplace"]


class ArrayChange(Operators[Any]):
    """A changed array. The first argument is a path or an expression, the others values; ``F("field")`` is a field."""

    __slots__ = ("expression", "values")

    function: ClassVar[str] = ""
    #: The values are lists, not items.
    takes_arrays: ClassVar[bool] = False

    def __init__(self, expression: object, *values: object) -> None:
        self.expression = expression
        self.values = values

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.expression!r}, ...)"


class ArrayAppend(ArrayChange):
    """An array with one more item at its end.

    >>> await Post.objects.update(tags=ArrayAppend("tags", "new"))  # ARRAY_APPEND(tags, $1)
    """

    __slots__ = ()
    function = "array_append"

    def __init__(self, expression: object, value: object) -> None:
        super().__init__(expression, value)


class ArrayPrepend(ArrayChange):
    """An array with one more item at its beginning: ``ARRAY_PREPEND($1, tags)``."""

    __slots__ = ()
    function = "array_prepend"

    def __init__(self, expression: object, value: object) -> None:
        super().__init__(expression, value)


class ArrayCat(ArrayChange):
    """Two arrays, one after the other: ``ArrayCat("tags", ["a", "b"])`` is ``ARRAY_CAT(tags, $1)``."""

    __slots__ = ()
    function = "array_cat"
    takes_arrays = True

    def __init__(self, expression: object, other: object) -> None:
        super().__init__(expression, other)


class ArrayRemove(ArrayChange):
    """An array without the items that are equal to a value: ``ARRAY_REMOVE(tags, $1)``."""

    __slots__ = ()
    function = "array_remove"

    def __init__(self, expression: object, value: object) -> None:
        super().__init__(expression, value)


class ArrayReplace(ArrayChange):
    """An array with another value in the place of every item that is equal to one: ``ARRAY_REPLACE(tags, $1, $2)``."""

    __slots__ = ()
    function = "array_replace"

    def __init__(self, expression: object, old: object, new: object) -> None:
        super().__init__(expression, old, new)
