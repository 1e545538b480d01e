"""Random rows of random graphs of models are deleted by Django and by covet: the same goes, stays and is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django.db
import django.db.models
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from covet import IntegrityError, create_all
from covet.exceptions import ProtectedError, RestrictedError
from tests.conftest import Database
from tests.properties.deletion_graphs import GRAPHS, MODELS, Graph, django_oracle

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

#: What a deletion does: the counts, or the name of the error and the objects that it names; and the rows that are left.
Outcome = tuple[object, list[list[dict[str, Any]]]]


@pytest.fixture
async def tables(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    await create_all([model for graph in GRAPHS for model in graph.covet])
    django_oracle.open_file(tmp_path / "django.sqlite3")
    with django.db.connection.schema_editor() as editor:
        for graph in GRAPHS:
            for model in graph.django:
                editor.create_model(model)
    yield
    django_oracle.close()


@dataclass(frozen=True)
class Case:
    """Rows of a graph, and which of them are to go."""

    graph: int
    rows: tuple[tuple[dict[str, int | None], ...], ...]
    model: int
    chosen: tuple[int, ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    number = draw(st.integers(0, len(GRAPHS) - 1))
    graph = GRAPHS[number]
    sizes = [draw(st.integers(2, 4)) for _ in range(MODELS)]
    rows: list[tuple[dict[str, int | None], ...]] = []
    for model in range(MODELS):
        found: list[dict[str, int | None]] = []
        for at in range(1, sizes[model] + 1):
            row: dict[str, int | None] = {"id": at, "code": at}
            for key in graph.of(model):
                targets = st.integers(1, sizes[key.target])
                row[f"{key.name}_id"] = draw(st.none() | targets if key.nullable else targets)
            found.append(row)
        rows.append(tuple(found))
    model = draw(st.integers(0, MODELS - 1))
    chosen = draw(st.lists(st.integers(1, sizes[model]), min_size=1, max_size=2, unique=True))
    return Case(number, tuple(rows), model, tuple(chosen))


def _first(graph: Graph, case: Case, model: int) -> list[dict[str, int | None]]:
    """Return rows without the keys that may refer to what is not there yet."""
    later = {f"{key.name}_id" for key in graph.of(model) if key.nullable}
    return [{name: None if name in later else value for name, value in row.items()} for row in case.rows[model]]


def _in_django(graph: Graph, case: Case) -> Outcome:
    with django.db.connection.constraint_checks_disabled():
        for model in graph.django:
            model.objects.all()._raw_delete("default")
        for at, model in enumerate(graph.django):
            model.objects.bulk_create([model(**row) for row in case.rows[at]])
    outcome: object
    try:
        count, counts = graph.django[case.model].objects.filter(id__in=case.chosen).delete()
        outcome = count, {label.partition(".")[2]: number for label, number in counts.items()}
    except django.db.models.ProtectedError as error:
        outcome = "ProtectedError", {(type(row).__name__, row.pk) for row in error.protected_objects}
    except django.db.models.RestrictedError as error:
        outcome = "RestrictedError", {(type(row).__name__, row.pk) for row in error.restricted_objects}
    except django.db.IntegrityError:
        outcome = "IntegrityError"
    return outcome, [list(model.objects.order_by("id").values()) for model in graph.django]


async def _in_covet(graph: Graph, case: Case, database: Database) -> Outcome:
    await _empty(graph)
    for at, model in enumerate(graph.covet):
        await model.objects.bulk_create([model(**row) for row in _first(graph, case, at)])
    for at, model in enumerate(graph.covet):
        names = [key.name for key in graph.of(at) if key.nullable]
        if names:
            await model.objects.bulk_update([model(**row) for row in case.rows[at]], names)
    outcome: object
    try:
        outcome = await graph.covet[case.model].objects.filter(id__in=case.chosen).delete()
    except ProtectedError as error:
        outcome = "ProtectedError", {(type(row).__name__, row.pk) for row in _rows(error.protected_objects)}
    except RestrictedError as error:
        outcome = "RestrictedError", {(type(row).__name__, row.pk) for row in _rows(error.restricted_objects)}
    except IntegrityError:
        outcome = "IntegrityError"
    return outcome, [await model.objects.order_by("id").values() for model in graph.covet]


def _rows(objects: tuple[object, ...]) -> tuple[Any, ...]:
    return objects


async def _empty(graph: Graph) -> None:
    for at, model in enumerate(graph.covet):
        changes = {key.name: None for key in graph.of(at) if key.nullable}
        if changes:
            await model.objects.update(**changes)
    for model in reversed(graph.covet):
        await model.objects.all().delete()


@FEW
@given(case=cases())
@pytest.mark.usefixtures("tables")
async def test_the_same_goes_and_the_same_is_refused_as_by_django(database: Database, case: Case) -> None:
    graph = GRAPHS[case.graph]
    wanted = _in_django(graph, case)
    event(wanted[0][0] if isinstance(wanted[0], tuple) and isinstance(wanted[0][0], str) else type(wanted[0]).__name__)
    assert await _in_covet(graph, case, database) == wanted


def test_the_graphs_have_every_rule_circles_and_keys_to_other_columns() -> None:
    keys = [key for graph in GRAPHS for key in graph.keys]
    rules = {"CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "SET_DEFAULT", "SET", "DO_NOTHING"}
    assert {key.action for key in keys} == rules
    assert any(key.source == key.target for key in keys)
    assert any(key.to_code for key in keys)
