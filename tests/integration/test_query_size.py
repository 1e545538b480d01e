"""Queries of great size and depth: they work, in steps that grow as the query does, or are refused by a typed error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, reduce
from operator import add, and_, or_, sub, xor
from typing import Any, TypeVar

import pytest

from covet import CTE, Case, Cast, F, IntegerField, Q, QuerySet, Subquery, Value, When, create_all
from covet.exceptions import FieldError, NotSupportedError, QueryTooComplex
from covet.functions import Coalesce, KeyTransform, Lower
from tests.conftest import Database
from tests.models.archive import MODELS, Author, Book

Rows = QuerySet[Author, Any]
_T = TypeVar("_T")


@pytest.fixture(autouse=True)
async def one_author(database: Database) -> None:
    await create_all(MODELS)
    await Author.create(name="Ann", age=1, level=1)


def repeated(times: int, step: Callable[[Any, int], Any], start: _T) -> _T:
    """Put ``step`` around ``start`` so many times."""
    return reduce(step, range(times), start)


def either(times: int) -> Q:
    return reduce(or_, [Q(age=number % 9) for number in range(times)])


def nested(depth: int) -> Q:
    return repeated(depth, lambda q, _: (q | Q(age=2)) & Q(level__gt=0), Q(age=1))


def chained(times: int) -> Rows:
    return repeated(times, lambda query, at: query.filter(age__lt=at + 2), Author.objects.all())


def annotated(times: int) -> Rows:
    return repeated(times, lambda query, at: query.annotate(**{f"a{at}": F("age") + at}), Author.objects.all())


def columns(number: int) -> Any:
    return Author.objects.values_list("id", *[F("age") + at for at in range(number - 1)])


def joined(times: int) -> Rows:
    return repeated(times, lambda query, at: query.filter(books__pages=at), Author.objects.all())


def calls(work: Callable[[], object]) -> int:
    """Count the Python calls of ``work``."""
    found = 0

    def watch(_frame: object, event: str, _argument: object) -> None:
        nonlocal found
        found += event == "call"

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


LARGE: list[Callable[[], Rows]] = [
    lambda: Author.objects.filter(either(1_001)),
    lambda: Author.objects.filter(either(5_000)),
    lambda: Author.objects.filter(reduce(and_, [Q(age__gt=-number) for number in range(1, 5_000)])),
    lambda: Author.objects.filter(reduce(xor, [Q(age=number) for number in range(1_000)])),
    lambda: Author.objects.filter(nested(10)),
    lambda: Author.objects.filter(nested(40)),
    lambda: chained(1_200),
    lambda: annotated(1_200),
    lambda: Author.objects.filter(repeated(500, lambda q, _: ~q, Q(age=1))),
    lambda: Author.objects.annotate(x=Case(*[When(age=n, then=Value(n)) for n in range(5_000)], default=Value(0))),
    lambda: repeated(10, lambda query, _: Author.objects.filter(id__in=query), Author.objects.all()),
]


async def test_large_queries_find_their_row() -> None:
    for make in LARGE:
        assert len(await make()) == 1


async def test_a_hundred_thousand_conditions_are_one_list_or_refused_for_their_parameters(database: Database) -> None:
    assert len(await Author.objects.filter(age__in=range(100_000))) == 1
    with pytest.raises(NotSupportedError, match=r"at most 3276[67] parameters in a statement; this one has 100000"):
        await Author.objects.filter(either(100_000))


GROWING: list[Callable[[int], object]] = [
    lambda size: Author.objects.filter(either(size)).sql(),
    lambda size: Author.objects.filter(reduce(xor, [Q(age=number) for number in range(size)])).sql(),
    lambda size: chained(size).sql(),
    lambda size: repeated(size, lambda query, _: query.all(), Author.objects.all()),
    lambda size: repeated(size, lambda q, _: ~q, Q(age=1)),
]


def test_twice_as_much_takes_twice_the_steps() -> None:
    for make in GROWING:
        make(10)  # what is made once
        assert calls(partial(make, 800)) < 2.2 * calls(partial(make, 400))


def test_conditions_joined_one_by_one_are_those_that_were_joined() -> None:
    joined_up = Q(a=1) | Q(b=2) | Q(c=3)
    more = joined_up | Q(d=4)
    assert more.children == (*joined_up.children, *more.children[-1:])
    assert len(more.children) == 4
    assert len(joined_up.children) == 3
    assert len((joined_up | Q()).children) == 3
    assert repr(Q() | joined_up) == repr(joined_up)


DEEP_EXPRESSIONS: list[Callable[[int], Rows]] = [
    lambda depth: Author.objects.filter(nested(depth)),
    lambda depth: Author.objects.filter(
        repeated(depth, lambda q, _: Case(When(q, then=Value(1)), default=Value(0)) > 0, Q(age=0))
    ),
    lambda depth: Author.objects.annotate(
        x=repeated(depth, lambda case, at: Case(When(age=at, then=Value(at)), default=case), Value(0))
    ),
    lambda depth: Author.objects.annotate(x=repeated(depth, lambda value, _: Lower(value), F("name"))),
    lambda depth: Author.objects.order_by(repeated(depth, lambda value, _: Lower(value), F("name"))),
    lambda depth: Author.objects.annotate(x=repeated(depth, lambda value, _: Coalesce(value, 1), F("age"))),
    lambda depth: Author.objects.annotate(x=repeated(depth, lambda v, _: Cast(v, IntegerField()), F("age"))),
    lambda depth: Author.objects.annotate(x=repeated(depth, lambda value, _: add(value, 1), F("age"))),
    lambda depth: Author.objects.filter(age=repeated(depth, lambda value, _: sub(value, 1), F("age"))),
]


@pytest.mark.parametrize("depth", [100, 300, 10_000])
async def test_deep_expressions_work_or_are_too_complex(depth: int) -> None:
    for make in DEEP_EXPRESSIONS:
        try:
            rows = await make(depth)
        except QueryTooComplex:
            continue
        assert len(rows) < 2


DEEP_QUERIES: list[Callable[[int], Any]] = [
    lambda depth: repeated(depth, lambda query, _: Author.objects.filter(id__in=query), Author.objects.all()),
    lambda depth: repeated(
        depth,
        lambda query, _: Book.objects.annotate(x=Subquery(query)).values("x")[:1],
        Book.objects.values("pages")[:1],
    ),
    lambda depth: repeated(depth, lambda query, at: CTE(query, name=f"c{at}").queryset(), Author.objects.all()),
    lambda depth: repeated(
        depth, lambda query, at: query.union(Author.objects.filter(age=at)), Author.objects.filter(age=0)
    ),
    lambda depth: repeated(
        depth, lambda query, at: query | Author.objects.filter(age=at), Author.objects.filter(age=0)
    ),
    lambda depth: Author.objects.annotate(
        x=repeated(depth, lambda value, _: KeyTransform("k", value), F("data"))
    ).filter(x=1),
]


@pytest.mark.parametrize("depth", [50, 400])
async def test_deep_queries_work_or_are_too_complex(depth: int) -> None:
    for make in DEEP_QUERIES:
        for ask in (lambda query: query, QuerySet.count, QuerySet.exists):
            try:
                await ask(make(depth))
            except QueryTooComplex:
                continue


async def test_too_many_queries_tables_and_columns_are_refused_before_sql(database: Database) -> None:
    sqlite = database.name == "sqlite"
    refused: dict[str, Callable[[], Any]] = {
        "2000 columns" if sqlite else "1664 columns": lambda: columns(2_001),
        "500 combined queries" if sqlite else "1000 combined queries": lambda: Author.objects.filter(age=0).union(
            *[Author.objects.filter(age=number) for number in range(500 if sqlite else 1_000)]
        ),
    }
    if sqlite:
        refused["64 tables"] = lambda: joined(64)
    for words, make in refused.items():
        with pytest.raises(QueryTooComplex, match=f"at most {words} in a SELECT") as error:
            await make()
        assert error.value.__cause__ is None
    assert await joined(60) == []
    assert len(await columns(1_600)) == 1


def test_long_paths_are_refused() -> None:
    with pytest.raises(FieldError, match="crosses more than 10 relations"):
        Author.objects.filter(**{"mentor__" * 65 + "age": 1})
    with pytest.raises(FieldError, match="is too long; the limit is 1000"):
        Author.objects.filter(**{"data__" + "__".join(["k"] * 5_000): 1})


BAD_PLACES: list[Any] = [
    slice(-1, None),
    slice(None, -1),
    slice(0, 2**70),
    slice("1", "2"),
    slice(0, 4, 0),
    -1,
    "1",
    True,
]


def test_bad_slices_are_refused_at_once() -> None:
    for place in BAD_PLACES:
        with pytest.raises((TypeError, ValueError, IndexError)):
            Author.objects.order_by("id")[place]


async def test_a_slice_that_ends_before_it_begins_is_empty() -> None:
    assert await Author.objects.order_by("id")[5:2] == []
