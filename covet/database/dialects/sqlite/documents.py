"""SQLite's documents and arrays: JSON text, asked and changed by registered functions. Pure.

The Python behind ``covet_json_...`` and ``covet_array_...`` is in ``json_values.py`` and ``array_values.py``; documents
are compared and sorted through the collation ``covet_json``.
"""

from __future__ import annotations

from covet.database.dialects.sqlite.scalar_functions import SQLiteFunctions
from covet.database.schema.types import (
    Array,
    Binary,
    Boolean,
    Date,
    Float,
    Inet,
    Integer,
    Json,
    LogicalType,
    NativeEnum,
    Numeric,
    Text,
    Time,
    Timestamp,
    Uuid,
    Varchar,
)
from covet.database.sql.expression_compiler import Group
from covet.database.sql.expression_types import type_of
from covet.database.sql.nodes import Cast, Constant, Expression, Function, Given
from covet.database.sql.visitor import Pieces

#: How a value of another type becomes a document.
#: Values of one of these types are compared as they are kept.
_AS_THEY_ARE = frozenset({Binary, Boolean, Date, Integer, Text, Time, Timestamp, Uuid, Varchar})
_DOCUMENTS: dict[type[LogicalType], str] = {
    Boolean: "covet_boolean_text",
    Date: "covet_json_moment",
    Float: "covet_json_quoted",
    Inet: "covet_json_quoted",
    NativeEnum: "covet_json_quoted",
    Text: "covet_json_quoted",
    Time: "covet_json_moment",
    Timestamp: "covet_json_moment",
    Uuid: "covet_json_quoted",
    Varchar: "covet_json_quoted",
}


def _is_text(logical: LogicalType | None) -> bool:
    return isinstance(logical, Text | Varchar)


