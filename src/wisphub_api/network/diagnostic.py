"""One ping diagnostic, from its start to its result, and the meaning of the result.

Theory of operation. A diagnostic has three states, in this order; its status is "pending" in the first two:

- starting (`started` runs): the upstream is called, or another process's task is taken over. A failure ends
  it with "error"; a task that is already finished ends it with that task's status.
- polling (`_watch` runs): a poll without a result, or that fails, is repeated after a pause. It ends with the
  status that a result means, with `NotFound` if the upstream does not know the task, and with "error" after
  `patience_s`.
- ended: the status is final. A finding answers further diagnostics of the same service for `reuse_s`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextvars import Context
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final

from msgspec import Struct

from wisphub_api.exceptions import NotFound, UpstreamError, UpstreamFailed
from wisphub_api.network.models import FINISHED_WELL, PingReport, Status
from wisphub_api.network.shared_pings import PingTask
from wisphub_api.network.upstream import PingCalls

logger = logging.getLogger(__name__)

Ended = Callable[[PingTask, Status], Awaitable[None]]

GROWTH: Final = 1.5
LONGEST: Final = 5.0
_MAC: Final = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.IGNORECASE)


class PingPolicy(Struct, frozen=True, kw_only=True):
    """The timing and limits of diagnostics.

    Attributes:
        poll_s: How long after its start a task is first polled; later polls are further apart.
        reuse_s: How long a result answers further diagnostics of the same service.
        patience_s: How long a task is polled before it is abandoned.
        start_wait_s: How long a caller waits for the start.
        most_running: How many may run at once.
        most_kept: How many results are kept in memory.
        keep_s: How long each is kept.
    """

    poll_s: float
    reuse_s: float
    patience_s: float = 120.0
    start_wait_s: float = 15.0
    most_running: int = 40
    most_kept: int = 10_000
    keep_s: float = 3600.0


class Diagnostic:
    """A ping that is started and then polled until it has a result.

    Its own tasks do both once, however many callers wait, and no caller can cancel them.

    Args:
        begin: Starts it, or finds the one that has been started.
        calls: Polls its state.
        policy: The timing.
        ended: Called once, with the result.
        first_poll_s: How long after the start it is first polled.
    """

    def __init__(
        self,
        begin: Coroutine[Any, Any, PingTask],
        calls: PingCalls,
        policy: PingPolicy,
        ended: Ended,
        first_poll_s: float,
    ) -> None:
        self._calls = calls
        self._policy = policy
        self._ended = ended
        self._begun_at = self._finished_at = _now()
        self.started = asyncio.create_task(begin, context=Context())
        self._watch = asyncio.create_task(self._follow(first_poll_s), context=Context())
        self._watch.add_done_callback(self._record_end)

    @property
    def age_s(self) -> float:
        """Return how long ago it began, in seconds."""
        return _now() - self._begun_at

    @property
    def is_running(self) -> bool:
        """Return whether a result may still arrive."""
        return not self._watch.done()

    @property
    def is_reusable(self) -> bool:
        """Return whether it can answer a new diagnostic: it runs, or has just found a result."""
        if _has_failed(self.started):  # `_watch` ends a moment later
            return False
        if self.is_running:
            return True
        has_found = not _has_failed(self._watch) and self._watch.result() in FINISHED_WELL
        return has_found and _now() - self._finished_at <= self._policy.reuse_s

    def status(self) -> Status:
        """Return its state, with the result once there is one.

        Raises:
            NotFound: WispHub Net does not know this task.
        """
        return "pending" if self.is_running else self._watch.result()

    async def wait(self, wait_s: float, gone: asyncio.Future[None]) -> None:
        """Wait for the result, up to `wait_s` or until the caller has disconnected."""
        ends: set[asyncio.Future[Any]] = {self._watch, gone}
        if wait_s > 0:
            await asyncio.wait(ends, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)

    async def cancel(self) -> None:
        """Stop polling it."""
        self.started.cancel()
        self._watch.cancel()
        await asyncio.wait({self.started, self._watch})

    async def _follow(self, first_poll_s: float) -> Status:
        """Poll it, once it has started, until there is a result or `patience_s` is over."""
        await asyncio.wait({self.started})
        if _has_failed(self.started):
            return "error"
        task = self.started.result()
        if task.status != "pending":
            return task.status
        try:
            async with asyncio.timeout(self._policy.patience_s):
                status = await self._poll(task.upstream_id, first_poll_s)
        except TimeoutError:
            logger.warning("a ping diagnostic had no result after %g s", self._policy.patience_s)
            status = "error"
        except Exception:
            await self._ended(task, "error")
            raise
        await self._ended(task, status)
        return status

    async def _poll(self, upstream_id: str, first_poll_s: float) -> Status:
        wait_s = first_poll_s
        for pause_s in pauses(self._policy.poll_s):
            await asyncio.sleep(wait_s)
            try:
                status = diagnose(await self._calls.report(upstream_id))
                wait_s = pause_s
            except UpstreamError as error:
                _refuse_unknown(error)
                status, wait_s = "pending", max(pause_s, error.retry_after_s or 0.0)
            if status != "pending":
                return status
        raise AssertionError

    def _record_end(self, watch: asyncio.Task[Status]) -> None:
        """Record when it ended, and log a bug now, as no caller may ever ask for the result."""
        self._finished_at = _now() - (0.0 if _has_failed(self.started) else self.started.result().ended_s)
        error = None if watch.cancelled() else watch.exception()
        if error and not isinstance(error, NotFound):
            logger.error("a ping diagnostic failed: internal error (%s)", type(error).__name__)


def diagnose(report: PingReport) -> Status:
    """Return the status that a task's result means.

    No reply means "no internet" only if every host was pinged. If one line is an error of the router, or no
    host is recognised, the diagnostic has no finding.
    """
    if report.is_running:
        return "pending"
    devices = [host.has_answered for host in report.hosts if is_device(host.host)]
    antennas = [host.has_answered for host in report.hosts if is_antenna(host.host)]
    if any(devices):
        return "stable"
    if any(antennas):
        return "antenna_only"
    return "error" if report.errors or not devices + antennas else "no_internet"


def is_device(host: str) -> bool:
    """Return whether this is the subscriber's device: a MAC, or an address not reachable from outside.

    These are private addresses (RFC 1918, RFC 4193) and those of carrier-grade NAT (RFC 6598).
    """
    is_public = _is_public(host)
    return _MAC.fullmatch(host) is not None if is_public is None else not is_public


def is_antenna(host: str) -> bool:
    """Return whether this is the antenna: a public address."""
    return _is_public(host) is True


def _is_public(host: str) -> bool | None:
    """Return whether an address is public; None if it is not an address."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return None


def pauses(first_s: float) -> Iterator[float]:
    """Yield the pauses between polls without end: longer and longer, up to `LONGEST` times the first."""
    pause_s = first_s
    while True:
        yield pause_s
        pause_s = min(pause_s * GROWTH, first_s * LONGEST)


def _refuse_unknown(error: UpstreamError) -> None:
    """Raise if the upstream does not know the task; any other failure may be temporary."""
    if isinstance(error, UpstreamFailed) and error.status == HTTPStatus.NOT_FOUND:
        raise NotFound("WispHub Net no longer knows this ping diagnostic.") from error


def _has_failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _now() -> float:
    return asyncio.get_running_loop().time()
