"""DatabaseConfig: what may be given, what it becomes, and that it never shows the password."""

from __future__ import annotations

import copy
import pickle
import ssl
from collections.abc import Iterator

import pytest

from covet.database.config import DatabaseConfig, config_for, forget, mark_used
from covet.exceptions import ConfigurationError


@pytest.fixture(autouse=True)
def forget_databases() -> Iterator[None]:
    yield
    forget()


def test_keywords_of_a_server():
    config = DatabaseConfig(host="localhost", database="db", user="user", password="pass")
    assert (config.engine, config.host, config.port, config.database) == ("postgresql", "localhost", 5432, "db")
    assert (config.user, config.password, config.alias) == ("user", "pass", "default")
    assert config_for("default") is config


@pytest.mark.parametrize("name", ["url", "dsn", "connection_string"])
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_url_of_a_server(name: str, scheme: str):
    config = DatabaseConfig(**{name: f"{scheme}://ann:p%40s%2Fs%3A@db.example:6432/my%20shop?sslmode=require"})  # type: ignore[arg-type]  # one of three names
    assert (config.user, config.password, config.host, config.port) == ("ann", "p@s/s:", "db.example", 6432)
    assert (config.database, config.ssl) == ("my shop", "require")


def test_url_with_a_unix_socket_and_with_ipv6():
    socket = DatabaseConfig("postgresql://ann@/shop?host=/var/run/postgresql&port=5433")
    assert (socket.host, socket.port, socket.address) == ("/var/run/postgresql", 5433, "/var/run/postgresql")
    six = DatabaseConfig("postgresql://ann@[::1]:5433/shop")
    assert (six.host, six.port) == ("::1", 5433)


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("sqlite:///relative.db", "relative.db"),
        ("sqlite:////srv/abs.db", "/srv/abs.db"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite://", ":memory:"),
        ("sqlite+aiosqlite:///a%3Fb%23c.db", "a?b#c.db"),
    ],
)
def test_url_of_sqlite(url: str, database: str):
    config = DatabaseConfig(url)
    assert (config.engine, config.database) == ("sqlite", database)
    assert DatabaseConfig(engine="sqlite", database=database) == config


def test_defaults_are_the_documented_ones():
    config = DatabaseConfig(database="db")
    assert (config.pool_size, config.max_overflow, config.pool_timeout, config.pool_recycle) == (5, 10, 10, 3600)
    assert (config.connect_timeout, config.statement_timeout, config.pool_pre_ping) == (10, 30, False)


def test_none_turns_a_limit_off():
    config = DatabaseConfig(database="db", statement_timeout=None, pool_timeout=None)
    assert config.statement_timeout is None
    assert config.pool_timeout is None


def test_names_of_other_layers_mean_the_same():
    config = DatabaseConfig(
        database="db",
        username="ann",
        min_connections=2,
        max_connections=7,
        command_timeout=3,
        max_inactive_connection_lifetime=9,
        ssl_mode="require",
        lock_timeout_ms=1500,
        idle_in_transaction_session_timeout_ms=2500,
    )
    assert (config.user, config.pool_size, config.max_overflow) == ("ann", 2, 5)
    assert (config.statement_timeout, config.pool_idle_timeout, config.ssl) == (3, 9, "require")
    assert (config.lock_timeout, config.idle_in_transaction_timeout) == (1.5, 2.5)
    assert DatabaseConfig(database="db", statement_timeout_ms=250).statement_timeout == 0.25
    assert DatabaseConfig(database="db", max_connections=3).pool_size == 3


def test_several_hosts_have_a_port_each_or_one_for_all():
    config = DatabaseConfig("postgresql://ann:geheim@a,b:6432,[::1]:7000/shop?target_session_attrs=read-write")
    assert config.hosts == (("a", 5432), ("b", 6432), ("::1", 7000))
    assert (config.host, config.port, config.target_session_attrs) == ("a", 5432, "read-write")
    assert config.address == "a:5432,b:6432,[::1]:7000"
    assert config.safe_url == "postgresql://ann:***@a:5432,b:6432,[::1]:7000/shop"
    assert DatabaseConfig(host="a, b", port=1, database="shop", alias="2").hosts == (("a", 1), ("b", 1))
    assert DatabaseConfig(host=["a", "b"], port=[1, 2], database="shop", alias="3").hosts == (("a", 1), ("b", 2))
    assert DatabaseConfig(database="shop", alias="4").hosts == ()


