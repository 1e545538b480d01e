"""SQLite's query plans: EXPLAIN QUERY PLAN -> PlanNode. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from covet.database.dialects.plans import PlanNode


def read_plan(rows: Sequence[Any]) -> PlanNode:
    """Return the plan in the rows of EXPLAIN QUERY PLAN."""
    roots = _tree(rows, 0)
    return roots[0] if len(roots) == 1 else PlanNode("QUERY", children=tuple(roots))


def plan_text(rows: Sequence[Any]) -> str:
    """Return the steps, one a line, indented as they belong together."""
    return "\n".join(line for node in _tree(rows, 0) for line in _indented(node, 0))


def _tree(rows: Sequence[Any], parent: int) -> list[PlanNode]:
    """Return the steps below ``parent``; a row of EXPLAIN QUERY PLAN is (id, parent, unused, detail)."""
    return [_node(row, rows) for row in rows if row[1] == parent]


def _node(row: Any, rows: Sequence[Any]) -> PlanNode:
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
    return PlanNode(operation, table, index, detail={"detail": row[3]}, children=tuple(_tree(rows, row[0])))


def _indented(node: PlanNode, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{node.detail.get('detail', node.operation)}"
    for child in node.children:
        yield from _indented(child, depth + 1)
