"""The command, as a process: what it serves, what it refuses, what it writes."""

import json
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


def run(*words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("WISPHUB")} | environ
    return subprocess.run(
        [*COMMAND, *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False
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
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def client(port: int, **headers: str) -> httpx.Client:
    """Give a client that tries to connect until the service is up."""
    transport = httpx.HTTPTransport(retries=12)
    return httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20)


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


def test_serve_refuses_to_start_without_settings_and_names_them(tmp_path):
    done = run("serve", cwd=tmp_path)
    assert done.returncode == 1
    assert "WISPHUB_NET_HOST is missing" in done.stderr
    assert "WISPHUB_NET_KEY is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_refuses_a_real_upstream_without_keys(tmp_path):
    done = run("serve", cwd=tmp_path, WISPHUB_NET_HOST="https://api.wisphub.net", WISPHUB_NET_KEY="hush")
    assert done.returncode == 1
    assert "WISPHUB_API_KEYS is missing" in done.stderr
    assert "hush" not in done.stderr


def test_serve_says_when_the_port_is_taken(tmp_path, environ):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--port", str(taken.getsockname()[1]), cwd=tmp_path, **environ)
    assert done.returncode == 1
    assert "choose another with --host or --port" in done.stderr


def test_check_tells_what_it_finds(tmp_path, environ):
    done = run("check", cwd=tmp_path, **environ)
    assert done.returncode == 0, done.stderr
    assert "ok      settings: callers need a key" in done.stdout
    assert "ok      one client by its id: found" in done.stdout
    assert re.search(r"ok      internet plans: \d+ read, \d+ with a price", done.stdout)
    assert done.stderr == ""


def test_check_says_what_is_wrong_upstream(tmp_path, environ):
    done = run("check", cwd=tmp_path, **(environ | {"WISPHUB_NET_KEY": "another-key"}))
    assert done.returncode == 1
    assert "FAILED  WispHub Net: WispHub Net does not accept WISPHUB_NET_KEY" in done.stdout
    assert "another-key" not in done.stderr + done.stdout


def test_check_tries_again_in_silence(tmp_path, environ):
    done = run("check", cwd=tmp_path, **(environ | {"WISPHUB_NET_HOST": "http://127.0.0.1:1"}))
    assert (done.returncode, done.stderr) == (1, "Error: 1 of these failed\n")
    assert len(done.stdout.splitlines()) == 3


def test_openapi_prints_the_description(tmp_path):
    description = json.loads(run("openapi", cwd=tmp_path).stdout)
    assert "/api/v1/clients/{service_id}/verify" in description["paths"]


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
    assert "3001234567" not in log.read_text()


HANDSHAKE = (
    b"GET /api/v1/clients/by-document/34567890 HTTP/1.1\r\nHost: service\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("words", [[*COMMAND, "serve"], UVICORN], ids=["serve", "uvicorn"])
def test_a_websocket_handshake_leaves_no_path_in_the_log(tmp_path, environ, words):
    port, log = free_port(), tmp_path / "serve.log"
    with running([*words, "--port", str(port)], log=log, **environ):
        with client(port) as api:
            assert api.get("/health").status_code == 200
        with socket.create_connection(("127.0.0.1", port), timeout=10) as shaking:
            shaking.sendall(HANDSHAKE)
            assert shaking.recv(100).startswith(b"HTTP/1.1 4")
    assert "34567890" not in log.read_text()


def test_two_workers_answer_alike(tmp_path, environ, api_key):
    port, log = free_port(), tmp_path / "serve.log"
    with running([*COMMAND, "serve", "--port", str(port), "--workers", "2"], log=log, **environ):
        tags = set()
        for _ in range(8):
            with client(port, **api_key) as api:
                tags.add(api.get("/api/v1/clients/").headers["etag"])
    assert len(tags) == 1
    assert log.read_text().count("clients loaded: 700") == 1
