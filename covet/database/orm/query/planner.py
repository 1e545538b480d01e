"""Planner: QueryState -> Select and the meaning of its columns. Pure.

``SelectPlanner`` builds the SELECT of rows; ``summaries`` wraps it for count, exists and aggregate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from covet.database.orm.query.context import Context
from covet.database.orm.query.derived import DerivingTranslator, is_over_all
from covet.database.orm.query.groups import Stack, StackTranslator, is_one_join, many_keys, over, parts_of, plain_where
from covet.database.orm.query.joins import AliasNames, Joins
from covet.database.orm.query.locking import planned
from covet.database.orm.query.ordering import default_order, key_order, row_order, turned
from covet.database.orm.query.outside import Outside
from covet.database.orm.query.results import Result, columns_of
from covet.database.orm.query.selection import Selection
from covet.database.orm.query.source_planning import check_aggregates, common_table, joined
from covet.database.orm.query.source_tokens import CTERoot
from covet.database.orm.query.state import Link, QueryState
from covet.database.orm.query.tokens import (
    ExpressionToken,
    NothingToken,
    OrderToken,
    ParamToken,
    Predicate,
    SubqueryToken,
)
from covet.database.orm.query.translation import Purpose, Translator
from covet.database.orm.query.traversal import (
    aggregates_of,
    conjuncts,
    joined_paths,
    multiplies,
    paths_of,
    source_columns,
    windows_of,
)
from covet.database.orm.query.valuation import sort_keys, values_of
from covet.database.schema.types import Integer
from covet.database.sql import nodes
from covet.database.sql.statements import (
    CommonTable,
    Join,
    Order,
    Select,
    Selected,
    SetOperation,
    SubqueryRef,
    TableRef,
)
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.relations import Relation

#: The type of the place of a row among those of its parent.
_PLACE = Integer(64)


class SelectPlanner(Selection):
    """Plans one SELECT. Made for one state, used once."""

    def __init__(
        self,
        model: type[Any],
        state: QueryState,
        *,
        names: AliasNames | None = None,
        offset: int = 0,
        alias: str | None = None,
        few: bool = False,
        outer: Translator | None = None,
    ) -> None:
        """Plan for ``state``; ``few``: whoever asks takes one or two of the rows."""
        self.few = few
        joins = Joins(model._meta, names or AliasNames(), alias)
        super().__init__(model, state, Translator(joins, state, _subquery, offset=offset, outer=outer))
        for join in state.joined:
            self.joins.sources[join.name] = self.joins.names.next()
        self.stack: Stack | None = None
        self._plan_aggregates()
        #: Conditions on windows, each with the number of its ``filter()``: they are asked around the query.
        self.around: list[tuple[int, Predicate]] = []

    # -- parts -----------------------------------------------------------------------------

    def _plan_aggregates(self) -> None:
        """Decide how aggregates are computed: over this SELECT, in a subquery each, or in a stack of SELECTs."""
        state = self.state
        if not state.annotations:  # what stands in a condition or in the order is one, too
            return
        where = plain_where(state)
        rows = {over(t, state, where[: a.after]) for a in state.annotations for t in aggregates_of(a.expression, state)}
        if not any(each.chain for each in rows):
            return
        if state.joined:
            check_aggregates(state, grouped=state.group_by is not None, plain=any(not each.chain for each in rows))
            self.translator.by_subquery = True  # a join may multiply the rows, and so what belongs to them
            return
        alone = len(rows) == 1 and all(is_one_join(each, where) for each in rows)
        if state.group_by is None:
            chains = {each.chain for each in rows} - {()}
            selected = any(token.name.has_many and self._is_selected(token.name) for token in state.filtered)
            alone = len(chains) == 1 and all(is_one_join(each, where) for each in rows)
            self.translator.by_subquery = selected or not alone
            if self.translator.by_subquery and not self.few and is_over_all(state):
                self.translator = DerivingTranslator(self.joins, self.translator)
            return
        keys = [part for name in state.group_by for part in parts_of(self._named(name))]
        if not alone and self._is_by_key(keys):
            self.translator.by_subquery = True
        elif not alone:
            order = [part for token in state.order_by or () for part in parts_of(token.expression)]
            keys += [token for token in order if not any(aggregates_of(token, state))]
            self.stack = Stack(self.options, state, keys, self._part)
            self.translator = StackTranslator(self.joins, self.stack, self.translator)
        else:
            self._check_keys(keys, next(iter(rows)).chain)

    def _is_by_key(self, keys: list[ExpressionToken]) -> bool:
        """Whether each group is one row of the model."""
        fields = {key.path.field for key in keys if key.tag == "path" and not key.path.relations}
        return fields.issuperset(self.options.key)

    def _check_keys(self, keys: list[ExpressionToken], chain: tuple[Relation, ...]) -> None:
        """Refuse to group by rows that would multiply those of the aggregates."""
        crossed = [path.to_many() for key in keys for path in paths_of(key)]
        if any(each != chain[: len(each)] for each in crossed) and any(
            not token.distinct
            for annotation in self.state.annotations
            for token in aggregates_of(annotation.expression, self.state)
        ):
            raise many_keys()

    def _part(self, state: QueryState) -> SelectPlanner:
        return SelectPlanner(
            self.model, state, names=self.joins.names, offset=self.translator.offset, outer=self.translator.outer
        )

    def conditions(self) -> tuple[nodes.Expression | None, nodes.Expression | None]:
        """Return WHERE and HAVING; conditions on windows are kept for the query around this one."""
        where: list[nodes.Expression] = []
        having: list[nodes.Expression] = []
        self.around = []
        simple = not self.state.annotations
        for scope, item in enumerate(self.state.where):
            for part in conjuncts(item):
                if not simple and any(windows_of(part, self.state)):
                    self.around.append((scope, part))
                    continue
                context = Context(scope, required=True)
                grouped = not (simple or self.translator.by_subquery) and any(aggregates_of(part, self.state))
                if self.stack is not None and not grouped:
                    continue
                (having if grouped else where).append(self.translator.predicate(part, context))
        return _all(where), _all(having)

    def order_by(self) -> tuple[Order, ...]:
        """Return the sort keys: those asked for, or ``Meta.ordering``."""
        return sort_keys(self.translator, self._order_tokens())

    def _order_tokens(self) -> tuple[OrderToken, ...]:
        tokens = self.state.order_by
        if tokens is None:
            tokens = () if self.state.group_by is not None else default_order(self.options)
        if self.state.reversed:
            tokens = tuple(turned(token) for token in tokens or row_order(self.options, self.state))
        return tokens

    def is_grouped(self) -> bool:
        """Whether the rows are groups."""
        if not any(any(aggregates_of(a.expression, self.state)) for a in self.state.annotations):
            return self.state.group_by is not None
        # Computed aside, aggregates leave the rows as they are; a filter may still have joined many to one.
        return not self.translator.by_subquery or any(any(joined_paths(item)) for item in self.state.where)

    def _group_by(self, order: tuple[OrderToken, ...]) -> tuple[nodes.Expression, ...]:
        if not self.is_grouped():
            return ()
        if self.stack is not None:
            return tuple(self.translator.value(key) for key in self.stack.keys)
        keys: list[nodes.Expression]
        if self.state.group_by is not None and not self.translator.by_subquery:
            shape = self.state.shape
            names = (*self.state.group_by, *((shape and shape.names) or ()))
            every = [*map(self._named, names), *(item.expression for item in order)]
            keys = [value for token in every for key in self._keys(token) for value in values_of(self.translator, key)]
            return tuple(dict.fromkeys(keys))
        # The key of each joined table fixes its other columns (functional dependency).
        named = [
            self.joins.reach(t.name.relations, None, required=False)
            for t in self.state.filtered
            if self._is_selected(t.name)
        ]
        joined = self.joins.single(named)
        link = self.state.link
        own = self.options.key if self.state.combined is None else self.options.fields
        keys = [self.joins.root.column(field.column) for field in own]
        keys += [n.column(field.column) for n in joined for field in n.options.key]
        # Nothing fixes the columns of an explicit join but themselves.
        values = [*(a.expression for a in self.state.annotations), *(item.expression for item in order)]
        keys += map(self.translator.value, source_columns(values, self.state))
        # Nor what is selected of several related rows.
        keys += [c for token in self._multiplying(order) for c in values_of(self.translator, token)]
        keys += self.translator.columns(link.path) if link is not None and link.path.relations else ()
        return tuple(dict.fromkeys(keys))

    def _multiplying(self, order: tuple[OrderToken, ...]) -> Iterator[ExpressionToken]:
        names = None if self.state.shape is None else self.state.shape.names
        named = [*map(self._named, names or ()), *(item.expression for item in order)]
        named += [a.expression for a in self.state.annotations if names is None and not a.hidden]
        return (t for t in named if multiplies(t, self.state) and not any(aggregates_of(t, self.state)))

    def _keys(self, token: ExpressionToken) -> Iterator[ExpressionToken]:
        """Yield what a selected value or a sort key is grouped by: itself, or what its window is divided by."""
        windows = list(windows_of(token, self.state))
        parts: list[ExpressionToken] = [] if windows else [token]
        for window in windows:
            parts += [*window.partition_by, *(key.expression for key in window.order_by)]
        for part in parts:
            if not any(aggregates_of(part, self.state)) and not isinstance(part, ParamToken | NothingToken):
                yield part

    def _limited_by_parent(
        self, link: Link, result: Result, where: nodes.Expression | None, having: nodes.Expression | None
    ) -> Select:
        """Keep those rows of each parent whose place in the order is within limit and offset."""
        if self.state.distinct:
            raise FieldError("Prefetch(queryset=): a slice for each parent and distinct() exclude each other.")
        if self.around:
            raise FieldError(
                "Prefetch(queryset=): a slice for each parent and a filter on a window exclude each other."
            )
        order = self.order_by() or sort_keys(self.translator, key_order(self.options))
        parent = self.translator.columns(link.path)
        number = nodes.WindowCall("row_number", (), nodes.Over(parent, order), _PLACE)
        inner_columns = (*(Selected(c.expression, f"c{i}") for i, c in enumerate(self.columns)), Selected(number, "n"))
        inner = replace(self.statement(inner_columns, where, having, ordered=False), limit=None, offset=None)
        types = {column.position: column.type for column in columns_of(result)}
        columns = tuple(Selected(nodes.ColumnRef("q", f"c{i}", types.get(i))) for i in range(len(self.columns)))
        place = nodes.ColumnRef("q", "n", _PLACE)
        bounds: list[nodes.Expression] = []
        skipped = None if self.state.offset is None else self.translator.param(self.state.offset, _PLACE)
        if skipped is not None:
            bounds.append(nodes.Comparison(">", place, skipped))
        if self.state.limit is not None:
            last = self.translator.param(self.state.limit, _PLACE)
            last = last if skipped is None else nodes.Arithmetic("+", skipped, last, _PLACE)
            bounds.append(nodes.Comparison("<=", place, last))
        return Select(columns, SubqueryRef(inner, "q"), where=_all(bounds), order_by=(Order(place, nullable=False),))

    # -- the statement ---------------------------------------------------------------------

    def rows(self) -> tuple[Select, Result]:
        """Return the SELECT of the rows and what they become."""
        where, having = self.conditions()
        result: Result = self.entity(self.joins.root) if self.state.shape is None else self.record()
        link = self.state.link
        if link is not None and (self.state.limit is not None or self.state.offset is not None):
            return self._limited_by_parent(link, result, where, having), result
        return self.statement(tuple(self.columns), where, having), result

    def statement(
        self,
        columns: tuple[Selected, ...],
        where: nodes.Expression | None,
        having: nodes.Expression | None,
        *,
        ordered: bool = True,
    ) -> Select:
        """Put a SELECT together from its columns and conditions."""
        if self.around:
            return self._asked_around(columns, where, having, self._order_tokens() if ordered else ())
        state = self.state
        order = self.order_by() if ordered else ()
        group_by = self._group_by(self._order_tokens() if ordered else ())
        distinct_on = tuple(value for token in state.distinct_on for value in values_of(self.translator, token))
        if state.distinct and not distinct_on:
            # PostgreSQL orders distinct rows by selected columns only.
            selected = {column.expression for column in columns}
            columns += tuple(Selected(o.expression) for o in order if o.expression not in selected)
        param = self.translator.param
        return Select(
            columns=columns,
            source=self.source(),
            joins=self.joined(),
            where=where,
            group_by=group_by,
            having=having,
            order_by=order,
            limit=None if state.limit is None else param(state.limit, None),
            offset=None if state.offset is None else param(state.offset, None),
            distinct=state.distinct and not distinct_on,
            distinct_on=distinct_on,
            lock=planned(state.lock, self.joins),
            ctes=self.common_tables(),
        )

    def _derived(self) -> tuple[Join, ...]:
        return self.translator.joined() if isinstance(self.translator, DerivingTranslator) else ()

    def _asked_around(
        self,
        columns: tuple[Selected, ...],
        where: nodes.Expression | None,
        having: nodes.Expression | None,
        order: tuple[OrderToken, ...],
    ) -> Select:
        """Put a SELECT around this one that asks what is asked of windows; order and limit are its own."""
        outside = Outside(self.translator, [column.expression for column in columns], self.joins.names.next())
        select = outside.select([column.alias for column in columns], self.around, order)
        group_by = self._group_by(order)
        inner = Select(outside.inner_columns(), self.source(), self.joined(), where, group_by, having)
        return replace(select, source=SubqueryRef(inner, outside.alias), ctes=self.common_tables())

    def source(self) -> TableRef | SubqueryRef:
        """Return the model's table, or the combined queries that stand in its place."""
        if self.stack is not None:
            return self.stack.source()
        combined = self.state.combined
        if combined is None:
            return self.joins.root.table()
        if isinstance(combined, CTERoot):
            return TableRef(combined.name, None, self.joins.root.alias)
        selects = tuple(self._combined(token) for token in combined.queries)
        return SubqueryRef(SetOperation(combined.operator, selects), self.joins.root.alias)

    def common_tables(self) -> tuple[CommonTable, ...]:
        """Return what WITH declares."""
        return tuple(common_table(token, self._combined) for token in self.state.ctes)

    def joined(self) -> tuple[Join, ...]:
        """Return the JOIN clauses: of the relations that were crossed, then what ``join()`` added."""
        explicit = tuple(joined(token, self.translator, self._combined) for token in self.state.joined)
        return (*self.joins.build(), *self._derived(), *explicit)

    def _combined(self, token: SubqueryToken, names_of_columns: Sequence[str] = ()) -> Select:
        """Plan a query that stands as a table: the columns of the model by their names, or those of ``values()``."""
        names = self.joins.names
        planner = SelectPlanner(
            token.model, token.state, names=names, offset=self.translator.offset + token.offset, alias=names.next(),
            outer=self.translator.outer,
        )  # fmt: skip
        where, having = planner.conditions()
        if token.state.shape is None:
            planner.entity(planner.joins.root)
            fields = [field.column for field in planner.options.fields]
            aliases = [*fields, *(f"c{at}" for at in range(len(fields), len(planner.columns)))]
        else:
            planner.record()
            aliases = [f"c{at}" for at in range(len(planner.columns))]
        aliases = list(names_of_columns) or aliases
        columns = tuple(Selected(c.expression, alias) for c, alias in zip(planner.columns, aliases, strict=True))
        bounded = token.state.limit is not None or token.state.offset is not None or bool(token.state.distinct_on)
        return planner.statement(columns, where, having, ordered=bounded)


