"""Tokens of common tables and explicit joins -> SQL nodes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from covet._frozen import replace
from covet.database.orm.query.context import NOWHERE
from covet.database.orm.query.source_tokens import CTEToken, JoinToken
from covet.database.orm.query.tokens import SubqueryToken
from covet.database.schema.types import LogicalType
from covet.database.sql import nodes
from covet.database.sql.statements import CommonTable, Join, Select, SetOperation, SubqueryRef, TableRef
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.state import QueryState
    from covet.database.orm.query.translation import Translator


class TablePlanner(Protocol):
    """Plans a query that stands as a table, with these names of its columns."""

    def __call__(self, token: SubqueryToken, names_of_columns: Sequence[str] = (), /) -> Select: ...


def common_table(token: CTEToken, plan: TablePlanner) -> CommonTable:
    """Return one item of WITH."""
    names = [column.column for column in token.columns]
    selects = [plan(query, names) for query in token.queries]
    if len(selects) == 1:
        return CommonTable(token.name, selects[0], materialized=token.materialized)
    alike = tuple(_cast(select, casts) for select, casts in zip(selects, token.casts, strict=True))
    return CommonTable(token.name, SetOperation(token.operator, alike), True, token.materialized)


def _cast(select: Select, casts: tuple[LogicalType | None, ...]) -> Select:
    """Give columns the types of the whole: PostgreSQL takes them from the first rows and refuses others."""
    columns = tuple(
        column if kind is None else replace(column, expression=nodes.Cast(column.expression, kind))
        for column, kind in zip(select.columns, casts, strict=True)
    )
    return replace(select, columns=columns)


def check_aggregates(state: QueryState, *, grouped: bool, plain: bool) -> None:
    """Refuse aggregates across a relation where the rows of a join would multiply them."""
    if not grouped and not plain:
        return
    beside = "values().annotate() of a query with" if grouped else "An aggregate over the rows of"
    names = ", ".join(repr(join.name) for join in state.joined)
    raise FieldError(
        f"{beside} the join {names} and an aggregate across a relation would multiply each other's rows: "
        "compute one of them in a CTE, and join that."
    )


def joined(token: JoinToken, translator: Translator, plan: TablePlanner) -> Join:
    """Return the JOIN of a model's table, a common table or a query."""
    alias = translator.source_alias(token.name)
    source: TableRef | SubqueryRef
    if isinstance(token.source, str):
        source = TableRef(token.source, None, alias)
    elif isinstance(token.source, SubqueryToken):
        source = SubqueryRef(plan(token.source, [column.column for column in token.columns]), alias)
    else:
        options: Options = token.source._meta
        source = TableRef(options.db_table, options.schema, alias)
    if token.condition is None:
        raise TypeError(f"The join {token.name!r} has no condition.")
    return Join(token.kind, source, translator.predicate(token.condition, NOWHERE))
