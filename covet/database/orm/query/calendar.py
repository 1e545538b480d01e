"""``dates()`` and ``datetimes()``: the days, months or hours in which there are rows. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from covet.database.orm.expressions import Expression
from covet.database.orm.fields.base import Field
from covet.database.orm.fields.temporal import DateField
from covet.database.orm.functions.dates import Trunc
from covet.database.orm.query.inference import token_type
from covet.database.orm.query.state import Annotation, Shape
from covet.database.orm.query.tokens import AnnotationToken, NullTest, OrderToken, PathToken
from covet.database.orm.suggestions import choices
from covet.database.schema.types import Date, Timestamp
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.query.queryset import QuerySet

_QS = TypeVar("_QS", bound="QuerySet[Any, Any]")

Order = Literal["ASC", "DESC"]
DateKind = Literal["year", "quarter", "month", "week", "day"]
MomentKind = Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second"]

_DATE_KINDS = ("year", "quarter", "month", "week", "day")
_MOMENT_KINDS = (*_DATE_KINDS, "hour", "minute", "second")
_DATE = DateField()


def dates(queryset: _QS, field: str | Expression[Any], kind: str, order: str) -> _QS:
    """Return the dates to which the field of the rows is cut, each once."""
    _check("dates", _DATE_KINDS, kind, order)
    return _cut(queryset, field, Trunc(field, kind, _DATE), order, "dates")


def datetimes(queryset: _QS, field: str | Expression[Any], kind: str, order: str, tzinfo: dt.tzinfo | None) -> _QS:
    """Return the moments to which the field of the rows is cut, each once."""
    _check("datetimes", _MOMENT_KINDS, kind, order)
    return _cut(queryset, field, Trunc(field, kind, tzinfo=tzinfo), order, "datetimes")


def _check(method: str, kinds: tuple[str, ...], kind: object, order: object) -> None:
    if not isinstance(kind, str) or kind not in kinds:
        shown = kind[:80] if isinstance(kind, str) else type(kind).__name__
        raise ValueError(f"{method}() cuts to no {shown!r}. {choices(shown, kinds)}")
    if order not in ("ASC", "DESC"):
        raise ValueError(f"{method}(order=) is 'ASC' or 'DESC'.")


def _cut(queryset: _QS, field: str | Expression[Any], cut: Expression[Any], order: str, method: str) -> _QS:
    tokenizer = queryset.tokenizer()
    source = tokenizer.path(field) if isinstance(field, str) else tokenizer.expression(field)
    logical = token_type(source, queryset.state)
    if not isinstance(logical, Timestamp) and (method == "datetimes" or not isinstance(logical, Date)):
        shown = repr(field) if isinstance(field, str | Field) else type(field).__name__
        wanted = "a datetime" if method == "datetimes" else "a date or a datetime"
        raise FieldError(f"{method}() takes the path of {wanted}; {shown} is none.")
    state = queryset.state
    name = f"_cut{len(state.annotations)}"
    named = AnnotationToken("annotation", name)
    # The column itself, so that an index may serve; across a relation to many rows it would be another row's.
    tested = source if isinstance(source, PathToken) and source.path.first_many is None else named
    state = state._replace(
        annotations=(*state.annotations, Annotation(name, tokenizer.expression(cut), len(state.where))),
        where=(*state.where, NullTest("null", tested, False)),
        shape=Shape("flat", (name,)),
        order_by=(OrderToken(named, order == "DESC", None),),
        reversed=False,
        distinct=True,
    )
    return queryset.derive(state, tuple(tokenizer.params))
