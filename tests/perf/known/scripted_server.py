"""A server of known response times: `/scripted` takes what its script says, `/truth` tells what it took.

Threads that sleep are exact to a tenth of a millisecond, which event loops are not. With `--stall-at S` every
answer that is due in the second from S on, counted from the first request, comes at the end of that second.
"""

import argparse
import json
import random
import socketserver
import threading
import time
from typing import ClassVar

SCRIPT_MS = [
    *[60.0] * 160,
    *[63.0 + 0.75 * step for step in range(20)],
    *[90.0 + 2.0 * step for step in range(14)],
    *[130.0 + 2.0 * step for step in range(6)],
]
"""One cycle; its order is shuffled. The median is far from where the times begin to differ: a few that a busy
machine made late do not move it."""


class Script:
    """Says how long the next answer takes; for many threads."""

    def __init__(self, fixed_ms: float | None, stall_at_s: float) -> None:
        self._fixed_ms = fixed_ms
        self._stall_at_s = stall_at_s
        self._lock = threading.Lock()
        self._left: list[float] = []
        self._random = random.Random(1)  # noqa: S311 - a shuffled script
        self._first_at = 0.0
        self.told: list[tuple[float, float]] = []

    def due(self, begun: float) -> float:
        """Return when the answer to a request that began at a moment is due, by the monotonic clock."""
        with self._lock:
            self._first_at = self._first_at or begun
            if not self._left:
                self._left = self._random.sample(SCRIPT_MS, len(SCRIPT_MS))
            wanted_ms = self._left.pop() if self._fixed_ms is None else self._fixed_ms
            due = begun + wanted_ms / 1_000
            if 0 <= due - self._first_at - self._stall_at_s < 1:
                due = self._first_at + self._stall_at_s + 1
            return due

    def tell(self, begun: float) -> None:
        """Note what an answer has really taken: the system may wake a thread half a millisecond late."""
        self.told.append((time.time(), (time.perf_counter() - begun) * 1_000))


class Handler(socketserver.StreamRequestHandler):
    """Answers any number of requests of a connection."""

    script: ClassVar[Script]
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while words := self.rfile.readline().split():
            begun = time.perf_counter()
            while self.rfile.readline().strip():
                pass
            body = b'[{"id":7}]'
            if words[1] == b"/truth":
                body = json.dumps(self.script.told).encode()
            elif words[1] == b"/scripted":
                time.sleep(max(self.script.due(begun) - time.perf_counter(), 0))
                self.script.tell(begun)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--fixed-ms", type=float)
    parser.add_argument("--stall-at", type=float, default=float("inf"))
    options = parser.parse_args()
    Handler.script = Script(options.fixed_ms, options.stall_at)
    Server(("127.0.0.1", options.port), Handler).serve_forever()
