"""The pytest plugin: fixtures and marks about queries. It is there wherever covet and pytest are installed.

A fixture that raised when it is torn down would be an error beside a test that passed; so the marks and
``no_n_plus_one`` are judged where the test itself ends, and the test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from covet.testing.budget import QueryCount, assert_num_queries, max_queries
from covet.testing.n_plus_one import MODES, NPlusOneDetector, NPlusOneReport

_OFF = "off"
_SETTING = "covet_n_plus_one"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting ``covet_n_plus_one``."""
    parser.addini(_SETTING, "covet: what an N+1 in any test is: off, warn or raise", default=_OFF)


def pytest_configure(config: pytest.Config) -> None:
    """Check the setting and declare the marks."""
    if config.getini(_SETTING) not in (_OFF, *MODES):
        raise pytest.UsageError(f"{_SETTING} is off, {' or '.join(MODES)}, not {config.getini(_SETTING)!r}.")
    for line in (
        "max_queries(number, using=None, transactions=False): covet: fail a test that sends more statements",
        "assert_num_queries(number, using=None, transactions=False): covet: fail a test that sends another number",
        "n_plus_one(mode='raise', threshold=2, allow=()): covet: fail a test that sends a query a row; or 'off'",
    ):
        config.addinivalue_line("markers", line)


@pytest.fixture
def no_n_plus_one() -> NPlusOneReport:
    """Fail the test when a line of it, or of what it calls, sends a query a row; give the report."""
    return NPlusOneReport(2, ())


@pytest.fixture(name="max_queries")
def max_queries_fixture() -> Callable[..., QueryCount]:
    """Give ``covet.testing.max_queries``: ``with max_queries(5): ...``."""
    return max_queries


@pytest.fixture(name="assert_num_queries")
def assert_num_queries_fixture() -> Callable[..., QueryCount]:
    """Give ``covet.testing.assert_num_queries``: ``with assert_num_queries(5): ...``."""
    return assert_num_queries


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Watch a test as its marks, its fixtures and the settings say."""
    with ExitStack() as stack:
        for name, exact in (("max_queries", False), ("assert_num_queries", True)):
            mark = item.get_closest_marker(name)
            if mark is not None:
                stack.enter_context(QueryCount(*mark.args, exact=exact, everywhere=True, **mark.kwargs))
        detector = _detector(item)
        if detector is not None:
            stack.enter_context(detector)
        return (yield)


def _detector(item: pytest.Item) -> NPlusOneDetector | None:
    mark = item.get_closest_marker("n_plus_one")
    given: dict[str, Any] = {"mode": "raise", "threshold": 2, "allow": ()}
    report = cast("dict[str, Any]", getattr(item, "funcargs", {})).get("no_n_plus_one")
    if mark is None and report is None:
        given["mode"] = item.config.getini(_SETTING)
    elif mark is not None:
        given |= {**dict(zip(given, mark.args, strict=False)), **mark.kwargs}
    if given["mode"] == _OFF:
        return None
    # Everywhere: the test's event loop runs its tasks in a context of its own.
    detector = NPlusOneDetector(given["mode"], given["threshold"], given["allow"], everywhere=True)
    if isinstance(report, NPlusOneReport):
        if mark is not None:
            report.threshold, report.allow = detector.report.threshold, detector.report.allow
        detector.report = report  # with what a fixture may have allowed
    return detector
