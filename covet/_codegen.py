"""Compile generated source and register it with linecache, so that tracebacks and debuggers show it.

The only text from outside that may stand in generated source is an attribute name that passed
``str.isidentifier``; every other object goes in through the namespace.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

_serial = itertools.count(1)


def define(name: str, source: str, namespace: Mapping[str, object]) -> Callable[..., Any]:
    """Execute ``source``, which defines the function ``name``, and return that function."""
    scope: dict[str, Any] = dict(namespace)
    exec(_compiled(name, source), scope)  # noqa: S102 - the one place that runs generated code
    function: Callable[..., Any] = scope[name]
    return function


@lru_cache(maxsize=1_024)
def _compiled(name: str, source: str) -> CodeType:
    """Compile once what many queries need: rows of the same columns are read by the same code."""
    filename = f"<covet {name} {next(_serial)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return compile(source, filename, "exec")
