"""PostgreSQL's query plans: EXPLAIN (FORMAT JSON) -> PlanNode. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from covet.database.dialects.plans import PlanNode


def read_plan(rows: Sequence[Any]) -> PlanNode:
    """Return the plan in the one row of EXPLAIN (FORMAT JSON)."""
    found = rows[0][0]
    plan = json.loads(found) if isinstance(found, str) else found
    return _node(plan[0]["Plan"])


def plan_text(rows: Sequence[Any]) -> str:
    """Return the lines of EXPLAIN in any format."""
    return "\n".join(row[0] if isinstance(row[0], str) else json.dumps(row[0], indent=2) for row in rows)


def _node(node: Mapping[str, Any]) -> PlanNode:
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
        children=tuple(_node(child) for child in cast("list[Mapping[str, Any]]", node.get("Plans", []))),
    )
