"""Expressions -> tokens and parameters. Pure.

One function a kind of expression; ``tokenize`` finds it by the class, so a subclass of ``Func`` needs none of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from covet.database.orm.aggregates import Aggregate
from covet.database.orm.conditions import Q
from covet.database.orm.expressions import (
    ArraySubquery,
    Case,
    Cast,
    Collate,
    Combined,
    Expression,
    ExpressionWrapper,
    F,
    Func,
    Known,
    OuterRef,
    OutputField,
    RawSQL,
    Sliced,
    Subquery,
    Value,
)
from covet.database.orm.expressions.columns import SourceRef
from covet.database.orm.expressions.documents import Item, Part
from covet.database.orm.expressions.subqueries import Existence
from covet.database.orm.fields.base import Field
from covet.database.orm.fields.documents import JSON_NULL
from covet.database.orm.functions.arrays import ArrayChange
from covet.database.orm.functions.json import JSONRemove, JSONSet
from covet.database.orm.functions.window import Window, WindowFunction
from covet.database.orm.query import document_tokens, row_tokens
from covet.database.orm.query.compilation import database_of
from covet.database.orm.query.inference import combined_type, literal_type, token_type
from covet.database.orm.query.rows import single
from covet.database.orm.query.sources import column_of, find_column
from covet.database.orm.query.state import Query
from covet.database.orm.query.tokens import (
    ArithmeticToken,
    CaseToken,
    CastToken,
    CollateToken,
    ConditionToken,
    ExistsToken,
    ExpressionToken,
    FunctionToken,
    NothingToken,
    OuterToken,
    OutputToken,
    ParamToken,
    PathToken,
    RawToken,
    ScalarToken,
    SubqueryToken,
)
from covet.database.orm.query.traversal import outer_tokens, shifted
from covet.database.schema.types import Array, Integer, Json, LogicalType, Text, Varchar
from covet.database.sql import raw
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.source_tokens import CTEToken
    from covet.database.orm.query.state import QueryState
    from covet.database.orm.query.tokenizer import Tokenizer


def tokenize(tokenizer: Tokenizer, expression: Expression[Any]) -> ExpressionToken:
    """Return the token of an expression; the parameters of ``tokenizer`` take its values."""
    for kind in type(expression).__mro__:
        make = _KINDS.get(kind)
        if make is not None:
            return make(tokenizer, expression)
    raise TypeError(f"{type(expression).__name__} is not an expression that a query understands.")


def argument(tokenizer: Tokenizer, value: object, beside: LogicalType | None = None) -> ExpressionToken:
    """Tokenize an argument: an expression, a condition, the path of a field, or a plain value."""
    if isinstance(value, Expression):
        return tokenizer.expression(cast("Expression[object]", value))
    if isinstance(value, Q):
        return ConditionToken("condition", tokenizer.q(value))
    if isinstance(value, str):
        return single(tokenizer.path(value))
    return plain(tokenizer, value, beside)


def plain(tokenizer: Tokenizer, value: object, beside: LogicalType | None = None) -> ExpressionToken:
    """Tokenize a plain value; ``beside`` is the type of what it stands next to."""
    if value is None:
        return NothingToken("nothing", beside)
    kind = literal_type(value)
    if kind is None:
        raise FieldError(
            f"{type(value).__name__} is not a value that an expression can use; for lists and dicts say the type: "
            "Value(..., output_field=...)."
        )
    return tokenizer.param(value, combined_type(kind, beside, literal=True))


def _output(tokenizer: Tokenizer, inner: ExpressionToken, field: OutputField | None) -> ExpressionToken:
    if field is None:
        return inner
    if token_type(inner, tokenizer.state) == field.logical_type and field.result_processor is None:
        return inner
    return OutputToken("output", inner, field.logical_type, field.result_processor)


def _field(tokenizer: Tokenizer, expression: Field[Any]) -> ExpressionToken:
    return tokenizer.path(tokenizer.own(expression))


def _f(tokenizer: Tokenizer, expression: F[Any]) -> ExpressionToken:
    inner = expression.path
    return tokenizer.path(inner) if isinstance(inner, str) else tokenizer.expression(inner)


def _known(_tokenizer: Tokenizer, expression: Known) -> ExpressionToken:
    return expression.token


def _combined(tokenizer: Tokenizer, combined: Combined[Any]) -> ExpressionToken:
    left_value, right_value = combined.left, combined.right
    if isinstance(left_value, Expression):
        left = tokenizer.expression(cast("Expression[object]", left_value))
        right = tokenizer.operand(right_value, left)
    else:
        right = tokenizer.expression(cast("Expression[object]", right_value))
        left = tokenizer.operand(left_value, right)
    types = token_type(left, tokenizer.state), token_type(right, tokenizer.state)
    kind = combined_type(*types, operator=combined.operator)
    return ArithmeticToken("arithmetic", combined.operator, left, right, kind)


def _window(tokenizer: Tokenizer, window: Window[Any]) -> ExpressionToken:
    return _output(tokenizer, row_tokens.window(tokenizer, window), window.output_field)


def _value(tokenizer: Tokenizer, expression: Value[Any]) -> ExpressionToken:
    value, field = expression.value, expression.output_field
    if field is None:
        return plain(tokenizer, value)
    if value is None and isinstance(field.logical_type, Json):
        return tokenizer.param(JSON_NULL, field.logical_type)
    if value is None:
        return NothingToken("nothing", field.logical_type)
    value = field.prepare(value)
    encode = field.bind_processor
    param = tokenizer.param(value if encode is None else encode(value), field.logical_type)
    decode = field.result_processor
    return param if decode is None else OutputToken("output", param, field.logical_type, decode)


def _wrapper(tokenizer: Tokenizer, expression: ExpressionWrapper[Any]) -> ExpressionToken:
    return _output(tokenizer, tokenizer.expression(expression.expression), expression.output_field)


def _raw(tokenizer: Tokenizer, expression: RawSQL[Any]) -> ExpressionToken:
    raw.parse(expression.sql).check(len(expression.params))
    params: list[ParamToken] = []
    for value in expression.params:
        token = plain(tokenizer, value)
        if not isinstance(token, ParamToken):
            raise FieldError("RawSQL() takes no None as a parameter; write NULL into the SQL.")
        params.append(token)
    kind = None if expression.output_field is None else expression.output_field.logical_type
    token = RawToken("raw", raw.pieces(expression.sql), tuple(params), kind)
    return _output(tokenizer, token, expression.output_field)


def _func(tokenizer: Tokenizer, function: Func[Any]) -> ExpressionToken:
    state = tokenizer.state
    beside: LogicalType | None = None
    tokens: dict[int, ExpressionToken] = {}
    expressions = [at for at, each in enumerate(function.arguments) if isinstance(each, Expression | Q | str)]
    for at in expressions:
        tokens[at] = argument(tokenizer, function.arguments[at])
        beside = beside or token_type(tokens[at], state)
    for at, each in enumerate(function.arguments):
        if at not in tokens:
            tokens[at] = argument(tokenizer, each, beside if function.alike else None)
    arguments = tuple(tokens[at] for at in range(len(function.arguments)))
    kind = function.result_type([token_type(each, state) for each in arguments])
    forms = None if function.built_in else row_tokens.forms_of(function)
    name = function.name or type(function).__name__
    return _output(tokenizer, FunctionToken("function", name, forms, arguments, kind), function.output_field)


def _text_slice(tokenizer: Tokenizer, inner: ExpressionToken, part: Sliced) -> ExpressionToken:
    numbers = [part.start + 1] if part.length is None else [part.start + 1, part.length]
    bounds = tuple(tokenizer.param(number, Integer(32)) for number in numbers)
    return FunctionToken("function", "substr", None, (inner, *bounds), Text())


def _array_slice(tokenizer: Tokenizer, inner: ExpressionToken, part: Sliced) -> ExpressionToken:
    if part.is_item:
        return tokenize(tokenizer, Item(Known(inner), part.start))
    stop = None if part.length is None else part.start + part.length
    return tokenize(tokenizer, Part(Known(inner), part.start, stop))


#: How a value of a type is sliced.
SLICERS: dict[type[LogicalType], Callable[[Tokenizer, ExpressionToken, Sliced], ExpressionToken]] = {
    Array: _array_slice,
    Text: _text_slice,
    Varchar: _text_slice,
}


def _sliced(tokenizer: Tokenizer, expression: Sliced) -> ExpressionToken:
    inner = tokenizer.expression(expression.expression)
    kind = token_type(inner, tokenizer.state)
    slicer = SLICERS.get(type(kind)) if kind is not None else None
    if slicer is None:
        what = "a value of unknown type" if kind is None else f"a value of type {type(kind).__name__}"
        raise FieldError(f"{expression!r}: {what} cannot be sliced; a text or an array is wanted.")
    return slicer(tokenizer, inner, expression)


def _cast(tokenizer: Tokenizer, expression: Cast[Any]) -> ExpressionToken:
    field = expression.output_field
    token = CastToken("cast", argument(tokenizer, expression.expression), field.logical_type)
    decode = field.result_processor
    return token if decode is None else OutputToken("output", token, field.logical_type, decode)


def _collate(tokenizer: Tokenizer, expression: Collate[Any]) -> ExpressionToken:
    inner = argument(tokenizer, expression.expression)
    return CollateToken("collate", inner, expression.collation, token_type(inner, tokenizer.state))


def _case(tokenizer: Tokenizer, case: Case[Any]) -> ExpressionToken:
    results = [when.then for when in case.whens]
    beside = None if case.output_field is None else case.output_field.logical_type
    known: dict[int, ExpressionToken] = {}
    for at, result in enumerate([*results, case.default]):
        if isinstance(result, Expression | Q | str):
            known[at] = argument(tokenizer, cast("object", result))
            beside = beside or token_type(known[at], tokenizer.state)
    for at, result in enumerate([*results, case.default]):
        if at not in known and not (at == len(results) and result is None):
            known[at] = argument(tokenizer, result, beside)
            beside = beside or token_type(known[at], tokenizer.state)
    whens = tuple((tokenizer.q(when.condition), known[at]) for at, when in enumerate(case.whens))
    token = CaseToken("case", whens, known.get(len(results)), beside)
    return _output(tokenizer, token, case.output_field)


def subquery(tokenizer: Tokenizer, query: Query) -> SubqueryToken:
    """Take another query in: its parameters follow those of this one, its references to this one are checked."""
    if not isinstance(query, Query):
        raise TypeError(f"A queryset is wanted, not {type(query).__name__}.")
    for reference in outer_tokens(query.state):
        state = tokenizer.state
        if reference.depth == 1 and state.annotation(reference.path) is None and not find_column(state, reference.path):
            single(PathToken("path", tokenizer.options.resolve_field(reference.path)))
    state = without_known(query, tokenizer) if query.state.ctes else query.state
    place, width, database = len(tokenizer.params), len(query.params), database_of(query)
    token = SubqueryToken("subquery", query.model, state, place, width, database=database)
    tokenizer.params.extend(query.params)
    return token


def without_known(query: Query, around: Tokenizer) -> QueryState:
    """Return the state of a query without the common tables that the query around it has already."""
    known = {token.name: token for token in around.state.ctes}
    own = tuple(
        each
        for each in query.state.ctes
        if (same := known.get(each.name)) is None or not is_same_table(each, query.params, same, around.params)
    )
    return query.state._replace(ctes=own)


def is_same_table(one: CTEToken, one_params: Sequence[object], other: CTEToken, other_params: Sequence[object]) -> bool:
    """Whether two common tables are one: the same question with the same values."""
    starts = [token.queries[0].offset for token in (one, other)]
    if _bare(one, starts[0]) != _bare(other, starts[1]):
        return False
    width = sum(query.width for query in one.queries)
    values = zip(one_params[starts[0] : starts[0] + width], other_params[starts[1] : starts[1] + width], strict=True)
    return all(mine is theirs for mine, theirs in values)


def _bare(token: CTEToken, offset: int) -> CTEToken:
    """Return a common table as it stands alone: those that it reads may be declared with it or around it."""
    queries = tuple(query._replace(state=query.state._replace(ctes=())) for query in token.queries)
    return shifted(token._replace(queries=queries), -offset)


def column_type(query: Query) -> LogicalType | None:
    """Return the type of the one column that a query gives: the key where none was chosen."""
    options: Options = query.model._meta
    shape = query.state.shape
    if shape is None:
        key: Field[Any] = options.pk
        if len(key.parts) > 1:
            raise FieldError(f"A subquery must have one column: values_list('field', flat=True), not {key!r}.")
        return key.logical_type
    if shape.names is None or len(shape.names) != 1:
        raise FieldError("A subquery must have one column: values_list('field', flat=True).")
    annotated = query.state.annotation(shape.names[0])
    if annotated is not None:
        return token_type(annotated, query.state)
    column: Field[Any] = options.resolve_field(shape.names[0]).field
    return column.logical_type


def _subquery(tokenizer: Tokenizer, expression: Subquery[Any]) -> ExpressionToken:
    query = expression.query
    if not isinstance(query, Query):
        raise TypeError(f"{type(expression).__name__}() takes a queryset, not {type(query).__name__}.")
    kind = column_type(query)
    array = isinstance(expression, ArraySubquery)
    if array and kind is not None:
        kind = Array(kind)
    token = ScalarToken("scalar", subquery(tokenizer, query), array, kind)
    return _output(tokenizer, token, expression.output_field)


def _existence(tokenizer: Tokenizer, expression: Existence) -> ExpressionToken:
    return ConditionToken("condition", exists(tokenizer, expression.query))


def exists(tokenizer: Tokenizer, query: Query) -> ExistsToken:
    """Tokenize ``EXISTS (query)``."""
    if not isinstance(query, Query):
        raise TypeError(f"Exists() takes a queryset, not {type(query).__name__}.")
    return ExistsToken("exists", subquery(tokenizer, query))


def _source_ref(tokenizer: Tokenizer, expression: SourceRef) -> ExpressionToken:
    return column_of(tokenizer.state, expression.source, expression.name)


def _outer_ref(_tokenizer: Tokenizer, expression: OuterRef[Any]) -> ExpressionToken:
    return OuterToken("outer", expression.path, expression.depth, None)


_KINDS: dict[type[Any], Callable[[Tokenizer, Any], ExpressionToken]] = {
    Field: _field,
    F: _f,
    Known: _known,
    Combined: _combined,
    Aggregate: row_tokens.aggregate,
    Window: _window,
    WindowFunction: row_tokens.refuse_function,
    Value: _value,
    ExpressionWrapper: _wrapper,
    RawSQL: _raw,
    Func: _func,
    ArrayChange: document_tokens.array_change,
    JSONSet: document_tokens.json_set,
    JSONRemove: document_tokens.json_remove,
    Sliced: _sliced,
    Cast: _cast,
    Collate: _collate,
    Case: _case,
    Subquery: _subquery,
    Existence: _existence,
    OuterRef: _outer_ref,
    SourceRef: _source_ref,
}
