"""ExpressionCompiler: the visit methods of expressions, and the collector of text and binds. Pure.

One instance prints one statement. Parentheses are put by ``_operand``: around every operator that stands inside
another one, except where the SQL standard's precedence makes them noise (AND over OR's items, left sides of + and -);
SQLite's parser gives up at about a hundred nested parentheses, so they are not free.

With ``ddl`` the expression is part of a table's definition: there are no parameters there, values are ``Literal``.
"""

from __future__ import annotations

import re
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, ClassVar, NoReturn

from covet.database.schema.types import LogicalType
from covet.database.sql.compiled import Bind, BindProcessor, Compiled, Expander
from covet.database.sql.nodes import (
    And,
    Arithmetic,
    Between,
    Case,
    Cast,
    Collated,
    ColumnRef,
    Comparison,
    Constant,
    CustomFunction,
    DistinctFrom,
    Excluded,
    Exists,
    Expression,
    Function,
    Given,
    In,
    Inserted,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
    Param,
    ParamList,
    Raw,
    RegexMatch,
    Row,
    RowList,
    ScalarSubquery,
    TextMatch,
)
from covet.database.sql.signatures import SIGNATURES, ArgumentKind
from covet.database.sql.statements import Order, Select
from covet.database.sql.visitor import Pieces, Visitor, separated
from covet.exceptions import NotSupportedError, ProgrammingError

if TYPE_CHECKING:
    from covet.database.dialects.base import Dialect

_COMPOSITE = (Comparison, And, Or, Not, IsNull, In, Between, TextMatch, Like, DistinctFrom, RegexMatch, Arithmetic)
_ADDITIVE = frozenset("+-")
#: ``{0}`` and ``{*}`` in the template of a user's own function.
_PLACE = re.compile(r"\{(\d+|\*)\}")


class Bare:
    """A parameter without a type declaration: the database knows its type from where it stands."""

    __slots__ = ("param",)

    def __init__(self, param: Param) -> None:
        self.param = param


