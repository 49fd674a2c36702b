"""The simulator as a process: a socket, a server, and when to stop."""

import os
import signal
import socket
import sys
import threading
from types import FrameType

import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wisphub_sim.behaviour.disruption import TRANSPORT


class DroppableProtocol(HttpToolsProtocol):
    """Hands each request its connection, so that a fault can close it."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class SimServer(uvicorn.Server):
    """Says when it accepts connections, and leaves at once when told to."""

    def __init__(self, app: Litestar) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=DroppableProtocol,
                ws="none",
                log_level="critical",
                access_log=False,
                timeout_keep_alive=75,  # as a common proxy: uvicorn's 5 s would cut idle pools
                timeout_graceful_shutdown=0,  # hung requests are ours: there is nothing to wait for
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the one line that says where."""
        await super().startup(sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            name = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"wisphub-sim listening on http://{name}:{port}\n")
            sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop; unlike uvicorn, without dying of the signal afterwards."""
        self.should_exit = True

    def stop_when_stdin_closes(self) -> None:
        """Stop once the process at the other end of standard input is gone."""
        threading.Thread(target=self._watch_stdin, daemon=True).start()

    def _watch_stdin(self) -> None:
        # Not sys.stdin.read(): a thread that holds its lock at exit aborts the interpreter.
        while os.read(0, 4096):
            pass
        self.handle_exit(signal.SIGTERM, None)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        OSError: The address cannot be had.
    """
    return socket.create_server((host, port), family=_family(host), backlog=2048)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
