"""The supervisor of `serve --workers N`: who ends is replaced, and all are replaced in turn when it is asked.

SIGHUP asks for that: a new worker is started, and when it is warm and accepts connections, the old one stops
accepting them, answers what it has and ends. SIGTERM and SIGINT end the service; a second one at once.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, Self

from wisphub_api.web.server import STOP_WAIT_S

logger = logging.getLogger(__name__)

WARM_WITHIN_S: Final = 300.0
"""How long a worker may take to be warm where others answer meanwhile."""
CLOSE_WAIT_S: Final = 10.0
"""How long a worker that has answered everything may take to end."""
LONG_LIFE_S: Final = 10.0
"""Who dies younger has perhaps died of something that will kill the next, too."""
LONGEST_PAUSE_S: Final = 30.0


class Worker:
    """A worker process, as its supervisor sees it.

    Attributes:
        up: Done once it accepts connections (true), or has ended before (false).
        ended: Done once it has ended, with its status.
    """

    def __init__(self, process: asyncio.subprocess.Process, link: socket.socket) -> None:
        self.pid = process.pid
        self._process = process
        self._link = link
        self._begun_at = asyncio.get_running_loop().time()
        self.up = asyncio.create_task(self._get_up())
        self.ended = asyncio.create_task(self._end())

    @classmethod
    async def start(cls, listener: socket.socket, environ: Mapping[str, str], patience_s: float) -> Self:
        """Start one that accepts connections when it is warm, or after `patience_s` seconds."""
        ours, theirs = socket.socketpair()
        ours.settimeout(0)  # as asyncio wants it
        with theirs:
            numbers = listener.fileno(), theirs.fileno()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "wisphub_api.worker", *map(str, numbers), str(patience_s)),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=numbers,
                env=dict(environ),
            )
        return cls(process, ours)

    @property
    def is_up(self) -> bool:
        """Whether it accepts connections."""
        return not self.ended.done() and self.up.done() and self.up.result()

    @property
    def age_s(self) -> float:
        """How long ago it was started."""
        return asyncio.get_running_loop().time() - self._begun_at

    async def is_up_within(self, seconds: float) -> bool:
        """Wait until it accepts connections, or has ended."""
        await asyncio.wait({self.up}, timeout=seconds)
        return self.is_up

    async def _get_up(self) -> bool:
        return bool(await asyncio.get_running_loop().sock_recv(self._link, 1))

    async def _end(self) -> int:
        status = await self._process.wait()
        await asyncio.wait({self.up})
        self._link.close()  # not before: who has no link left, ends
        return status

    def terminate(self) -> None:
        """Tell it to answer what it has, and end."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()


class Supervisor:
    """Keeps a number of workers.

    Args:
        start: Starts a worker that waits so many seconds to be warm before it accepts connections.
        count: How many there are.
    """

    def __init__(self, start: Callable[[float], Awaitable[Worker]], count: int) -> None:
        self._start = start
        self._count = count
        self._workers: list[Worker] = []
        self._alive: set[Worker] = set()
        self._placing = asyncio.Lock()
        self._roll_asked = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> bool:
        """Serve until a signal; False where a worker could not start at the beginning."""
        self._listen_to_signals()
        if not await self._begin() and not self._stopping.is_set():
            logger.error("a worker could not start: the service ends")
            self._stop()
            await self._all_gone()
            return False
        logger.info("all %d workers are up", self._count)
        async with asyncio.TaskGroup() as group:
            for place in range(self._count):
                group.create_task(self._keep(place))
            group.create_task(self._roll_when_asked())
            await self._stopping.wait()
            await self._all_gone()
        await self._all_gone()  # who was just being started
        return True

    async def _begin(self) -> bool:
        """Start all workers; False where one does not get up."""
        hired = [await self._hire(patience_s=0) for _ in range(self._count)]
        self._workers = [worker for worker in hired if worker]
        return all(hired) and all(await asyncio.gather(*(worker.up for worker in self._workers)))

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._roll_asked.set)
        for told_to_stop in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told_to_stop, self._stop)

    def _stop(self) -> None:
        """Let all end; the second time at once."""
        for worker in self._alive:
            if self._stopping.is_set():
                worker.kill()
            else:
                worker.terminate()
        self._stopping.set()
        self._roll_asked.set()  # nobody shall go on waiting for it

    async def _all_gone(self) -> None:
        await asyncio.gather(*(_gone(worker) for worker in self._alive))

    async def _hire(self, patience_s: float) -> Worker | None:
        try:
            worker = await self._start(patience_s)
        except OSError as error:
            logger.error("no worker can be started: %s", error.strerror)  # noqa: TRY400  # that says it all
            return None
        self._alive.add(worker)
        worker.ended.add_done_callback(lambda _: self._alive.discard(worker))
        if self._stopping.is_set():
            worker.terminate()
        return worker

    async def _keep(self, place: int) -> None:
        """Replace whoever ends in this place, at once; those who go on dying young, at growing intervals."""
        deaths = 0
        while not self._stopping.is_set():
            worker = self._workers[place]
            status = await asyncio.shield(worker.ended)
            if self._stopping.is_set() or worker is not self._workers[place]:  # it was relieved
                continue
            deaths = deaths + 1 if worker.age_s < LONG_LIFE_S else 1
            after_s = pause_s(deaths)
            logger.warning("worker %d ended (%d), the next starts in %g s", worker.pid, status, after_s)
            await self._pause(after_s)
            await self._replace(place, worker)

    async def _replace(self, place: int, worker: Worker) -> None:
        """Put a new worker in the place of one that has ended, unless that has been done meanwhile."""
        async with self._placing:
            if self._stopping.is_set() or worker is not self._workers[place]:
                return
            has_others = any(other.is_up for other in self._workers)
            successor = await self._hire(WARM_WITHIN_S if has_others else 0)
            if successor:
                self._workers[place] = successor
            else:
                await self._pause(LONGEST_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _roll_when_asked(self) -> None:
        while not self._stopping.is_set():
            await self._roll_asked.wait()
            self._roll_asked.clear()
            for place in range(self._count):
                if self._stopping.is_set() or not await self._relieve(place):
                    break
            else:
                logger.info("rolling restart: all workers are new")

    async def _relieve(self, place: int) -> bool:
        """Put a new worker in the place of an old one; False where it does not get up."""
        worker = await self._hire(WARM_WITHIN_S)
        if worker is None:
            return False
        if not await worker.is_up_within(WARM_WITHIN_S):
            if not self._stopping.is_set():
                logger.error("rolling restart stopped: the new worker did not get up, the others go on")
            worker.terminate()
            await _gone(worker)
            return False
        async with self._placing:
            old, self._workers[place] = self._workers[place], worker
        logger.info("worker %d is up and relieves worker %d", worker.pid, old.pid)
        old.terminate()
        await _gone(old)
        return True


def pause_s(deaths: int) -> float:
    """Tell how long after the nth death in a row a worker is replaced."""
    return 0.0 if deaths <= 1 else min(2.0 ** (deaths - 2), LONGEST_PAUSE_S)


async def _gone(worker: Worker) -> None:
    """Wait until a worker that was told to end has done so, and end it when it takes too long."""
    done, _ = await asyncio.wait({worker.ended}, timeout=STOP_WAIT_S + CLOSE_WAIT_S)
    if not done:
        logger.error("worker %d does not end: it is killed", worker.pid)
        worker.kill()
        await asyncio.wait({worker.ended})
