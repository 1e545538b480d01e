"""Testing: what a test or a program under development can find out about the queries that it sends."""

from __future__ import annotations

from covet.testing.budget import QueryCount, assert_num_queries, max_queries
from covet.testing.n_plus_one import (
    Mode,
    NPlusOne,
    NPlusOneDetector,
    NPlusOneReport,
    NPlusOneWarning,
    detect_n_plus_one,
)

__all__ = [
    "Mode",
    "NPlusOne",
    "NPlusOneDetector",
    "NPlusOneReport",
    "NPlusOneWarning",
    "QueryCount",
    "assert_num_queries",
    "detect_n_plus_one",
    "max_queries",
]
