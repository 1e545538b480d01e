"""TLS: every mode against a server with a certificate that the test has made.

The server of the tests is built without TLS. So a proxy in front of it speaks it, as pgbouncer or a cloud's does.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from covet.database import Adapter, DatabaseConfig, close_all, get_adapter
from covet.exceptions import ConfigurationError, ConnectionLost, OperationalError
from tests.adapters.certificates import Certificate, make_certificate
from tests.adapters.proxy import Line, Proxy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def certificate(folder: Path) -> Certificate:
    return make_certificate(folder, "server", hosts=("localhost", "127.0.0.1"))


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Certificate:
    return make_certificate(folder, "stranger", hosts=("db.example",))


@pytest.fixture
async def server(postgresql_url: str, certificate: Certificate) -> AsyncIterator[Proxy]:
    async with Proxy(postgresql_url, tls=server_context(certificate)) as proxy:
        yield proxy
        await close_all()


def server_context(certificate: Certificate, *, clients: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if clients is not None:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def through(proxy: Proxy, **options: object) -> Adapter:
    DatabaseConfig(proxy.url, alias="tls", replace=True, connect_timeout=5, **options)  # type: ignore[arg-type]
    return get_adapter("tls")


@pytest.mark.parametrize("mode", [True, "verify-full", "verify-ca"])
async def test_verified_connection_works_with_the_authority_of_the_server(
    server: Proxy, certificate: Certificate, mode: bool | str
):
    assert await through(server, ssl=mode, ssl_ca=certificate.certificate).fetch_value("SELECT 1") == 1
    assert server.encrypted == 1


async def test_a_file_of_an_authority_alone_asks_for_a_full_verification(server: Proxy, certificate: Certificate):
    adapter = through(server, ssl_ca=certificate.certificate)
    assert adapter.config.ssl is True
    assert await adapter.fetch_value("SELECT 1") == 1
    assert server.encrypted == 1


@pytest.mark.parametrize("mode", [True, "verify-full", "verify-ca"])
async def test_certificate_of_nobody_we_know_is_refused(server: Proxy, mode: bool | str):
    with pytest.raises(OperationalError, match=r"certificate was not accepted.*ssl_ca= names the file") as caught:
        await through(server, ssl=mode).connect()
    assert not caught.value.retryable
    assert server.lines == set()


async def test_certificate_of_another_host_is_refused_by_verify_full_alone(postgresql_url: str, stranger: Certificate):
    async with Proxy(postgresql_url, tls=server_context(stranger)) as proxy:
        with pytest.raises(OperationalError, match=r"not accepted \(.*127\.0\.0\.1"):
            await through(proxy, ssl=True, ssl_ca=stranger.certificate).connect()
        assert await through(proxy, ssl="verify-ca", ssl_ca=stranger.certificate).fetch_value("SELECT 1") == 1
        await close_all()


async def test_require_encrypts_and_checks_nothing_without_an_authority(server: Proxy):
    assert await through(server, ssl="require").fetch_value("SELECT 1") == 1
    assert server.encrypted == 1


async def test_context_of_the_program_is_used_as_it_is(server: Proxy, certificate: Certificate):
    context = ssl.create_default_context(cafile=certificate.certificate)
    assert await through(server, ssl=context).fetch_value("SELECT 1") == 1
    assert server.encrypted == 1


async def test_disable_asks_for_no_tls(server: Proxy):
    assert await through(server, ssl=False).fetch_value("SELECT 1") == 1
    assert server.encrypted == 0


@pytest.mark.parametrize("mode", [True, "require", "verify-ca", "verify-full"])
async def test_server_that_says_no_to_tls_gets_no_plain_text(postgresql_url: str, mode: bool | str):
    sent: list[bytes] = []
    async with Proxy(postgresql_url) as proxy:

        def watch(_: Line, data: bytes) -> bool:
            sent.append(data)
            return True

        proxy.watch_client = watch
        with pytest.raises(OperationalError, match="offers no TLS") as caught:
            await through(proxy, ssl=mode, password="geheim").connect()
    assert not isinstance(caught.value, ConnectionLost)
    assert sent == []


async def test_handshake_that_stalls_ends_at_the_connect_timeout(postgresql_url: str):
    async with Proxy(postgresql_url, answer_to_tls=b"") as proxy:
        DatabaseConfig(proxy.url, alias="tls", replace=True, connect_timeout=0.3, ssl=True)
        with pytest.raises(ConnectionLost, match=r"no answer within 0\.3 s"):
            await get_adapter("tls").connect()


async def test_certificate_of_the_client_is_shown(postgresql_url: str, certificate: Certificate, stranger: Certificate):
    tls = server_context(certificate, clients=stranger.certificate)
    async with Proxy(postgresql_url, tls=tls) as proxy:
        with pytest.raises(OperationalError):
            await through(proxy, ssl_ca=certificate.certificate).connect()
        adapter = through(proxy, ssl_ca=certificate.certificate, ssl_cert=stranger.certificate, ssl_key=stranger.key)
        assert await adapter.fetch_value("SELECT 1") == 1
        await close_all()


async def test_file_that_is_no_certificate_is_a_configuration_error(server: Proxy, tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"ssl_ca=.*cannot be used: No such file"):
        await through(server, ssl_ca=str(tmp_path / "none.crt")).connect()
    (tmp_path / "bad.crt").write_text("no certificate")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await through(server, ssl_ca=str(tmp_path / "bad.crt")).connect()