def test_file_of_certificates_is_a_wish_for_a_full_verification():
    assert DatabaseConfig(database="shop", ssl_ca="ca.pem").ssl is True
    assert DatabaseConfig("postgresql://h/a?sslrootcert=ca.pem", alias="2").ssl is True
    assert DatabaseConfig("postgresql://h/a?sslrootcert=ca.pem&sslmode=verify-ca", alias="3").ssl == "verify-ca"


def test_transaction_pooler_keeps_no_prepared_statements():
    config = DatabaseConfig("postgresql://h/a?transaction_pooler=true")
    assert config.transaction_pooler
    assert config.statement_cache_size == 0


def test_immutable_file_is_opened_for_reading():
    config = DatabaseConfig("sqlite:///a.db?immutable=1")
    assert (config.immutable, config.mode) == (True, "ro")


def test_retries_and_uses_of_a_connection():
    config = DatabaseConfig(database="db", max_queries=500, retry_attempts=3, retry_delay=1, retry_max_delay=9)
    assert (config.max_queries, config.retry_attempts, config.retry_delay) == (500, 3, 1)
    assert (config.retry_backoff, config.retry_max_delay) == (2, 9)
    assert DatabaseConfig(database="db", alias="2").max_queries is None


def test_password_function_is_never_called_or_shown_by_the_settings():
    def password() -> str:
        raise AssertionError

    config = DatabaseConfig("postgresql://ann@h/a", password=password)
    assert config.safe_url == "postgresql://ann:***@h:5432/a"
    assert "password" not in repr(config)


WRONG = [
    ({"database": "db", "pool_sise": 1}, "no option 'pool_sise'. Did you mean 'pool_size'"),
    ({"database": "db", "retry_attempts": -1}, "retry_attempts= takes a whole number that is not negative"),
    ({"database": "db", "retry_backoff": 0.5}, "retry_backoff= takes a factor of at least 1"),
    ({"database": "db", "init": "SET x"}, "init= takes a coroutine function"),
    ({"database": "db", "password": 5}, "password= takes a text, not int"),
    ({"database": "db", "target_session_attrs": "master"}, "takes one of: any, primary, standby, prefer-standby"),
    ({"database": "db", "host": ["a", "b"], "port": [1, 2, 3]}, "2 hosts and 3 ports: give one port, or one for each"),
    ({"database": "db", "host": ["a", ""]}, "host= is empty"),
    ({"database": "db", "transaction_pooler": True, "init_commands": ["SET x = 1"]}, "belongs to a session"),
    ({"database": "db", "transaction_pooler": True, "lock_timeout": 1}, "ALTER ROLE … SET lock_timeout"),
    (
        {"database": "db", "engine": "sqlite", "transaction_pooler": True},
        "'transaction_pooler' means nothing to sqlite",
    ),
    ({"database": "db", "immutable": True}, "'immutable' means nothing to postgresql"),
    ({"url": "postgresql://a,/c"}, "a comma among the hosts, with nothing beside it"),
    ({}, "needs a database"),
    ({"database": ""}, "database= is empty"),
    ({"database": 5}, "database= takes a text or a path, not int"),
    ({"database": "a\0b"}, "database= holds a NUL"),
    ({"database": "db", "port": 0}, "port= takes a number between 1 and 65535"),
    ({"database": "db", "port": "5432x"}, "port= takes a number"),
    ({"database": "db", "pool_size": 0}, "pool_size= takes at least 1"),
    ({"database": "db", "pool_size": 1.5}, "pool_size= takes a whole number"),
    ({"database": "db", "pool_size": True}, "pool_size= takes a number, not bool"),
    ({"database": "db", "pool_timeout": -1}, "pool_timeout= takes a time that is not negative"),
    ({"database": "db", "pool_timeout": float("nan")}, "pool_timeout= takes a number"),
    ({"database": "db", "echo": 1}, "echo= takes True or False"),
    ({"database": "db", "ssl": "verify"}, "ssl= takes True, False, an SSLContext or one of: disable"),
    ({"database": "db", "ssl": False, "ssl_ca": "ca.pem"}, "need ssl=True"),
    ({"database": "db", "ssl": True, "ssl_key": "key.pem"}, "without ssl_cert"),
    ({"database": "db", "server_settings": "x"}, "server_settings= takes a dictionary"),
    ({"database": "db", "init_commands": "SET x"}, "init_commands= takes a list"),
    ({"database": "db", "engine": "oracle"}, "engine='oracle' is unknown. Choices: postgresql, sqlite"),
    ({"database": "db", "engine": "sqlite", "host": "x"}, "'host' means nothing to sqlite"),
    ({"database": "db", "mode": "ro"}, "'mode' means nothing to postgresql"),
    ({"url": "postgresql://h/a", "database": "b"}, "contradict each other about database"),
    ({"url": "postgresql://h/a", "dsn": "postgresql://i/a"}, "contradict each other about host"),
    ({"database": "db", "min_connections": 9, "max_connections": 3}, "smaller than min_connections"),
    ({"url": "mysql://h/a"}, "Unknown scheme 'mysql'"),
    ({"url": "postgre://h/a"}, "Did you mean 'postgres'"),
    ({"url": "postgresql+psycopg://h/a"}, "Write postgresql:// or postgresql+asyncpg://"),
    ({"url": "shop.db"}, "starts with postgresql:// or sqlite:///"),
    ({"url": "sqlite://shop.db"}, "three slashes"),
    ({"url": "postgresql://h/a?sslmod=require"}, "Unknown option 'sslmod' in the database URL. Did you mean 'sslmode'"),
    ({"url": "postgresql://h/a?passfile=x"}, "Unknown option 'passfile'"),
    ({"url": "sqlite:///a.db?cache=shared"}, "Unknown option 'cache'"),
    ({"url": "postgresql://h/a?port=1&port=2"}, "stands twice"),
    ({"url": "postgresql://h/a?x"}, "not name=value pairs"),
    ({"url": "postgresql://h:99999/a"}, "not a number between 1 and 65535"),
    ({"url": "postgresql://[::1/c"}, "not closed"),
    ({"url": "postgresql://h/a/b"}, "holds a '/'"),
    ({"url": "postgresql://h/a#b"}, "Write it as %23"),
    ({"url": 5}, "url= takes a text"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_option_is_a_configuration_error_that_names_it(options: dict, message: str):
    with pytest.raises(ConfigurationError) as caught:
        DatabaseConfig(**options)
    assert message in str(caught.value)
    assert config_for("default") is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:geheim@h@h/a",
        "postgresql://ann:geheim%FF@h/a",
        "postgresql://ann:geheim%00@h/a",
        "postgresql://ann:geheim@h:port/a",
        "postgresql://h:geheim/a",
        "postgresql://ann:geheim@h/a?password=geheim",
        "postgresql://ann:geheim@h/a?geheim",
        "geheim://h/a:geheim@",
        "postgresql://ann:geheim@h/a b\0",
    ],
)
def test_errors_of_a_url_hold_nothing_of_the_password(url: str):
    with pytest.raises(ConfigurationError) as caught:
        DatabaseConfig(url)
    error: BaseException | None = caught.value
    while error is not None:
        if not str(error).startswith("Unknown scheme"):  # a scheme is no secret
            assert "geheim" not in str(error)
        error = None if error.__suppress_context__ else error.__context__


