"""The workers of `serve --workers N`: uvicorn's `Multiprocess`, and what it leaves open.

uvicorn starts N processes on one listening socket and replaces one that ends. On SIGHUP it replaces all, one
after the other: the next worker must be ready before the old one is sent SIGTERM. Four things are added here:

- A worker drains (`DrainingServer`). While others answer, a new one accepts connections only when it is warm.
- A worker ends with its parent, whose end it sees by the pipe over which uvicorn asks whether it is alive.
- SIGTERM and SIGINT reach all workers at once, whatever the parent is waiting for; a second one kills them.
- Workers that die again and again end the service, with an error, instead of being replaced for ever.

`Multiprocess` has no parameter for the class of its workers: its module's name for that class is replaced.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from wisphub_api.exceptions import SettingsError
from wisphub_api.web.server.draining_server import OPTIONS, STOP_WAIT_S, DrainingServer

logger = logging.getLogger(__name__)

READY_WITHIN_S: Final = 120
"""How long a worker may take to be warm where others answer, and to answer its parent at all."""
LOOK_EVERY_S: Final = 0.1
WAKE_EVERY_S: Final = 0.5
"""A handler runs this late at most."""
CLOSE_WAIT_S: Final = 10.0
"""How long a worker that has answered everything may take to end."""
DEATHS_PER_WORKER: Final = 3
DEATHS_WITHIN_S: Final = 60.0
"""So many deaths within this time are no accident: what killed these workers will kill the next ones too."""


class WorkerServer(DrainingServer):
    """Stops at SIGTERM, however often it comes; Ctrl-C reaches all processes and is left to the parent."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # uvicorn's signature
        """Begin to drain."""
        self.should_exit = self.should_exit or sig == signal.SIGTERM


class Worker(Process):
    """One worker, as its parent sees it (`start`, `join`) and in its own process (the other methods).

    Args:
        config: How it serves; the application is set in its own process.
        sockets: Where it accepts connections.
        waits: Whether it accepts none before it is warm, or `READY_WITHIN_S` have passed.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], *, waits: bool) -> None:
        super().__init__(config, sockets)
        self.process.daemon = True  # whatever ends the parent's loop ends the workers too
        self.waits = waits

    def start(self) -> None:
        """Start the process; its death then ends the pipe, and nobody waits for an answer over it."""
        super().start()
        self.child_conn.close()

    def join(self) -> None:
        """Wait until it has ended, and kill it when that takes too long."""
        self.process.join(STOP_WAIT_S + CLOSE_WAIT_S)
        self.process.kill()  # does nothing to one that has ended
        self.process.join()

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve."""
        self.config.app = self._create_app
        self._server = WorkerServer(self.config)  # before uvicorn's two threads each make one when they ask
        super().target(sockets)

    def always_pong(self) -> None:
        """Answer the parent until it is gone, or wants no more answers from this worker."""
        self.parent_conn.close()  # with this copy of the other end open, the pipe would never end
        with suppress(EOFError, OSError):
            super().always_pong()
        self.server.should_exit = True

    def _create_app(self) -> Any:
        from wisphub_api.app import create_app  # noqa: PLC0415  # the parent need not load the application

        try:
            app = create_app()
        except SettingsError as error:
            logger.error("the settings cannot be used\n%s", error)  # noqa: TRY400  # that says it all
            sys.exit(STARTUP_FAILURE)
        if self.waits:
            app.on_startup.append(self.get_warm)
        return app

    async def get_warm(self, app: Any) -> None:
        """Wait until the caches are warm, or it takes too long, or the worker is to stop."""
        from wisphub_api.web.health import cold_among  # noqa: PLC0415  # likewise

        with suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN_S):
                while cold_among([cache.state() for cache in app.state["needed"]]):
                    if self.server.should_exit:
                        return
                    await asyncio.sleep(LOOK_EVERY_S)


class Supervisor(Multiprocess):
    """Keeps a number of workers; to be made in the main thread, as it handles signals.

    Args:
        host: Where the workers listen.
        port: Likewise.
        count: How many there are.
    """

    def __init__(self, host: str, port: int, count: int) -> None:
        config = uvicorn.Config(
            "",  # each worker sets its own application
            factory=True,
            host=host,
            port=port,
            workers=count,
            timeout_worker_healthcheck=READY_WITHIN_S,
            **OPTIONS,
        )
        super().__init__(config, [config.bind_socket()])
        self._is_stopping = False
        self._deaths: deque[float] = deque(maxlen=DEATHS_PER_WORKER * count)
        multiprocess.Process = self.hire  # type: ignore[assignment,misc]  # see the head of this module
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for number in (signal.SIGTTIN, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)  # each worker's share of the budget depends on their number

    def serve(self) -> bool:
        """Serve until SIGTERM or SIGINT; return False where the workers could not go on until then.

        uvicorn's loop runs in a thread of its own: signal handlers run in the main one, and one that meets it
        while it holds the lock of `should_exit` would wait for that lock for ever.
        """
        loop = threading.Thread(target=self.run)
        loop.start()
        while loop.is_alive():
            loop.join(WAKE_EVERY_S)  # the system may have interrupted another thread than this one
        return self._is_stopping

    def hire(self, config: uvicorn.Config, sockets: list[socket.socket]) -> Worker:
        """Return a new worker; it waits to be warm where another one answers meanwhile."""
        is_replacement = len(self.processes) == self.processes_num
        return Worker(
            config, sockets, waits=is_replacement and any(worker.is_ready(1) for worker in self.processes)
        )

    def restart_all(self) -> None:
        """Replace all workers, one after the other."""
        with _reporting_failed_starts():
            super().restart_all()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died; too many within too short a time end the service."""
        before = tuple(self.processes)
        with _reporting_failed_starts():
            super().keep_subprocess_alive()
        now = time.monotonic()
        self._deaths.extend(now for old, new in zip(before, self.processes, strict=True) if old is not new)
        if len(self._deaths) == self._deaths.maxlen and now - self._deaths[0] < DEATHS_WITHIN_S:
            logger.error("%d workers died within %g s: the service ends", len(self._deaths), DEATHS_WITHIN_S)
            self.should_exit.set()

    def _stop(self, *_: object) -> None:
        """Let all workers drain; the second time, kill them."""
        if self._is_stopping:
            for process in active_children():
                process.kill()
            return
        self._is_stopping = True
        self.should_exit.set()
        for process in active_children():
            process.terminate()


@contextmanager
def _reporting_failed_starts() -> Iterator[None]:
    """Leave the others at work where the system starts no process; uvicorn tries again in half a second."""
    try:
        yield
    except OSError as error:
        logger.error("no worker can be started: %s", error.strerror)  # noqa: TRY400  # that says it all
