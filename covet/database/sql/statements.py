"""Statement nodes: Select, Insert, Update, Delete and their parts. Frozen data without SQL."""

from __future__ import annotations

from typing import Literal

from covet._frozen import Frozen
from covet.database.schema.types import LogicalType
from covet.database.sql.nodes import Expression

JoinKind = Literal["INNER", "LEFT"]
SetOperator = Literal["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]
LockStrength = Literal["UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"]


class TableRef(Frozen):
    """A table, with the alias under which columns name it (None: unaliased, columns are unqualified)."""

    name: str
    schema: str | None = None
    alias: str | None = None


class SubqueryRef(Frozen):
    """``(select) AS alias``."""

    select: Select | SetOperation
    alias: str


class SetOperation(Frozen):
    """``select UNION select ...``: the rows of several SELECTs as one; the columns have the names of the first."""

    operator: SetOperator
    selects: tuple[Select, ...]


class JoinedTables(Frozen):
    """``(table JOIN ..)``: tables that are joined with each other before anything is joined with them."""

    table: TableRef
    joins: tuple[Join, ...]


class Join(Frozen):
    """``kind JOIN source ON condition``."""

    kind: JoinKind
    source: TableRef | SubqueryRef | JoinedTables
    on: Expression


class Selected(Frozen):
    """One result column; ``alias`` is generated, never the user's text."""

    expression: Expression
    alias: str | None = None


class Order(Frozen):
    """One sort key; ``nulls`` None is the same on every database: NULL sorts as the largest value.

    ``nullable`` false: there are none, and saying where they go would only keep SQLite from reading an index in order.
    """

    expression: Expression
    descending: bool = False
    nulls: Literal["FIRST", "LAST"] | None = None
    nullable: bool = True


class Lock(Frozen):
    """``FOR UPDATE`` and its relatives."""

    strength: LockStrength = "UPDATE"
    of: tuple[str, ...] = ()
    nowait: bool = False
    skip_locked: bool = False


class CommonTable(Frozen):
    """``name AS (select)`` after WITH; ``materialized`` None lets the database decide."""

    name: str
    select: Select | SetOperation
    recursive: bool = False
    materialized: bool | None = None


class Select(Frozen):
    """A SELECT."""

    columns: tuple[Selected, ...]
    source: TableRef | SubqueryRef | None = None
    joins: tuple[Join, ...] = ()
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    having: Expression | None = None
    order_by: tuple[Order, ...] = ()
    limit: Expression | None = None
    offset: Expression | None = None
    distinct: bool = False
    distinct_on: tuple[Expression, ...] = ()
    lock: Lock | None = None
    ctes: tuple[CommonTable, ...] = ()


class OnConflict(Frozen):
    """``ON CONFLICT (columns) DO UPDATE SET ..``; no ``update`` is DO NOTHING, no ``columns`` any conflict."""

    columns: tuple[str, ...] = ()
    update: tuple[tuple[str, Expression], ...] = ()


class Insert(Frozen):
    """INSERT of one row or of several rows of expressions; a row without values is DEFAULT VALUES."""

    table: TableRef
    columns: tuple[str, ...]
    rows: tuple[tuple[Expression, ...], ...]
    returning: tuple[Selected, ...] = ()
    on_conflict: OnConflict | None = None


class InsertColumns(Frozen):
    """INSERT of many rows, given as one list of values a column: ``Param`` i is the list of column i.

    PostgreSQL reads them with ``unnest``; one statement text serves any number of rows.
    A dialect whose ``supports_unnest`` is false refuses it.
    """

    table: TableRef
    columns: tuple[str, ...]
    types: tuple[LogicalType, ...]
    returning: tuple[Selected, ...] = ()
    on_conflict: OnConflict | None = None


class InsertRows(Frozen):
    """INSERT of ``count`` rows, all values as one flat parameter tuple, row after row."""

    table: TableRef
    columns: tuple[str, ...]
    types: tuple[LogicalType, ...]
    count: int
    returning: tuple[Selected, ...] = ()
    on_conflict: OnConflict | None = None


class InsertSelect(Frozen):
    """INSERT of the rows of a query."""

    table: TableRef
    columns: tuple[str, ...]
    select: Select
    on_conflict: OnConflict | None = None
    returning: tuple[Selected, ...] = ()


class ValueColumns(Frozen):
    """A table of values, given as one list a column: ``Param`` i is the list of ``column{i + 1}``.

    PostgreSQL reads them with ``unnest``; a dialect whose ``supports_unnest`` is false refuses it.
    """

    alias: str
    types: tuple[LogicalType, ...]


class ValueRows(Frozen):
    """A table of ``count`` rows of values, as one flat parameter tuple; its columns are ``column1``, ``column2``."""

    alias: str
    types: tuple[LogicalType, ...]
    count: int


class Update(Frozen):
    """UPDATE; with a ``source`` of values the parameters are those of the source, and there are no others."""

    table: TableRef
    assignments: tuple[tuple[str, Expression], ...]
    where: Expression | None = None
    returning: tuple[Selected, ...] = ()
    source: ValueColumns | ValueRows | None = None


class Delete(Frozen):
    """DELETE."""

    table: TableRef
    where: Expression | None = None
    returning: tuple[Selected, ...] = ()


Statement = Select | Insert | InsertColumns | InsertRows | InsertSelect | Update | Delete
