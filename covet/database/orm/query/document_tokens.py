"""Changes of documents and arrays -> tokens and parameters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from covet.database.orm.expressions import Expression
from covet.database.orm.expressions.documents import KEYS
from covet.database.orm.fields.base import field_of
from covet.database.orm.fields.documents import JSON_NULL, JSONField
from covet.database.orm.functions.arrays import ArrayChange
from covet.database.orm.functions.json import JSONRemove, JSONSet, read_path
from covet.database.orm.query.inference import token_type
from covet.database.orm.query.tokens import ExpressionToken, FunctionToken, NothingToken
from covet.database.schema.types import Array, Json, LogicalType
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.tokenizer import Tokenizer

_ANY: JSONField[Any] = JSONField()


def json_set(tokenizer: Tokenizer, change: JSONSet) -> ExpressionToken:
    """Tokenize JSONSet: one function a path, the next around the one before."""
    token, kind = _document(tokenizer, change, change.expression)
    for path, value in change.changes:
        keys = tokenizer.param(path, KEYS.logical_type)
        new = _value(tokenizer, value)
        token = FunctionToken("function", f"json_put__{len(path)}", None, (token, keys, new), kind)
    return token


def json_remove(tokenizer: Tokenizer, change: JSONRemove) -> ExpressionToken:
    """Tokenize JSONRemove."""
    token, kind = _document(tokenizer, change, change.expression)
    for path in change.paths:
        keys = tokenizer.param(path, KEYS.logical_type)
        token = FunctionToken("function", "json_remove", None, (token, keys), kind)
    return token


def _document(tokenizer: Tokenizer, change: object, source: object) -> tuple[ExpressionToken, Json]:
    token = tokenizer.argument(source)
    if not isinstance(token_type(token, tokenizer.state), Json):
        raise FieldError(f"{change!r}: the first argument is no document.")
    return token, Json()


def _value(tokenizer: Tokenizer, value: object) -> ExpressionToken:
    if isinstance(value, Expression):
        return tokenizer.expression(cast("Expression[object]", value))
    return tokenizer.param(JSON_NULL if value is None else _ANY.prepare(value), Json())


def array_change(tokenizer: Tokenizer, change: ArrayChange) -> ExpressionToken:
    """Tokenize a function that changes an array."""
    array = tokenizer.argument(change.expression)
    kind = token_type(array, tokenizer.state)
    if not isinstance(kind, Array):
        raise FieldError(f"{change!r}: the first argument is no array.")
    beside = kind if change.takes_arrays else kind.item
    values = tuple(_item(tokenizer, value, beside) for value in change.values)
    return FunctionToken("function", change.function, None, (array, *values), kind)


def _item(tokenizer: Tokenizer, value: object, kind: LogicalType) -> ExpressionToken:
    if isinstance(value, Expression):
        return tokenizer.expression(cast("Expression[object]", value))
    if value is None:
        return NothingToken("nothing", kind)
    return tokenizer.param(field_of(kind).prepare(value), kind)


def with_partial(options: Options, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of an UPDATE with ``data__a__b=1`` as a JSONSet of ``data``."""
    if not any("__" in name for name in values):
        return values
    found: dict[str, Any] = {}
    parts: dict[str, dict[tuple[str | int, ...] | str, Any]] = {}
    for name, value in values.items():
        first, _, rest = name.partition("__")
        if rest and isinstance(options.find_field(first), JSONField):
            parts.setdefault(first, {})[read_path(rest)] = value
        else:
            found[name] = value
    for name, changes in parts.items():
        if name in found:
            raise FieldError(f"update() changes {name!r} as a whole and in part; say one of both.")
        found[name] = JSONSet(name, changes)
    return found
