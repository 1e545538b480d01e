"""Lookups of documents on both databases against Python: random documents, random questions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import Q, create_all
from covet.database import DatabaseConfig, close_all
from covet.database.config import forget
from covet.database.dialects.sqlite.json_values import compare
from covet.functions import KT
from tests import postgresql_server
from tests.models.kennel import ALL, Dog

KEYS = ["a", "b", "0", "1", "-1", "é", "a.b", 'q"', "", "length"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([1.0, 0.5, -0.5, 1e22, 2**70, 1e-7])
    | st.sampled_from(["", "a", "b", "1", "true", "null", "Aé", '"', "a\\b", "0"])
)
documents: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)
paths = st.lists(st.sampled_from([*KEYS, "2"]), max_size=3)


class Question(NamedTuple):
    """A condition, and whether a document meets it."""

    path: list[str]
    lookup: str
    value: Any
    holds: Callable[[Any], bool]


MISSING: Any = object()


def at(document: Any, path: list[str]) -> Any:
    for key in path:
        if isinstance(document, dict):
            document = document.get(key, MISSING)
        elif isinstance(document, list) and key in ("0", "1", "2", "-1"):
            index = int(key)
            document = document[index] if -len(document) <= index < len(document) else MISSING
        else:
            return MISSING
        if document is MISSING:
            return MISSING
    return document


def same(left: Any, right: Any) -> bool:
    """Whether two documents are equal: 1 is 1.0, and not true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right) and isinstance(left, list | dict) == isinstance(right, list | dict)


def inside(left: Any, right: Any) -> bool:
    """Whether ``right`` is contained in ``left``, below the top."""
    if isinstance(right, dict):
        return isinstance(left, dict) and all(key in left and inside(left[key], right[key]) for key in right)
    if isinstance(right, list):
        return isinstance(left, list) and all(any(inside(have, want) for have in left) for want in right)
    return same(left, right)


def contains(left: Any, right: Any) -> bool:
    if isinstance(left, list) and not isinstance(right, list | dict):
        return any(same(item, right) for item in left)
    return inside(left, right)


def has_key(document: Any, key: str) -> bool:
    if isinstance(document, dict | list):
        return any(isinstance(each, str) and each == key for each in document)
    return isinstance(document, str) and document == key


def has_keys(document: Any) -> list[str]:
    return [each for each in document if isinstance(each, str)] if isinstance(document, dict | list) else []


def order(left: Any, right: Any) -> int:
    if [] in (left, right) and left != right:
        return -1 if left == [] else 1
    return compare(left, right)


def comparison(value: Any) -> dict[str, Callable[[Any], bool]]:
    return {
        "exact": lambda found: same(found, value),
        "gt": lambda found: order(found, value) > 0,
        "lte": lambda found: order(found, value) <= 0,
        "contains": lambda found: contains(found, value),
        "contained_by": lambda found: contains(value, found),
    }


def places(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every part of a document."""
    yield path
    inner = document if isinstance(document, dict) else dict(enumerate(document)) if isinstance(document, list) else {}
    for key, value in inner.items():
        yield from places(value, (*path, str(key)))


@st.composite
def questions(draw: st.DrawFn, rows: list[Any]) -> Question:
    """Ask something that concerns a part of one of the documents, most of the time."""
    row = draw(st.sampled_from(rows))
    path = draw(st.sampled_from([list(place) for place in places(row)]) | paths)
    part = at(row, path)
    near = st.sampled_from(has_keys(part) or KEYS) | st.sampled_from(KEYS)
    kind = draw(st.sampled_from(["compare", "in", "isnull", "has_key", "has_keys", "has_any_keys"]))
    like = documents if part is MISSING or part is None else st.just(part) | documents
    if kind == "compare":
        value = draw(like)
        tests = comparison(value)
        lookup = draw(st.sampled_from(sorted(tests if value is not None else {"exact"})))
        return Question(path, lookup, value, tests[lookup])
    if kind == "in":
        values = draw(st.lists(like.filter(lambda value: value is not None), min_size=1, max_size=3))
        return Question(path, "in", values, lambda found: any(same(found, value) for value in values))
    if kind == "isnull":
        return Question(path, "isnull", False, lambda found: found is not MISSING)
    keys = draw(st.lists(near, max_size=2))
    if kind == "has_key":
        key = draw(near)
        return Question(path, kind, key, lambda found: has_key(found, key))
    quantifier = all if kind == "has_keys" else any
    return Question(path, kind, keys, lambda found: quantifier(has_key(found, key) for key in keys))


async def fill(name: str, rows: list[Any]) -> None:
    await Dog.objects.using(name).delete()
    await Dog.objects.using(name).bulk_create([Dog(name=str(at), data=row) for at, row in enumerate(rows)])


async def answers(name: str, question: Question) -> tuple[set[int], set[int], list[tuple[str, Any]]]:
    dogs = Dog.objects.using(name)
    condition = Q(**{"__".join(["data", *question.path, question.lookup]): question.value})
    found = {int(row) for row in await dogs.filter(condition).values_list("name", flat=True)}
    excluded = {int(row) for row in await dogs.exclude(condition).values_list("name", flat=True)}
    key = "__".join(["data", *question.path])
    texts = dogs.annotate(text=KT(key)).order_by(key, "id")
    return found, excluded, await texts.values_list("name", "text")


@pytest.fixture
async def both(postgresql_url: str, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """Name two databases with the same empty tables."""
    await postgresql_server.empty(postgresql_url)
    for name, url in (("file", f"sqlite:///{tmp_path / 'documents.sqlite3'}"), ("server", postgresql_url)):
        DatabaseConfig(url=url, alias=name, replace=True)
        await create_all(ALL, using=name)
    yield "file", "server"
    await close_all()
    forget()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(documents.filter(lambda value: value is not None), min_size=1, max_size=8), asked=st.data())
async def test_both_databases_answer_as_python_does(
    both: tuple[str, str], rows: list[Any], asked: st.DataObject
) -> None:
    for name in both:
        await fill(name, rows)
    for question in asked.draw(st.lists(questions(rows), min_size=4, max_size=8)):
        first, second = [await answers(name, question) for name in both]
        assert first == second, question
        expected = {number for number, row in enumerate(rows) if holds(question, row)}
        assert first[0] == expected, question
        assert first[1] == set(range(len(rows))) - expected, question


def holds(question: Question, row: Any) -> bool:
    found = at(row, question.path)
    return found is not MISSING and question.holds(found)


def test_the_rules_of_the_oracle() -> None:
    assert same([1, {"a": 1.0}], [1.0, {"a": 1}])
    assert not same(True, 1)
    assert contains([1, 2], 2)
    assert not contains([[1]], [1])
