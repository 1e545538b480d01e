"""What the adapter registers on every SQLite connection, so that SQLite computes what PostgreSQL computes. Pure.

SQLite does not run registered functions from a table's definition (``trusted_schema`` is off), only from statements;
collations it does use there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from covet.database.dialects.sqlite import (
    aggregates,
    array_values,
    clocks,
    decimals,
    json_values,
    moments,
    numbers,
    texts,
    transcendental,
)
from covet.database.sql.patterns import lower_text


@lru_cache(maxsize=256)
def _pattern(pattern: str, ignore_case: int) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE if ignore_case else 0)


def _regexp(pattern: str | None, value: object, ignore_case: int) -> int | None:
    if pattern is None or value is None:
        return None
    return int(_pattern(pattern, ignore_case).search(str(value)) is not None)


def _unhex(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)


def _nocase(left: str, right: str) -> int:
    x, y = lower_text(left), lower_text(right)
    return (x > y) - (x < y)


#: ``(name, number of arguments, class)``; each is a window function too. -1 is any number of arguments.
AGGREGATES: tuple[tuple[str, int, type], ...] = (
    *aggregates.AGGREGATES,
    ("covet_decimal_avg", 1, decimals.Average),
    ("covet_decimal_stddev", 1, decimals.StdDev),
    ("covet_decimal_stddev_sample", 1, decimals.SampleStdDev),
    ("covet_decimal_sum", 1, decimals.Sum),
    ("covet_decimal_variance", 1, decimals.Variance),
    ("covet_decimal_variance_sample", 1, decimals.SampleVariance),
)

#: ``(name, number of arguments, function, deterministic)``.
FUNCTIONS: tuple[tuple[str, int, Callable[..., str | bytes | int | float | None], bool], ...] = (
    *array_values.FUNCTIONS,
    *clocks.FUNCTIONS,
    *json_values.FUNCTIONS,
    *numbers.FUNCTIONS,
    *texts.FUNCTIONS,
    ("covet_date", 1, moments.to_date, True),
    ("covet_date_add", 2, moments.date_add, True),
    ("covet_date_diff", 2, moments.date_diff, True),
    ("covet_decimal", 1, decimals.canonical, True),
    ("covet_decimal_abs", 1, decimals.absolute, True),
    ("covet_decimal_add", 2, decimals.add, True),
    ("covet_decimal_cast", 3, decimals.cast, True),
    ("covet_decimal_ceil", 1, decimals.ceil, True),
    ("covet_decimal_div", 2, decimals.divide, True),
    ("covet_decimal_exp", 1, transcendental.exp, True),
    ("covet_decimal_floor", 1, decimals.floor, True),
    ("covet_decimal_integer", 1, decimals.to_integer, True),
    ("covet_decimal_ln", 1, transcendental.ln, True),
    ("covet_decimal_log", 2, transcendental.log, True),
    ("covet_decimal_mod", 2, decimals.remainder, True),
    ("covet_decimal_mul", 2, decimals.multiply, True),
    ("covet_decimal_power", 2, transcendental.power, True),
    ("covet_decimal_round", 2, decimals.rounded, True),
    ("covet_decimal_sign", 1, decimals.sign, True),
    ("covet_decimal_sqrt", 1, transcendental.sqrt, True),
    ("covet_decimal_sub", 2, decimals.subtract, True),
    ("covet_now", 0, moments.now, False),
    ("covet_regexp", 3, _regexp, True),
    ("covet_time", 1, moments.to_time, True),
    ("covet_time_add", 2, moments.time_add, True),
    ("covet_time_diff", 2, moments.time_diff, True),
    ("covet_timestamp", 1, moments.to_timestamp, True),
    ("covet_timestamp_add", 2, moments.timestamp_add, True),
    ("covet_timestamp_diff", 2, moments.timestamp_diff, True),
    ("covet_timestamptz", 1, moments.to_timestamptz, True),
    ("covet_unhex", 1, _unhex, True),
    ("covet_pack", -1, aggregates.pack, True),
    *((f"{name}_of", 1, aggregates.folded(aggregate), True) for name, _, aggregate in AGGREGATES),
)

#: ``(name, function)``.
COLLATIONS: tuple[tuple[str, Callable[[str, str], int]], ...] = (
    ("covet_decimal", decimals.collate),
    ("covet_json", json_values.collate),
    ("covet_nocase", _nocase),
)
