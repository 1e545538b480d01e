"""Files and functions stay small; the same checker as ``make check`` runs."""

from __future__ import annotations

from scripts import check_sizes
from tests.architecture.sources import ROOT


def test_files_and_functions_are_within_their_limits() -> None:
    folders = [ROOT / name for name in ("covet", "tests", "scripts", "demo", "benchmarks")]
    present = [folder for folder in folders if folder.is_dir()]
    errors = [str(finding) for finding in check_sizes.check_paths(present) if finding.is_error]
    assert errors == []


def test_every_exception_from_the_limits_carries_a_reason() -> None:
    assert all(reason.strip() for reason in check_sizes.EXCEPTIONS.values())


def test_a_file_over_the_limit_is_an_error_and_over_the_target_a_warning() -> None:
    assert [finding.is_error for finding in check_sizes.check_source("a.py", "x = 1\n" * 501)] == [True]
    assert [finding.is_error for finding in check_sizes.check_source("a.py", "x = 1\n" * 401)] == [False]
    assert check_sizes.check_source("a.py", "x = 1\n" * 400) == []


def test_a_long_function_is_an_error_and_its_docstring_does_not_count() -> None:
    body = "        x = 1\n"
    docstring = '        """First.\n\n        Second.\n        """\n'
    source = "class A:\n    async def f(self):\n" + docstring + body * 39
    assert check_sizes.check_source("a.py", source) == []
    (finding,) = check_sizes.check_source("a.py", source + body)
    assert str(finding) == "a.py:2: error: A.f has 41 lines, 40 are allowed"
