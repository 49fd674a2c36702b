"""Whom the key is sent to: only to a WispHub Net that can prove who it is."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wisphub_api.exceptions import UpstreamUnreachable
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.upstream.client import WispHubNet

PEM = serialization.Encoding.PEM


def vouch_for_oneself() -> bytes:
    """Make a key and a certificate that it signs itself, in PEM."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(PEM, *form) + certificate.public_bytes(PEM)


class Impostor:
    """A server with a certificate of its own making; `heard` is all that it was sent inside TLS."""

    def __init__(self, folder: Path) -> None:
        self.heard = b""
        self.certificate = folder / "certificate.pem"
        self.certificate.write_bytes(vouch_for_oneself())

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=context)
        async with server:
            yield f"https://localhost:{server.sockets[0].getsockname()[1]}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()


@pytest.fixture
def impostor(tmp_path: Path) -> Impostor:
    return Impostor(tmp_path)


async def ask(host: str) -> bytes:
    async with WispHubNet(Settings(net_host=host, net_key=Secret("the-key"))) as net:
        return await net.read("/api/clientes/", {}, lambda body: body)


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_key_is_sent(impostor):
    async with impostor.listening() as host:
        with pytest.raises(UpstreamUnreachable) as raised:
            await ask(host)
    assert isinstance(raised.value.__cause__, httpx.ConnectError)
    assert "CERTIFICATE_VERIFY_FAILED" in str(raised.value.__cause__)
    assert impostor.heard == b""


async def test_the_same_server_is_asked_once_its_certificate_is_trusted(impostor, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(impostor.certificate))
    async with impostor.listening() as host:
        assert await ask(host) == b"{}"
    assert b"Authorization: Api-Key the-key" in impostor.heard