def test_password_is_never_shown():
    config = DatabaseConfig("postgresql://ann:geheim@h/a", server_settings={"x": "y"})
    assert config.safe_url == config.get_dsn_masked() == "postgresql://ann:***@h:5432/a"
    assert "geheim" not in f"{config!r} {config!s} {config.safe_url} {config.address}"
    with pytest.raises(TypeError, match="password"):
        pickle.dumps(config)
    assert copy.deepcopy(config) is config


def test_registering_equal_settings_changes_nothing():
    first = DatabaseConfig("sqlite:///a.db")
    mark_used("default")
    DatabaseConfig("sqlite:///a.db")
    assert config_for("default") is first


def test_other_settings_for_a_used_alias_need_replace():
    DatabaseConfig("sqlite:///a.db")
    second = DatabaseConfig("sqlite:///b.db")
    assert config_for("default") is second
    mark_used("default")
    with pytest.raises(ConfigurationError, match="already open"):
        DatabaseConfig("sqlite:///c.db")
    third = DatabaseConfig("sqlite:///c.db", replace=True)
    assert config_for("default") is third


def test_plain_value_is_not_registered():
    config = DatabaseConfig("sqlite:///a.db", register=False)
    assert config_for("default") is None
    assert config.database == "a.db"
    assert hash(config) == hash(DatabaseConfig("sqlite:///a.db", register=False))


def test_aliases_are_apart():
    DatabaseConfig("sqlite:///a.db")
    replica = DatabaseConfig("sqlite:///b.db", alias="replica")
    assert config_for("replica") is replica
    assert config_for("default") is not replica


def test_ssl_takes_a_context():
    context = ssl.create_default_context()
    assert DatabaseConfig(database="db", ssl=context).ssl is context
