"""Options of DatabaseConfig: what may be given -> checked settings. Pure.

Three spellings lead to one set of settings: the keywords of the class, the parts of a URL, and the names that other
database layers use for the same thing (``username``, ``min_connections``, ``command_timeout`` …).
"""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

from typing_extensions import TypedDict

from covet.database.config.checks import CHECKS, count, seconds
from covet.database.config.url import ENGINES, parse_url
from covet.exceptions import ConfigurationError

#: Gives the password when a connection is opened: for passwords that expire. May be a coroutine function.
Password: TypeAlias = Callable[[], str | Awaitable[str]]
#: Sets up a new connection of the driver (asyncpg's or aiosqlite's).
Init: TypeAlias = Callable[[Any], Awaitable[object]]


class Options(TypedDict, total=False):
    """Every keyword that DatabaseConfig understands. Seconds may be None: no limit."""

    alias: str
    replace: bool
    register: bool
    engine: str
    host: str | Sequence[str]
    port: int | Sequence[int]
    database: str
    user: str
    password: str | Password
    schema: str
    ssl: bool | str | ssl_module.SSLContext
    ssl_ca: str
    ssl_cert: str
    ssl_key: str
    target_session_attrs: str
    transaction_pooler: bool
    pool: object
    mode: str
    immutable: bool
    pool_size: int
    max_overflow: int
    pool_timeout: float | None
    pool_recycle: float | None
    pool_idle_timeout: float | None
    pool_pre_ping: bool
    pool_leak_timeout: float | None
    max_queries: int | None
    retry_attempts: int
    retry_delay: float
    retry_backoff: float
    retry_max_delay: float
    connect_timeout: float | None
    statement_timeout: float | None
    lock_timeout: float | None
    idle_in_transaction_timeout: float | None
    busy_timeout: float
    inline_budget: float
    statement_cache_size: int
    application_name: str
    server_settings: Mapping[str, str]
    init_commands: Iterable[str]
    init: Init
    echo: bool
    echo_pool: bool
    # The same things under the names of other database layers.
    dsn: str
    connection_string: str
    username: str
    min_connections: int
    max_connections: int
    command_timeout: float | None
    max_inactive_connection_lifetime: float | None
    ssl_enabled: bool
    ssl_mode: str
    ssl_ca_file: str
    ssl_cert_file: str
    ssl_key_file: str
    statement_timeout_ms: float | None
    lock_timeout_ms: float | None
    idle_in_transaction_session_timeout_ms: float | None


#: Setting -> its default. ``statement_timeout`` and its kind are seconds.
DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        "alias": "default",
        "engine": "postgresql",
        "host": (),
        "port": (5432,),
        "database": None,
        "user": None,
        "password": None,
        "schema": None,
        "ssl": None,
        "ssl_ca": None,
        "ssl_cert": None,
        "ssl_key": None,
        "target_session_attrs": None,
        "transaction_pooler": False,
        "pool": None,
        "mode": "rwc",
        "immutable": False,
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": 10.0,
        "pool_recycle": 3600.0,
        "pool_idle_timeout": 60.0,
        "pool_pre_ping": False,
        "pool_leak_timeout": None,
        "max_queries": None,
        "retry_attempts": 0,
        "retry_delay": 0.1,
        "retry_backoff": 2.0,
        "retry_max_delay": 5.0,
        "connect_timeout": 10.0,
        "statement_timeout": 30.0,
        "lock_timeout": None,
        "idle_in_transaction_timeout": None,
        "busy_timeout": 5.0,
        "inline_budget": 0.0,
        "statement_cache_size": 100,
        "application_name": "covet",
        "server_settings": MappingProxyType[str, str]({}),
        "init_commands": (),
        "init": None,
        "echo": False,
        "echo_pool": False,
    }
)

_RENAMED: Final = {
    "username": "user",
    "command_timeout": "statement_timeout",
    "max_inactive_connection_lifetime": "pool_idle_timeout",
    "ssl_enabled": "ssl",
    "ssl_mode": "ssl",
    "ssl_ca_file": "ssl_ca",
    "ssl_cert_file": "ssl_cert",
    "ssl_key_file": "ssl_key",
}
_MILLISECONDS: Final = {
    "statement_timeout_ms": "statement_timeout",
    "lock_timeout_ms": "lock_timeout",
    "idle_in_transaction_session_timeout_ms": "idle_in_transaction_timeout",
}
_URLS: Final = ("url", "dsn", "connection_string")
_BOUNDS: Final = ("min_connections", "max_connections")
_SERVER_ONLY: Final = frozenset(
    {"host", "port", "user", "password", "schema", "ssl", "ssl_ca", "ssl_cert", "ssl_key", "lock_timeout"}
    | {"idle_in_transaction_timeout", "application_name", "server_settings", "target_session_attrs"}
    | {"transaction_pooler", "pool"}
)
_FILE_ONLY: Final = frozenset({"mode", "immutable", "busy_timeout", "inline_budget"})


