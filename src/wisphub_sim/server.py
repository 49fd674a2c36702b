"""The simulator's HTTP server: its socket, its start and its end."""

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
    """The HTTP protocol of uvicorn, which passes the connection to the application for `drop` to close."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class SimServer(uvicorn.Server):
    """A uvicorn server that prints its address once it accepts connections, and stops without draining."""

    def __init__(self, app: Litestar) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=DroppableProtocol,
                ws="none",
                log_level="critical",
                access_log=False,
                timeout_keep_alive=75,  # nginx's default: uvicorn's 5 s would close idle pools
                timeout_graceful_shutdown=0,  # a request in flight may be a `hang`, which never ends
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the address, which parent processes wait for."""
        await super().startup(sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            name = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"wisphub-sim listening on http://{name}:{port}\n")
            sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop with exit code 0: uvicorn would raise the signal again afterwards."""
        self.should_exit = True

    def stop_when_stdin_closes(self) -> None:
        """Stop when standard input ends, which is when the parent process has ended."""
        threading.Thread(target=self._watch_stdin, daemon=True).start()

    def _watch_stdin(self) -> None:
        # Not sys.stdin.read(): a thread that holds its lock at exit aborts the interpreter.
        while os.read(0, 4096):
            pass
        self.handle_exit(signal.SIGTERM, None)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        OSError: The address is not available.
    """
    return socket.create_server((host, port), family=_family(host), backlog=2048)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
