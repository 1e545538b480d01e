"""DatabaseConfig: the frozen settings of one database. Pure."""

from __future__ import annotations

import ssl as ssl_module
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn
from urllib.parse import quote

from typing_extensions import Unpack

from covet.database.config.options import Init, Options, Password, settings_of
from covet.database.config.registry import register

Engine = Literal["postgresql", "sqlite"]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class DatabaseConfig:
    """Settings of a database. Constructing it is the whole setup: nothing is opened before the first query.

    ::

        DATABASE = DatabaseConfig(host="localhost", database="shop", user="ann", password="…")
        DATABASE = DatabaseConfig(url="postgresql://ann:…@localhost:5432/shop")
        DATABASE = DatabaseConfig(url="sqlite:///shop.db")
        REPLICA = DatabaseConfig(url="postgresql://replica/shop", alias="replica")

    The settings are registered under ``alias``. Until the database was used they may be replaced by others; after
    that, other settings for the same alias need ``replace=True``. ``register=False`` makes a plain value.
    """

    alias: str
    engine: Engine
    #: The first host and its port.
    host: str | None
    port: int
    #: All hosts with their ports, in the order in which they are tried.
    hosts: tuple[tuple[str, int], ...]
    #: Name on a server; path or ``:memory:`` on SQLite.
    database: str
    user: str | None
    #: A text, or a function that is called for each connection.
    password: str | Password | None = field(repr=False)
    #: Schema that models without one of their own live in.
    schema: str | None
    #: True is ``verify-full``; None is the driver's ``prefer``, which accepts plain text.
    ssl: bool | str | ssl_module.SSLContext | None
    ssl_ca: str | None
    ssl_cert: str | None
    ssl_key: str | None
    #: Which of several hosts will do: ``any``, ``primary``, ``standby``, ``read-write``, ``read-only`` …
    target_session_attrs: str | None
    #: A pooler in transaction mode stands before the server: nothing is kept in a session.
    transaction_pooler: bool
    #: A pool of the driver, made and closed by somebody else.
    pool: object
    #: SQLite: ``rwc`` (may create the file), ``rw``, ``ro``.
    mode: str
    #: SQLite: nobody changes the file, so it is read without locks. It is opened as with ``mode="ro"``.
    immutable: bool
    #: Connections that stay open; on SQLite the most readers.
    pool_size: int
    #: Connections beyond ``pool_size`` while there is demand.
    max_overflow: int
    #: Seconds to wait for a free connection.
    pool_timeout: float | None
    #: Seconds after which a connection is renewed.
    pool_recycle: float | None
    #: Seconds without work after which a connection beyond ``pool_size`` is closed.
    pool_idle_timeout: float | None
    #: Ask an idle connection for a sign of life before it is used: one more round trip a statement.
    pool_pre_ping: bool
    #: Seconds after which a connection that is still in use is reported to the logger ``covet.pool``, with the place
    #: where it was taken.
    pool_leak_timeout: float | None
    #: Uses after which a connection is renewed.
    max_queries: int | None
    #: How often opening a connection is tried again if the server cannot be reached, and after which pauses.
    retry_attempts: int
    retry_delay: float
    retry_backoff: float
    retry_max_delay: float
    connect_timeout: float | None
    statement_timeout: float | None
    lock_timeout: float | None
    idle_in_transaction_timeout: float | None
    #: SQLite: seconds to wait for another writer.
    busy_timeout: float
    #: SQLite: seconds that a short read may take in the event loop; 0: all of them run on a thread.
    inline_budget: float
    statement_cache_size: int
    application_name: str | None
    server_settings: Mapping[str, str] = field(hash=False)
    #: SQL that is run on every new connection.
    init_commands: tuple[str, ...]
    #: Called with every new connection of the driver.
    init: Init | None
    #: Log every statement, without values, to the logger ``covet.sql``.
    echo: bool
    #: Log what the pool does to the logger ``covet.pool``.
    echo_pool: bool

    def __init__(self, url: str | None = None, **options: Unpack[Options]) -> None:
        given: dict[str, object] = dict(options)
        replace = bool(given.pop("replace", False))
        wanted = bool(given.pop("register", True))
        if url is not None:
            given["url"] = url
        for name, value in settings_of(given).items():
            object.__setattr__(self, name, value)
        if wanted:
            register(self, replace=replace)

    @property
    def address(self) -> str:
        """Where the database is, for messages: ``db.example:5432``, a socket folder, or a file."""
        if self.engine == "sqlite":
            return self.database
        if self.host is not None and self.host.startswith("/"):
            return self.host
        return ",".join(f"{_bracketed(host)}:{port}" for host, port in self.hosts) or f"localhost:{self.port}"

    @property
    def safe_url(self) -> str:
        """The URL of the database with ``***`` for the password."""
        if self.engine == "sqlite":
            return "sqlite://" if self.database == ":memory:" else f"sqlite:///{quote(self.database)}"
        user = quote(self.user, safe="") if self.user else ""
        credentials = f"{user}{':***' if self.password else ''}@" if user or self.password else ""
        if self.host is not None and self.host.startswith("/"):
            return f"postgresql://{credentials}/{quote(self.database, safe='')}?host={quote(self.host)}"
        return f"postgresql://{credentials}{self.address}/{quote(self.database, safe='')}"

    def get_dsn_masked(self) -> str:
        """Return ``safe_url``."""
        return self.safe_url

    def __repr__(self) -> str:
        return f"DatabaseConfig({self.safe_url!r}, alias={self.alias!r})"

    def __copy__(self) -> DatabaseConfig:
        return self

    def __deepcopy__(self, memo: object) -> DatabaseConfig:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A DatabaseConfig holds a password and is not pickled. Make it anew from its URL.")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
