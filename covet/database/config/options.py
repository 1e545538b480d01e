"""Options of DatabaseConfig: what may be given -> checked settings. Pure.

Three spellings lead to one set of settings: the keywords of the class, the parts of a URL, and the names that other
database layers use for the same thing (``username``, ``min_connections``, ``command_timeout`` …).
"""

from __future__ import annotations

import math
import ssl as ssl_module
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final, cast

from typing_extensions import TypedDict

from covet.database.config.url import ENGINES, parse_url
from covet.exceptions import ConfigurationError


class Options(TypedDict, total=False):
    """Every keyword that DatabaseConfig understands. Seconds may be None: no limit."""

    alias: str
    replace: bool
    register: bool
    engine: str
    host: str
    port: int
    database: str
    user: str
    password: str
    schema: str
    ssl: bool | str | ssl_module.SSLContext
    ssl_ca: str
    ssl_cert: str
    ssl_key: str
    mode: str
    pool_size: int
    max_overflow: int
    pool_timeout: float | None
    pool_recycle: float | None
    pool_idle_timeout: float | None
    pool_pre_ping: bool
    connect_timeout: float | None
    statement_timeout: float | None
    lock_timeout: float | None
    idle_in_transaction_timeout: float | None
    busy_timeout: float
    statement_cache_size: int
    application_name: str
    server_settings: Mapping[str, str]
    init_commands: Iterable[str]
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
        "host": None,
        "port": 5432,
        "database": None,
        "user": None,
        "password": None,
        "schema": None,
        "ssl": None,
        "ssl_ca": None,
        "ssl_cert": None,
        "ssl_key": None,
        "mode": "rwc",
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": 10.0,
        "pool_recycle": 3600.0,
        "pool_idle_timeout": 60.0,
        "pool_pre_ping": False,
        "connect_timeout": 10.0,
        "statement_timeout": 30.0,
        "lock_timeout": None,
        "idle_in_transaction_timeout": None,
        "busy_timeout": 5.0,
        "statement_cache_size": 100,
        "application_name": "covet",
        "server_settings": MappingProxyType[str, str]({}),
        "init_commands": (),
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
_REFUSED: Final = {
    "max_queries": "connections are renewed by age: pool_recycle=seconds",
    "retry_attempts": "a failed connection is reported at once; errors say whether they are .retryable",
    "retry_delay": "a failed connection is reported at once; errors say whether they are .retryable",
    "retry_backoff": "a failed connection is reported at once; errors say whether they are .retryable",
    "retry_max_delay": "a failed connection is reported at once; errors say whether they are .retryable",
}
_SERVER_ONLY: Final = frozenset(
    {"host", "port", "user", "password", "schema", "ssl", "ssl_ca", "ssl_cert", "ssl_key", "lock_timeout"}
    | {"idle_in_transaction_timeout", "application_name", "server_settings"}
)
_FILE_ONLY: Final = frozenset({"mode", "busy_timeout"})
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OPEN_MODES: Final = ("rwc", "rw", "ro")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


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
        settings[name] = _CHECKS[name](name, value)
    _require(settings)
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
        seconds = _seconds(name, value)
        return [(_MILLISECONDS[name], None if not seconds else seconds / 1000)]
    if name in _RENAMED:
        return [(_RENAMED[name], value)]
    if name in _BOUNDS:
        return []
    raise ConfigurationError(_unknown(name))


def _pool_bounds(given: Mapping[str, object]) -> dict[str, object]:
    if "max_connections" not in given and "min_connections" not in given:
        return {}
    default = _count("pool_size", DEFAULTS["pool_size"])
    most = _count("max_connections", given["max_connections"]) if "max_connections" in given else None
    least = _count("min_connections", given.get("min_connections", min(default, most or default)))
    if most is None:
        return {"pool_size": max(least, 1)}
    if most < max(least, 1):
        raise ConfigurationError("max_connections is smaller than min_connections.")
    return {"pool_size": max(least, 1), "max_overflow": most - max(least, 1)}


