"""Valuation: the tokens of expressions -> SQL nodes. Pure.

One function a kind of token; conditions inside an expression go back to the translator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from covet.database.orm.query.context import Context
from covet.database.orm.query.tokens import (
    AggregateToken,
    AnnotationToken,
    ArithmeticToken,
    CaseToken,
    CastToken,
    CollateToken,
    ColumnToken,
    ConditionToken,
    ExpressionToken,
    FrameToken,
    FunctionToken,
    NothingToken,
    OrderToken,
    OuterToken,
    OutputToken,
    ParamToken,
    PathToken,
    RawToken,
    ScalarToken,
    WindowToken,
)
from covet.database.orm.query.traversal import choosing, rows_of
from covet.database.schema.types import Float, Integer, LogicalType
from covet.database.sql import nodes
from covet.database.sql.statements import Order, Select, Selected
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.query.translation import Translator


def translate(translator: Translator, token: ExpressionToken, context: Context) -> nodes.Expression:
    """Return the node of an expression."""
    return _KINDS[type(token)](translator, token, context)


def _path(translator: Translator, token: PathToken, context: Context) -> nodes.Expression:
    return translator.column(token.path, context)


def _param(translator: Translator, token: ParamToken, _context: Context) -> nodes.Expression:
    return translator.param(token.param, token.type)


def _nothing(_translator: Translator, token: NothingToken, _context: Context) -> nodes.Expression:
    null = nodes.Constant(None)
    return null if token.type is None else nodes.Cast(null, token.type)


def _annotation(translator: Translator, token: AnnotationToken, _context: Context) -> nodes.Expression:
    annotation = translator.state.find(token.name)
    if annotation is None:
        raise FieldError(f"There is no annotation {token.name!r}.")
    return translator.value(annotation.expression, Context(after=annotation.after))


def _arithmetic(translator: Translator, token: ArithmeticToken, context: Context) -> nodes.Expression:
    loose = context._replace(required=False)
    left, right = translator.value(token.left, loose), translator.value(token.right, loose)
    return nodes.Arithmetic(token.operator, left, right, token.type)


def _condition(translator: Translator, token: ConditionToken, _context: Context) -> nodes.Expression:
    return translator.predicate(token.predicate, Context(here=True))


def _function(translator: Translator, token: FunctionToken, context: Context) -> nodes.Expression:
    loose = context._replace(required=False)
    arguments = tuple(translator.value(each, loose) for each in token.arguments)
    if token.forms is None:
        return nodes.Function(token.name, arguments, token.type)
    return nodes.CustomFunction(token.name, token.forms, arguments, token.type)


def _output(translator: Translator, token: OutputToken, context: Context) -> nodes.Expression:
    return translator.value(token.inner, context)


def _cast(translator: Translator, token: CastToken, context: Context) -> nodes.Expression:
    return nodes.Cast(translator.value(token.inner, context._replace(required=False)), token.type)


def _collate(translator: Translator, token: CollateToken, context: Context) -> nodes.Expression:
    return nodes.Collated(translator.value(token.inner, context), token.collation, token.type)


def _case(translator: Translator, token: CaseToken, context: Context) -> nodes.Expression:
    loose = context._replace(required=False)
    whens = tuple(
        (translator.predicate(when, Context(here=True)), translator.value(then, loose)) for when, then in token.whens
    )
    otherwise = None if token.otherwise is None else translator.value(token.otherwise, loose)
    return nodes.Case(whens, otherwise, token.type)


def _scalar(translator: Translator, token: ScalarToken, _context: Context) -> nodes.Expression:
    return nodes.ScalarSubquery(translator.inner_select(token.query), token.type, token.array)


def _outer(translator: Translator, token: OuterToken, _context: Context) -> nodes.Expression:
    return translator.outer_column(token)


def _column(translator: Translator, token: ColumnToken, _context: Context) -> nodes.Expression:
    return nodes.ColumnRef(translator.source_alias(token.source), token.name, token.type)


def _raw(translator: Translator, token: RawToken, _context: Context) -> nodes.Expression:
    arguments = tuple(translator.param(each.param, each.type) for each in token.arguments)
    return nodes.Raw(token.pieces, arguments, token.type)


def _aggregate(translator: Translator, token: AggregateToken, context: Context) -> nodes.Expression:
    """Translate an aggregate: over the rows of this SELECT, or in a subquery of its own.

    A ``filter()`` before it that crosses the same relation chooses the rows that it is over, as in Django.
    """
    if not translator.by_subquery:
        return aggregate_call(translator, token)
    chain = rows_of(token, translator.state)
    if not chain:
        return aggregate_call(translator, token)
    inner, condition = translator.nest(chain)
    call = aggregate_call(inner, token)
    chosen = choosing(chain, translator.state.where[: context.after])
    if chosen is not None:
        condition = nodes.And((condition, inner.predicate(chosen, Context(along=chain))))
    select = Select((Selected(call),), inner.joins.root.table(), inner.joins.build(), condition)
    return nodes.ScalarSubquery(select, token.type)


def aggregate_call(translator: Translator, token: AggregateToken, over: nodes.Over | None = None) -> nodes.Expression:
    """Translate an aggregate over the rows of this SELECT, or over a window of them."""
    argument = translator.value(token.argument) if token.argument is not None else None
    condition: nodes.Expression | None = None
    if token.filter is not None:
        context = Context(here=True, along=rows_of(token, translator.state))
        condition = translator.predicate(token.filter, context)
    return finish_aggregate(token, argument, condition, translator, over)


def finish_aggregate(
    token: AggregateToken,
    argument: nodes.Expression | None,
    condition: nodes.Expression | None,
    translator: Translator,
    over: nodes.Over | None = None,
) -> nodes.Expression:
    """Return the call with the cast that gives the same type everywhere, and the default for no rows."""
    call: nodes.Expression = nodes.AggregateCall(
        token.name,
        argument,
        token.distinct,
        condition,
        token.type,
        tuple(translator.value(each) for each in token.extra),
        sort_keys(translator, token.order_by),
        token.forms,
        over,
    )
    if token.type is not None and isinstance(token.type, _CAST.get(token.name, ())):
        call = nodes.Cast(call, token.type)
    if token.default is None:
        return call
    return nodes.Function("coalesce", (call, translator.value(token.default)), token.type)


#: Aggregates whose result PostgreSQL has in another type than ours, and which of ours these are.
_CAST: dict[str, type[LogicalType]] = {
    "avg": Float,
    "sum": Integer,
    "stddev": Float,
    "stddev_sample": Float,
    "variance": Float,
    "variance_sample": Float,
}


def sort_keys(translator: Translator, keys: tuple[OrderToken, ...]) -> tuple[Order, ...]:
    """Translate sort keys; a key of several fields is one for each of them."""
    return tuple(
        Order(value, key.descending, key.nulls, _may_be_null(key.expression))
        for key in keys
        for value in values_of(translator, key.expression)
    )


def _may_be_null(token: ExpressionToken) -> bool:
    return token.path.nullable if isinstance(token, PathToken) else True


def values_of(translator: Translator, token: ExpressionToken) -> tuple[nodes.Expression, ...]:
    """Return the value of a token, or those of the columns of a key of several fields."""
    if isinstance(token, PathToken) and token.path.parts:
        return translator.columns(token.path)
    return (translator.value(token),)


def _window(translator: Translator, token: WindowToken, _context: Context) -> nodes.Expression:
    over = nodes.Over(
        tuple(translator.value(key) for key in token.partition_by),
        sort_keys(translator, token.order_by),
        None if token.frame is None else _frame(translator, token.frame),
    )
    call = token.call
    if isinstance(call, AggregateToken):
        return aggregate_call(translator, call, over)
    arguments = tuple(translator.value(each) for each in call.arguments)
    return nodes.WindowCall(call.name, arguments, over, call.type, call.forms)


def _frame(translator: Translator, token: FrameToken) -> nodes.Frame:
    bounds = [
        nodes.Bound(kind, None if offset is None else translator.value(offset))
        for kind, offset in (token.start, token.end)
    ]
    return nodes.Frame(token.unit, bounds[0], bounds[1], token.exclude)


_KINDS: dict[type[Any], Callable[[Translator, Any, Context], nodes.Expression]] = {
    PathToken: _path,
    ParamToken: _param,
    NothingToken: _nothing,
    AnnotationToken: _annotation,
    ArithmeticToken: _arithmetic,
    AggregateToken: _aggregate,
    ConditionToken: _condition,
    FunctionToken: _function,
    OutputToken: _output,
    CastToken: _cast,
    CollateToken: _collate,
    CaseToken: _case,
    ScalarToken: _scalar,
    OuterToken: _outer,
    RawToken: _raw,
    WindowToken: _window,
    ColumnToken: _column,
}
