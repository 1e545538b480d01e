"""Connections: alias -> Adapter. Process-wide; an adapter finds the pool of the running event loop by itself."""

from __future__ import annotations

import os
from typing import Final

from covet.database.adapters import Adapter, adapter_class, create_adapter
from covet.database.adapters.replicas import Replicas
from covet.database.config import DatabaseConfig, config_for, missing, watch
from covet.exceptions import ConfigurationError

DEFAULT: Final = "default"
URL_VARIABLE: Final = "DATABASE_URL"

#: Alias -> its adapter, once it was asked for. None is the default database.
by_alias: dict[str | None, Adapter] = {}
#: Adapters whose settings were replaced while they were open; ``close_all`` closes them, or the end of their loop.
_replaced: list[Adapter] = []
#: Alias -> those of its copies.
_copies: dict[str, tuple[str, ...]] = {}


def get_adapter(alias: str = DEFAULT) -> Adapter:
    """Return the adapter of a configured database.

    ::

        adapter = get_adapter()
        rows = await adapter.fetch_all("SELECT id, name FROM users WHERE age > $1", [18])

    Nothing is opened yet. Awaiting an adapter gives the adapter, so ``await get_adapter()`` is the same.
    """
    return adapter_for(alias)


def adapter_for(alias: str | None) -> Adapter:
    """Return the adapter of ``alias``; None is the default database."""
    found = by_alias.get(alias)
    return found if found is not None else _create(alias)


def adapters() -> list[Adapter]:
    """Return every adapter that was asked for so far."""
    return list(by_alias.values())


def _create(alias: str | None) -> Adapter:
    name = DEFAULT if alias is None else alias
    config = config_for(name)
    if config is None and name == DEFAULT and os.environ.get(URL_VARIABLE):
        config = DatabaseConfig(os.environ[URL_VARIABLE])
    if config is None:
        raise missing(name)
    adapter = by_alias.get(name) or create_adapter(config)
    copies = _copies.get(name)
    if copies and adapter.replicas is None:
        adapter.replicas = Replicas(adapter, [adapter_for(copy) for copy in copies])
    by_alias[name] = adapter
    if name == DEFAULT:
        by_alias[None] = adapter
    return adapter


def register_pool(pool: object, alias: str = DEFAULT, *, replace: bool = False) -> Adapter:
    """Use a pool of the driver that the program has made: an ``asyncpg.Pool``.

    ::

        pool = await asyncpg.create_pool("postgresql://localhost/shop")
        register_pool(pool)
        await User.objects.count()
        await pool.close()

    covet borrows connections from it and gives them back; it opens and closes none. On the connections that it uses it
    sets the codec of ``json`` and ``jsonb``, so these columns are Python values there and no texts.
    ``DatabaseConfig(pool=…)`` is the same and takes other options.
    """
    DatabaseConfig(pool=pool, alias=alias, replace=replace)
    return adapter_for(alias)


def set_replicas(*aliases: str, of: str = DEFAULT) -> None:
    """Let copies of a database serve reads: queries and raw SELECTs outside of transactions.

    ::

        DatabaseConfig("postgresql://primary/shop")
        DatabaseConfig("postgresql://copy/shop", alias="copy")
        set_replicas("copy")

    A copy is read from when it has replayed all that this process has written, so what was stored is seen; until then
    the primary is. Without aliases no copy serves from now on.
    """
    if of in aliases:
        raise ConfigurationError(f"The database {of!r} is no copy of itself.")
    primary = adapter_for(of)
    copies = [adapter_for(alias) for alias in aliases]
    for copy in copies:
        if type(copy) is not type(primary):
            raise ConfigurationError(
                f"The database {copy.alias!r} ({copy.dialect.title}) is no copy of {of!r} ({primary.dialect.title})."
            )
    primary.replicas = Replicas(primary, copies) if copies else None
    _copies[of] = aliases


async def close_all() -> None:
    """Close the connections of every database on the running event loop.

    A script needs no such call: connections are closed when its event loop ends. A server may call it when it
    shuts down. The next statement opens new connections.
    """
    for adapter in {*by_alias.values(), *_replaced}:
        await adapter.close()
    _replaced.clear()


def _settings_changed(alias: str) -> None:
    """Let the next use of ``alias`` make a new adapter, and import its driver now rather than in an event loop."""
    adapter = by_alias.pop(alias, None)
    if alias == DEFAULT:
        by_alias.pop(None, None)
    if adapter is not None:
        _replaced.append(adapter)
    config = config_for(alias)
    if config is not None:
        adapter_class(config.engine)


watch(_settings_changed)
