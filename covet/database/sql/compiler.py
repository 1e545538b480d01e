"""SQLCompiler: statements -> Compiled, for any dialect. Pure.

A dialect's compiler is a subclass that overrides what the database says differently.
"""

from __future__ import annotations

from covet.database.sql.aggregate_compiler import AggregateCompiler
from covet.database.sql.compiled import Compiled, CompiledRows
from covet.database.sql.expression_compiler import Bare, Group
from covet.database.sql.nodes import Constant, Expression, Param
from covet.database.sql.statements import (
    CommonTable,
    Delete,
    Insert,
    InsertColumns,
    InsertRows,
    InsertSelect,
    Join,
    JoinedTables,
    Lock,
    OnConflict,
    Select,
    Selected,
    SetOperation,
    Statement,
    SubqueryRef,
    TableRef,
    Update,
    ValueColumns,
    ValueRows,
)
from covet.database.sql.visitor import Pieces, separated
from covet.exceptions import ProgrammingError, QueryTooComplex


class SQLCompiler(AggregateCompiler):
    """Prints one statement."""

    def compile(self, statement: Statement) -> Compiled:
        """Return the statement's text and bind plan."""
        self.walk(statement, self._out.append)
        compiled = self.finish()
        rows = statement.source if isinstance(statement, Update) else statement
        if not isinstance(rows, InsertRows | ValueRows):
            return compiled
        processors = tuple(map(self.dialect.bind_processor, rows.types))
        row_params = rows.count * len(rows.types)
        return CompiledRows(compiled.sql, compiled.binds, processors=processors, row_params=row_params)

    # SELECT ---------------------------------------------------------------------------------------------------------

    def visit_select(self, node: Select) -> Pieces:
        self.check_size("columns", len(node.columns), self.dialect.max_columns)
        self.check_size("tables", len(node.joins) + 1, self.dialect.max_tables)
        pieces: list[object] = [*self.common_tables(node), "SELECT ", *self.distinct(node)]
        pieces += separated(self.selected(each, node) for each in node.columns) or ["1"]
        if node.source is not None:
            pieces += (" FROM ", node.source)
        pieces += node.joins
        if node.where is not None:
            pieces += (" WHERE ", node.where)
        if node.group_by:
            pieces += (" GROUP BY ", *separated(map(self.sortable, node.group_by)))
        if node.having is not None:
            pieces += (" HAVING ", node.having)
        if node.order_by:
            pieces += (" ORDER BY ", *separated(node.order_by))
        pieces += self.limited(node)
        if node.lock is not None:
            pieces += self.locked(node.lock)
        return pieces

    def check_size(self, what: str, size: int, limit: int) -> None:
        """Refuse a SELECT that the database would refuse."""
        if size > limit:
            raise QueryTooComplex(
                f"{self.dialect.title} takes at most {limit} {what} in a SELECT; this one has {size}."
            )

    def common_tables(self, node: Select) -> Pieces:
        """Return WITH or nothing."""
        if not node.ctes:
            return ()
        # One word for all of them: those that are not recursive may stand beside one that is.
        word = "WITH RECURSIVE " if any(table.recursive for table in node.ctes) else "WITH "
        return word, *separated(node.ctes), " "

    def visit_common_table(self, node: CommonTable) -> Pieces:
        word = {None: "", True: "MATERIALIZED ", False: "NOT MATERIALIZED "}[node.materialized]
        return f"{self.quote(node.name)} AS {word}(", node.select, ")"

    def distinct(self, node: Select) -> Pieces:
        """Return DISTINCT or nothing."""
        if node.distinct_on:
            return "DISTINCT ON (", *separated(map(self.sortable, node.distinct_on)), ") "
        return ("DISTINCT ",) if node.distinct else ()

    def selected(self, node: Selected, _select: Select) -> object:
        """Return one result column as a piece."""
        return node

    def visit_selected(self, node: Selected) -> Pieces:
        if node.alias is None:
            return (node.expression,)
        return node.expression, f" AS {self.quote(node.alias)}"

    def visit_table_ref(self, node: TableRef) -> Pieces:
        name = self.table_name(node.name, node.schema)
        if node.alias is None or (node.alias == node.name and node.schema is None):
            return (name,)
        return (f"{name} AS {self.quote(node.alias)}",)

    def table_name(self, name: str, schema: str | None) -> str:
        """Return the quoted name of a table."""
        return self.quote(name) if schema is None else f"{self.quote(schema)}.{self.quote(name)}"

    def visit_subquery_ref(self, node: SubqueryRef) -> Pieces:
        return "(", node.select, f") AS {self.quote(node.alias)}"

    def visit_joined_tables(self, node: JoinedTables) -> Pieces:
        return "(", node.table, *node.joins, ")"

    def visit_set_operation(self, node: SetOperation) -> Pieces:
        self.check_size("combined queries", len(node.selects), self.dialect.max_selects)
        return separated(map(self.set_operand, node.selects), f" {node.operator} ")

    def set_operand(self, node: Select) -> object:
        """Return one SELECT of a set operation as a piece."""
        return Group(("(", node, ")"))

    def visit_join(self, node: Join) -> Pieces:
        return f" {node.kind} JOIN ", node.source, " ON ", node.on

    def limited(self, node: Select) -> Pieces:
        """Return LIMIT and OFFSET."""
        pieces: list[object] = []
        if node.limit is not None:
            pieces += (" LIMIT ", self.assigned(node.limit))
        if node.offset is not None:
            pieces += (" OFFSET ", self.assigned(node.offset))
        return pieces

    def locked(self, lock: Lock) -> Pieces:
        """Return the locking clause."""
        text = f" FOR {lock.strength}"
        if lock.of:
            text += " OF " + ", ".join(map(self.quote, lock.of))
        if lock.nowait and lock.skip_locked:
            raise ProgrammingError("A lock cannot be both nowait and skip_locked.")
        if lock.nowait:
            text += " NOWAIT"
        if lock.skip_locked:
            text += " SKIP LOCKED"
        return (text,)

    # INSERT ---------------------------------------------------------------------------------------------------------

    def visit_insert(self, node: Insert) -> Pieces:
        return *self._insert_into(node.table, node.columns), *self._rows(node), *self._insert_end(node)

    def _rows(self, node: Insert) -> Pieces:
        if not node.rows or any(len(row) != len(node.columns) for row in node.rows):
            raise ProgrammingError(f"Rows for {node.table.name!r} need {len(node.columns)} values each.")
        if not node.columns:
            self._one_empty_row(node.table, len(node.rows))
            return (" DEFAULT VALUES",)
        rows = separated(Group(("(", *separated(map(self.assigned, row)), ")")) for row in node.rows)
        return " VALUES ", *rows

    def visit_insert_rows(self, node: InsertRows) -> Pieces:
        width = len(node.columns)
        self._offset = width * node.count
        if not width:
            self._one_empty_row(node.table, node.count)
            return *self._insert_into(node.table, ()), " DEFAULT VALUES", *self._insert_end(node)
        self.check_count(width, node.count)
        values = self.placeholder_rows(width, node.count)
        return *self._insert_into(node.table, node.columns), " VALUES ", values, *self._insert_end(node)

    def check_count(self, width: int, count: int) -> None:
        """Refuse rows of more values than a statement takes."""
        limit = self.dialect.max_params
        if count < 1 or width * count > limit:
            self.refuse(f"takes 1 to {limit // width} rows of {width} values in a statement; these are {count}")

    def placeholder_rows(self, width: int, count: int) -> str:
        """Return ``(..), (..)`` with ``width * count`` placeholders numbered from 1."""
        rows = iter([self.placeholder(number) for number in range(1, width * count + 1)])
        return ", ".join(f"({', '.join(row)})" for row in zip(*[rows] * width, strict=True))

    def visit_insert_select(self, node: InsertSelect) -> Pieces:
        return *self._insert_into(node.table, node.columns), " ", node.select, *self._insert_end(node)

    def visit_insert_columns(self, node: InsertColumns) -> Pieces:
        self.refuse(f"cannot take whole columns of values for {node.table.name!r}; give it rows")

    def _insert_into(self, table: TableRef, columns: tuple[str, ...]) -> Pieces:
        return "INSERT INTO ", table, f" ({', '.join(map(self.quote, columns))})" if columns else ""

    def _insert_end(self, node: Insert | InsertRows | InsertColumns | InsertSelect) -> Pieces:
        conflict = () if node.on_conflict is None else self.conflict(node.on_conflict)
        return *conflict, *self.returning(node.table, node.returning)

    def conflict(self, node: OnConflict) -> Pieces:
        """Return ON CONFLICT."""
        text = " ON CONFLICT"
        if node.columns:
            text += f" ({', '.join(map(self.quote, node.columns))})"
        if not node.update:
            return (text + " DO NOTHING",)
        return text + " DO UPDATE SET ", *self._assignments(node.update)

    def _one_empty_row(self, table: TableRef, rows: int) -> None:
        if rows != 1:
            self.refuse(f"cannot insert several rows without columns into {table.name!r}")

    # UPDATE, DELETE -------------------------------------------------------------------------------------------------

    def visit_update(self, node: Update) -> Pieces:
        if not node.assignments:
            raise ProgrammingError(f"UPDATE of {node.table.name!r} without assignments.")
        pieces: list[object] = ["UPDATE ", node.table, " SET ", *self._assignments(node.assignments)]
        if node.source is not None:
            pieces += (" FROM ", node.source)
        if node.where is not None:
            pieces += (" WHERE ", node.where)
        return *pieces, *self.returning(node.table, node.returning)

    def visit_value_rows(self, node: ValueRows) -> Pieces:
        width = len(node.types)
        self.check_count(width, node.count)
        return (f"(VALUES {self.placeholder_rows(width, node.count)}) AS {self.quote(node.alias)}",)

    def visit_value_columns(self, node: ValueColumns) -> Pieces:
        self.refuse(f"cannot take whole columns of {len(node.types)} values; give it rows")

    def visit_delete(self, node: Delete) -> Pieces:
        where = () if node.where is None else (" WHERE ", node.where)
        return "DELETE FROM ", node.table, *where, *self.returning(node.table, node.returning)

    def returning(self, _table: TableRef, columns: tuple[Selected, ...]) -> Pieces:
        """Return RETURNING or nothing."""
        return (" RETURNING ", *separated(columns)) if columns else ()

    def _assignments(self, assignments: tuple[tuple[str, Expression], ...]) -> list[object]:
        return separated(Group((f"{self.quote(name)} = ", self.assigned(value))) for name, value in assignments)

    def assigned(self, value: Expression) -> object:
        """Return a value where the database knows which type it wants."""
        if isinstance(value, Param):
            return Bare(value)
        if isinstance(value, Constant) and value.value is not None and not isinstance(value.value, bool):
            return str(value.value)
        return value
