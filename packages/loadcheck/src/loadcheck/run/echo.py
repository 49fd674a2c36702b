"""What the machine itself takes: an echo server with a timer, which is asked beside each run.

It runs as a program of its own (`python -I echo.py PORT`), in the place of the server under test, and does
nothing: the load generator asks it in the same moments as the server, through the same event loop. Each echo
is due 20 ms after it was asked for, and carries that moment: how late it is read is what the machine and the
generator add to every response time, so it is no server's fault.
The timer sleeps for 20 ms again and again: how late it wakes is how late the machine lets an idle process
run.

It needs nothing but the standard library, so that it is there at once and costs next to nothing.
"""

import json
import socketserver
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

EVERY_S: Final = 0.02
ECHO: Final = b"echo\n"
MOMENT: Final = struct.Struct("d")
"""What an echo is: when it was due, by the monotonic clock, which all processes of a machine share."""
MOST_KEPT: Final = 200_000
"""Readings of the timer that are kept: those of the last hour."""

SHARES: Final = {"p50_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99}


def spread(values_ms: Sequence[float]) -> dict[str, float]:
    """Return mean, percentiles (nearest rank) and maximum of values in milliseconds; of none all are 0."""
    ordered = sorted(values_ms) or [0.0]
    found = {name: ordered[int(share * (len(ordered) - 1))] for name, share in SHARES.items()}
    return {"mean_ms": sum(ordered) / len(ordered), **found, "max_ms": ordered[-1]}


class EchoServer(socketserver.ThreadingTCPServer):
    """Answers `echo` when that is due, and `timer FROM` with how late the timer was since then, as JSON."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Connection)
        self.late: deque[tuple[float, float]] = deque(maxlen=MOST_KEPT)
        threading.Thread(target=self._wake, daemon=True).start()

    def _wake(self) -> None:
        while True:
            due = time.perf_counter() + EVERY_S
            time.sleep(EVERY_S)
            self.late.append((time.time(), (time.perf_counter() - due) * 1_000))


class Connection(socketserver.StreamRequestHandler):
    """One caller's lines, until it hangs up."""

    disable_nagle_algorithm = True
    server: EchoServer

    def handle(self) -> None:
        """Answer each line."""
        for line in self.rfile:
            self.wfile.write(self._echo() if line == ECHO else self._timer(float(line.split()[1])))

    def _echo(self) -> bytes:
        due = time.monotonic() + EVERY_S
        time.sleep(EVERY_S)
        return MOMENT.pack(due)

    def _timer(self, since: float) -> bytes:
        late_ms = [late_ms for at, late_ms in tuple(self.server.late) if at >= since]
        return json.dumps(spread(late_ms)).encode() + b"\n"


if __name__ == "__main__":
    EchoServer(int(sys.argv[1])).serve_forever()
