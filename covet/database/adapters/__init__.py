"""Adapters: the only I/O. One module a driver; a driver is imported when a database of its kind is first used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from covet.database.adapters.base import Adapter
from covet.database.config import DatabaseConfig
from covet.exceptions import ConfigurationError

#: Engine -> (module, class, distribution on the package index).
_ADAPTERS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "postgresql": ("covet.database.adapters.asyncpg", "AsyncpgAdapter", "asyncpg"),
        "sqlite": ("covet.database.adapters.aiosqlite", "AiosqliteAdapter", "aiosqlite"),
    }
)

__all__ = ["Adapter", "adapter_class", "create_adapter"]


def adapter_class(engine: str) -> type[Adapter]:
    """Import the driver of ``engine`` and return its adapter. Drivers take long to import: only those in use are."""
    module, name, driver = _ADAPTERS[engine]
    try:
        found = import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name != driver:
            raise
        raise ConfigurationError(f"A {engine} database needs the package {driver!r}: pip install {driver}") from exc
    return cast("type[Adapter]", getattr(found, name))


def create_adapter(config: DatabaseConfig) -> Adapter:
    """Return the adapter for ``config``; nothing is opened yet."""
    return adapter_class(config.engine).of(config)
