"""A collector of traces that drops what it takes: the service sends spans as in production."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from loadcheck.run.target import HOST


class _Handler(BaseHTTPRequestHandler):
    """Takes traces and drops them."""

    protocol_version = "HTTP/1.1"
    server: "Collector"

    def do_POST(self) -> None:
        self.server.dropped_bytes += len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no log."""


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP.

    Attributes:
        dropped_bytes: How much it was sent.
    """

    daemon_threads = True
    dropped_bytes = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_port}"


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector in a thread of this process."""
    with Collector((HOST, 0), _Handler) as collector:
        thread = Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()
