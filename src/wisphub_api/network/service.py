"""Ping diagnostics: one at a time per service, its result shared by all callers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Generic, Self, TypeVar

from wisphub_api.cache.cached import Cached
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.exceptions import DiagnosticsBusy, NotFound, UpstreamFailed, UpstreamTimeout
from wisphub_api.network.diagnostic import Diagnostic, Ended, PingPolicy
from wisphub_api.network.models import Diagnosis, Status
from wisphub_api.network.shared_pings import PingTask, SharedPings
from wisphub_api.network.task_ids import TaskIds
from wisphub_api.network.upstream import PingCalls

K = TypeVar("K", bound=Hashable)
BUSY_RETRY_S: Final = 5.0


class _Diagnostics(Generic[K]):
    """The latest diagnostic of each key; the oldest are dropped when they are too old or too many.

    Args:
        policy: How many are kept, and how long.
    """

    def __init__(self, policy: PingPolicy) -> None:
        self._policy = policy
        self._kept: dict[K, Diagnostic] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: K) -> Diagnostic | None:
        """Return the diagnostic of this key, if there is one."""
        self._evict()
        return self._kept.get(key)

    def keep(self, key: K, diagnostic: Diagnostic) -> None:
        """Set the diagnostic of this key; it counts as the newest."""
        self._kept.pop(key, None)
        self._kept[key] = diagnostic
        self._evict()

    def _evict(self) -> None:
        while self._kept and self._is_surplus(oldest := next(iter(self._kept))):
            del self._kept[oldest]

    def _is_surplus(self, key: K) -> bool:
        is_old = self._kept[key].age_s > self._policy.keep_s
        return is_old or len(self._kept) > self._policy.most_kept


class NetworkService:
    """Ping diagnostics of all clients, as an async context.

    Args:
        directory: The clients; only theirs are pinged.
        calls: Starts and polls pings.
        task_ids: Signs the ids of tasks.
        policy: The timing and limits.
        shared: The tasks that any process has started.
    """

    def __init__(
        self,
        directory: Cached[Directory],
        calls: PingCalls,
        task_ids: TaskIds,
        policy: PingPolicy,
        shared: SharedPings,
    ) -> None:
        self._directory = directory
        self._shared = shared
        self._calls = calls
        self._task_ids = task_ids
        self._policy = policy
        self._of_service: _Diagnostics[int] = _Diagnostics(policy)
        self._by_task: _Diagnostics[str] = _Diagnostics(policy)
        self._running: set[Diagnostic] = set()

    async def __aenter__(self) -> Self:
        """Do nothing: diagnostics start on demand."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop polling the diagnostics that still run."""
        for diagnostic in tuple(self._running):
            await diagnostic.cancel()

    async def start(self, service_id: int, pings: int) -> Diagnosis:
        """Start a diagnostic, or join the one that runs, or return the one that has just ended.

        The latter two may belong to another process. If the start takes too long for this caller, a later
        one still joins it.

        Raises:
            NotFound: There is no such client.
            DiagnosticsBusy: The limit of running diagnostics is reached.
            UpstreamTimeout: It has not started yet.
            UpstreamError: It could not be started, or it may have been.
        """
        await self._require_client(service_id)
        diagnostic = self._of_service.find(service_id)
        if diagnostic is None or not diagnostic.is_reusable:
            ended = partial(self._shared.ended, service_id)
            diagnostic = self._begin(self._order(service_id, pings), ended, self._policy.poll_s)
            self._of_service.keep(service_id, diagnostic)
        task = await self._started(diagnostic)
        task_id = self._task_ids.issue(task.upstream_id)
        if self._by_task.find(task_id) is not diagnostic:
            self._by_task.keep(task_id, diagnostic)
        return Diagnosis(task_id, diagnostic.status() if task.status == "pending" else task.status)

    async def result(self, task_id: str, wait_s: float, gone: asyncio.Future[None]) -> Diagnosis:
        """Return the state of a diagnostic: as soon as it has a result, or after `wait_s`.

        A task that is not in memory, because another worker started it, is polled from now on.

        Args:
            task_id: As `start` returned it.
            wait_s: How long to wait for the result, in seconds.
            gone: Done when the caller has disconnected.

        Raises:
            NotFound: There is no such diagnostic.
            DiagnosticsBusy: It is not in memory, and the limit of running diagnostics is reached.
        """
        upstream_id = self._task_ids.read(task_id)
        diagnostic = self._by_task.find(task_id)
        if diagnostic is None:
            diagnostic = self._begin(_known(upstream_id), _ignore, first_poll_s=0.0)
            self._by_task.keep(task_id, diagnostic)
        await diagnostic.wait(wait_s, gone)
        return Diagnosis(task_id, diagnostic.status())

    async def _require_client(self, service_id: int) -> None:
        reading = await self._directory.read()
        if reading.value.by_service_id(service_id) is None:
            raise NotFound("No client has this service_id.", age_s=reading.age_s)

    def _begin(self, order: Coroutine[Any, Any, PingTask], ended: Ended, first_poll_s: float) -> Diagnostic:
        """Run a diagnostic; without an `await` between check and count, the limit cannot be exceeded."""
        self._running = {diagnostic for diagnostic in self._running if diagnostic.is_running}
        if len(self._running) >= self._policy.most_running:
            order.close()
            raise DiagnosticsBusy("As many ping diagnostics run as may.", retry_after_s=BUSY_RETRY_S)
        diagnostic = Diagnostic(order, self._calls, self._policy, ended, first_poll_s)
        self._running.add(diagnostic)
        return diagnostic

    async def _order(self, service_id: int, pings: int) -> PingTask:
        """Find the task that another process has started, or start one."""
        async with self._shared.lease(service_id):
            found = await self._shared.find(service_id)
            if found is not None:
                return found
            return await self._shared.begun(service_id, await self._start(service_id, pings))

    async def _start(self, service_id: int, pings: int) -> str:
        try:
            return await self._calls.start(service_id, pings)
        except UpstreamFailed as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise NotFound("WispHub Net has no service with this service_id.") from error

    async def _started(self, diagnostic: Diagnostic) -> PingTask:
        """Wait until it has started."""
        done, _ = await asyncio.wait({diagnostic.started}, timeout=self._policy.start_wait_s)
        if not done:
            raise UpstreamTimeout("WispHub Net has not started the diagnostic yet. Ask again to join it.")
        return diagnostic.started.result()


async def _known(upstream_id: str) -> PingTask:
    """Do nothing: the task has been started."""
    return PingTask(upstream_id)


async def _ignore(_: PingTask, __: Status) -> None: ...
