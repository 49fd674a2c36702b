import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from benchmarks.peers.servers.proxies import find_proxy, nginx, varnish
from loadcheck.run.server import Program, Server, free_port, serving

PROGRAMS = {"nginx": find_proxy("nginx"), "varnish": find_proxy("varnishd")}
BODY = b'[{"service_id":7}]' * 100


class Upstream(ThreadingHTTPServer):
    daemon_threads = True
    asked = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_GET(self) -> None:
        self.server.asked += 1
        is_known = self.headers["X-API-Key"] == "right"
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def program(name, port, folder) -> Program:
    path = PROGRAMS[name]
    if path is None:
        pytest.skip(f"{name} is not installed")
    return nginx(path, port, free_port(), folder) if name == "nginx" else varnish(path, port, folder)


@pytest.fixture(params=sorted(PROGRAMS))
def proxy(request, upstream, tmp_path) -> Iterator[Server]:
    with serving(program(request.param, upstream.server_port, tmp_path), logs=tmp_path) as server:
        yield server


def test_nginx_accepts_the_configuration(tmp_path):
    command = program("nginx", 1, tmp_path).command
    subprocess.run([*command, "-t"], check=True, timeout=60, capture_output=True)


def test_an_answer_is_kept_and_given_to_who_sends_the_same_key(proxy, upstream):
    answers = [proxy.get("/clients/", {"X-API-Key": "right"}) for _ in range(3)]
    assert (answers, upstream.asked) == ([(200, BODY)] * 3, 1)
    assert proxy.get("/clients/", {"X-API-Key": "wrong"})[0] == 401
    assert proxy.get("/clients/?limit=1", {"X-API-Key": "right"})[0] == 200
    assert upstream.asked == 3


def test_a_refusal_is_not_kept(proxy, upstream):
    statuses = [proxy.get("/clients/", {"X-API-Key": "wrong"})[0] for _ in range(2)]
    assert (statuses, upstream.asked) == ([401, 401], 2)


def test_it_compresses_for_who_asks_and_for_nobody_else(proxy):
    _, body = proxy.get("/clients/", {"X-API-Key": "right", "Accept-Encoding": "gzip"})
    assert body.startswith(b"\x1f\x8b")
    assert len(body) < len(BODY) / 5
    assert proxy.get("/clients/", {"X-API-Key": "right"}) == (200, BODY)
