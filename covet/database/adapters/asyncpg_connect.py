"""Opening a connection to PostgreSQL: hosts, TLS, passwords, settings, another try."""

from __future__ import annotations

import asyncio
import random
import ssl
from typing import Any, Literal, TypeAlias, cast

import asyncpg

from covet.database.adapters.setup import Secret, password_of
from covet.database.config import DatabaseConfig
from covet.database.dialects.postgresql.errors import error_class
from covet.exceptions import ConfigurationError, ConnectionLost, DatabaseError, InterfaceError, OperationalError

SSLArgument: TypeAlias = ssl.SSLContext | bool | Literal["allow", "prefer"] | None
Address: TypeAlias = tuple[str, int]


async def connect(config: DatabaseConfig) -> asyncpg.Connection[Any]:
    """Open a connection to the first host that will do; if none can be reached, try again as often as configured."""
    pause = config.retry_delay
    for attempts_left in range(config.retry_attempts, -1, -1):
        try:
            return await _connect_to_any(config)
        except ConnectionLost:
            if not attempts_left:
                raise
        # Different pauses, lest all connections of a pool come back at the same moment.
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - is no secret
        pause = min(pause * config.retry_backoff, config.retry_max_delay)
    raise AssertionError  # not reached: the last round returns or raises


async def _connect_to_any(config: DatabaseConfig) -> asyncpg.Connection[Any]:
    password = await password_of(config)
    tls = ssl_argument(config)
    hosts = config.hosts or (("localhost", config.port),)
    error: DatabaseError | None = None
    # Host by host and not by the driver: so connect_timeout is that of one host, and a dead one only delays.
    for wanted in _targets(config):
        for address in hosts:
            try:
                return await _connect_to(config, address, password, tls, wanted)
            except DatabaseError as exc:
                if not isinstance(exc, ConnectionLost):
                    raise
                error = exc
    assert error is not None  # noqa: S101 - there is at least one host and one target
    raise error


def _targets(config: DatabaseConfig) -> tuple[str | None, ...]:
    if config.target_session_attrs == "prefer-standby":
        return ("standby", "any")
    return (config.target_session_attrs,)


async def _connect_to(
    config: DatabaseConfig, address: Address, password: Secret, tls: SSLArgument, wanted: str | None
) -> asyncpg.Connection[Any]:
    host, port = address
    try:
        return await asyncpg.connect(
            host=host,
            port=port,
            user=config.user,
            password=password.reveal(),
            database=config.database,
            timeout=cast("float", config.connect_timeout),  # None is no limit, which the stubs do not know
            command_timeout=config.statement_timeout,
            statement_cache_size=config.statement_cache_size,
            ssl=tls,
            server_settings=server_settings(config),
            target_session_attrs=cast("Any", wanted),  # the stubs want an enumeration, the driver a text
        )
    except Exception as exc:
        _forget_frames(exc)
        raise _unreachable(config, address, wanted, exc) from exc


def _forget_frames(exc: BaseException) -> None:
    """Take the driver's frames away: the password is among their variables."""
    link: BaseException | None = exc
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


def ssl_argument(config: DatabaseConfig) -> SSLArgument:
    """Return what asyncpg is told about TLS. ``True`` means that the certificate and the host name are verified."""
    mode = config.ssl
    if mode is None or isinstance(mode, ssl.SSLContext):
        return mode
    if mode is False or mode == "disable":
        return False
    if mode in ("allow", "prefer") and config.ssl_ca is None:
        return mode
    try:
        context = ssl.create_default_context(cafile=config.ssl_ca)
        if config.ssl_cert is not None:
            context.load_cert_chain(config.ssl_cert, config.ssl_key)
    except OSError as exc:  # ssl.SSLError is one, too
        raise ConfigurationError(
            f"A file of ssl_ca=, ssl_cert= or ssl_key= of {config.alias!r} cannot be used: {_reason(exc)}."
        ) from exc
    context.check_hostname = mode in (True, "verify-full")
    if mode not in (True, "verify-full", "verify-ca") and config.ssl_ca is None:
        context.verify_mode = ssl.CERT_NONE  # libpq's "require": encrypted, not verified, unless there is a CA file
    return context


def server_settings(config: DatabaseConfig) -> dict[str, str]:
    """Return the settings that a session starts with."""
    settings = dict(config.server_settings)
    if config.application_name:
        settings.setdefault("application_name", config.application_name)
    if config.lock_timeout is not None:
        settings.setdefault("lock_timeout", str(round(config.lock_timeout * 1000)))
    if config.idle_in_transaction_timeout is not None:
        limit = str(round(config.idle_in_transaction_timeout * 1000))
        settings.setdefault("idle_in_transaction_session_timeout", limit)
    return settings


def _unreachable(config: DatabaseConfig, address: Address, wanted: str | None, exc: Exception) -> DatabaseError:
    """Say where no connection was to be had, and why, but nothing that identifies the user."""
    host, port = address
    place = host if host.startswith("/") else f"{host}:{port}"
    where = f"Cannot connect to PostgreSQL at {place}, database {config.database!r}"
    kind: type[DatabaseError] = ConnectionLost
    sqlstate: str | None = None
    match exc:
        case TimeoutError():
            reason = f"no answer within {config.connect_timeout:g} s"
        case asyncpg.PostgresError() if exc.severity is not None:
            kind, reason, sqlstate = error_class(exc.sqlstate), str(exc), exc.sqlstate
        case asyncpg.TargetServerAttributeNotMatched():
            reason = f"it is not what target_session_attrs={wanted!r} asks for"
        case ssl.SSLCertVerificationError():
            kind = OperationalError
            reason = f"its certificate was not accepted ({exc.verify_message}); ssl_ca= names the file of its authority"
        case ConnectionError() if "SSL" in str(exc):  # asyncpg's own, for a server that answers "no" to TLS
            kind, reason = OperationalError, f"it offers no TLS, which ssl={config.ssl!r} asks for"
        case OSError():
            reason = _reason(exc)
        case _:
            kind = ConnectionLost if isinstance(exc, asyncpg.PostgresError) else InterfaceError
            reason = type(exc).__name__
    return kind(f"{where}: {reason}.", sqlstate=sqlstate)


def _reason(exc: OSError) -> str:
    if exc.strerror and exc.errno and exc.errno > 0:
        return exc.strerror
    return type(exc).__name__ if not exc.args else str(exc.args[-1])
