"""Database URLs: text -> a dictionary of options. Pure.

The URL is parsed here and not by the driver, for two reasons: a driver's parse error may print the password, and a
driver accepts query options (``passfile``, ``service``) that a URL from a configuration file should not smuggle in.
No message of this module holds any text of the user-and-password part.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, unquote

from covet.exceptions import ConfigurationError

#: Scheme (without the ``+driver`` part) -> engine.
ENGINES: Mapping[str, str] = MappingProxyType(
    {"postgresql": "postgresql", "postgres": "postgresql", "sqlite": "sqlite", "sqlite3": "sqlite"}
)
#: The driver names that may follow the scheme: they are the ones in use anyway.
DRIVERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"postgresql": frozenset({"asyncpg"}), "sqlite": frozenset({"aiosqlite"})}
)
DEFAULT_PORT: Final = 5432
#: Query option -> option of DatabaseConfig, for each engine.
QUERY_OPTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "postgresql": MappingProxyType(
            {
                "host": "host",
                "port": "port",
                "user": "user",
                "sslmode": "ssl",
                "ssl": "ssl",
                "sslrootcert": "ssl_ca",
                "sslcert": "ssl_cert",
                "sslkey": "ssl_key",
                "connect_timeout": "connect_timeout",
                "application_name": "application_name",
                "schema": "schema",
                "statement_timeout": "statement_timeout",
                "lock_timeout": "lock_timeout",
                "statement_cache_size": "statement_cache_size",
                "prepared_statement_cache_size": "statement_cache_size",
                "pool_size": "pool_size",
                "max_overflow": "max_overflow",
                "pool_timeout": "pool_timeout",
                "pool_recycle": "pool_recycle",
                "pool_pre_ping": "pool_pre_ping",
                "target_session_attrs": "target_session_attrs",
                "transaction_pooler": "transaction_pooler",
                "command_timeout": "statement_timeout",
            }
        ),
        "sqlite": MappingProxyType(
            {
                "mode": "mode",
                "immutable": "immutable",
                "timeout": "busy_timeout",
                "busy_timeout": "busy_timeout",
                "inline_budget": "inline_budget",
                "pool_size": "pool_size",
                "pool_timeout": "pool_timeout",
                "statement_cache_size": "statement_cache_size",
                "statement_timeout": "statement_timeout",
            }
        ),
    }
)


def parse_url(url: str) -> dict[str, object]:
    """Return the options that ``url`` stands for.

    >>> parse_url("postgresql://ann:s%40crt@db.example:6432/shop?sslmode=require")["port"]
    6432
    >>> parse_url("sqlite:////srv/shop.db")["database"]
    '/srv/shop.db'
    """
    if "\x00" in url:
        raise ConfigurationError("The database URL holds a NUL character.")
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ConfigurationError(
            "A database URL starts with postgresql:// or sqlite:///, for instance "
            "postgresql://user:password@localhost:5432/name or sqlite:///file.db."
        )
    engine = _engine(scheme)
    rest, _, query = rest.partition("?")
    if "#" in rest or "#" in query:
        raise ConfigurationError("The database URL holds a '#'. Write it as %23.")
    options = _sqlite(rest) if engine == "sqlite" else _server(rest)
    options["engine"] = engine
    _add_query(options, engine, query)
    return options


def _engine(scheme: str) -> str:
    name, _, driver = scheme.lower().partition("+")
    engine = ENGINES.get(name)
    if engine is None:
        choices = ", ".join(sorted(ENGINES))
        if not name.isidentifier():
            raise ConfigurationError(f"The scheme of the database URL is unreadable. Choices: {choices}.")
        near = get_close_matches(name, ENGINES, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"Unknown scheme {name!r} in the database URL.{hint} Choices: {choices}.")
    if driver and driver not in DRIVERS[engine]:
        known = ", ".join(f"{name}+{known}" for known in sorted(DRIVERS[engine]))
        raise ConfigurationError(f"Unknown driver in the scheme of the database URL. Write {name}:// or {known}://.")
    return engine


def _sqlite(rest: str) -> dict[str, object]:
    """``/relative.db``, ``//absolute.db``, ``/:memory:`` and nothing at all (memory)."""
    if rest and not rest.startswith("/"):
        raise ConfigurationError(
            "An SQLite URL has three slashes before a relative path and four before an absolute one: "
            "sqlite:///file.db, sqlite:////srv/file.db, sqlite:///:memory:."
        )
    return {"database": _decode(rest[1:], "path") or ":memory:"}


def _server(rest: str) -> dict[str, object]:
    authority, _, path = rest.partition("/")
    credentials, at, address = authority.rpartition("@")
    options: dict[str, object] = {}
    if at:
        if "@" in credentials:
            raise ConfigurationError(
                "The database URL holds more than one '@' before the host. Write an '@' in a password as %40."
            )
        user, colon, password = credentials.partition(":")
        if user:
            options["user"] = _decode(user, "user name")
        if colon:
            options["password"] = _decode(password, "password")
    if address:
        options.update(_address(address))
    if path:
        if "/" in path:
            raise ConfigurationError("The database name in the URL holds a '/'. Write it as %2F.")
        options["database"] = _decode(path, "database name")
    return options


def _address(address: str) -> dict[str, object]:
    if "," in address:
        several = [_address(part) for part in address.split(",")]
        if not all("host" in part for part in several):
            raise ConfigurationError("The database URL has a comma among the hosts, with nothing beside it.")
        return {
            "host": tuple(part["host"] for part in several),
            "port": tuple(part.get("port", DEFAULT_PORT) for part in several),
        }
    if address.startswith("["):
        host, bracket, port = address[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ConfigurationError("The IPv6 address in the database URL is not closed by ']'.")
        port = port[1:]
    else:
        host, _, port = address.partition(":")
    options: dict[str, object] = {}
    if host:
        options["host"] = _decode(host, "host")
    if port:
        options["port"] = port_number(port)
    return options


def port_number(text: str) -> int:
    """Read a port; the text itself is not shown, for it may be the tail of a password with an unescaped '@'."""
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:6]) < 65536:  # noqa: PLR2004 - the range of a port
        raise ConfigurationError("The port in the database URL is not a number between 1 and 65535.")
    return int(text)


def _add_query(options: dict[str, object], engine: str, query: str) -> None:
    known = QUERY_OPTIONS[engine]
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError:
        raise ConfigurationError("The options after '?' in the database URL are not name=value pairs.") from None
    for name, value in pairs:
        target = known.get(name)
        if target is None:
            near = get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(
                f"Unknown option {name!a} in the database URL.{hint} Choices: {', '.join(sorted(known))}."
            )
        if target in options and target != "host":
            raise ConfigurationError(f"The option {name!r} stands twice in the database URL.")
        options[target] = port_number(value) if target == "port" else value


def _decode(text: str, part: str) -> str:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:  # its own text would show the part
        raise ConfigurationError(f"The {part} in the database URL has %-escapes that are not UTF-8.") from None
    if "\x00" in decoded:
        raise ConfigurationError(f"The {part} in the database URL holds a NUL character.")
    return decoded