def _all(items: list[nodes.Expression]) -> nodes.Expression | None:
    if not items:
        return None
    return items[0] if len(items) == 1 else nodes.And(tuple(items))


def _subquery(token: SubqueryToken, translator: Translator, purpose: Purpose = "value") -> Select:
    """Plan a query inside another one: the one column that was asked for, or the key; for EXISTS a constant."""
    names = translator.joins.names
    planner = SelectPlanner(
        token.model,
        token.state,
        names=names,
        offset=translator.offset + token.offset,
        alias=names.next(),
        outer=translator,
    )
    where, having = planner.conditions()
    bounded = token.state.limit is not None or token.state.offset is not None
    if purpose == "exists":
        return planner.statement((Selected(nodes.Constant(1)),), where, having, ordered=bounded)
    shape = token.state.shape
    if shape is None:
        planner.add_key()
    else:
        planner.record()
    if len(planner.columns) != token.columns:
        several = token.columns > 1
        wanted = f"{token.columns} columns, those of the key" if several else "one column: values_list('field')"
        raise FieldError(f"The queryset on the right of 'in' must have {wanted}.")
    ordered = bounded or (purpose == "value" and bool(token.state.order_by))
    select = planner.statement(tuple(planner.columns), where, having, ordered=ordered)
    width = token.columns
    if len(select.columns) == width:
        return select
    name = names.next()  # what a distinct query is ordered by stands there, too
    named = tuple(Selected(column.expression, f"c{i}") for i, column in enumerate(select.columns[:width]))
    inner = replace(select, columns=(*named, *select.columns[width:]))
    return Select(tuple(Selected(nodes.ColumnRef(name, f"c{i}")) for i in range(width)), SubqueryRef(inner, name))
