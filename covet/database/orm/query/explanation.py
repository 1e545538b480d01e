"""What a query is sent as, and how the database would run it: ``sql()``, ``explain()``, ``explain_plan()``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from covet.database.connections import adapter_for
from covet.database.orm.query.execution import rows_plan

if TYPE_CHECKING:
    from covet.database.adapters.base import Adapter
    from covet.database.orm.query.queryset import QuerySet


class SQL(NamedTuple):
    """A statement and its parameters, as the driver gets them."""

    text: str
    params: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One step of a query plan, the same on every database as far as they say the same.

    ``table`` and ``index`` are what it reads; ``rows`` is the estimate and ``actual_rows`` what ``analyze`` counted, for
    one of its ``loops``. ``detail`` is all that the database says.
    """

    operation: str
    table: str | None = None
    index: str | None = None
    rows: float | None = None
    cost: float | None = None
    actual_rows: float | None = None
    loops: float | None = None
    milliseconds: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    children: tuple[PlanNode, ...] = ()

    def walk(self) -> Iterator[PlanNode]:
        """Yield this step and every step below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def indexes(self) -> set[str]:
        """The indexes that are used here and below."""
        return {node.index for node in self.walk() if node.index is not None}

    @property
    def scans(self) -> set[str]:
        """The tables that are read from end to end, here and below."""
        return {node.table for node in self.walk() if node.table is not None and _reads_all(node)}


def _reads_all(node: PlanNode) -> bool:
    return node.operation == "Seq Scan" or (node.operation == "SCAN" and node.index is None)


def statement(queryset: QuerySet[Any, Any]) -> SQL:
    """Return the statement of a query without running it."""
    adapter = adapter_for(queryset.database)
    text, params = rows_plan(adapter, queryset.model, queryset.state).compiled.bind(queryset.params)
    return SQL(text, tuple(params))


async def explain(queryset: QuerySet[Any, Any], form: str | None, options: Mapping[str, bool]) -> str:
    """Return what the database says about how it runs the query."""
    adapter = adapter_for(queryset.database)
    rows = await _ask(adapter, queryset, form, options)
    if adapter.dialect.name == "sqlite":
        return "\n".join(line for node in _sqlite_tree(rows, 0) for line in _indented(node, 0))
    return "\n".join(row[0] if isinstance(row[0], str) else json.dumps(row[0], indent=2) for row in rows)


async def explain_plan(queryset: QuerySet[Any, Any], options: Mapping[str, bool]) -> PlanNode:
    """Return how the database runs the query, as a tree."""
    adapter = adapter_for(queryset.database)
    form = "json" if adapter.dialect.explain_formats else None
    rows = await _ask(adapter, queryset, form, options)
    if form is None:
        roots = _sqlite_tree(rows, 0)
        return roots[0] if len(roots) == 1 else PlanNode("QUERY", children=tuple(roots))
    found = rows[0][0]
    plan = json.loads(found) if isinstance(found, str) else found
    return _postgresql_node(plan[0]["Plan"])


async def _ask(
    adapter: Adapter, queryset: QuerySet[Any, Any], form: str | None, options: Mapping[str, bool]
) -> Sequence[Any]:
    text, params = statement(queryset)
    prefix = adapter.dialect.explain_prefix(form, options)
    # ANALYZE runs the statement, and one that locks rows is no read.
    if options.get("analyze") or queryset.state.lock is not None:
        return await adapter.fetch_write(f"{prefix} {text}", params)
    return await adapter.fetch(f"{prefix} {text}", params)


def _postgresql_node(node: Mapping[str, Any]) -> PlanNode:
    return PlanNode(
        operation=node["Node Type"],
        table=node.get("Relation Name"),
        index=node.get("Index Name"),
        rows=node.get("Plan Rows"),
        cost=node.get("Total Cost"),
        actual_rows=node.get("Actual Rows"),
        loops=node.get("Actual Loops"),
        milliseconds=node.get("Actual Total Time"),
        detail={name: value for name, value in node.items() if name != "Plans"},
        children=tuple(_postgresql_node(child) for child in cast("list[Mapping[str, Any]]", node.get("Plans", []))),
    )


def _sqlite_tree(rows: Sequence[Any], parent: int) -> list[PlanNode]:
    """Return the steps below ``parent``; a row of EXPLAIN QUERY PLAN is (id, parent, unused, detail)."""
    return [_sqlite_node(row, rows) for row in rows if row[1] == parent]


def _sqlite_node(row: Any, rows: Sequence[Any]) -> PlanNode:
    words = str(row[3]).split()
    operation = words[0]
    table = index = None
    if operation in {"SCAN", "SEARCH"} and len(words) > 1 and words[1] not in {"CONSTANT", "(subquery-1)"}:
        table = words[1]
        if "INDEX" in words:
            index = words[words.index("INDEX") + 1]
        elif "PRIMARY" in words:
            index = "PRIMARY KEY"
    else:
        operation = str(row[3])
    return PlanNode(operation, table, index, detail={"detail": row[3]}, children=tuple(_sqlite_tree(rows, row[0])))


def _indented(node: PlanNode, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{node.detail.get('detail', node.operation)}"
    for child in node.children:
        yield from _indented(child, depth + 1)
