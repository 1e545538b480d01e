"""Random chains of builders: no step changes a query that was made before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import Count, F, FieldError, QuerySet, create_all
from tests.conftest import Database
from tests.models.samples import Sample, store_samples
from tests.properties.conditions import conditions

Step = tuple[str, tuple[Any, ...], dict[str, Any]]

names = st.sampled_from(["id", "-id", "a", "-a", "b", "-text", "flag"])


def step(name: str, *arguments: st.SearchStrategy[Any], **options: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), st.tuples(*arguments), st.fixed_dictionaries(options))


steps = st.one_of(
    step("filter", conditions.map(lambda condition: condition.q())),
    step("exclude", conditions.map(lambda condition: condition.q())),
    step("filter", a__in=st.lists(st.integers(0, 2), max_size=2)),
    step("order_by", names, names),
    step("order_by"),
    step("reverse"),
    step("distinct"),
    step("limit", st.integers(0, 20)),
    step("offset", st.integers(0, 20)),
    step("only", st.sampled_from(["a", "b"])),
    step("defer", st.sampled_from(["a", "b"])),
    step("annotate", total=st.just(F("c") + 1)),
    step("all"),
    step("none"),
)


@pytest.fixture
async def samples(database: Database) -> None:
    await create_all(models=[Sample])
    await store_samples()


def image(query: QuerySet[Any]) -> tuple[object, tuple[object, ...]]:
    """Return what a query consists of."""
    return query.state, query.params


async def answer(query: QuerySet[Any]) -> tuple[object, int]:
    """Return what a query gives. Without an order the rows are compared as a set."""
    found = [row.id for row in await query]
    return (sorted(found) if query.state.limit is None and query.state.offset is None else len(found)), len(found)


@given(chain=st.lists(st.tuples(st.integers(0, 100), steps), min_size=1, max_size=8))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_step_changes_a_query_that_was_made_before(samples: None, chain: list[tuple[int, Step]]) -> None:
    queries: list[QuerySet[Any]] = [Sample.objects.all()]
    for parent, (method, arguments, options) in chain:
        try:
            made = getattr(queries[parent % len(queries)], method)(*arguments, **options)
        except (
            TypeError,
            ValueError,
            FieldError,
        ):  # a step that this query does not take, such as a filter after a limit
            continue
        queries.append(made)
    before = [(image(query), await answer(query)) for query in queries]
    for query in queries:
        await query.count()
        await query.exists()
        await query.aggregate(n=Count("*"))
        query.all().annotate(other=F("a") * 2).limit(1).using("default")
    assert [(image(query), await answer(query)) for query in queries] == before


@given(chain=st.lists(steps, max_size=6))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_step_leaves_its_parent_as_it_was(samples: None, chain: list[Step]) -> None:
    query: QuerySet[Any] = Sample.objects.all()
    for method, arguments, options in chain:
        before = image(query)
        parent = query
        try:
            query = getattr(query, method)(*arguments, **options)
        except (TypeError, ValueError, FieldError):
            continue
        finally:
            assert image(parent) == before
        assert hash(query.state) is not None
