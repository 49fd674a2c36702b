"""WispHub Net's ping diagnostics: a task is started, then polled until it has a result."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from wisphub_api.exceptions import UpstreamTimeout, UpstreamUnreadable
from wisphub_api.network.models import HostReport, PingReport
from wisphub_api.upstream.client import Content, WispHubNet
from wisphub_api.upstream.wire import Text, clean_text, decode

START: Final = "/api/clientes/{service_id}/ping/"
TASK: Final = "/api/tasks/{task_id}/"
POLL_TIMEOUT_S: Final = 8.0
"""How long one poll of a task may take with all its retries; the next poll follows anyway."""
_RUNNING: Final = frozenset({"PENDING", "PROCESS"})
_SUMMARY: Final = "ping-exitoso"
"""A line that always claims success."""
_TASK_ID: Final = re.compile(r"[\w-]{1,100}", re.ASCII)


class StartedWire(Struct):
    """The answer to the start of a ping."""

    task_id: Text


class _Task(Struct):
    status: Text = None
    result: Any = None


class TaskWire(Struct):
    """The answer of `/api/tasks/{task_id}/`."""

    task: _Task


class EchoWire(Struct):
    """The result of pinging one host."""

    host: Text = None
    status: Text = None
    received: Text = None


class PingCalls:
    """The calls that start and poll pings.

    They are a bulkhead: pings that hang use at most `at_once` of the permits for WispHub Net, and leave the
    others to the rest of the service.

    Args:
        net: WispHub Net.
        at_once: How many of these calls may be in flight.
    """

    def __init__(self, net: WispHubNet, at_once: int) -> None:
        self._net = net
        self._bulkhead = asyncio.Semaphore(at_once)

    async def start(self, service_id: int, pings: int) -> str:
        """Start a ping of a service's hosts, without retries, and return the task's id.

        Raises:
            UpstreamUncertain: It may have been started.
            UpstreamError: It was not started.
        """
        order = Content(json={"pings": pings})
        async with self._bulkhead:
            return await self._net.write("POST", START, order, read_started, service_id=service_id)

    async def report(self, task_id: str) -> PingReport:
        """Return the state of a task.

        Raises:
            UpstreamError: It could not be read.
        """
        async with self._bulkhead:
            try:
                async with asyncio.timeout(POLL_TIMEOUT_S):
                    return await self._net.read(TASK, {}, read_report, task_id=task_id)
            except TimeoutError as error:
                raise UpstreamTimeout(f"WispHub Net did not answer {TASK} in time") from error


def read_started(body: bytes) -> str:
    """Parse the id of a task that was started.

    Raises:
        UpstreamUnreadable: There is none, or it cannot be part of a path.
    """
    task_id = clean_text(decode(body, StartedWire).task_id) or ""
    if not _TASK_ID.fullmatch(task_id):
        raise UpstreamUnreadable("WispHub Net started a ping without a usable task id")
    return task_id


def read_report(body: bytes) -> PingReport:
    """Parse a task; a failed one has an error and no host.

    Raises:
        UpstreamUnreadable: It is not a task.
    """
    task = decode(body, TaskWire).task
    status = (clean_text(task.status) or "").upper()
    if status in _RUNNING:
        return PingReport(is_running=True)
    if status != "SUCCESS" or not isinstance(task.result, list):
        return PingReport(errors=1)
    echoes = [_echo(value) for value in _lines(task.result)]
    hosts = tuple(_host_report(echo) for echo in echoes if echo is not None)
    return PingReport(hosts=hosts, errors=echoes.count(None))


def _lines(result: list[Any]) -> list[Any]:
    """Return the value of each `ping-…` line but the summary."""
    rows = [row for row in result if isinstance(row, dict)]
    named = [(name, value) for row in rows for name, value in row.items()]
    return [value for name, value in named if name.startswith("ping-") and name != _SUMMARY]


def _echo(line: Any) -> EchoWire | None:
    """Parse the result of a host; None if it is an error of the router, or anything else."""
    try:
        return msgspec.convert(line, EchoWire, strict=False)
    except msgspec.ValidationError:
        return None


def _host_report(echo: EchoWire) -> HostReport:
    """Map the result of a host; "unreachable" counts as an answer, as some host has sent that report."""
    status, received = clean_text(echo.status) or "", clean_text(echo.received) or "0"
    return HostReport(clean_text(echo.host) or "", received != "0" or status.lower() == "host unreachable")
