"""wrk sends the requests of a file and prints what it got."""

import http.server
import shutil
import threading
from collections.abc import Iterator

import pytest

from benchmarks.peers import wrk
from benchmarks.peers.wrk import Ask, Counts, Drive, WrkFailed, write_asks

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


class Server(http.server.ThreadingHTTPServer):
    """Answers each path with its own length; one is refused."""

    request_queue_size = 64
    daemon_threads = True
    asked: list[tuple[str, str, str]]
    ids: set[str]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.ids = set()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, body: str) -> None:
        self.server.ids.add(self.headers["X-Request-ID"])
        self.server.asked.append((f"{self.command} {self.path}", body, self.headers["X-API-Key"]))
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x" * 100)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def driven(server: Server, tmp_path, *asks: Ask, begin: int = 0, pause_ms: int = 0) -> Counts:
    """Drive the server for a second."""
    drive = Drive(
        url=f"http://127.0.0.1:{server.server_port}",
        asks=write_asks(asks, tmp_path / "asks"),
        begin=begin,
        seconds=1,
        headers={"X-API-Key": "k"},
        pause_ms=pause_ms,
    )
    return wrk.run(drive)[0]


def test_wrk_that_cannot_be_started_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    drive = Drive(url="http://127.0.0.1:1", asks=tmp_path, begin=0, seconds=1, headers={})
    with pytest.raises(WrkFailed, match="did not run"):
        wrk.run(drive)


@needs_wrk
def test_each_request_is_sent_in_its_turn_with_its_body_and_the_headers(server, tmp_path):
    printed = driven(
        server, tmp_path, Ask("/a"), Ask("/b", "POST", '{"x": 1}'), Ask("/c"), begin=1, pause_ms=50
    )
    counts = {ask: server.asked.count(ask) for ask in set(server.asked)}
    assert counts.keys() == {("GET /a", "", "k"), ("POST /b", '{"x": 1}', "k"), ("GET /c", "", "k")}
    assert max(counts.values()) - min(counts.values()) <= wrk.CONNECTIONS
    assert printed.problem(smallest_bytes=100) == ""
    assert 0 < printed.p50_us <= printed.p99_us
    assert len(server.ids) == len(server.asked)


@needs_wrk
def test_connections_wait_before_they_ask_again(server, tmp_path):
    counts = driven(server, tmp_path, Ask("/a"), pause_ms=400)
    assert 0 < counts.requests <= 3 * wrk.CONNECTIONS


@needs_wrk
def test_refused_requests_are_counted(server, tmp_path):
    counts = driven(server, tmp_path, Ask("/missing"), pause_ms=50)
    assert counts.refused == counts.requests > 0
