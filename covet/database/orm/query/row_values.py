"""Values of the one row that an UPDATE or DELETE is at: what is assigned to it and what RETURNING says of it. Pure.

Such a statement has no joins, so a path across relations to one row becomes a subquery that belongs to the row::

    UPDATE posts SET title = (SELECT t1.name FROM writers AS t1 WHERE t1.id = posts.author_id)

and an aggregate over related rows is a subquery as it is wherever there are several of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from covet.database.orm.query.context import NOWHERE, Context
from covet.database.orm.query.joins import Joins, match
from covet.database.orm.query.planner import SelectPlanner
from covet.database.orm.query.results import Result
from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokens import ExpressionToken
from covet.database.orm.query.translation import Translator
from covet.database.orm.query.traversal import aggregates_of, rows_of, windows_of
from covet.database.sql import nodes
from covet.database.sql.statements import Select, Selected
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import ResolvedPath


class RowTranslator(Translator):
    """Translates what is computed from one row and the rows that it refers to."""

    __slots__ = ()

    def column(self, path: ResolvedPath, context: Context = NOWHERE) -> nodes.Expression:
        """Return a column of the row, or the value of a related row as a subquery."""
        if not path.relations:
            return super().column(path, context)
        if path.first_many is not None:
            raise FieldError(
                f"{path.path!r} leads to many rows: a changed row has no single value of it. Use an aggregate such as "
                "Max(), or Subquery() with one row."
            )
        first, names = path.relations[0], self.joins.names
        joins = Joins(first.remote._meta, names, names.next())
        inner = Translator(
            joins, self.state, self.subquery, offset=self.offset, parent=self, prefix=path.relations[:1]
        )  # fmt: skip
        condition: nodes.Expression = match(first, self.joins.root, joins.root)
        narrowed = inner.narrow(joins.root, first) if self.state.filtered else None
        if narrowed is not None:
            narrowed[0].require()
            condition = condition if narrowed[1] is None else nodes.And((condition, narrowed[1]))
        value = Selected(inner.column(path))
        select = Select((value,), joins.root.table(), joins.build(), condition)
        return nodes.ScalarSubquery(select, path.field.logical_type)


class RowPlanner(SelectPlanner):
    """Plans what an UPDATE or DELETE says of each of its rows."""

    def __init__(self, model: type[Any], state: QueryState) -> None:
        super().__init__(model, state, few=True)
        self.translator: Translator = RowTranslator(self.joins, state, self.translator.subquery)
        self.translator.by_subquery = True
        self.stack = None

    def assigned(self, name: str, token: ExpressionToken) -> nodes.Expression:
        """Return the new value of a column."""
        self._check_rows(f"update({name}=...)", token)
        value = self.translator.value(token)
        self._check_joins(f"update({name}=...)")
        return value

    def returned(self) -> tuple[tuple[Selected, ...], Result]:
        """Return the columns of RETURNING and what they become."""
        state = self.state
        if state.select_related:
            raise FieldError("returning() cannot join: use prefetch_related() in the place of select_related().")
        if state.group_by is not None:
            raise FieldError("returning() gives rows, and this query has groups.")
        for annotation in state.annotations if state.shape is None else ():
            self._check_rows(annotation.name, annotation.expression)
        result: Result = self.entity(self.joins.root) if state.shape is None else self.record()
        self._check_joins("returning()")
        return tuple(self.columns), result

    def _check_rows(self, where: str, token: ExpressionToken) -> None:
        if any(windows_of(token, self.state)):
            raise FieldError(f"{where}: a window is over several rows; use Subquery().")
        for aggregate in aggregates_of(token, self.state):
            if not rows_of(aggregate, self.state):
                raise FieldError(
                    f"{where}: an aggregate here is over related rows, Count('posts'); for one over a whole table "
                    "use Subquery()."
                )

    def _check_joins(self, where: str) -> None:
        if self.joins.root.children:
            raise FieldError(
                f"{where}: an aggregate over the rows of a related row is too far away; use Subquery() with OuterRef()."
            )
