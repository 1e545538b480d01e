"""Checks of single options: (name, value) -> the value in its type, or a ConfigurationError. Pure.

A text may come from a URL, so numbers and flags are read from texts, too. Messages show no text values: one of them may
be a password.
"""

from __future__ import annotations

import math
import ssl as ssl_module
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, cast

from covet.exceptions import ConfigurationError

_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OPEN_MODES: Final = ("rwc", "rw", "ro")
_TARGETS: Final = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


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


def count(name: str, value: object) -> int:
    number = _number(name, value)
    if number != int(number) or number < 0:
        raise ConfigurationError(f"{name}= takes a whole number that is not negative.")
    return int(number)


def _positive_count(name: str, value: object) -> int:
    number = count(name, value)
    if number == 0:
        raise ConfigurationError(f"{name}= takes at least 1.")
    return number


def _ports(name: str, value: object) -> tuple[int, ...]:
    """One port, or one for each of several hosts."""
    ports = tuple(count(name, entry) for entry in _several(value))
    if not ports or not all(0 < port < 65536 for port in ports):  # noqa: PLR2004 - the range of a port
        raise ConfigurationError(f"{name}= takes a number between 1 and 65535.")
    return ports


def _host_names(name: str, value: object) -> tuple[str, ...]:
    """One host, or several: a list, or a text with commas."""
    if value is None:
        return ()
    return tuple(_required_text(name, entry) for entry in _several(value))


def _several(value: object) -> Iterable[object]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return cast("Iterable[object]", value) if isinstance(value, list | tuple) else [value]


def seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    number = _number(name, value)
    if number < 0:
        raise ConfigurationError(f"{name}= takes a time that is not negative; None turns the limit off.")
    return float(number) or None


def _wait(name: str, value: object) -> float:
    return seconds(name, value) or 0.0


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


def _target(name: str, value: object) -> str | None:
    if value is not None and value not in _TARGETS:
        raise ConfigurationError(f"{name}= takes one of: {', '.join(_TARGETS)}.")
    return value


def _optional_count(name: str, value: object) -> int | None:
    return None if value is None else count(name, value) or None


def _factor(name: str, value: object) -> float:
    factor = _number(name, value)
    if factor < 1:
        raise ConfigurationError(f"{name}= takes a factor of at least 1.")
    return factor


def _text_or_function(name: str, value: object) -> object:
    return value if callable(value) else _text(name, value)


def _function(name: str, value: object) -> object:
    if value is not None and not callable(value):
        raise ConfigurationError(f"{name}= takes a coroutine function that is given the driver's connection.")
    return value


def _anything(_name: str, value: object) -> object:
    return value


def _mapping(name: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name}= takes a dictionary of texts.")
    entries = cast("Mapping[object, object]", value).items()
    return MappingProxyType({_required_text(name, key): _text(name, entry) or "" for key, entry in entries})


def _commands(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{name}= takes a list of SQL texts.")
    return tuple(_required_text(name, entry) for entry in cast("Iterable[object]", value))


CHECKS: Mapping[str, Callable[[str, object], object]] = MappingProxyType(
    {
        "alias": _required_text,
        "engine": _required_text,
        "database": _path_or_name,
        "ssl": _ssl,
        "mode": _open_mode,
        "port": _ports,
        "host": _host_names,
        "password": _text_or_function,
        "target_session_attrs": _target,
        "pool": _anything,
        "init": _function,
        "max_queries": _optional_count,
        "retry_attempts": count,
        "retry_backoff": _factor,
        "pool_size": _positive_count,
        "max_overflow": count,
        "statement_cache_size": count,
        "busy_timeout": _wait,
        "inline_budget": _wait,
        "server_settings": _mapping,
        "init_commands": _commands,
        **dict.fromkeys(("user", "schema", "ssl_ca", "ssl_cert", "ssl_key"), _text),
        "application_name": _text,
        **dict.fromkeys(
            ("pool_timeout", "pool_recycle", "pool_idle_timeout", "pool_leak_timeout", "connect_timeout"), seconds
        ),
        **dict.fromkeys(("statement_timeout", "lock_timeout", "idle_in_transaction_timeout"), seconds),
        **dict.fromkeys(("retry_delay", "retry_max_delay"), _wait),
        **dict.fromkeys(("pool_pre_ping", "transaction_pooler", "immutable", "echo", "echo_pool"), _flag),
    }
)