def settings_of(given: Mapping[str, object]) -> dict[str, object]:
    """Return every setting: what was ``given``, checked and under its own name, and the defaults."""
    options = _one_spelling(given)
    engine = options.setdefault("engine", "postgresql")
    if not isinstance(engine, str) or engine.lower() not in ENGINES:
        raise ConfigurationError(f"engine={engine!r} is unknown. Choices: postgresql, sqlite.")
    options["engine"] = engine = ENGINES[engine.lower()]
    wrong = _SERVER_ONLY if engine == "sqlite" else _FILE_ONLY
    for name in options:
        if name in wrong and options[name] != DEFAULTS[name]:
            raise ConfigurationError(f"The option {name!r} means nothing to {engine}.")
    settings = dict(DEFAULTS)
    for name, value in options.items():
        settings[name] = CHECKS[name](name, value)
    if settings["pool"] is not None:
        settings["database"] = settings["database"] or "(that of the given pool)"
    if settings["immutable"]:
        settings["mode"] = "ro"
    if settings["ssl"] is None and (settings["ssl_ca"] is not None or settings["ssl_cert"] is not None):
        settings["ssl"] = True  # files of certificates are a wish for TLS
    _require(settings)
    if settings["transaction_pooler"]:
        _require_no_session_state(settings)
        settings["statement_cache_size"] = 0
    settings["hosts"] = hosts = _hosts(settings)
    settings["host"], settings["port"] = hosts[0] if hosts else (None, cast("tuple[int, ...]", settings["port"])[0])
    return settings


def _one_spelling(given: Mapping[str, object]) -> dict[str, object]:
    """Resolve the URL and the other names; refuse what is unknown or said twice."""
    result: dict[str, object] = {}
    spelled: dict[str, str] = {}
    for name, value in given.items():
        for target, resolved in _resolve(name, value):
            if target in result and result[target] != resolved:
                raise ConfigurationError(f"{spelled[target]} and {name} contradict each other about {target}.")
            result[target], spelled[target] = resolved, name
    for target, resolved in _pool_bounds(given).items():
        if target in result and result[target] != resolved:
            raise ConfigurationError(f"{spelled[target]} and max_connections contradict each other about {target}.")
        result[target] = resolved
    return result


def _resolve(name: str, value: object) -> Iterable[tuple[str, object]]:
    """Return the settings that one option stands for."""
    if name in DEFAULTS:
        return [(name, value)]
    if name in _URLS:
        if not isinstance(value, str):
            raise ConfigurationError(f"{name}= takes a text such as 'postgresql://user:password@localhost/name'.")
        return parse_url(value).items()
    if name in _MILLISECONDS:
        limit = seconds(name, value)
        return [(_MILLISECONDS[name], None if not limit else limit / 1000)]
    if name in _RENAMED:
        return [(_RENAMED[name], value)]
    if name in _BOUNDS:
        return []
    raise ConfigurationError(_unknown(name))


def _pool_bounds(given: Mapping[str, object]) -> dict[str, object]:
    if "max_connections" not in given and "min_connections" not in given:
        return {}
    default = count("pool_size", DEFAULTS["pool_size"])
    most = count("max_connections", given["max_connections"]) if "max_connections" in given else None
    least = count("min_connections", given.get("min_connections", min(default, most or default)))
    if most is None:
        return {"pool_size": max(least, 1)}
    if most < max(least, 1):
        raise ConfigurationError("max_connections is smaller than min_connections.")
    return {"pool_size": max(least, 1), "max_overflow": most - max(least, 1)}


def _unknown(name: str) -> str:
    known = [*DEFAULTS, *_URLS, *_RENAMED, *_MILLISECONDS, *_BOUNDS, "replace", "register"]
    near = get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"DatabaseConfig has no option {name!r}.{hint} Choices: {', '.join(sorted(known))}."


def _require(settings: Mapping[str, object]) -> None:
    """Refuse settings that are each in order and together are not."""
    if settings["database"] is None:
        example = "database='shop.db'" if settings["engine"] == "sqlite" else "database='shop'"
        raise ConfigurationError(f"DatabaseConfig needs a database: {example}, or url='...'.")
    if settings["ssl_key"] is not None and settings["ssl_cert"] is None:
        raise ConfigurationError("ssl_key is given without ssl_cert.")
    files = settings["ssl_ca"] is not None or settings["ssl_cert"] is not None
    if files and (settings["ssl"] in (False, "disable") or isinstance(settings["ssl"], ssl_module.SSLContext)):
        raise ConfigurationError("ssl_ca, ssl_cert and ssl_key need ssl=True or one of ssl='require', 'verify-full'.")


def _require_no_session_state(settings: Mapping[str, object]) -> None:
    """Refuse what lives in a session: behind a pooler in transaction mode the next statement is in another one."""
    cures = {
        "server_settings": "ALTER ROLE … SET",
        "lock_timeout": "ALTER ROLE … SET lock_timeout",
        "idle_in_transaction_timeout": "ALTER ROLE … SET idle_in_transaction_session_timeout",
        "init_commands": "ALTER ROLE … SET",
    }
    for name, cure in cures.items():
        if settings[name] != DEFAULTS[name]:
            raise ConfigurationError(
                f"{name}= belongs to a session, and transaction_pooler=True says that every transaction may be in "
                f"another one. Set it on the server: {cure}."
            )


def _hosts(settings: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    """Pair hosts and ports; one port is that of all."""
    hosts = cast("tuple[str, ...]", settings["host"])
    ports = cast("tuple[int, ...]", settings["port"])
    if len(ports) == 1:
        ports *= max(len(hosts), 1)
    if len(ports) != max(len(hosts), 1):
        raise ConfigurationError(f"{len(hosts)} hosts and {len(ports)} ports: give one port, or one for each host.")
    return tuple(zip(hosts, ports, strict=True)) if hosts else ()
