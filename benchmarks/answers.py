"""What every question has to answer, computed in Python from the rows, and the check of a peer against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from benchmarks.data import author_row, author_rows, post_row, post_rows, some_post, tags_of
from benchmarks.peer import Row
from benchmarks.questions import (
    COMPLEX_LIMIT,
    JOINED_POSTS,
    LIMIT_100,
    MANY_VIEWS,
    MORE_POSTS_THAN,
    PREFETCHED_AUTHORS,
    STATUS,
    UNWANTED_STATUS,
    YOUNG,
)

_PLACES = 6


class WrongAnswerError(Exception):
    """A peer answered something else than the rows say: a time for that would mean nothing."""


def expected(operation: str, turn: int) -> list[Row]:
    """Answer a question from the rows themselves."""
    return [*_ANSWERS[operation](turn)]


def check(peer: str, operation: str, rows: Iterable[Row], turn: int) -> None:
    """Compare a peer's rows with the expected ones; their order counts only where the question asks for one."""
    given, right = list(rows), expected(operation, turn)
    if not right:
        raise WrongAnswerError(f"{operation} asks for nothing: the workload is wrong.")
    if operation == "aggregate":
        given = [tuple(round(value, _PLACES) if isinstance(value, float) else value for value in row) for row in given]
    if operation != "complex":
        given, right = sorted(given, key=_key), sorted(right, key=_key)
    compare(f"{peer}, {operation}", given, right)


def compare(what: str, given: list[Row], right: list[Row]) -> None:
    """Raise an error that shows the first difference."""
    if given == right:
        return
    for index, (one, other) in enumerate(zip(given, right, strict=False)):
        if one != other:
            raise WrongAnswerError(f"{what}: row {index} is {one!r}, not {other!r}.")
    raise WrongAnswerError(f"{what}: {len(given)} rows, not {len(right)}.")


def _key(row: Row) -> str:
    return repr(row[0]).zfill(10)


def _ages() -> list[Row]:
    views: defaultdict[int, list[int]] = defaultdict(list)
    age = {author[0]: author[3] for author in author_rows()}
    for post in post_rows():
        views[age[post[6]]].append(post[3])
    return [
        (age, len(values), round(sum(values) / len(values), _PLACES))
        for age, values in views.items()
        if len(values) > MORE_POSTS_THAN
    ]


def _complex() -> list[Row]:
    found = [
        post
        for post in post_rows()
        if (post[3] > MANY_VIEWS or author_row(post[6])[3] < YOUNG) and post[4] != UNWANTED_STATUS
    ]
    return [*sorted(found, reverse=True)[:COMPLEX_LIMIT]]


def _posts_with_author() -> list[Row]:
    return [post + author_row(post[6]) for post in post_rows() if post[0] <= JOINED_POSTS]


_ANSWERS: dict[str, Callable[[int], Sequence[Row]]] = {
    "get_pk": lambda turn: [post_row(some_post(turn))],
    "get_pk_concurrent": lambda turn: [post_row(some_post(turn))],
    "filter_100": lambda _: [post for post in post_rows() if post[4] == STATUS][:LIMIT_100],
    "filter_10000": lambda _: post_rows(),
    "values_10000": lambda _: post_rows(),
    "values_10000_tuples": lambda _: post_rows(),
    "fk_join_1000": lambda _: _posts_with_author(),
    "fk_prefetch_1000": lambda _: _posts_with_author(),
    "fk_awaited_1000": lambda _: _posts_with_author(),
    "prefetch": lambda _: [
        (*post, *author_row(post[6]), *sorted(tags_of(post[0])))
        for post in post_rows()
        if post[6] <= PREFETCHED_AUTHORS
    ],
    "aggregate": lambda _: _ages(),
    "complex": lambda _: _complex(),
}
