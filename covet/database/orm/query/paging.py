"""Keyset pagination: the rows after or before a position in the order of a query. Pure, but for ``page``.

An OFFSET reads and drops all rows before it, and skips or repeats rows when others come or go meanwhile. A position is
the values of the sort keys of a row; "after it" is a condition, so an index goes straight there:

    ORDER BY created DESC, id        after (c, i):  created <= c AND (created < c OR (created = c AND id > i))

That loses rows unless the order is total: no two rows may be equal in all keys.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, cast

from typing_extensions import TypeVar

from covet.database.orm.fields.base import Field, field_of
from covet.database.orm.indexes import UniqueConstraint
from covet.database.orm.lookups import LOOKUPS, Lookup
from covet.database.orm.query.inference import token_type
from covet.database.orm.query.ordering import default_order, key_order, turned
from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.tokens import (
    AnnotationToken,
    Comparison,
    ExpressionToken,
    Group,
    NullTest,
    OrderToken,
    PathToken,
    Predicate,
)
from covet.database.orm.query.traversal import joined_paths, walk
from covet.exceptions import FieldError, ValidationError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet

_R = TypeVar("_R", default=Any)
_QS = TypeVar("_QS", bound="QuerySet[Any, Any]")

_PLAIN = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class Page(Generic[_R]):
    """Some rows of a query, and the cursors that lead on; a cursor is None where there is nothing more."""

    rows: list[_R]
    next: str | None
    previous: str | None


def sort_keys(queryset: QuerySet[Any, Any]) -> tuple[OrderToken, ...]:
    """Return the order of a query, as it was asked for, turned around where it is reversed."""
    options: Options = queryset.model._meta
    tokens = queryset.state.order_by
    if tokens is None:
        tokens = default_order(options)
    if queryset.state.reversed:
        tokens = tuple(turned(token) for token in tokens or key_order(options))
    return tuple(part for token in tokens for part in _by_column(token))


def _by_column(token: OrderToken) -> tuple[OrderToken, ...]:
    """Return a sort key, or one for each column of a key of several."""
    path = token.expression.path if isinstance(token.expression, PathToken) else None
    if path is None or not path.parts:
        return (token,)
    return tuple(token._replace(expression=PathToken("path", part)) for part in path.parts)


def is_total(queryset: QuerySet[Any, Any]) -> bool:
    """Return whether no two rows are equal in all sort keys: they hold the key of the model, or what is unique."""
    state = queryset.state
    if state.group_by is not None or state.combined is not None or state.joined:
        return False
    keys = sort_keys(queryset)
    if any(_is_random(token.expression) for token in keys):
        return False
    names = {
        token.expression.path.field.name
        for token in keys
        if isinstance(token.expression, PathToken) and not token.expression.path.relations
    }
    return any(unique <= names for unique in _unique(queryset.model._meta)) and not _multiplied(state)


def _is_random(token: ExpressionToken) -> bool:
    return any(each.tag == "function" and each.name == "random" for each in walk(token))


def _multiplied(state: QueryState) -> bool:
    """Return whether a filter may have joined several rows to one."""
    return not state.distinct and any(_crosses_many(item) for item in state.where)


def _crosses_many(item: Predicate) -> bool:
    return any(True for _ in joined_paths(item))


def _unique(options: Options) -> list[set[str]]:
    found = [{field.name for field in options.key}]
    found += [{field.name} for field in options.fields if field.unique and not field.null]
    groups = [tuple(names) for names in options.unique_together]
    groups += [
        tuple(constraint.fields)
        for constraint in options.constraints
        if isinstance(constraint, UniqueConstraint) and constraint.condition is None
    ]
    for names in groups:
        fields = [options.find_field(name) for name in names]
        if all(field is not None and not field.null for field in fields):
            found.append(set(names))
    return found


def _total_keys(queryset: QuerySet[Any, Any], method: str) -> tuple[OrderToken, ...]:
    if not is_total(queryset):
        key = ", ".join(repr(field.name) for field in queryset.model._meta.key)
        raise FieldError(
            f"{method}() needs an order in which no two rows are equal, or rows would be lost: add {key} to order_by()."
        )
    return sort_keys(queryset)


# -- positions -------------------------------------------------------------------------------


def _signature(queryset: QuerySet[Any, Any], keys: tuple[OrderToken, ...]) -> int:
    """Return a number that tells orders apart, so that a cursor is used with its own order only."""
    parts = [f"{_label(token.expression)} {token.descending} {token.nulls}" for token in keys]
    return zlib.crc32(f"{queryset.model._meta.label}: {', '.join(parts)}".encode())


def _label(token: ExpressionToken) -> str:
    if isinstance(token, PathToken):
        return token.path.path
    return token.name if isinstance(token, AnnotationToken) else repr(token)


def position_of(queryset: QuerySet[Any, Any], row: Any) -> tuple[Any, ...]:
    """Return the values of the sort keys of a row of this query."""
    return tuple(_value_of(token.expression, row) for token in sort_keys(queryset))


def _value_of(token: ExpressionToken, row: object) -> Any:
    if isinstance(token, AnnotationToken):
        names: Sequence[str] = (token.name,)
    elif isinstance(token, PathToken) and not token.path.transforms:
        path = token.path
        names = (*(relation.name for relation in path.relations), path.field.attname)
        if isinstance(row, Mapping):
            names = (path.path,)
    else:
        raise FieldError("A cursor needs the value of each sort key in the row: annotate() it and order by the name.")
    if isinstance(row, Mapping):
        return cast("Mapping[str, Any]", row)[names[0]]
    value: Any = row
    for name in names:
        value = getattr(value, name)
        if value is None:
            return None
    return value


def cursor(queryset: QuerySet[Any, Any], row: Any) -> str:
    """Return the position of a row as text for a URL: opaque, and checked when it comes back."""
    keys = _total_keys(queryset, "cursor")
    values = [_as_json(value) for value in position_of(queryset, row)]
    text = json.dumps([_signature(queryset, keys), *values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, _PLAIN):
        return value
    isoformat = getattr(value, "isoformat", None)
    if isoformat is not None:
        return isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _read(queryset: QuerySet[Any, Any], text: str, keys: tuple[OrderToken, ...]) -> tuple[Any, ...]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _not_a_cursor() from error
    if not isinstance(found, list) or len(cast("list[object]", found)) != len(keys) + 1:
        raise _not_a_cursor()
    items = cast("list[object]", found)
    if items[0] != _signature(queryset, keys) or any(isinstance(item, list | dict) for item in items):
        raise _not_a_cursor()
    return tuple(items[1:])


def _not_a_cursor() -> ValidationError:
    return ValidationError({"cursor": ["this is no cursor of this query and its order."]})


def _position(queryset: QuerySet[Any, Any], position: Any, keys: tuple[OrderToken, ...]) -> tuple[Any, ...]:
    if isinstance(position, str):
        return _read(queryset, position, keys)
    if isinstance(position, tuple | list):
        values = tuple(cast("Sequence[Any]", position))
        if len(values) != len(keys):
            raise ValueError(f"A position has a value for each of the {len(keys)} sort keys, not {len(values)}.")
        return values
    return position_of(queryset, position)


# -- conditions ------------------------------------------------------------------------------


def beyond(queryset: _QS, position: Any, *, before: bool) -> _QS:
    """Return the rows after a position, or before it."""
    method = "before" if before else "after"
    keys = _total_keys(queryset, method)
    values = _position(queryset, position, keys)
    if before:
        keys = tuple(turned(token) for token in keys)
    tokenizer = queryset.tokenizer()
    where = _Beyond(tokenizer).condition(keys, values)
    state = queryset.state._replace(where=(*queryset.state.where, where))
    return queryset.derive(state, tuple(tokenizer.params))


class _Beyond:
    """Writes the condition of the rows after a position."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def condition(self, keys: tuple[OrderToken, ...], values: tuple[Any, ...]) -> Predicate:
        branches: list[Predicate] = []
        for at, key in enumerate(keys):
            later = self._later(key, values[at])
            if later is not None:
                same = [self._same(keys[i].expression, values[i]) for i in range(at)]
                branches.append(_all([*same, later]))
        found: Predicate = Group("group", "OR", False, tuple(branches))
        if len(branches) == 1:
            found = branches[0]
        elif values[0] is not None and not _nullable(keys[0].expression):
            # Says nothing new; it lets an index of the first key begin at the position.
            found = _all([self._compare(keys[0].expression, "lte" if keys[0].descending else "gte", values[0]), found])
        return found

    def _later(self, key: OrderToken, value: Any) -> Predicate | None:
        """Return the condition of the rows whose own value of one key comes later; None: no row's does."""
        nulls_last = key.nulls == "LAST" or (key.nulls is None and not key.descending)
        null = NullTest("null", key.expression, True)
        if value is None:
            return None if nulls_last else NullTest("null", key.expression, False)
        greater = self._compare(key.expression, "lt" if key.descending else "gt", value)
        if nulls_last and _nullable(key.expression):
            return Group("group", "OR", False, (greater, null))
        return greater

    def _same(self, token: ExpressionToken, value: Any) -> Predicate:
        return NullTest("null", token, True) if value is None else self._compare(token, "exact", value)

    def _compare(self, token: ExpressionToken, name: str, value: Any) -> Predicate:
        lookup: Lookup = LOOKUPS[name]
        field = self._field(token)
        checked = field.prepare(value)
        encode = field.encode or field.bind_processor
        param = self.tokenizer.param(checked if encode is None else encode(checked), lookup.param_type(field))
        return Comparison("compare", token, lookup, (param,))

    def _field(self, token: ExpressionToken) -> Field[Any]:
        if isinstance(token, PathToken):
            return token.path.field
        kind = token_type(token, self.tokenizer.state)
        if kind is None:
            raise FieldError("The type of a sort key is not known: give its expression an output_field.")
        return field_of(kind)


