"""Functions over rows -> tokens: aggregates, and functions over a window. Pure."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from covet.database.orm.aggregates import Aggregate
from covet.database.orm.expressions import Expression, Func
from covet.database.orm.functions.window import Window, WindowFrame, WindowFunction, side
from covet.database.orm.query.inference import field_behind, token_type
from covet.database.orm.query.rows import counted, part_names
from covet.database.orm.query.tokens import (
    AggregateToken,
    CastToken,
    ExpressionToken,
    FrameToken,
    FunctionToken,
    Group,
    NullTest,
    OrderToken,
    ParamToken,
    PathToken,
    Predicate,
    WindowToken,
)
from covet.database.orm.query.traversal import paths_of, windows_of
from covet.database.schema.types import Date, Float, Integer, Interval, Json, LogicalType, Numeric, Time, Timestamp
from covet.database.sql.nodes import BoundKind
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.query.tokenizer import Tokenizer

Forms = tuple[tuple[str, str], ...]


def aggregate(tokenizer: Tokenizer, aggregate: Aggregate[Any]) -> AggregateToken:
    """Return the token of an aggregate."""
    found, there = _source(tokenizer, aggregate)
    extra = tuple(tokenizer.argument(each) for each in aggregate.arguments)
    argument_type = None if found is None else token_type(found, tokenizer.state)
    if found is not None and isinstance(argument_type, Json) and aggregate.of_documents is not None:
        argument_type = aggregate.of_documents
        found = CastToken("cast", found, argument_type)
    _check_type(aggregate, argument_type)
    kind = aggregate.result_type(argument_type)
    order_by = tuple(tokenizer.order(key) for key in aggregate.order_by)
    _check_order(aggregate, found, order_by)
    forms = None if aggregate.built_in else forms_of(aggregate)
    name = aggregate.name or type(aggregate).__name__
    default = _default(tokenizer, aggregate, kind, found)
    chosen = _filter(tokenizer, aggregate, found, there)
    return AggregateToken("aggregate", name, found, aggregate.distinct, chosen, default, kind, extra, order_by, forms)


def _source(tokenizer: Tokenizer, aggregate: Aggregate[Any]) -> tuple[ExpressionToken | None, Predicate | None]:
    """Return what an aggregate is over, and the condition that it is there: a key may be of several fields."""
    source = aggregate.source
    # A comparison of an expression is a condition, so the type is asked first.
    if isinstance(source, str) and source == "*":
        if aggregate.name != "count":
            raise FieldError(f"{aggregate!r}: '*' is for Count only.")
        return None, None
    if isinstance(source, str):
        found = tokenizer.path(source)
    else:
        found = tokenizer.whole(source) if isinstance(source, Expression) else tokenizer.argument(source)
    if not isinstance(found, PathToken) or not found.path.parts:
        return found, None
    if aggregate.name != "count" or aggregate.distinct:
        raise FieldError(f"{aggregate!r}: name one of the fields of the key, {part_names(found.path)}.")
    return counted(found.path)


def _check_type(aggregate: Aggregate[Any], argument: LogicalType | None) -> None:
    if aggregate.accepts and argument is not None and not isinstance(argument, aggregate.accepts):
        wanted = ", ".join(kind.__name__ for kind in aggregate.accepts)
        raise FieldError(
            f"{aggregate!r}: the values are of type {type(argument).__name__}, and it takes {wanted}. "
            "Cast() makes one of another."
        )


def _check_order(aggregate: Aggregate[Any], argument: ExpressionToken | None, order_by: tuple[OrderToken, ...]) -> None:
    if aggregate.distinct and any(key.expression != argument for key in order_by):
        raise FieldError(f"{aggregate!r}: with distinct=True it can be ordered by the values themselves only.")
    if aggregate.forms and (aggregate.distinct or order_by):
        raise FieldError(f"{aggregate!r} is SQL of your own: its form says what distinct= and order_by= would.")


def _default(
    tokenizer: Tokenizer, aggregate: Aggregate[Any], kind: LogicalType | None, found: ExpressionToken | None
) -> ExpressionToken | None:
    value = aggregate.default
    if value is None:
        return None
    if isinstance(value, Expression):
        return tokenizer.expression(cast("Expression[object]", value))
    field = field_behind(found, tokenizer.state)
    if field is not None and field.encode is not None and kind == field.logical_type:
        value = field.encode(field.prepare(value))
    return tokenizer.param(value, kind)


def _filter(
    tokenizer: Tokenizer, aggregate: Aggregate[Any], argument: ExpressionToken | None, there: Predicate | None
) -> Predicate | None:
    """Return the condition of the rows; a row without related ones has none to collect."""
    chosen = there
    if aggregate.filter is not None and aggregate.filter.children:
        asked = tokenizer.q(aggregate.filter)
        chosen = asked if there is None else Group("group", "AND", False, (there, asked))
    chains = [path.to_many() for path in paths_of(argument)] if aggregate.collects else []
    for chain in dict.fromkeys(chain for chain in chains if chain):
        names = [relation.name for relation in chain]
        key = tokenizer.path("__".join([*names, chain[-1].remote._meta.key[0].name]))
        present = NullTest("null", key, False)
        chosen = present if chosen is None else Group("group", "AND", False, (chosen, present))
    return chosen


def forms_of(function: Aggregate[Any] | Func[Any]) -> Forms:
    """Return the SQL of a function of the user's own for each database."""
    if not function.name and not function.forms:
        raise TypeError(f"{type(function).__name__} has neither 'function' nor 'forms': there is no SQL for it.")
    return tuple(function.forms.items()) or (("", f"{function.name}({{*}})"),)


