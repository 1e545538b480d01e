"""Walks over tokens: the paths, annotations, aggregates, windows and parameters that a query uses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from covet.database.orm.query.state import QueryState
from covet.database.orm.query.tokens import (
    AggregateToken,
    AnnotationToken,
    ColumnToken,
    Leaf,
    OuterToken,
    ParamToken,
    PathToken,
    Predicate,
    SubqueryToken,
    Token,
    Unbound,
    WindowToken,
)
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.options import ResolvedPath
    from covet.database.orm.relations import Relation


_P = TypeVar("_P")


def walk(token: Token) -> Iterator[Token]:
    """Yield a token and every token in it, but nothing of the queries inside."""
    stack: list[Token] = [token]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(reversed(found.parts()))


def paths_of(token: Token | None) -> Iterator[ResolvedPath]:
    """Yield every path that stands in a token, its filter included; annotations are not followed."""
    if token is not None:
        for found in walk(token):
            if isinstance(found, PathToken | Leaf):
                yield found.path


def annotations_of(token: Token | None) -> Iterator[str]:
    """Yield the names of the annotations that a token uses."""
    if token is not None:
        for found in walk(token):
            if isinstance(found, AnnotationToken):
                yield found.name


def aggregates_of(token: Token | None, state: QueryState) -> Iterator[AggregateToken]:
    """Yield the aggregates in a token, those of the annotations that it uses included.

    An aggregate over a window is none: it leaves the rows as they are. What stands inside it may be one.
    """
    if token is None:
        return
    if isinstance(token, WindowToken):
        inside = (*token.call.parts(), *(part for part in token.parts() if part is not token.call))
        for part in inside:
            yield from aggregates_of(part, state)
        return
    if isinstance(token, AggregateToken):
        yield token
    elif isinstance(token, AnnotationToken):
        yield from aggregates_of(state.annotation(token.name), state)
    elif isinstance(token, SubqueryToken):
        for name in _names_from_inside(token):
            yield from aggregates_of(state.annotation(name), state)
    else:
        for part in token.parts():
            yield from aggregates_of(part, state)


def source_columns(tokens: Iterable[Token], state: QueryState) -> Iterator[ColumnToken]:
    """Yield the columns of explicit joins that stand in tokens outside of aggregates."""
    stack = list(tokens)
    while stack:
        token = stack.pop()
        if isinstance(token, ColumnToken) and token.source is not None:
            yield token
        elif isinstance(token, AnnotationToken):
            stack.extend(each.expression for each in state.annotations if each.name == token.name)
        elif not isinstance(token, AggregateToken):
            stack.extend(reversed(token.parts()))


def windows_of(token: Token | None, state: QueryState) -> Iterator[WindowToken]:
    """Yield the windows in a token, those of the annotations that it uses included."""
    if token is not None:
        for found in walk(token):
            if isinstance(found, WindowToken):
                yield found
            elif isinstance(found, AnnotationToken):
                yield from windows_of(state.annotation(found.name), state)
            elif isinstance(found, SubqueryToken):
                for name in _names_from_inside(found):
                    yield from windows_of(state.annotation(name), state)


def _names_from_inside(token: SubqueryToken) -> Iterator[str]:
    """Yield the names of this query to which one inside it refers: ``OuterRef("n")``."""
    yield from (inner.path for inner in outer_tokens(token.state) if inner.depth == 1)


def width_of(token: Token) -> int:
    """Return how many parameters a token uses."""
    return sum(
        found.width if isinstance(found, SubqueryToken) else isinstance(found, ParamToken | Leaf)
        for found in walk(token)
    )


def shifted(token: _P, by: int) -> _P:
    """Return a token whose parameters stand ``by`` places further on."""
    return cast("_P", _shifted(token, by)) if by else token


def _shifted(value: object, by: int) -> object:
    if isinstance(value, Leaf | ParamToken):
        return value._replace(param=value.param + by)
    if isinstance(value, SubqueryToken):
        return value._replace(offset=value.offset + by)
    if not isinstance(value, tuple):
        return value
    items = [_shifted(item, by) for item in cast("tuple[object, ...]", value)]
    make = getattr(cast("object", value), "_make", tuple)
    return make(items)


def bound(value: _P) -> _P:
    """Return a token, or a tuple of tokens, in which every condition that waits for its value has it."""
    if isinstance(value, Unbound):
        return cast("_P", value.condition)
    if not isinstance(value, tuple):
        return value
    make = getattr(cast("object", value), "_make", tuple)
    return cast("_P", make([bound(item) for item in cast("tuple[Any, ...]", value)]))


def joined_paths(token: Predicate) -> Iterator[ResolvedPath]:
    """Yield the paths to many rows for which a condition joins; under a negation it asks EXISTS instead."""
    if token.tag == "group":
        if not token.negated and token.connector != "XOR":
            for child in token.children:
                yield from joined_paths(child)
        return
    for path in paths_of(token):
        if path.first_many is not None and not (token.tag == "null" and token.is_null and path.is_presence):
            yield path


def multiplies(token: Token, state: QueryState) -> bool:
    """Whether a value joins related rows of which a row may have several; an aggregate gathers them again."""
    if isinstance(token, AggregateToken):
        return False
    if isinstance(token, AnnotationToken):
        meant = state.annotation(token.name)
        return meant is not None and multiplies(meant, state)
    if isinstance(token, PathToken | Leaf):
        return token.path.first_many is not None
    return any(multiplies(part, state) for part in token.parts())


def many_prefix(relations: tuple[Relation, ...]) -> tuple[Relation, ...]:
    """Return the relations up to the first that leads to many rows; nothing where none does."""
    many = next((i for i, relation in enumerate(relations) if relation.many), None)
    return () if many is None else relations[: many + 1]


def rows_of(token: AggregateToken, state: QueryState) -> tuple[Relation, ...]:
    """Return the relations whose rows an aggregate is over: those of its argument; its filter only chooses."""
    chains = sorted(dict.fromkeys(path.to_many() for path in followed_paths(token.argument, state)), key=len)
    for chain in chains:
        if chain != chains[-1][: len(chain)]:
            one, other = (".".join(relation.name for relation in each) for each in (chain, chains[-1]))
            raise FieldError(
                f"{token.name.capitalize()}() over {one!r} and {other!r} at once would be over every pair of their "
                "rows. Compute one aggregate each, and combine these: Sum(...) * Sum(...)."
            )
    return chains[-1] if chains else ()


def followed_paths(token: Token | None, state: QueryState) -> Iterator[ResolvedPath]:
    """Yield the paths in an expression, those of the annotations that it uses included."""
    yield from paths_of(token)
    for name in annotations_of(token):
        yield from followed_paths(state.annotation(name), state)


def choosing(chain: tuple[Relation, ...], where: tuple[Predicate, ...]) -> Predicate | None:
    """Return the ``filter()`` call that chooses which rows of ``chain`` are meant: the first that crosses it."""
    first = many_prefix(chain)
    if not first:
        return None
    return next((item for item in where if any(many_prefix(p.relations) == first for p in joined_paths(item))), None)


def conjuncts(token: Predicate) -> tuple[Predicate, ...]:
    """Return the conditions that all have to hold for a condition to hold."""
    if token.tag == "group" and token.connector == "AND" and not token.negated:
        return tuple(part for child in token.children for part in conjuncts(child))
    return (token,)


def roots_of(state: QueryState) -> Iterator[Token]:
    """Yield every token of a query that stands in no other: its conditions, values and sort keys."""
    yield from state.where
    yield from (annotation.expression for annotation in state.annotations)
    yield from (order.expression for order in state.order_by or ())
    yield from state.distinct_on
    yield from (join.condition for join in state.joined if join.condition is not None)
    yield from (named.condition for named in state.filtered if named.condition is not None)


def outer_tokens(state: QueryState) -> Iterator[OuterToken]:
    """Yield the references of a query to those around it, ``depth`` counted from its own place.

    References of the queries inside it that lead further out than it are among them, one level nearer.
    """
    for root in roots_of(state):
        for token in walk(root):
            if isinstance(token, OuterToken):
                yield token
            elif isinstance(token, SubqueryToken):
                yield from (
                    inner._replace(depth=inner.depth - 1) for inner in outer_tokens(token.state) if inner.depth > 1
                )
