"""Random rows of random graphs of models: each way of loading their relations finds the same (``loading.py``)."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import create_all
from tests.conftest import Database
from tests.properties.loading import compare, paths
from tests.properties.loading_graphs import GRAPHS, Graph

FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(params=GRAPHS, ids=range(len(GRAPHS)))
async def graph(request: pytest.FixtureRequest, database: Database) -> Graph:
    found: Graph = request.param
    await create_all([*found.models, *found.tables])
    return found


@FEW
@given(data=st.data(), seed=st.integers(0, 2**16))
async def test_every_way_of_loading_finds_the_same_rows(graph: Graph, data: st.DataObject, seed: int) -> None:
    await compare(await graph.store(random.Random(seed)), data.draw(paths(graph.steps)))