def _nullable(token: ExpressionToken) -> bool:
    return token.path.nullable if isinstance(token, PathToken) else True


def _all(items: list[Predicate]) -> Predicate:
    return items[0] if len(items) == 1 else Group("group", "AND", False, tuple(items))


# -- pages -----------------------------------------------------------------------------------


async def page(
    queryset: QuerySet[Any, _R], size: int, *, after: Any | None = None, before: Any | None = None
) -> Page[_R]:
    """Return a page: its rows and the cursors of the pages beside it."""
    if after is not None and before is not None:
        raise TypeError("page(): after and before exclude each other.")
    if size < 1:
        raise ValueError(f"page(): a page has at least one row, not {size}.")
    if queryset.state.limit is not None or queryset.state.offset is not None:
        raise TypeError("page() takes its size itself; leave limit(), offset() and slices out.")
    _total_keys(queryset, "page")
    if before is not None:
        # The rows right before a position are the first ones of the opposite order.
        found = await beyond(queryset, before, before=True).reverse()[: size + 1]
        rows = found[:size][::-1]
        more_before, more_after = len(found) > size, True
    else:
        start = queryset if after is None else beyond(queryset, after, before=False)
        found = await start[: size + 1]
        rows = found[:size]
        more_before, more_after = after is not None, len(found) > size
    return Page(
        rows,
        cursor(queryset, rows[-1]) if rows and more_after else None,
        cursor(queryset, rows[0]) if rows and more_before else None,
    )


