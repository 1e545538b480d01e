"""SQLite's compiler: statements, lists and NULL order; expressions are in ``expressions.py``. Pure."""

from __future__ import annotations

from functools import partial
from typing import cast

from covet._frozen import Frozen, replace
from covet.database.dialects.sqlite.expressions import SQLiteExpressions
from covet.database.dialects.sqlite.lists import expand_list, expand_rows
from covet.database.schema.types import Array, Float, Numeric
from covet.database.sql.expression_compiler import Group
from covet.database.sql.expression_types import type_of
from covet.database.sql.nodes import ColumnRef, Constant, In, ParamList, Row, RowList
from covet.database.sql.statements import InsertSelect, Lock, Select, Selected, TableRef, Update
from covet.database.sql.visitor import Pieces, separated
from covet.exceptions import NotSupportedError

_OWN_SCHEMAS = frozenset({"main", "temp"})


class SQLiteCompiler(SQLiteExpressions):
    """Prints one statement for SQLite."""

    #: Where RETURNING began, and with it the alias that it cannot name.
    _in_returning: _Returning | None = None

    def placeholder(self, number: int) -> str:
        return f"?{number}"

    def placeholder_rows(self, width: int, count: int) -> str:
        # A bare ``?`` takes the next number, and these come first in the statement: half the text.
        row = f"({', '.join('?' * width)})"
        return ", ".join([row] * count)

    def visit_column_ref(self, node: ColumnRef) -> Pieces:
        if self._in_returning is None:
            return super().visit_column_ref(node)
        pieces = super().visit_column_ref(node)
        if node.table == self._in_returning.alias and node.table is not None:
            # The name, not the alias; and never a bare column, which a subquery would take for one of its own.
            pieces = (f"{self.quote(self._in_returning.name)}.{self.quote(node.column)}",)
        # SQLite keeps 1.0 as 1 on disk, and RETURNING gives it back like that.
        return ("CAST(", *pieces, " AS REAL)") if isinstance(node.type, Float) else pieces

    def in_list(self, node: In, values: ParamList) -> Pieces:
        if isinstance(values.type, Array):
            self.refuse("cannot look for a list in a list of lists")
        operand = self.compared(node.operand, values)[0]
        return *operand, " NOT IN (" if node.negated else " IN (", values, ")"

    def visit_row(self, node: Row) -> Pieces:
        items = (Group(self.collated(item)) if isinstance(type_of(item), Numeric) else item for item in node.items)
        return "(", *separated(items), ")"

    def visit_row_list(self, node: RowList) -> Pieces:
        processors = tuple(self.dialect.bind_processor(logical) for logical in node.types)
        listed = ParamList(node.index)
        return (self.bound_list(listed, partial(expand_rows, node.types, processors)),)

    def visit_param_list(self, node: ParamList) -> Pieces:
        return (self.bound_list(node, partial(expand_list, node.type)),)

    def distinct(self, node: Select) -> Pieces:
        if node.distinct_on:
            self.refuse("has no SELECT DISTINCT ON")
        return super().distinct(node)

    def selected(self, node: Selected, select: Select) -> object:
        if select.distinct and isinstance(type_of(node.expression), Numeric):
            collated = Group(self.collated(node.expression))
            return collated if node.alias is None else Group((collated, f" AS {self.quote(node.alias)}"))
        return node

    def set_operand(self, node: Select) -> object:
        # No parentheses around a SELECT there; one with WITH, an order or a limit goes one level down.
        bounded = node.order_by or node.limit is not None or node.offset is not None or node.ctes
        return Group(("SELECT * FROM (", node, ")")) if bounded else node

    def limited(self, node: Select) -> Pieces:
        if node.offset is not None and node.limit is None:
            return " LIMIT -1 OFFSET ", self.assigned(node.offset)
        return super().limited(node)

    def locked(self, lock: Lock) -> Pieces:
        self.refuse(f"has no SELECT ... FOR {lock.strength}")

    def table_name(self, name: str, schema: str | None) -> str:
        return super().table_name(name, own_schema(schema))

    def visit_insert_select(self, node: InsertSelect) -> Pieces:
        if node.on_conflict is not None and node.select.where is None:
            # Without a WHERE the ON would be read as that of a join.
            node = replace(node, select=replace(node.select, where=Constant(value=True)))
        return super().visit_insert_select(node)

    def visit_update(self, node: Update) -> Pieces:
        if not any(reads(value, node.table.name) for _, value in node.assignments):
            return super().visit_update(node)
        # SQLite changes row after row, and a subquery would see the rows that are changed already. With a FROM it
        # computes all new values before it changes the first row, as PostgreSQL does.
        plain = replace(node, where=None, returning=())
        where = () if node.where is None else (" WHERE ", node.where)
        return *super().visit_update(plain), " FROM (SELECT 1)", *where, *self.returning(node.table, node.returning)

    def returning(self, table: TableRef, columns: tuple[Selected, ...]) -> Pieces:
        if not columns:
            return ()
        return _Returning(table), *super().returning(table, columns)

    def visit_returning(self, node: _Returning) -> Pieces:
        # Pieces are visited in the order of the text, and RETURNING is the end of every statement.
        self._in_returning = node
        return ()


class _Returning:
    """Marks where RETURNING begins."""

    __slots__ = ("alias", "name")

    def __init__(self, table: TableRef) -> None:
        self.alias = table.alias
        self.name = table.name


def reads(value: object, table: str) -> bool:
    """Return whether a subquery of a value reads a table."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, TableRef) and node.name == table:
            return True
        if isinstance(node, tuple):
            waiting += cast("tuple[object, ...]", node)
        elif isinstance(node, Frozen):
            waiting += [getattr(node, field) for field in node.fields_]
    return False


def own_schema(schema: str | None) -> str | None:
    """Return the schema if SQLite has it: ``main`` and ``temp``; another would need an attached file."""
    if schema is not None and schema not in _OWN_SCHEMAS:
        raise NotSupportedError(f"SQLite has no schema {schema!r}; tables are in 'main' or 'temp', or name no schema.")
    return schema
