"""The running pings of all processes: one per service, which every process can poll."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from msgspec import Struct

from wisphub_api.exceptions import UpstreamTimeout
from wisphub_api.network.models import FINISHED_WELL, Status
from wisphub_api.shared.backend import Backend, Lease

LEASE_S: Final = 60.0
"""Longer than a start takes: a process that still has the lease then has died."""
WAIT_S: Final = 30.0
RETRY_EVERY_S: Final = 0.2


class PingTask(Struct, frozen=True):
    """A task of WispHub Net, as a process has started or found it.

    Attributes:
        upstream_id: Its id at WispHub Net.
        status: Its result; pending until that is known.
        ended_s: How long ago that became known, in seconds.
    """

    upstream_id: str
    status: Status = "pending"
    ended_s: float = 0.0


class _Record(Struct, frozen=True):
    upstream_id: str
    status: Status
    at: float


class SharedPings:
    """The latest task of each service, shared by all processes.

    Args:
        backend: Where they are recorded.
        running_s: How long a task without a result is followed.
        reuse_s: How long a result answers further diagnostics.
        clock: Seconds since the epoch, much the same in all processes.
    """

    def __init__(
        self, backend: Backend, running_s: float, reuse_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._backend = backend
        self._running_s = running_s
        self._reuse_s = reuse_s
        self._clock = clock

    @asynccontextmanager
    async def lease(self, service_id: int) -> AsyncIterator[None]:
        """Lease the start of this service's diagnostic; wait while another process has the lease.

        Raises:
            UpstreamTimeout: It takes too long.
        """
        lease = await self._wait(_key(service_id))
        try:
            yield
        finally:
            await self._backend.release(lease)

    async def find(self, service_id: int) -> PingTask | None:
        """Return the task that runs or has just ended; records of another release are ignored."""
        record = await self._backend.get(_key(service_id))
        try:
            found = msgspec.json.decode(record or b"", type=_Record)
        except msgspec.MsgspecError:
            return None
        is_running = found.status == "pending"
        ended_s = 0.0 if is_running else max(0.0, self._clock() - found.at)
        return PingTask(found.upstream_id, found.status, ended_s)

    async def begun(self, service_id: int, upstream_id: str) -> PingTask:
        """Record a task that has been started; needs the lease."""
        await self._write(service_id, upstream_id, "pending", self._running_s)
        return PingTask(upstream_id)

    async def ended(self, service_id: int, task: PingTask, status: Status) -> None:
        """Record the result of a task, unless it is not the latest.

        While another process has the lease, nothing is recorded: that process polls the task now.
        """
        lease = await self._backend.lease(_key(service_id), LEASE_S)
        if lease is None:
            return
        try:
            latest = await self.find(service_id)
            if latest and (latest.upstream_id, latest.status) == (task.upstream_id, "pending"):
                await self._end(service_id, task, status)
        finally:
            await self._backend.release(lease)

    async def _wait(self, key: str) -> Lease:
        for _ in range(round(WAIT_S / RETRY_EVERY_S)):
            lease = await self._backend.lease(key, LEASE_S)
            if lease is not None:
                return lease
            await asyncio.sleep(RETRY_EVERY_S)
        raise UpstreamTimeout("Another process has not started the diagnostic yet. Ask again to join it.")

    async def _end(self, service_id: int, task: PingTask, status: Status) -> None:
        if status in FINISHED_WELL and self._reuse_s > 0:
            await self._write(service_id, task.upstream_id, status, self._reuse_s)
        else:
            await self._backend.delete(_key(service_id))

    async def _write(self, service_id: int, upstream_id: str, status: Status, keep_s: float) -> None:
        record = _Record(upstream_id, status, self._clock())
        await self._backend.put(_key(service_id), msgspec.json.encode(record), keep_s)


def _key(service_id: int) -> str:
    return f"ping:{service_id}"