class SQLiteDocuments(SQLiteFunctions):
    """Prints questions to documents and arrays, and their changes, for SQLite."""

    def visit_function(self, node: Function) -> Pieces:
        if node.name.startswith("search_"):
            self.refuse(
                f"has no text search ({node.name}): icontains and regex find texts there, and a table of its FTS5 is "
                "asked by a lookup of your own (docs/json.md)"
            )
        if node.name.startswith("trigram_"):
            self.refuse(f"has no trigrams ({node.name}): icontains, like and regex find texts there")
        if node.name.startswith("range_"):
            self.refuse(f"has no range types ({node.name}): two columns, one for each bound, say the same")
        return super().visit_function(node)

    def document(self, node: Expression) -> Pieces:
        """Return a value as the text of a document."""
        logical = type_of(node)
        if logical is None or isinstance(logical, Json | Numeric):
            return self._operand(node)
        if isinstance(logical, Integer):
            return "CAST(", node, " AS TEXT)"
        if isinstance(logical, Array) and isinstance(logical.item, Boolean | Integer | Float | Text | Varchar):
            return self._operand(node)
        function = _DOCUMENTS.get(type(logical))
        if function is None:
            self.refuse(f"cannot make a document of a value of type {type(logical).__name__}")
        return self.call(function, (node,))

    def compared(self, left: Expression, right: Expression) -> tuple[Pieces, Pieces]:
        one, other = type_of(left), type_of(right)
        if one is other and type(one) in _AS_THEY_ARE:
            return self._operand(left), self._operand(right)
        if isinstance(one, Json) or isinstance(other, Json):
            return (*self.document(left), " COLLATE covet_json"), self.document(right)
        return super().compared(left, right)

    def converted(self, node: Expression, target: LogicalType | None) -> Pieces:
        return self.document(node) if isinstance(target, Json) else super().converted(node, target)

    def sortable(self, node: Expression) -> object:
        if isinstance(type_of(node), Json):
            return Group((*self._operand(node), " COLLATE covet_json"))
        return super().sortable(node)

    def visit_cast(self, node: Cast) -> Pieces:
        source, target = type_of(node.operand), node.type
        if isinstance(target, Json):
            # A text is read as JSON, as PostgreSQL's cast does.
            return self.call("JSON", (node.operand,)) if _is_text(source) else self.document(node.operand)
        if not isinstance(source, Json):
            return super().visit_cast(node)
        match target:
            case Boolean():
                return self.call("covet_json_boolean", (node.operand,))
            case Integer() | Float() | Numeric():
                number = Function("json_number", (node.operand,), Numeric())
                return super().visit_cast(Cast(number, target))
            case _:
                return super().visit_cast(Cast(Function("json_written", (node.operand,), Text()), target))

    # Documents ------------------------------------------------------------------------------------------------------

    def function_json_number(self, node: Function) -> Pieces:
        return self.call("covet_json_number", node.arguments)

    def function_json_written(self, node: Function) -> Pieces:
        return self.call("covet_json_written", node.arguments)

    def function_json_text(self, node: Function) -> Pieces:
        (document,) = node.arguments
        if isinstance(document, Function) and document.name == "json_at":
            return self._asked("text_at", document)
        return self.call("covet_json_text", (Group(self.document(document)),))

    def function_to_json(self, node: Function) -> Pieces:
        return self.document(node.arguments[0])

    def function_json_at(self, node: Function) -> Pieces:
        return self._asked("at", node)

    def function_json_text_at(self, node: Function) -> Pieces:
        return self._asked("text_at", node)

    def function_json_contains(self, node: Function) -> Pieces:
        return self.call("covet_json_contains", tuple(Group(self.document(each)) for each in node.arguments))

    def function_json_contained(self, node: Function) -> Pieces:
        inner, outer = node.arguments
        return self.call("covet_json_contains", (Group(self.document(outer)), Group(self.document(inner))))

    def function_json_exists(self, node: Function) -> Pieces:
        return self._asked("exists", node)

    def function_json_exists_all(self, node: Function) -> Pieces:
        return self._asked("exists_all", node)

    def function_json_exists_any(self, node: Function) -> Pieces:
        return self._asked("exists_any", node)

    def _asked(self, name: str, node: Function) -> Pieces:
        document, *rest = node.arguments
        return self.call(f"covet_json_{name}", (Group(self.document(document)), *rest))

    def function_json_array(self, node: Function) -> Pieces:
        return self.call("covet_json_array", tuple(Group(self.document(each)) for each in node.arguments))

    def function_json_object(self, node: Function) -> Pieces:
        entries: list[object] = [*node.arguments]
        entries[1::2] = [Group(self.document(each)) for each in node.arguments[1::2]]
        return self.call("covet_json_object", tuple(entries))

    def function_json_put(self, node: Function) -> Pieces:
        document, path, value = node.arguments
        return self.call("covet_json_put", (Group(self.document(document)), path, Group(self.document(value))))

    def function_json_remove(self, node: Function) -> Pieces:
        return self._asked("remove", node)

    # Arrays ---------------------------------------------------------------------------------------------------------

    def function_array_contains(self, node: Function) -> Pieces:
        return self.call("covet_array_contains", node.arguments)

    def function_array_contained(self, node: Function) -> Pieces:
        return self.call("covet_array_contains", node.arguments[::-1])

    def function_array_overlap(self, node: Function) -> Pieces:
        return self.call("covet_array_overlap", node.arguments)

    def function_array_length(self, node: Function) -> Pieces:
        return self.call("covet_array_length", node.arguments)

    def function_array_at(self, node: Function) -> Pieces:
        item = self.call("covet_array_at", node.arguments)
        return self.call("covet_unhex", (Group(item),)) if isinstance(node.type, Binary) else item

    def function_array_part(self, node: Function) -> Pieces:
        return self.call("covet_array_part", (*node.arguments, Constant(None))[:3])

    def function_array_cat(self, node: Function) -> Pieces:
        return self.call("covet_array_cat", node.arguments)

    def function_array_append(self, node: Function) -> Pieces:
        return self._changed("append", node)

    def function_array_prepend(self, node: Function) -> Pieces:
        return self._changed("prepend", node)

    def function_array_remove(self, node: Function) -> Pieces:
        return self._changed("remove", node)

    def function_array_replace(self, node: Function) -> Pieces:
        return self._changed("replace", node)

    def _changed(self, name: str, node: Function) -> Pieces:
        """Print a change of an array; the function learns what a value was that SQLite keeps as something else."""
        logical = node.type.item if isinstance(node.type, Array) else None
        kind = type(logical).__name__.lower()
        return self.call(f"covet_array_{name}", (*node.arguments, Given(0, Text(), value=kind)))