# -- windows ---------------------------------------------------------------------------------


def window(tokenizer: Tokenizer, window: Window[Any]) -> WindowToken:
    """Return the token of a function over a window."""
    call = _call(tokenizer, window)
    partition_by = tuple(tokenizer.argument(key) for key in window.partition_by)
    order_by = tuple(tokenizer.order(key) for key in window.order_by)
    frame = None if window.frame is None else _frame(tokenizer, window.frame, order_by)
    token = WindowToken("window", call, partition_by, order_by, frame, call.type)
    if any(any(windows_of(part, tokenizer.state)) for part in token.parts()):
        raise FieldError(f"{window!r}: a window cannot be computed from another window in the same query.")
    return token


def _call(tokenizer: Tokenizer, window: Window[Any]) -> AggregateToken | FunctionToken:
    function = window.expression
    if isinstance(function, WindowFunction):
        return _function(tokenizer, cast("WindowFunction[object]", function))
    if not isinstance(function, Aggregate):
        raise FieldError(
            f"{window!r}: {type(function).__name__} is no aggregate and no window function such as Rank()."
        )
    if function.distinct or function.order_by:
        raise FieldError(f"{window!r}: an aggregate over a window takes neither distinct= nor order_by=.")
    return aggregate(tokenizer, cast("Aggregate[object]", function))


def _function(tokenizer: Tokenizer, function: WindowFunction[Any]) -> FunctionToken:
    tokens: list[ExpressionToken] = []
    types: list[LogicalType | None] = []
    for at, value in enumerate(function.arguments):
        if at == function.count_at:
            tokens.append(tokenizer.param(value, Integer(32)))
        else:
            tokens.append(tokenizer.argument(value, types[0] if types else None))
        types.append(token_type(tokens[-1], tokenizer.state))
    forms = None if function.built_in else forms_of(function)
    name = function.name or type(function).__name__
    return FunctionToken("function", name, forms, tuple(tokens), function.result_type(types))


def refuse_function(_tokenizer: Tokenizer, function: WindowFunction[Any]) -> ExpressionToken:
    """Refuse a window function that stands alone."""
    raise FieldError(f"{function!r} needs a window: Window({function!r}, order_by=...).")


def _frame(tokenizer: Tokenizer, frame: WindowFrame, order_by: tuple[OrderToken, ...]) -> FrameToken:
    kind: LogicalType = Integer(64)
    measured = frame.unit == "RANGE" and any(value is not None and side(value) for value in (frame.start, frame.end))
    if measured:
        if len(order_by) != 1:
            raise FieldError(f"{frame!r} measures one value: order_by= takes exactly one key with it.")
        kind = _distance(frame, token_type(order_by[0].expression, tokenizer.state))
    if frame.unit == "GROUPS" and not order_by:
        raise FieldError(f"{frame!r} counts groups of equals: it needs order_by=.")
    start = _bound(tokenizer, frame.start, "UNBOUNDED PRECEDING", kind)
    end = _bound(tokenizer, frame.end, "UNBOUNDED FOLLOWING", kind)
    return FrameToken(frame.unit, start, end, None if frame.exclusion is None else frame.exclusion.value)


def _bound(
    tokenizer: Tokenizer, value: Any, endless: BoundKind, kind: LogicalType
) -> tuple[BoundKind, ParamToken | None]:
    if value is None:
        return endless, None
    where = side(value)
    if not where:
        return "CURRENT ROW", None
    return "FOLLOWING" if where > 0 else "PRECEDING", tokenizer.param(abs(value), kind)


def _distance(frame: WindowFrame, key: LogicalType | None) -> LogicalType:
    """Return the type of the difference of two values that the rows are ordered by."""
    numbers = [value for value in (frame.start, frame.end) if value is not None and side(value)]
    found: LogicalType | None = None
    fitting: tuple[type[Any], ...] = ()
    if isinstance(key, Date | Time | Timestamp | Interval):
        found, fitting = Interval(), (dt.timedelta,)
    elif isinstance(key, Float):
        found, fitting = Float(), (int, float)
    elif isinstance(key, Numeric):
        found, fitting = Numeric(), (int, Decimal)
    elif isinstance(key, Integer):
        found, fitting = Integer(64), (int,)
    if found is None or not all(isinstance(number, fitting) for number in numbers):
        names = " or ".join(kind.__name__ for kind in fitting) or "nothing"
        what = "an unknown type" if key is None else type(key).__name__
        raise FieldError(f"{frame!r}: the rows are ordered by {what}, where a distance is {names}.")
    return found
