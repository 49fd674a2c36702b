"""One worker process of `serve --workers N`: it serves on the socket that its supervisor opened."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any, Final, cast

import uvicorn

from wisphub_api.app import create_app
from wisphub_api.cache.cached import Cached
from wisphub_api.exceptions import SettingsError
from wisphub_api.web.bounded_http import BoundedHttp
from wisphub_api.web.health import cold_among
from wisphub_api.web.server import OPTIONS, DrainingServer

LOOK_EVERY_S: Final = 0.05
UP: Final = b"+"
"""What a worker sends over its link once it accepts connections; nothing else is ever sent, either way."""


class WorkerServer(DrainingServer):
    """Accepts connections once it is warm, and stops with its supervisor.

    Args:
        config: How it serves.
        link: Connected with the supervisor; closed by the other side, it tells that the supervisor is gone.
        needed: The caches that make it warm.
        patience_s: How long it waits to be warm; then it accepts connections all the same.
    """

    def __init__(
        self, config: uvicorn.Config, link: socket.socket, needed: Sequence[Cached[Any]], patience_s: float
    ) -> None:
        super().__init__(config)
        self._link = link
        self._needed = needed
        self._patience_s = patience_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to load, and to accept connections when that is done."""
        asyncio.get_running_loop().add_reader(self._link, self._stop)
        await super().startup([])
        await self._get_warm()
        if not self.should_exit:
            self.servers = [await self._listen(listener) for listener in sockets or ()]
            self._link.send(UP)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # uvicorn's signature
        """Stop, however often it is told to; Ctrl-C reaches all processes, and the supervisor sees to it."""
        self.should_exit = self.should_exit or sig != signal.SIGINT

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._link)
        self.should_exit = True

    async def _get_warm(self) -> None:
        deadline = asyncio.get_running_loop().time() + self._patience_s
        while cold_among([cache.state() for cache in self._needed]):
            if self.should_exit or asyncio.get_running_loop().time() >= deadline:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        protocol = partial(
            cast("type[BoundedHttp]", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        loop = asyncio.get_running_loop()
        return await loop.create_server(protocol, sock=listener, backlog=self.config.backlog)


def main() -> None:
    """Serve, with the numbers of the open sockets and the patience as arguments."""
    listener, link = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    try:
        app = create_app()
    except SettingsError as error:
        sys.exit(f"the settings cannot be used\n{error}")
    config = uvicorn.Config(app, **OPTIONS)
    WorkerServer(config, link, app.state["needed"], float(sys.argv[3])).run([listener])


if __name__ == "__main__":
    main()
