"""Prepared queries: a query with named gaps in its values, planned once, called with the values.

``filter(age__gt=Param("age"))`` leaves a gap; the gap knows the field, so a call checks its values as ``filter`` would.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from covet.database.orm.expressions.gaps import Gap
from covet.database.orm.lookups import Decided
from covet.database.orm.query.execution import Want
from covet.database.orm.query.traversal import bound
from covet.database.orm.suggestions import choices

if TYPE_CHECKING:
    from covet.database.orm.query.queryset import QuerySet

_R = TypeVar("_R", default=Any)


class Prepared(Generic[_R]):
    """A query whose values are given at the call.

    >>> older = User.objects.filter(age__gt=Param("age")).prepare()
    >>> await older(age=18)  # SELECT .. WHERE age > $1
    """

    def __init__(self, queryset: QuerySet[Any, _R]) -> None:
        self._queryset = queryset.derive(bound(queryset.state), queryset.params)
        self._gaps: tuple[tuple[int, Gap], ...] = tuple(
            (at, value) for at, value in enumerate(queryset.params) if isinstance(value, Gap)
        )
        #: The names that a call takes.
        self.names = tuple(dict.fromkeys(gap.name for _, gap in self._gaps))
        self._expected = frozenset(self.names)

    def _bound(self, values: Mapping[str, Any]) -> QuerySet[Any, _R] | None:
        """Return the query with these values; None: no row can match."""
        if len(values) != len(self._expected) or not self._expected.issuperset(values):
            raise self._wrong_names(values)
        params = list(self._queryset.params)
        for at, gap in self._gaps:
            try:
                params[at] = gap.check(values[gap.name])
            except Decided as decided:
                if decided.matches:
                    raise gap.beyond() from None
                return None
        return self._queryset.derive(self._queryset.state, tuple(params))

    def _wrong_names(self, values: Mapping[str, Any]) -> TypeError:
        unknown = [name for name in values if name not in self._expected]
        if unknown:
            return TypeError(f"The query has no parameter {unknown[0]!r}. {choices(unknown[0], self.names)}")
        missing = [name for name in self.names if name not in values]
        return TypeError(f"The query needs a value for {', '.join(missing)}.")

    async def _rows(self, values: Mapping[str, Any], want: Want) -> list[_R]:
        found = self._bound(values)
        return [] if found is None else await found.fetch(want)

    async def __call__(self, **values: Any) -> list[_R]:
        """Return the rows."""
        return await self._rows(values, "rows")

    async def first(self, **values: Any) -> _R | None:
        """Return the first row in the order given, or by primary key; None without rows."""
        rows = await self._rows(values, "first")
        return rows[0] if rows else None

    def __repr__(self) -> str:
        return f"<Prepared {self._queryset!r} ({', '.join(self.names)})>"
