"""Builders: how the chainable methods of a queryset change its state. Pure, but for the last few enders.

Each is ``queryset, arguments -> queryset``; names are resolved here, at the call that made the mistake.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Generator, Iterable, Mapping
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar, cast

from covet.database.orm.aggregates import Aggregate
from covet.database.orm.conditions import Q
from covet.database.orm.expressions import Expression, F
from covet.database.orm.fields.base import Field
from covet.database.orm.filtered import FilteredRelation
from covet.database.orm.query.naming import add_name
from covet.database.orm.query.plan import not_too_deep
from covet.database.orm.query.prefetch import as_prefetch, split_related
from covet.database.orm.query.state import Annotation, QueryState, Shape
from covet.database.orm.query.tokens import AnnotationToken, ExpressionToken, PathToken
from covet.database.orm.query.traversal import aggregates_of, paths_of, rows_of, windows_of
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import Options
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.relations import RelationReference

_R = TypeVar("_R")
_K = TypeVar("_K")
_QS = TypeVar("_QS", bound="QuerySet[Any, Any]")


def already_sliced(method: str) -> TypeError:
    """Return the error for a condition after a limit."""
    return TypeError(f"{method}() after limit(), offset() or a slice would not mean what it says; put it before.")


def not_a_list(wrong: str, right: str) -> TypeError:
    """Return the error for a queryset that is used like a list."""
    return TypeError(f"A queryset is asked asynchronously: {wrong} does not work. Use 'await queryset' or {right!r}.")


# -- rows ------------------------------------------------------------------------------------


def _whole(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} takes an int, not {type(value).__name__}.")
    if value < 0:
        raise ValueError(f"{what} takes 0 or more, not {value}. Negative indexes are not supported.")
    if value >= 2**63:
        raise ValueError(f"{what}: the number is beyond what a database can count to.")
    return value


def _set(queryset: _QS, limit: int | None, offset: int | None) -> _QS:
    """Return the queryset with this limit and offset; both are parameters."""
    params = list(queryset.params)
    places: list[int | None] = []
    for value in (limit, offset):
        places.append(None if value is None else len(params))
        if value is not None:
            params.append(value)
    return queryset.derive(queryset.state._replace(limit=places[0], offset=places[1]), tuple(params))


def bounds(queryset: QuerySet[Any, Any]) -> tuple[int | None, int | None]:
    """Return limit and offset as numbers."""
    state, params = queryset.state, queryset.params
    limit = None if state.limit is None else cast("int", params[state.limit])
    offset = None if state.offset is None else cast("int", params[state.offset])
    return limit, offset


def limit(queryset: _QS, n: object) -> _QS:
    """At most ``n`` rows: an earlier limit, or a slice, is narrowed and never widened."""
    most, skipped = bounds(queryset)
    number = _whole(n, "limit()")
    return _set(queryset, number if most is None else min(most, number), skipped)


def offset(queryset: _QS, n: object) -> _QS:
    """Skip ``n`` rows, whatever was said before."""
    return _set(queryset, bounds(queryset)[0], _whole(n, "offset()"))


def sliced(queryset: _QS, index: slice) -> _QS:
    """Return a slice of the rows, of a slice too."""
    if index.step is not None:
        raise TypeError("A queryset has no slices with a step; await it and slice the list.")
    start = 0 if index.start is None else _whole(index.start, "A slice")
    stop = None if index.stop is None else _whole(index.stop, "A slice")
    old_limit, old_offset = bounds(queryset)
    length = None if stop is None else max(stop - start, 0)
    if old_limit is not None:
        rest = max(old_limit - start, 0)
        length = rest if length is None else min(length, rest)
    position = (old_offset or 0) + start
    return _set(queryset, length, position or None)


class RowAt:
    """``queryset[3]``: awaited it is that row; there is none: ``IndexError``."""

    __slots__ = ("_index", "_queryset")

    def __init__(self, queryset: QuerySet[Any, Any], index: object) -> None:
        self._index = _whole(index, "An index")
        self._queryset = queryset

    def __await__(self) -> Generator[Any, Any, Any]:
        rows = yield from sliced(self._queryset, slice(self._index, self._index + 1)).__await__()
        if not rows:
            raise IndexError(f"The query has no row {self._index}.")
        return rows[0]

    def __repr__(self) -> str:
        return f"<row {self._index} of {self._queryset!r}: await queryset[{self._index}]>"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"queryset[{self._index}] must be awaited before {name!r}: (await queryset[...]).{name}")


def unsliced(queryset: _QS, method: str) -> _QS:
    """Return the queryset, which must have no limit: the last rows of a slice are not the last of the query."""
    if queryset.state.limit is not None or queryset.state.offset is not None:
        raise already_sliced(method)
    return queryset


def not_one(model: type[Any], number: int) -> Exception:
    """Return the error of ``get()`` for no row or several."""
    name = model.__name__
    if number == 0:
        return cast(
            "Exception", model.DoesNotExist(f"No {name} matches the query. Use get_or_none() where that is usual.")
        )
    return cast(
        "Exception", model.MultipleObjectsReturned(f"get() found more than one {name}. Use filter() or first().")
    )


def some(model: type[Any], rows: list[_R]) -> _R:
    """Return the first row or raise ``DoesNotExist``."""
    if not rows:
        raise not_one(model, 0)
    return rows[0]


def latest_by(model: type[Any], fields: tuple[str | Expression[Any], ...]) -> tuple[str | Expression[Any], ...]:
    """Return the fields of ``latest()``: the given ones, or ``Meta.get_latest_by``."""
    found = fields or model._meta.get_latest_by
    if not found:
        raise FieldError(f"{model.__name__}: name the fields, latest('created_at'), or set Meta.get_latest_by.")
    return cast("tuple[str | Expression[Any], ...]", found)


async def in_bulk(queryset: QuerySet[Any, _R], ids: Iterable[_K] | None, field: str | Expression[_K]) -> dict[_K, _R]:
    """Return rows by key."""
    name = field if isinstance(field, str) else path_of(queryset, field)
    options = queryset.model._meta
    key = options.get_field(name)
    if not (key.primary_key or key.unique):
        raise FieldError(f"in_bulk(field={name!r}): the field is not unique.")
    found = queryset if ids is None else queryset.filter(**{f"{name}__in": ids})
    return {getattr(row, key.attname): row for row in cast("list[Any]", await found)}


# -- columns ---------------------------------------------------------------------------------


def path_of(queryset: QuerySet[Any, Any], field: object) -> str:
    """Return the path that a name, a field or an F stands for."""
    if isinstance(field, str):
        return field
    if isinstance(field, Field):
        return cast("Field[object]", field).name
    if isinstance(field, F) and isinstance(field.path, str):
        return field.path
    if isinstance(field, F):
        return path_of(queryset, field.path)
    raise TypeError(f"{type(field).__name__} is not a name or a field.")


def distinct(queryset: _QS, fields: tuple[str | Expression[Any], ...]) -> _QS:
    """DISTINCT, or DISTINCT ON."""
    tokenizer = queryset.tokenizer()
    tokens = tuple(tokenizer.path(path_of(queryset, field)) for field in fields)
    return queryset.derive(queryset.state._replace(distinct=True, distinct_on=tokens), queryset.params)


def annotate(
    queryset: _QS,
    aggregates: tuple[Aggregate[Any], ...],
    expressions: Mapping[str, Expression[Any] | Q | FilteredRelation],
    *,
    hidden: bool = False,
) -> _QS:
    """Add named expressions and relations; after ``values()`` the first aggregate fixes what is grouped by."""
    named = {**{aggregate.default_alias(): aggregate for aggregate in aggregates}, **expressions}
    for name, value in named.items():
        if isinstance(value, FilteredRelation):
            queryset = queryset.derive(*add_name(queryset, name, value))
            continue
        tokenizer = queryset.tokenizer()
        known = queryset.state.find(name)
        own = value.path if isinstance(value, F) else None
        if known is not None and known.hidden and isinstance(own, str) and own == name and not hidden:
            annotations = tuple(known._replace(hidden=False) if a is known else a for a in queryset.state.annotations)
        else:
            if isinstance(value, Aggregate) and name not in expressions:
                token = Annotation(name, tokenizer.expression(value), len(queryset.state.where))
            else:
                token = tokenizer.annotation(name, value)
            with not_too_deep():
                _check_rows(token.expression, queryset.state)
                _check_nesting(name, token.expression, queryset.state)
            known = token._replace(hidden=hidden)
            annotations = (*queryset.state.annotations, known)
        state = queryset.state
        shape, group_by = state.shape, state.group_by
        if shape is not None and shape.names is not None:
            if group_by is None and any(aggregates_of(known.expression, state)):
                group_by = tuple(name for name in shape.names if is_key(name, state))
            if not hidden:
                keywords = None if shape.keywords is None else (*shape.keywords, name)
                shape = shape._replace(names=(*shape.names, name), keywords=keywords)
        state = state._replace(annotations=annotations, shape=shape, group_by=group_by)
        queryset = queryset.derive(state, tuple(tokenizer.params))
    return queryset


def _check_rows(token: ExpressionToken, state: QueryState) -> None:
    """Refuse an aggregate over the rows of two relations at once."""
    for aggregate in aggregates_of(token, state):
        rows_of(aggregate, state)


def is_key(name: str, state: QueryState) -> bool:
    """Whether rows can be grouped by a selected name: not by an aggregate, nor by a window."""
    token = state.annotation(name)
    return not any(aggregates_of(token, state)) and not any(windows_of(token, state))


def _check_nesting(name: str, token: ExpressionToken, state: QueryState) -> None:
    """Refuse an aggregate of an aggregate or of a window: SQL computes them at once, or the window later."""
    for aggregate in aggregates_of(token, state):
        for part in aggregate.parts():
            if any(aggregates_of(part, state)) or any(windows_of(part, state)):
                raise FieldError(
                    f"annotate({name}=...): an aggregate cannot be computed from another aggregate or a window of the "
                    "same query. aggregate() can, and so can Window(): it comes after the groups."
                )


def aggregates(
    queryset: QuerySet[Any, Any], positional: tuple[Aggregate[Any], ...], expressions: Mapping[str, Expression[Any]]
) -> tuple[tuple[object, ...], tuple[Annotation, ...]]:
    """Return parameters and tokens of ``aggregate()``."""
    tokenizer = queryset.tokenizer()
    wanted: list[Annotation] = []
    for value in positional:
        if not isinstance(value, Aggregate):
            raise TypeError(f"aggregate() takes aggregates such as Count('id'), not {type(value).__name__}.")
        wanted.append(Annotation(value.default_alias(), tokenizer.expression(value), 0))
    for name, expression in expressions.items():
        if not isinstance(expression, Expression):
            raise TypeError(f"aggregate({name}=...) takes an expression, not {type(expression).__name__}.")
        token = tokenizer.expression(expression)
        if not any(aggregates_of(token, queryset.state)):
            raise TypeError(f"aggregate({name}=...): {expression!r} is not an aggregate.")
        wanted.append(Annotation(name, token, 0))
    for item in wanted:
        _check_rows(item.expression, queryset.state)
        for found in aggregates_of(item.expression, queryset.state):
            if any(paths_of(found.default)):
                raise FieldError(f"aggregate({item.name}=...): the default stands for no rows, so it has no field.")
    if not wanted:
        raise TypeError("aggregate() takes at least one aggregate.")
    return tuple(tokenizer.params), tuple(wanted)


def _loadable(queryset: QuerySet[Any, Any], fields: tuple[str | Expression[Any], ...], method: str) -> frozenset[str]:
    if queryset.state.shape is not None:
        raise TypeError(f"{method}() is for instances; values() names its columns itself.")
    options: Options = queryset.model._meta
    names: set[str] = set()
    for name in [path_of(queryset, field) for field in fields]:
        if name in options.generics:
            names.update(column.name for column in options.columns_of(name))
        else:
            names.update([part.path for part in options.resolve_field(name).parts] or [name])
    return frozenset(names)


def only(queryset: _QS, fields: tuple[str | Expression[Any], ...]) -> _QS:
    """Load these fields only."""
    names = _loadable(queryset, fields, "only")
    return queryset.derive(queryset.state._replace(only=names, defer=frozenset()), queryset.params)


def defer(queryset: _QS, fields: tuple[str | Expression[Any], ...]) -> _QS:
    """Load all fields but these."""
    names = _loadable(queryset, fields, "defer")
    options = queryset.model._meta
    given = [options.find_field(path_of(queryset, field)) for field in fields]
    if any(field is not None and all(part.attname in options.key_names for part in field.parts) for field in given):
        raise FieldError("The primary key cannot be deferred.")
    return queryset.derive(queryset.state._replace(defer=queryset.state.defer | names), queryset.params)


def shaped(queryset: _QS, shape: Shape) -> _QS:
    """Give rows this shape. A path with transforms (``created__year``) becomes an annotation of that name."""
    for name in shape.names or ():
        tokenizer = queryset.tokenizer()
        known = queryset.state.find(name)
        if known is not None and known.hidden:
            raise FieldError(f"{name!r} is an alias and is not selected; annotate({name}=F({name!r})) selects it.")
        token = tokenizer.path(name)
        if not isinstance(token, PathToken | AnnotationToken):
            annotation = Annotation(name, token, len(queryset.state.where))
            state = queryset.state._replace(annotations=(*queryset.state.annotations, annotation))
            queryset = queryset.derive(state, tuple(tokenizer.params))
    return queryset.derive(queryset.state._replace(shape=shape), queryset.params)


def values(
    queryset: QuerySet[Any, Any], fields: tuple[Any, ...], expressions: Mapping[str, Expression[Any]]
) -> QuerySet[Any, Any]:
    """Dicts."""
    found, names = with_expressions(annotate(queryset, (), expressions), fields)
    names = (*names, *expressions)
    return shaped(found, Shape("values", names or None))


def with_expressions(queryset: _QS, fields: tuple[Any, ...]) -> tuple[_QS, tuple[str, ...]]:
    """Annotate the expressions among ``fields`` and return all names."""
    names: list[str] = []
    for field in fields:
        if isinstance(field, str | Field | F):
            names.append(path_of(queryset, cast("object", field)))
        elif isinstance(field, Aggregate):
            aggregate = cast("Aggregate[object]", field)
            names.append(aggregate.default_alias())
            queryset = annotate(queryset, (aggregate,), {})
        elif isinstance(field, Expression):
            name = _free_name(queryset)
            names.append(name)
            queryset = annotate(queryset, (), {name: cast("Expression[object]", field)})
        else:
            raise TypeError(f"{type(field).__name__} is not a name, a field or an expression.")
    return queryset, tuple(names)


def _free_name(queryset: QuerySet[Any, Any]) -> str:
    """Return the name of an expression that has none: ``expr1``, ``expr2`` ..., by the order in which they stand."""
    options: Options = queryset.model._meta
    taken = {annotation.name for annotation in queryset.state.annotations}
    numbers = (f"expr{number}" for number in count(1))
    return next(name for name in numbers if name not in taken and not hasattr(options.model, name))


def values_list(
    queryset: QuerySet[Any, Any], fields: tuple[Any, ...], *, flat: bool, named: bool
) -> QuerySet[Any, Any]:
    """Tuples, single values or named tuples."""
    if flat and named:
        raise TypeError("values_list(): flat and named exclude each other.")
    if flat and len(fields) != 1:
        raise TypeError(f"values_list(flat=True) takes exactly one field, not {len(fields)}.")
    queryset, names = with_expressions(queryset, fields)
    if named:
        every = names or tuple(field.attname for field in queryset.model._meta.fields)
        return shaped(queryset, Shape("into", every, _named_row(every)))
    return shaped(queryset, Shape("flat" if flat else "values_list", names or None))


@lru_cache(maxsize=256)
def _named_row(names: tuple[str, ...]) -> type[Any]:
    return namedtuple("Row", names)  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple]  # names of run time


# -- related rows ----------------------------------------------------------------------------


def select_related(queryset: _QS, relations: tuple[str | RelationReference, ...]) -> _QS:
    """Split the paths: to one is joined, to many is loaded after."""
    if queryset.state.shape is not None:
        raise TypeError("select_related() is for instances; values() takes paths such as 'author__name'.")
    joined, batched = split_related(queryset.model, relations, queryset.state)
    paths = tuple(dict.fromkeys((*queryset.state.select_related, *joined)))
    found = queryset.derive(queryset.state._replace(select_related=paths), queryset.params)
    found.prefetches = (*queryset.prefetches, *(as_prefetch(queryset.model, path) for path in batched))
    return found
