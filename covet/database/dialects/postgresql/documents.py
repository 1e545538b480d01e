"""PostgreSQL's documents and arrays: jsonb's operators and functions. Pure.

A column of type ``json`` has neither equality nor most operators: it is used as ``jsonb`` everywhere.
"""

from __future__ import annotations

from covet.database.dialects.postgresql.functions import PostgreSQLFunctions
from covet.database.schema.types import Array, Boolean, Float, Integer, Json, Numeric, Text, Varchar
from covet.database.sql.expression_types import type_of
from covet.database.sql.nodes import Cast, ColumnRef, Constant, Expression, Function, Param
from covet.database.sql.visitor import Pieces

#: The document ``null``, without a string literal.
_NULL = "(JSONB_BUILD_ARRAY(NULL) -> 0)"


def as_document(node: Expression) -> Expression:
    """Return a value as jsonb."""
    logical = type_of(node)
    if logical is None and not (isinstance(node, Constant) and node.value is None):
        return node
    match logical:
        case Json(binary=True):
            return node
        case Json() if type(node) is Param:
            return Param(node.index, Json())
        case Json() | None:
            return Cast(node, Json())
        case _:
            return Function("to_json", (node,), Json())


def is_document(node: Expression) -> bool:
    """Whether a value is JSON."""
    return isinstance(type_of(node), Json)


