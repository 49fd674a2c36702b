import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from benchmarks.peers.nginx import find_nginx, proxy
from loadcheck.run.server import Server, free_port, serving

NGINX = find_nginx() or ""
BODY = b'[{"service_id":7}]' * 100
pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")


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


@pytest.fixture
def nginx(upstream, tmp_path) -> Iterator[Server]:
    program = proxy(NGINX, f"127.0.0.1:{upstream.server_port}", free_port(), tmp_path)
    with serving(program, logs=tmp_path) as server:
        yield server


def test_nginx_accepts_the_configuration(tmp_path):
    command = proxy(NGINX, "127.0.0.1:1", free_port(), tmp_path).command
    subprocess.run([*command, "-t"], check=True, timeout=60, capture_output=True)


def test_an_answer_is_kept_and_given_to_who_sends_the_same_key(nginx, upstream):
    answers = [nginx.get("/clients/", {"X-API-Key": "right"}) for _ in range(3)]
    assert (answers, upstream.asked) == ([(200, BODY)] * 3, 1)
    assert nginx.get("/clients/", {"X-API-Key": "wrong"})[0] == 401


def test_it_compresses_for_who_asks(nginx):
    _, body = nginx.get("/clients/", {"X-API-Key": "right", "Accept-Encoding": "gzip"})
    assert body.startswith(b"\x1f\x8b")
    assert len(body) < len(BODY) / 5
