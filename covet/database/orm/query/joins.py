"""Joins: relation paths -> joined tables with generated aliases. Pure.

Django's rules: a relation to one row is joined once; a relation to many rows is joined once for each ``filter()`` call
that crosses it, so conditions of one call speak of the same related row. A join is INNER where a row without a match
could not be in the result anyway, else LEFT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from covet.database.schema.types import Text
from covet.database.sql.nodes import And, Cast, ColumnRef, Comparison, Expression, Given
from covet.database.sql.statements import Join, JoinedTables, TableRef

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.relations import Discriminator, Relation


class AliasNames:
    """Hands out the table aliases of one statement: ``t1``, ``t2`` ..., subqueries included."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> str:
        """Return an alias that the statement does not use yet."""
        self._count += 1
        return f"t{self._count}"


class JoinNode:
    """One table of a statement: the root, or a relation crossed from ``parent``."""

    __slots__ = ("alias", "children", "options", "parent", "relation", "required")

    def __init__(self, alias: str, options: Options, relation: Relation | None, parent: JoinNode | None) -> None:
        self.alias = alias
        self.options = options
        self.relation = relation
        self.parent = parent
        #: Rows without a match are excluded by a condition: INNER is right.
        self.required = relation is None
        self.children: dict[tuple[Relation, int | None], JoinNode] = {}

    @property
    def inner(self) -> bool:
        """Whether every row of the result has this table's row."""
        if self.relation is None or self.parent is None or self.required:
            return True
        return not self.relation.optional and self.parent.inner

    def require(self) -> None:
        """Exclude rows without a match, here and on the way here."""
        node: JoinNode | None = self
        while node is not None and not node.required:
            node.required = True
            node = node.parent

    def relations(self) -> tuple[Relation, ...]:
        """Return the relations that were crossed to this table."""
        crossed: list[Relation] = []
        node: JoinNode | None = self
        while node is not None and node.relation is not None:
            crossed.append(node.relation)
            node = node.parent
        return tuple(reversed(crossed))

    def table(self) -> TableRef:
        """Return the table under its alias."""
        return TableRef(self.options.db_table, self.options.schema, self.alias)

    def column(self, name: str) -> ColumnRef:
        """Return a column of this table whose type does not matter."""
        return ColumnRef(self.alias, name)


class Joins:
    """The tables of one SELECT."""

    __slots__ = ("names", "narrow", "root", "sources")

    def __init__(self, options: Options, names: AliasNames, alias: str | None = None) -> None:
        self.names = names
        self.root = JoinNode(alias or options.db_table, options, None, None)
        #: The aliases of what the query joins under names of its own.
        self.sources: dict[str, str] = {}
        #: Returns what narrows the join of a filtered relation: its last table and the condition; None for others.
        self.narrow: Callable[[JoinNode], tuple[JoinNode, Expression | None] | None] | None = None

    def reach(self, relations: tuple[Relation, ...], scope: int | None, *, required: bool) -> JoinNode:
        """Return the node at the end of ``relations``, joining what is not joined yet.

        ``scope`` is the number of the ``filter()`` call; None takes the first join of that relation that is there.
        """
        node = self.onward(self.root, relations, scope)
        if required:
            node.require()
        return node

    def onward(self, node: JoinNode, relations: tuple[Relation, ...], scope: int | None = None) -> JoinNode:
        """Return the node at the end of ``relations`` from ``node`` on."""
        for relation in relations:
            node = self._child(node, relation, scope)
        return node

    def _child(self, node: JoinNode, relation: Relation, scope: int | None) -> JoinNode:
        key = (relation, scope if relation.many else None)
        found = node.children.get(key)
        if found is None and scope is None:
            found = next((child for (other, _), child in node.children.items() if other is relation), None)
        if found is None:
            found = JoinNode(self.names.next(), relation.remote._meta, relation, node)
            node.children[key] = found
        return found

    def nodes(self) -> Iterator[JoinNode]:
        """Yield every joined table, parents first."""
        stack = list(reversed(self.root.children.values()))
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children.values()))

    def single(self, named: list[JoinNode]) -> list[JoinNode]:
        """Return the joined tables of which a row of the model has one row, those ``named`` among them.

        What lies behind a relation to many rows is none, such as the far side of a table of links.
        """
        found: list[JoinNode] = [self.root]
        for node in self.nodes():
            to_one = node.relation is not None and not node.relation.many and node.parent in found
            if to_one or node in named:
                found.append(node)
        return found[1:]

    def build(self) -> tuple[Join, ...]:
        """Return the JOIN clauses."""
        joins: list[Join] = []
        inside: JoinNode | None = None
        for node in self.nodes():
            if node.relation is None or node.parent is None or node is inside:
                continue
            source: TableRef | JoinedTables = node.table()
            on: Expression = match(node.relation, node.parent, node)
            narrowed = None if self.narrow is None else self.narrow(node)
            if narrowed is not None:
                last, condition = narrowed
                if last is not node and last.relation is not None:
                    # A link to a row that fails the condition is no match either, so both tables join as one.
                    inside, on_last = last, match(last.relation, node, last)
                    source = JoinedTables(node.table(), (Join("INNER", last.table(), on_last),))
                on = on if condition is None else And((on, condition))
            joins.append(Join("INNER" if node.inner else "LEFT", source, on))
        return tuple(joins)


def match(relation: Relation, near: JoinNode, far: JoinNode) -> Expression:
    """Return the condition under which a row of ``far`` belongs to a row of ``near``."""
    types = [_typed(node, mark) for node, mark in ((far, relation.far_type), (near, relation.near_type)) if mark]
    equal = tuple(
        _equal(relation, near.column(local.column), far.column(remote.column)) for local, remote in relation.pairs
    )
    return equal[0] if len(equal) == 1 and not types else And((*equal, *types))


def _equal(relation: Relation, here: Expression, there: Expression) -> Comparison:
    if relation.convert is not None:
        # The primary key as text: what a column of keys of several models holds need not be a number.
        # Not as the column's own type: a varchar(2) would make 10 of 100.
        if relation.far_type is None:
            there = Cast(there, Text())
        else:
            here = Cast(here, Text())
    return Comparison("=", there, here)


def _typed(node: JoinNode, mark: Discriminator) -> Comparison:
    kind = mark.field.logical_type
    return Comparison("=", ColumnRef(node.alias, mark.field.column, kind), Given(-1, kind, mark.label))
