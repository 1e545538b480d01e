"""PlanNode: how a database runs a statement, as far as databases say the same. Data only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One step of a query plan, the same on every database as far as they say the same.

    ``table`` and ``index`` are what it reads; ``rows`` is the estimate and ``actual_rows`` what ``analyze`` counted in
    each of its ``loops``. ``detail`` is all that the database says.
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
    return node.operation in {"Seq Scan", "SCAN"} and node.index is None
