"""AggregateCompiler: the visit methods of aggregates and window functions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from covet.database.sql.expression_compiler import ExpressionCompiler, Group
from covet.database.sql.nodes import AggregateCall, Bound, CustomFunction, Expression, Frame, Over, WindowCall
from covet.database.sql.statements import Order
from covet.database.sql.visitor import Pieces, separated

#: Aggregates that every database has under the same name.
STANDARD_AGGREGATES: Mapping[str, str] = MappingProxyType(
    {"avg": "AVG", "count": "COUNT", "max": "MAX", "min": "MIN", "sum": "SUM"}
)
#: Window functions that every database has.
_WINDOW_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        name: name.upper()
        for name in (
            "cume_dist",
            "dense_rank",
            "first_value",
            "lag",
            "last_value",
            "lead",
            "nth_value",
            "ntile",
            "percent_rank",
            "rank",
            "row_number",
        )
    }
)


class AggregateCompiler(ExpressionCompiler):
    """Prints functions over rows: aggregates, and functions over a window."""

    #: Neutral aggregate name -> the database's; a method ``aggregate_<name>`` of the compiler goes first.
    aggregates: ClassVar[Mapping[str, str]] = STANDARD_AGGREGATES
    window_functions: ClassVar[Mapping[str, str]] = _WINDOW_FUNCTIONS

    # Aggregates -----------------------------------------------------------------------------------------------------

    def visit_aggregate_call(self, node: AggregateCall) -> Pieces:
        if node.forms is not None:
            return self.modified(self._formed(node), node)
        special = getattr(self, f"aggregate_{node.name}", None)
        if special is not None:
            pieces: Pieces = special(node)
            return pieces
        name = self.aggregates.get(node.name)
        if name is None:
            self.refuse(f"has no aggregate {node.name!r}; known: {', '.join(self.known_aggregates())}")
        return self.aggregate(name, node)

    def aggregate(self, name: str, node: AggregateCall) -> Pieces:
        """Return the call of the aggregate that the database calls ``name``, with all that belongs to it."""
        distinct = "DISTINCT " if node.distinct else ""
        argument: Pieces = ("*",) if node.argument is None else self.aggregated(node.argument)
        pieces: list[object] = [f"{name}({distinct}", *argument]
        for each in node.extra:
            pieces += (", ", each)
        pieces += (*self._sorted(node.order_by), ")")
        return self.modified(pieces, node)

    def modified(self, call: Pieces, node: AggregateCall) -> Pieces:
        """Return the call with its filter and its window."""
        chosen = () if node.filter is None else (" FILTER (WHERE ", node.filter, ")")
        return *call, *chosen, *(() if node.over is None else self.over(node.over))

    def aggregated(self, argument: Expression) -> Pieces:
        """Return what an aggregate is over."""
        return (argument,)

    def _formed(self, node: AggregateCall) -> Pieces:
        forms = dict(node.forms or ())
        form = forms.get(self.dialect.name, forms.get(""))
        arguments = () if node.argument is None else (node.argument, *node.extra)
        if form is None or not form.endswith("({*})"):
            return (CustomFunction(node.name, node.forms or (), arguments),)
        # The form that a plain function name makes has room for what stands before and behind the arguments.
        distinct = "DISTINCT " if node.distinct else ""
        inside: Pieces = separated(arguments) or ("*",)
        return f"{form.removesuffix('{*})')}{distinct}", *inside, *self._sorted(node.order_by), ")"

    def _sorted(self, keys: tuple[Order, ...]) -> Pieces:
        return (" ORDER BY ", *separated(keys)) if keys else ()

    def known_aggregates(self) -> list[str]:
        """Return the neutral names that ``visit_aggregate_call`` understands."""
        special = (name.removeprefix("aggregate_") for name in dir(self) if name.startswith("aggregate_"))
        return sorted({*self.aggregates, *special})

    # Windows --------------------------------------------------------------------------------------------------------

    def visit_window_call(self, node: WindowCall) -> Pieces:
        if node.forms is not None:
            call: Pieces = (CustomFunction(node.name, node.forms, node.arguments),)
        else:
            name = self.window_functions.get(node.name)
            if name is None:
                self.refuse(f"has no window function {node.name!r}; known: {', '.join(sorted(self.window_functions))}")
            call = self.call(name, node.arguments)
        return *call, *self.over(node.over)

    def over(self, node: Over) -> Pieces:
        """Return OVER with the window."""
        parts: list[object] = []
        if node.partition_by:
            parts.append(Group(("PARTITION BY ", *separated(map(self.sortable, node.partition_by)))))
        if node.order_by:
            parts.append(Group(("ORDER BY ", *separated(node.order_by))))
        if node.frame is not None:
            parts.append(Group(self.frame(node.frame, node)))
        return " OVER (", *separated(parts, " "), ")"

    def frame(self, node: Frame, _over: Over) -> Pieces:
        """Return the frame of a window."""
        exclude = "" if node.exclude is None else f" EXCLUDE {node.exclude}"
        return f"{node.unit} BETWEEN ", *_bound(node.start), " AND ", *_bound(node.end), exclude


def _bound(node: Bound) -> Pieces:
    return (node.kind,) if node.offset is None else (node.offset, f" {node.kind}")
