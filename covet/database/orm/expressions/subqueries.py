"""Queries inside queries: values, existence, and references to the query around."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from covet.database.orm.conditions import Condition, Q
from covet.database.orm.expressions.base import Expression, Operators, OutputField

if TYPE_CHECKING:
    from covet.database.orm.query.state import Query

_T = TypeVar("_T", default=Any)


class OuterRef(Operators[_T]):
    """A field of the query around this one; ``OuterRef(OuterRef("pk"))`` of the one around that.

    >>> newest = Post.objects.filter(author=OuterRef("pk")).order_by("-created")
    >>> User.objects.annotate(newest=Subquery(newest.values_list("title", flat=True)[:1]))
    """

    __slots__ = ("depth", "path")

    def __init__(self, path: str | OuterRef[_T]) -> None:
        self.path: str = path if isinstance(path, str) else path.path
        self.depth: int = 1 if isinstance(path, str) else path.depth + 1

    def __repr__(self) -> str:
        return f"OuterRef({self.path!r})"


class Subquery(Operators[_T]):
    """A query of one column and at most one row, as a value: ``(SELECT .. LIMIT 1)``."""

    __slots__ = ("output_field", "query")

    def __init__(self, query: Query, output_field: OutputField | None = None) -> None:
        self.query = query
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.query!r})"


class ArraySubquery(Subquery[_T]):
    """A query of one column, as a list of its values: ``ARRAY(SELECT ..)``. PostgreSQL."""

    __slots__ = ()


class Existence(Expression[bool]):
    """``EXISTS (query)`` as an expression; ``Exists`` is the condition that users write."""

    __slots__ = ("query",)

    def __init__(self, query: Query) -> None:
        self.query = query

    def __repr__(self) -> str:
        return f"Exists({self.query!r})"


class Exists(Q):
    """Whether a query has rows; a condition like any other, so ``~``, ``&`` and ``|`` work, and ``annotate()`` too.

    >>> User.objects.filter(Exists(Post.objects.filter(author=OuterRef("pk"), status="live")))

    ``WHERE EXISTS (SELECT 1 FROM posts t1 WHERE t1.author_id = users.id AND t1.status = $1)``
    """

    __slots__ = ()

    def __init__(self, query: Query) -> None:
        super().__init__()
        self.children = (Condition(Existence(query), "truth", True),)