async def in_batches(queryset: _QS, size: int) -> AsyncIterator[_QS]:
    """Yield querysets of ``size`` rows each, in the order of the key."""
    if size < 1:
        raise ValueError(f"in_batches(): a batch has at least one row, not {size}.")
    state = queryset.state
    if state.shape is not None or state.limit is not None or state.offset is not None:
        raise TypeError("in_batches() is for querysets of instances without slices; it goes by the key.")
    options: Options = queryset.model._meta
    ordered = queryset.order_by(*(field.name for field in options.key))
    # A row that a filter finds several times is in a batch once.
    distinct = state.distinct or _multiplied(state)
    bare = ordered.state._replace(select_related=(), only=None, defer=frozenset(), distinct=distinct)
    plain = ordered.derive(bare, ordered.params)
    _total_keys(plain, "in_batches")
    position: Any = None
    while True:
        rest = plain if position is None else beyond(plain, position, before=False)
        keys: list[tuple[Any, ...]] = await rest.values_list(*(field.attname for field in options.key))[:size]
        if not keys:
            return
        yield queryset.filter(pk__in=keys if len(options.key) > 1 else [key for (key,) in keys])
        if len(keys) < size:
            return
        position = keys[-1]


# -- methods ---------------------------------------------------------------------------------


class Paged(Generic[_R]):
    """What a queryset can do with positions in its order."""

    __slots__ = ()

    def after(self, position: Any, /) -> Self:
        """Keep the rows that come after a position in the order: a cursor, a row of the query, or a tuple of values.

        >>> User.objects.order_by("-created", "id").after(last_user)[:20]

        ``WHERE created <= $1 AND (created < $1 OR (created = $1 AND id > $2)) ORDER BY created DESC, id LIMIT $3``.
        The order must be total, so end it with the key.
        """
        return cast("Self", beyond(_plain(self, "after"), position, before=False))

    def before(self, position: Any, /) -> Self:
        """Keep the rows that come before a position in the order."""
        return cast("Self", beyond(_plain(self, "before"), position, before=True))

    def cursor(self, row: _R, /) -> str:
        """Return the position of a row in the order as text, for ``after``, ``before`` and ``page``."""
        return cursor(_query(self), row)

    @property
    def ordered(self) -> bool:
        """Whether the rows have an order."""
        return bool(sort_keys(_query(self)))

    @property
    def totally_ordered(self) -> bool:
        """Whether no two rows are equal in the order, so that the same rows always come in the same order."""
        return is_total(_query(self))

    async def page(self, size: int, /, *, after: Any = None, before: Any = None) -> Page[_R]:
        """Return a page of rows with the cursors of the pages beside it.

        >>> page = await User.objects.order_by("name", "id").page(20, after=request.query.get("cursor"))
        >>> page.rows, page.next, page.previous
        """
        return await page(_query(self), size, after=after, before=before)

    async def in_batches(self, size: int = 1000, /) -> AsyncIterator[Self]:
        """Yield querysets of at most ``size`` rows each, by key, until all rows were in one.

        >>> async for batch in User.objects.filter(old=True).in_batches(500):
        ...     await batch.update(archived=True)

        Rows that are added meanwhile with a key further on are seen, those that are gone are not.
        """
        async for batch in in_batches(_query(self), size):
            yield cast("Self", batch)


def _query(paged: Paged[_R]) -> QuerySet[Any, _R]:
    return cast("QuerySet[Any, _R]", paged)


def _plain(paged: Paged[_R], method: str) -> QuerySet[Any, _R]:
    queryset = _query(paged)
    if queryset.state.limit is not None or queryset.state.offset is not None:
        raise TypeError(f"{method}() after limit(), offset() or a slice would not mean what it says; put it before.")
    return queryset