class Group:
    """Pieces that travel as one piece."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces


class ExpressionCompiler(Visitor):
    """Prints expressions and collects binds. Subclassed by ``SQLCompiler`` and by each dialect."""

    #: Neutral function name -> the database's; a method ``function_<name>`` of the compiler goes first.
    functions: ClassVar[dict[str, str]] = {}

    def __init__(self, dialect: Dialect, *, ddl: bool = False) -> None:
        self.dialect = dialect
        self.quote = dialect.quote
        self.ddl = ddl
        self._out: list[str] = []
        self._binds: list[Bind] = []
        self._placeholders: dict[tuple[int, LogicalType | None, BindProcessor | None], str] = {}
        self._lists: list[Bind] = []
        self._breaks: list[int] = []
        self._constants: list[str] = []
        #: How many placeholders stand before those of ``_binds`` (the values of an INSERT of many rows).
        self._offset = 0

    def expression(self, node: Expression) -> str:
        """Return the text of one expression without parameters; for DDL."""
        self.walk(node, self._out.append)
        return "".join(self._out)

    # Collector ------------------------------------------------------------------------------------------------------

    def placeholder(self, number: int) -> str:
        """Return the text of a placeholder."""
        raise NotImplementedError

    def bound(self, param: Param, processor: BindProcessor | None) -> str:
        """Return the placeholder of a parameter; the same one for the same index, type and conversion."""
        if self.ddl:
            raise ProgrammingError("A table's definition cannot have parameters; use Literal.")
        index = self._given(param.value) if isinstance(param, Given) else param.index
        key = (index, param.type, processor)
        found = self._placeholders.get(key)
        if found is None:
            self._binds.append(Bind(index, processor))
            found = self._placeholders[key] = self.placeholder(self._offset + len(self._binds))
        return found

    def _given(self, value: str) -> int:
        """Return where a value of the statement's own stands, counted from the end of the parameters."""
        if value not in self._constants:
            self._constants.append(value)
        return -1 - self._constants.index(value)

    def bound_list(self, values: ParamList, expand: Expander) -> str:
        """Leave a gap in the text, filled when the list is bound."""
        if self.ddl:
            raise ProgrammingError("A table's definition cannot have parameters; use Literal.")
        self._lists.append(Bind(values.index, self.dialect.bind_processor(values.type), expand))
        self._breaks.append(len(self._out))
        return ""

    def finish(self) -> Compiled:
        """Return what was collected."""
        limit = self.dialect.max_params
        if len(self._binds) + len(self._lists) > limit:
            self.refuse(f"takes at most {limit} parameters in a statement; this one has {len(self._binds)}")
        constants = tuple(reversed(self._constants))
        if not self._breaks:
            return Compiled("".join(self._out), tuple(self._binds), constants=constants)
        bounds = [0, *self._breaks, len(self._out)]
        parts = tuple("".join(self._out[start:end]) for start, end in pairwise(bounds))
        return Compiled("(...)".join(parts), tuple(self._binds), parts, tuple(self._lists), limit, constants)

    def refuse(self, what: str) -> NoReturn:
        """Raise the error that names the dialect and what it lacks."""
        raise NotSupportedError(f"{self.dialect.title} {what}.")

    # Values ---------------------------------------------------------------------------------------------------------

    def visit_column_ref(self, node: ColumnRef) -> Pieces:
        if node.table is None:
            return (self.quote(node.column),)
        return (f"{self.quote(node.table)}.{self.quote(node.column)}",)

    def visit_param(self, node: Param) -> Pieces:
        return (self.bound(node, self.dialect.bind_processor(node.type)),)

    def visit_bare(self, node: Bare) -> Pieces:
        return (self.bound(node.param, self.dialect.bind_processor(node.param.type)),)

    def visit_constant(self, node: Constant) -> Pieces:
        match node.value:
            case None:
                return ("NULL",)
            case bool(value):
                return ("TRUE" if value else "FALSE",)
            case value:
                return (str(value) if value >= 0 else f"({value})",)

    def visit_literal(self, node: Literal) -> Pieces:
        if not self.ddl:
            raise ProgrammingError("A literal may stand in a table's definition only; a statement has parameters.")
        return (self.dialect.literal(node.value, node.type),)

    def visit_excluded(self, node: Excluded) -> Pieces:
        return (f"EXCLUDED.{self.quote(node.column)}",)

    def visit_inserted(self, node: Inserted) -> Pieces:  # noqa: ARG002 - for the dialects that know it
        self.refuse("does not say which rows of an INSERT were there before")

    def visit_scalar_subquery(self, node: ScalarSubquery) -> Pieces:
        return self.array_subquery(node) if node.array else ("(", node.select, ")")

    def visit_collated(self, node: Collated) -> Pieces:
        return *self._operand(node.operand), f" COLLATE {self.quote(node.collation)}"

    def visit_custom_function(self, node: CustomFunction) -> Pieces:
        forms = dict(node.forms)
        form = forms.get(self.dialect.name, forms.get(""))
        if form is None:
            self.refuse(f"has no form of {node.name!r}; it is defined for {', '.join(sorted(forms))}")
        return self.placed(form, node.arguments)

    def visit_raw(self, node: Raw) -> Pieces:
        inside = [node.arguments[piece] if isinstance(piece, int) else piece for piece in node.pieces]
        return "(", *inside, ")"

    def visit_case(self, node: Case) -> Pieces:
        pieces: list[object] = ["CASE"]
        for condition, value in node.whens:
            pieces += (" WHEN ", condition, " THEN ", *self._result(value, node))
        if node.otherwise is not None:
            pieces += (" ELSE ", *self._result(node.otherwise, node))
        pieces.append(" END")
        return pieces

    def visit_cast(self, node: Cast) -> Pieces:
        return "CAST(", node.operand, " AS ", self.cast_type(node.type), ")"

    def visit_function(self, node: Function) -> Pieces:
        special = getattr(self, f"function_{node.name.partition('__')[0]}", None)
        if special is not None:
            pieces: Pieces = special(node)
            return pieces
        name = self.functions.get(node.name)
        if name is None:
            self.refuse(f"has no function {node.name!r}; known: {', '.join(self.known_functions())}")
        return self.call(name, self.arguments(node))

    # Predicates -----------------------------------------------------------------------------------------------------

    def visit_comparison(self, node: Comparison) -> Pieces:
        if isinstance(node.left, Row) and isinstance(node.right, Row):
            return self._rows_compared(node, node.left, node.right)
        left, right = self.compared(node.left, node.right)
        return *left, f" {node.operator} ", *right

    def _rows_compared(self, node: Comparison, left: Row, right: Row) -> Pieces:
        sides = [self.compared(*pair) for pair in zip(left.items, right.items, strict=True)]
        near, far = (separated(Group(side[at]) for side in sides) for at in (0, 1))
        return "(", *near, f") {node.operator} (", *far, ")"

    def visit_row(self, node: Row) -> Pieces:
        return "(", *separated(Group(self._operand(item)) for item in node.items), ")"

    def visit_and(self, node: And) -> Pieces:
        items = _flattened(And, node.items)
        return self._joined(items, " AND ") if items else (Constant(value=True),)

    def visit_or(self, node: Or) -> Pieces:
        items = _flattened(Or, node.items)
        return self._joined(items, " OR ") if items else (Constant(value=False),)

    def visit_not(self, node: Not) -> Pieces:
        return "NOT ", *self._operand(node.item)

    def visit_is_null(self, node: IsNull) -> Pieces:
        return *self._operand(node.operand), " IS NOT NULL" if node.negated else " IS NULL"

    def visit_in(self, node: In) -> Pieces:
        keyword = " NOT IN " if node.negated else " IN "
        if isinstance(node.values, ParamList):
            return self.in_list(node, node.values)
        if isinstance(node.operand, Row) and isinstance(node.values, RowList | Select):
            return node.operand, keyword, "(", node.values, ")"
        if isinstance(node.values, Select):
            return *self.compared(node.operand, ScalarSubquery(node.values))[0], keyword, "(", node.values, ")"
        if not node.values:
            return (Constant(value=node.negated),)
        if isinstance(node.values, RowList):
            raise ProgrammingError("A list of rows is compared with a Row.")
        operand = self.compared(node.operand, node.values[0])[0]
        values = separated(Group(self.compared(node.operand, each)[1]) for each in node.values)
        return *operand, keyword, "(", *values, ")"

    def visit_between(self, node: Between) -> Pieces:
        operand, low = self.compared(node.operand, node.low)
        high = self.compared(node.operand, node.high)[1]
        return *operand, " BETWEEN ", *low, " AND ", *high

    def visit_distinct_from(self, node: DistinctFrom) -> Pieces:
        left, right = self.compared(node.left, node.right)
        return *left, " IS NOT DISTINCT FROM " if node.negated else " IS DISTINCT FROM ", *right

    def visit_exists(self, node: Exists) -> Pieces:
        return "NOT EXISTS (" if node.negated else "EXISTS (", node.select, ")"

    def visit_arithmetic(self, node: Arithmetic) -> Pieces:
        return self.operation(node.left, node.operator, node.right)

    def visit_order(self, node: Order) -> Pieces:
        direction = " DESC" if node.descending else ""
        return self.sortable(node.expression), direction + self.nulls_order(node)

    def array_subquery(self, node: ScalarSubquery) -> Pieces:  # noqa: ARG002 - for the dialects that have one
        """Print the values of a subquery as an array."""
        self.refuse("has no arrays of a subquery's values")

    # What dialects give ---------------------------------------------------------------------------------------------

    def cast_type(self, logical: LogicalType) -> str:
        """Return the type name of a CAST that the node asks for."""
        return self.dialect.column_type(logical)

    def argument(self, node: Expression, kind: ArgumentKind) -> Pieces:
        """Return an argument of a function as text, integer, floating-point number or decimal."""
        raise NotImplementedError

    def in_list(self, node: In, values: ParamList) -> Pieces:
        """Print ``operand [NOT] IN`` of a list parameter."""
        raise NotImplementedError

    def visit_row_list(self, node: RowList) -> Pieces:
        raise NotImplementedError

    def nulls_order(self, node: Order) -> str:
        """Return where NULL sorts; None of the node: as the largest value."""
        raise NotImplementedError

    def sortable(self, node: Expression) -> object:
        """Return a sort or group key as a piece. A bare integer there would be a column's position."""
        if isinstance(node, Constant):
            return Group(("CAST(", node, " AS integer)"))
        return node

    def compared(self, left: Expression, right: Expression) -> tuple[Pieces, Pieces]:
        """Return both sides of a comparison, converted to what they are compared as."""
        return self._operand(left), self._operand(right)

    def visit_text_match(self, node: TextMatch) -> Pieces:
        raise NotImplementedError

    def visit_like(self, node: Like) -> Pieces:
        raise NotImplementedError

    def visit_regex_match(self, node: RegexMatch) -> Pieces:
        raise NotImplementedError

    # Parts ----------------------------------------------------------------------------------------------------------

    def call(self, name: str, arguments: tuple[object, ...]) -> Pieces:
        """Return ``name(arguments)``."""
        return f"{name}(", *separated(arguments), ")"

    def arguments(self, node: Function) -> tuple[object, ...]:
        """Return the arguments of a function, each as the kind of value that it takes there."""
        kinds = SIGNATURES.get(node.name)
        if kinds is None:
            return node.arguments
        return tuple(Group(self.argument(each, kind)) for each, kind in zip(node.arguments, kinds, strict=False))

    def placed(self, form: str, arguments: tuple[Expression, ...]) -> Pieces:
        """Return a template with the arguments in their places."""
        pieces: list[object] = []
        for text, place in _placed(form):
            pieces.append(text)
            if place == "*":
                pieces += separated(arguments)
            elif place:
                pieces += self._operand(arguments[int(place)])
        return pieces

    def operation(self, left: Expression, operator: str, right: Expression) -> Pieces:
        """Return ``left operator right``; a chain of additions keeps its left side without parentheses."""
        chained = operator in _ADDITIVE and isinstance(left, Arithmetic) and left.operator in _ADDITIVE
        return *((left,) if chained else self._operand(left)), f" {operator} ", *self._operand(right)

    def known_functions(self) -> list[str]:
        """Return the neutral names that ``visit_function`` understands."""
        special = (name.removeprefix("function_") for name in dir(self) if name.startswith("function_"))
        return sorted({*self.functions, *special})

    def visit_group(self, node: Group) -> Pieces:
        return node.pieces

    def _operand(self, node: Expression) -> Pieces:
        return ("(", node, ")") if isinstance(node, _COMPOSITE) else (node,)

    def _result(self, value: Expression, _node: Case) -> Pieces:
        return (value,)

    def _joined(self, items: list[Expression], separator: str) -> Pieces:
        if len(items) == 1:
            return (items[0],)
        pieces: list[object] = []
        for item in items:
            if pieces:
                pieces.append(separator)
            if isinstance(item, And | Or):
                pieces += ("(", item, ")")
            else:
                pieces.append(item)
        return pieces


def _placed(form: str) -> list[tuple[str, str]]:
    """Cut ``f({0}, {1})`` into text and the places after it: ``[("f(", "0"), (", ", "1"), (")", "")]``."""
    parts = _PLACE.split(form)
    return list(zip_longest(parts[::2], parts[1::2], fillvalue=""))


def _flattened(kind: type[And | Or], items: tuple[Expression, ...]) -> list[Expression]:
    """Return the items with those of nested nodes of the same kind in their place."""
    flat: list[Expression] = []
    stack = list(reversed(items))
    while stack:
        item = stack.pop()
        if type(item) is kind:
            stack.extend(reversed(item.items))
        else:
            flat.append(item)
    return flat
