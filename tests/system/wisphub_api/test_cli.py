"""The command as a process: what it serves, and what it writes."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-m", "wisphub_api.cli"]
UVICORN = [sys.executable, "-m", "uvicorn", "--factory", "wisphub_api.app:create_app"]
HANDSHAKE = (
    b"GET /api/v1/clients/by-document/34567890 HTTP/1.1\r\nHost: service\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@contextmanager
def running(command: list[str], *, log: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env=os.environ | environ,
            stdout=output,
            stderr=output,
            text=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def client(port: int, **headers: str) -> httpx.Client:
    """Return a client that tries to connect until the service is up, for some two minutes."""
    transport = httpx.HTTPTransport(retries=9)
    return httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60)


def shake_hands(port: int) -> None:
    """Ask for a WebSocket, which there is none, with a document in the path."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as shaking:
        shaking.sendall(HANDSHAKE)
        assert shaking.recv(100).startswith(b"HTTP/1.1 4")


@pytest.fixture
def api_key() -> dict[str, str]:
    """Give the header that lets a consumer in."""
    return {"X-API-Key": "the-consumer-key"}


@pytest.fixture
def environ(settings, api_key) -> dict[str, str]:
    return {
        "WISPHUB_NET_HOST": settings.net_host,
        "WISPHUB_NET_KEY": settings.net_key.reveal(),
        "WISPHUB_API_KEYS": f"bot:{api_key['X-API-Key']}",
    }


@pytest.mark.smoke
def test_the_demo_answers_the_reference_request_and_stops_with_its_simulator(tmp_path):
    port = free_port()
    log = tmp_path / "demo.log"
    with (
        running([*COMMAND, "demo", "--port", str(port), "--clients", "50", "--latency-ms", "1"], log=log),
        client(port) as api,
    ):
        answer = api.post(
            "/api/v1/clients/7/verify", json={"address": "BELLAVISTA", "internet_plan_price": 40000.0}
        )
    assert answer.json()["is_valid"]
    printed = log.read_text()
    simulator = re.search(r"WispHub Net on (\S+),", printed)
    assert simulator, printed
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{simulator[1]}/_sim/stats")


GOOD_AND_BAD = [
    ("GET", "/api/v1/clients/", None),
    ("GET", "/api/v1/clients/search?q=esperanza", None),
    ("GET", "/api/v1/clients/search?q=e", None),
    ("GET", "/api/v1/clients/by-document/1020304050", None),
    ("GET", "/api/v1/clients/by-phone/3001234567", None),
    ("GET", "/api/v1/clients/by-phone/none", None),
    ("POST", "/api/v1/clients/7/verify", b'{"address": "BELLAVISTA", "name": "Esperanza Benitez"}'),
    ("POST", "/api/v1/clients/7/verify", b'{"address": "BELLAVISTA", "name": 5}'),
    ("POST", "/api/v1/clients/resolve", b'{"address": "BELLAVISTA", "name": "Esperanza", "x": 1}'),
    ("POST", "/api/v1/clients/resolve", b'{"address": "BELLA'),
    ("PUT", "/api/v1/clients/by-document/1020304050", b"Esperanza"),
    ("POST", "/api/v1/network/7/ping/", b'{"pings": 1}'),
    ("GET", "/api/v1/network/ping/Esperanza/?wait=1", None),
    ("GET", "/api/v1/payment-methods/", None),
]


def test_no_key_and_no_subscribers_data_is_written(tmp_path, environ, api_key, simulator):
    port, log = free_port(), tmp_path / "serve.log"
    simulator.fail(kind="bad_rows", path="/api/clientes/", rows=3, count=1)
    simulator.fail(kind="status", status=500, count=2)
    with (
        running([*COMMAND, "serve", "--port", str(port)], log=log, **environ),
        client(port, **api_key) as api,
    ):
        for method, path, body in GOOD_AND_BAD:
            assert api.request(method, path, content=body).status_code < 500
        clients = api.get("/api/v1/clients/").json()
        shake_hands(port)
    written = log.read_text()
    assert "clients loaded: " in written
    hushed = {"SIM-SECRET", "/by-document", "/search?", *environ.values()} - {environ["WISPHUB_NET_HOST"]}
    hushed |= {api_key["X-API-Key"], "Esperanza", "BELLAVISTA"}
    hushed |= {client[name] for client in clients for name in ("name", "address", "document") if client[name]}
    assert [value for value in hushed if value in written] == []


def test_plain_uvicorn_serves_it_too_and_writes_no_path(tmp_path, environ, api_key):
    port, log = free_port(), tmp_path / "uvicorn.log"
    with running([*UVICORN, "--port", str(port)], log=log, **environ), client(port, **api_key) as api:
        assert api.get("/api/v1/clients/by-phone/3001234567").status_code < 500
        assert api.head("/api/v1/clients/").headers["x-total-count"] == "700"
        shake_hands(port)
    written = log.read_text()
    assert [value for value in ("3001234567", "34567890") if value in written] == []
