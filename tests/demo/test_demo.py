"""The demonstration on a slice of its data, on both databases, checked against plain Python over the same files."""

from __future__ import annotations

import inspect
import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from covet import create_all
from demo import program
from demo.dataset import Dataset, DatasetError
from demo.dirt import DIRT
from demo.loading import TABLES, Loaded, load
from demo.models import Flight
from demo.questions import QUESTIONS, Question
from demo.report import progress_bars, source_of
from tests.conftest import Database
from tests.demo import plain_answers

DATASET = Dataset(plain_answers.DATA)
ROWS = {"airlines": 16, "airports": 161, "planes": 204, "weather": 282, "flights": 376}


def _ignore(table: str, rows: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture
async def loaded(database: Database) -> tuple[list[Loaded], Counter[str]]:
    await create_all(table.model for table in TABLES)
    return await load(DATASET, _ignore, batch=100)


async def test_no_row_is_lost(loaded: tuple[list[Loaded], Counter[str]]) -> None:
    report, _ = loaded
    assert {entry.table: entry.lines for entry in report} == ROWS
    assert {entry.table: entry.inserted for entry in report} == ROWS
    assert {entry.table: entry.stored for entry in report} == ROWS


async def test_what_was_dirty_while_reading_is_found_in_the_database(
    loaded: tuple[list[Loaded], Counter[str]],
) -> None:
    _, dirt = loaded
    expected = plain_answers.dirt()
    assert all(expected.values()), "the slice has every kind of dirt"
    assert dict(dirt) == expected
    assert {kind.what: await kind.rows.count() for kind in DIRT} == expected


async def test_a_code_without_a_row_is_kept_beside_its_empty_key(loaded: object) -> None:
    flights = await Flight.objects.order_by("id").select_related("plane", "destination")
    assert [flight.tailnum or "NA" for flight in flights] == [row["tailnum"] for row in plain_answers.FLIGHTS]
    assert [flight.dest for flight in flights] == [row["dest"] for row in plain_answers.FLIGHTS]
    for flight in flights:
        assert (flight.plane is None) == ((flight.tailnum or "NA") not in plain_answers.PLANES)
        assert (flight.destination is None) == (flight.dest not in plain_answers.AIRPORTS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.__name__)
async def test_an_answer_is_what_plain_python_finds(loaded: object, question: Question) -> None:
    expected = getattr(plain_answers, question.__name__)()
    answer = await question()
    assert expected, "the slice has an answer"
    assert [list(row) for row in answer] == [list(row) for row in expected]
    assert [list(row.values()) for row in answer] == [pytest.approx(list(row.values())) for row in expected]


async def test_the_program_prints_every_question_with_its_source_and_starts_afresh(database: Database) -> None:
    for _ in range(2):
        console = Console(file=io.StringIO(), width=200, highlight=False)
        await program.run(console, DATASET, database.url)
        assert isinstance(console.file, io.StringIO)
        printed = console.file.getvalue()
        assert "\x1b" not in printed
        for question in QUESTIONS:
            assert str(inspect.getdoc(question)) in printed
            assert source_of(question) in printed
        assert printed.count(" ms\n") == len(QUESTIONS)
        assert "│ flights  │              376 │                  376 │    0 │" in printed


def test_the_source_that_is_shown_is_the_function_without_its_docstring() -> None:
    for question in QUESTIONS:
        source = source_of(question)
        assert source.startswith(f"async def {question.__name__}() -> Answer:\n    ")
        assert '"""' not in source.splitlines()[1]


def test_where_nobody_watches_no_progress_is_drawn() -> None:
    console = Console(file=io.StringIO(), width=100)
    with progress_bars(console, {"flights": 2}) as progress:
        progress("flights", 2)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""


def test_a_terminal_is_shown_a_bar_for_each_table() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with progress_bars(console, {"planes": 1, "flights": 2}) as progress:
        progress("flights", 2)
    assert isinstance(console.file, io.StringIO)
    assert "flights" in console.file.getvalue()
    assert "2/2" in console.file.getvalue()


def test_a_zipped_file_is_read_as_a_plain_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "planes.csv.zip", "w") as archive:
        archive.write(plain_answers.DATA / "planes.csv", "planes.csv")
    assert list(Dataset(tmp_path).rows("planes")) == plain_answers.read("planes")
    assert Dataset(tmp_path).count("planes") == ROWS["planes"]


def test_a_file_that_is_missing_and_a_row_that_is_short_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"neither planes\.csv nor planes\.csv\.zip"):
        list(Dataset(tmp_path).rows("planes"))
    (tmp_path / "airlines.csv").write_text("carrier,name\n9E,Endeavor\nAA\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"airlines\.csv, line 3: 1 values under a header of 2"):
        list(Dataset(tmp_path).rows("airlines"))


async def test_a_value_that_is_no_number_is_named_with_its_row(database: Database, tmp_path: Path) -> None:
    await create_all(table.model for table in TABLES)
    (tmp_path / "airlines.csv").write_text("carrier,name\n9E,Endeavor\n", encoding="utf-8")
    (tmp_path / "airports.csv").write_text("faa,name,lat,lon,alt,tz,dst,tzone\nX,Y,1.0,2.0,high,0,N,NA\n", "utf-8")
    with pytest.raises(DatasetError, match=r"Row 1 of airports\.csv cannot be read: .*'high'"):
        await load(Dataset(tmp_path), _ignore)