def _unknown(name: str) -> str:
    if name in _REFUSED:
        return f"The option {name!r} is not supported: {_REFUSED[name]}."
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
    if files and (settings["ssl"] in (False, None, "disable") or isinstance(settings["ssl"], ssl_module.SSLContext)):
        raise ConfigurationError("ssl_ca, ssl_cert and ssl_key need ssl=True or one of ssl='require', 'verify-full'.")


# Checks: (name, value) -> value in its type. A text comes from a URL. Messages show no text values.


def _text(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}= takes a text, not {type(value).__name__}.")
    if "\x00" in value:
        raise ConfigurationError(f"{name}= holds a NUL character.")
    return str(value)


def _required_text(name: str, value: object) -> str:
    text = _text(name, value)
    if not text:
        raise ConfigurationError(f"{name}= is empty.")
    return text


def _path_or_name(name: str, value: object) -> str:
    return _required_text(name, value if isinstance(value, str) else _fspath(name, value))


def _fspath(name: str, value: object) -> str:
    path = getattr(value, "__fspath__", None)
    if path is None:
        raise ConfigurationError(f"{name}= takes a text or a path, not {type(value).__name__}.")
    return str(value)


def _number(name: str, value: object) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ConfigurationError(f"{name}= takes a number.") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigurationError(f"{name}= takes a number, not {type(value).__name__}.")
    return value


def _count(name: str, value: object) -> int:
    number = _number(name, value)
    if number != int(number) or number < 0:
        raise ConfigurationError(f"{name}= takes a whole number that is not negative.")
    return int(number)


def _positive_count(name: str, value: object) -> int:
    count = _count(name, value)
    if count == 0:
        raise ConfigurationError(f"{name}= takes at least 1.")
    return count


def _port(name: str, value: object) -> int:
    port = _count(name, value)
    if not 0 < port < 65536:  # noqa: PLR2004 - the range of a port
        raise ConfigurationError(f"{name}= takes a number between 1 and 65535.")
    return port


def _seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    number = _number(name, value)
    if number < 0:
        raise ConfigurationError(f"{name}= takes a time that is not negative; None turns the limit off.")
    return float(number) or None


def _wait(name: str, value: object) -> float:
    return _seconds(name, value) or 0.0


def _flag(name: str, value: object) -> bool:
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}= takes True or False.")
    return value


def _ssl(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | ssl_module.SSLContext):
        return value
    if isinstance(value, str):
        lowered = value.lower()
        if lowered in _TRUE | _FALSE:
            return lowered in _TRUE
        if lowered in _SSL_MODES:
            return lowered
    raise ConfigurationError(f"{name}= takes True, False, an SSLContext or one of: {', '.join(_SSL_MODES)}.")


def _open_mode(name: str, value: object) -> str:
    if value not in _OPEN_MODES:
        raise ConfigurationError(f"{name}= takes one of: {', '.join(_OPEN_MODES)}.")
    return str(value)


def _mapping(name: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name}= takes a dictionary of texts.")
    entries = cast("Mapping[object, object]", value).items()
    return MappingProxyType({_required_text(name, key): _text(name, entry) or "" for key, entry in entries})


def _commands(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{name}= takes a list of SQL texts.")
    return tuple(_required_text(name, entry) for entry in cast("Iterable[object]", value))


_CHECKS: Mapping[str, Callable[[str, object], object]] = MappingProxyType(
    {
        "alias": _required_text,
        "engine": _required_text,
        "database": _path_or_name,
        "ssl": _ssl,
        "mode": _open_mode,
        "port": _port,
        "pool_size": _positive_count,
        "max_overflow": _count,
        "statement_cache_size": _count,
        "busy_timeout": _wait,
        "server_settings": _mapping,
        "init_commands": _commands,
        **dict.fromkeys(("host", "user", "password", "schema", "ssl_ca", "ssl_cert", "ssl_key"), _text),
        "application_name": _text,
        **dict.fromkeys(("pool_timeout", "pool_recycle", "pool_idle_timeout", "connect_timeout"), _seconds),
        **dict.fromkeys(("statement_timeout", "lock_timeout", "idle_in_transaction_timeout"), _seconds),
        **dict.fromkeys(("pool_pre_ping", "echo", "echo_pool"), _flag),
    }
)
