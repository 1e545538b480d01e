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

__all__ = ["Adapter", "create_adapter"]


def create_adapter(config: DatabaseConfig) -> Adapter:
    """Return the adapter for ``config``. Drivers take long to import, so only the one that is needed is."""
    module, name, driver = _ADAPTERS[config.engine]
    try:
        found = import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name != driver:
            raise
        raise ConfigurationError(
            f"A {config.engine} database needs the package {driver!r}: pip install {driver}"
        ) from exc
    factory = cast("type[Adapter]", getattr(found, name))
    return factory.of(config)
