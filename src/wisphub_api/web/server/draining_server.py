"""uvicorn's server, which loses no request when it stops."""

from __future__ import annotations

import asyncio
import socket
import sys
from types import FrameType
from typing import Any, Final

import uvicorn

from wisphub_api.memory import put_the_event_loop_first
from wisphub_api.web.server.draining import DRAINING

STOP_WAIT_S: Final = 35
"""How long requests under way may take to finish once the service stops."""

KEEP_ALIVE_S: Final = 75
"""How long a connection may be idle: longer than callers keep theirs (httpx 5 s, nginx 60 s). So they hang up
first, and no request meets a server that is about to."""

OPTIONS: Final[dict[str, Any]] = {
    "access_log": False,  # its lines hold paths and queries, which hold subscribers' data
    "http": "auto" if sys.platform == "win32" else "wisphub_api.web.server.bounded_http:BoundedHttp",
    "log_config": None,
    "server_header": False,
    "timeout_graceful_shutdown": STOP_WAIT_S,
    "timeout_keep_alive": KEEP_ALIVE_S,
}
"""How uvicorn serves the API."""


class DrainingServer(uvicorn.Server):
    """Drains: connections (`BoundedHttp`) and requests see when it stops; a second signal ends it at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._draining = asyncio.Event()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal; the process has nothing else to do."""
        put_the_event_loop_first()
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, with the event that connections and requests look at."""
        self.lifespan.state[DRAINING] = self._draining
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, and wait until those there are have ended."""
        self._draining.set()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain; the second time, end without waiting for any request."""
        self.force_exit = self.should_exit
        super().handle_exit(sig, frame)
