"""Registry of settings: alias -> DatabaseConfig. Process-wide; pure.

Adapters live in a layer above, so this registry does not know them. It is told when an alias is in use
(``mark_used``) and tells who watches when the settings of an alias change.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from covet.exceptions import ConfigurationError

if TYPE_CHECKING:
    from covet.database.config.settings import DatabaseConfig

_configs: dict[str, DatabaseConfig] = {}
_used: set[str] = set()
_watchers: list[Callable[[str], None]] = []

SNIPPET = """\
    from covet.database import DatabaseConfig

    DATABASE = DatabaseConfig(host="localhost", database="shop", user="ann", password="…")
    DATABASE = DatabaseConfig(url="sqlite:///shop.db")

or set the environment variable DATABASE_URL."""


def register(config: DatabaseConfig, *, replace: bool = False) -> None:
    """Put ``config`` in force under its alias.

    Equal settings change nothing. Other settings replace the old ones while these were not used.
    """
    present = _configs.get(config.alias)
    if present == config:
        return
    if present is not None and config.alias in _used and not replace:
        raise ConfigurationError(
            f"The database {config.alias!r} is already open with other settings ({present!r}). Close it first "
            "(await close_all()), give the new settings another alias, or pass replace=True."
        )
    _configs[config.alias] = config
    _used.discard(config.alias)
    for watcher in _watchers:
        watcher(config.alias)


def config_for(alias: str) -> DatabaseConfig | None:
    """Return the settings registered under ``alias``."""
    return _configs.get(alias)


def configured_aliases() -> tuple[str, ...]:
    """Return the registered aliases, sorted."""
    return tuple(sorted(_configs))


def missing(alias: str) -> ConfigurationError:
    """Return the error for an alias without settings."""
    known = configured_aliases()
    if not known:
        return ConfigurationError(
            f"No database is configured. Say where it is, once, before the first query:\n\n{SNIPPET}"
        )
    near = get_close_matches(alias, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigurationError(
        f"No database is configured under the alias {alias!r}.{hint} Configured: {', '.join(known)}."
    )


def mark_used(alias: str, *, used: bool = True) -> None:
    """Note that the database of ``alias`` was opened, or closed again."""
    if used:
        _used.add(alias)
    else:
        _used.discard(alias)


def watch(watcher: Callable[[str], None]) -> None:
    """Call ``watcher`` with the alias whenever settings change."""
    _watchers.append(watcher)


def forget(alias: str | None = None) -> None:
    """Drop the settings of ``alias``, or all: for tests and tools that work with many databases."""
    for name in [alias] if alias is not None else list(_configs):
        _configs.pop(name, None)
        _used.discard(name)
        for watcher in _watchers:
            watcher(name)