class PostgreSQLDocuments(PostgreSQLFunctions):
    """Prints questions to documents and arrays, and their changes, for PostgreSQL."""

    def sortable(self, node: Expression) -> object:
        return super().sortable(as_document(node) if is_document(node) else node)

    def visit_cast(self, node: Cast) -> Pieces:
        source = type_of(node.operand)
        if isinstance(node.type, Json) and source is not None and not isinstance(source, Json | Text | Varchar):
            return self.call("TO_JSONB", (node.operand,))
        if isinstance(source, Json) and isinstance(node.type, Boolean | Integer | Float | Numeric):
            # Before PostgreSQL 18 the document null is no number and no truth value, but an error.
            document = self._operand(as_document(node.operand))
            return "CAST(NULLIF(", *document, f", {_NULL}) AS {self.cast_type(node.type)})"
        return super().visit_cast(node)

    def _between(self, left: Expression, operator: str, right: Expression) -> Pieces:
        return "(", *self._operand(left), f" {operator} ", *self._operand(right), ")"

    # Documents ------------------------------------------------------------------------------------------------------

    def function_to_json(self, node: Function) -> Pieces:
        return self.call("TO_JSONB", node.arguments)

    def function_json_at(self, node: Function) -> Pieces:
        return self._between(as_document(node.arguments[0]), "#>", node.arguments[1])

    def function_json_text_at(self, node: Function) -> Pieces:
        return self._between(as_document(node.arguments[0]), "#>>", node.arguments[1])

    def function_json_text(self, node: Function) -> Pieces:
        """Print a document as text, a JSON string without its quotes; of a part in one step."""
        (document,) = node.arguments
        if isinstance(document, Function) and document.name == "json_at":
            return self.function_json_text_at(document)
        return "(", *self._operand(as_document(document)), " #>> CAST(ARRAY[] AS text[]))"

    def function_json_contains(self, node: Function) -> Pieces:
        left, right = map(as_document, node.arguments)
        return self._between(left, "@>", right)

    def function_json_contained(self, node: Function) -> Pieces:
        left, right = map(as_document, node.arguments)
        return self._between(left, "<@", right)

    def function_json_exists(self, node: Function) -> Pieces:
        return self._between(as_document(node.arguments[0]), "?", node.arguments[1])

    def function_json_exists_all(self, node: Function) -> Pieces:
        return self._between(as_document(node.arguments[0]), "?&", node.arguments[1])

    def function_json_exists_any(self, node: Function) -> Pieces:
        return self._between(as_document(node.arguments[0]), "?|", node.arguments[1])

    def function_json_array(self, node: Function) -> Pieces:
        return self.call("JSONB_BUILD_ARRAY", node.arguments)

    def function_json_object(self, node: Function) -> Pieces:
        return self.call("JSONB_BUILD_OBJECT", node.arguments)

    def function_json_put(self, node: Function) -> Pieces:
        """Print nested calls of jsonb_set, which makes the last key of a path only."""
        document, path, value = node.arguments
        depth = int(node.name.partition("__")[2])
        found: Pieces = ("COALESCE(", as_document(value), f", {_NULL})")
        for level in range(depth, 0, -1):
            holder = self._operand(as_document(document))
            if level > 1:
                holder = ("(", *holder, " #> (", path, f")[:{level - 1}])")
            made: Pieces = ("COALESCE(NULLIF(", *holder, f", {_NULL}), JSONB_BUILD_OBJECT())")
            found = ("JSONB_SET(", *made, ", (", path, f")[{level}:{level}], ", *found, ")")
        return found

    def function_json_remove(self, node: Function) -> Pieces:
        return self._between(as_document(node.arguments[0]), "#-", node.arguments[1])

    # Arrays ---------------------------------------------------------------------------------------------------------

    def function_array_contains(self, node: Function) -> Pieces:
        return self._between(node.arguments[0], "@>", node.arguments[1])

    def function_array_contained(self, node: Function) -> Pieces:
        return self._between(node.arguments[0], "<@", node.arguments[1])

    def function_array_overlap(self, node: Function) -> Pieces:
        return self._between(node.arguments[0], "&&", node.arguments[1])

    def function_array_length(self, node: Function) -> Pieces:
        (array,) = node.arguments
        logical = type_of(array)
        if isinstance(logical, Array) and isinstance(logical.item, Array):
            return (
                "CASE WHEN ",
                *self._operand(array),
                " IS NOT NULL THEN COALESCE(ARRAY_LENGTH(",
                array,
                ", 1), 0) END",
            )
        return self.call("CARDINALITY", node.arguments)

    def function_array_at(self, node: Function) -> Pieces:
        """Print ``array[1]``, ``array[1][2]``; of an array of arrays the item is put together again."""
        array: Expression = node
        indexes: list[Expression] = []
        while isinstance(array, Function) and array.name == "array_at":
            array, index = array.arguments
            indexes.insert(0, index)
        subscripted = self._subscripted(array)
        if not isinstance(node.type, Array):
            return *subscripted, *(piece for index in indexes for piece in ("[", index, " + 1]"))
        if len(indexes) > 1 or isinstance(node.type.item, Array):
            self.refuse("gives single items and the rows of arrays of two dimensions, no parts of more dimensions")
        (index,) = indexes
        items: Pieces = ("ARRAY(SELECT UNNEST(", *subscripted, "[", index, " + 1:", index, " + 1]))")
        return "CASE WHEN ARRAY_LENGTH(", array, ", 1) > ", index, " THEN ", *items, " END"

    def function_array_part(self, node: Function) -> Pieces:
        array, start, *stop = node.arguments
        return *self._subscripted(array), "[", start, " + 1:", *stop, "]"

    def _subscripted(self, array: Expression) -> Pieces:
        return (array,) if isinstance(array, ColumnRef) else ("(", array, ")")

    def function_array_append(self, node: Function) -> Pieces:
        return self.call("ARRAY_APPEND", node.arguments)

    def function_array_prepend(self, node: Function) -> Pieces:
        array, item = node.arguments
        return self.call("ARRAY_PREPEND", (item, array))

    def function_array_cat(self, node: Function) -> Pieces:
        return self.call("ARRAY_CAT", node.arguments)

    def function_array_remove(self, node: Function) -> Pieces:
        return self.call("ARRAY_REMOVE", node.arguments)

    def function_array_replace(self, node: Function) -> Pieces:
        return self.call("ARRAY_REPLACE", node.arguments)
