"""Ping diagnostics as WispHub Net writes them."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from wisphub_api.exceptions import UpstreamTimeout, UpstreamUncertain, UpstreamUnreadable
from wisphub_api.network.models import HostReport, PingReport
from wisphub_api.network.upstream import POLL_TIMEOUT_S, PingCalls, read_report, read_started
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.upstream.client import WispHubNet

SETTINGS = Settings(net_host="https://net.example", net_key=Secret("the-key"))


def report(status: Any, result: Any = None) -> PingReport:
    return read_report(msgspec.json.encode({"task": {"status": status, "result": result}}))


def echo(**said: Any) -> bool:
    """Read what is said of one host."""
    (host,) = report("SUCCESS", [{"ping-1": {"host": "10.0.0.1", **said}}]).hosts
    return host.has_answered


@pytest.mark.parametrize("status", ["PENDING", "PROCESS", "pending", " process "])
def test_a_task_in_its_way_is_running(status):
    assert report(status) == PingReport(is_running=True)


@pytest.mark.parametrize("status", ["FAILURE", "REVOKED", "", None, 7])
def test_any_other_status_is_a_failure_whatever_it_says(status):
    assert report(status, [{"ping-1": {"host": "10.0.0.1", "received": "4"}}]) == PingReport(errors=1)


@pytest.mark.parametrize("result", [None, "Router no disponible", {}, 5])
def test_a_success_without_a_list_is_an_error(result):
    assert report("SUCCESS", result) == PingReport(errors=1)


def test_hosts_are_read_and_the_summary_is_skipped():
    result = [
        {"ping-exitoso": {"host": "192.168.1.1", "status": "", "received": "4"}},
        {"ping-1": {"host": "10.0.0.1", "status": "timeout", "received": "0"}, "sent": 4},
        {"ping-2": {"host": " 181.52.10.20 ", "status": "", "received": "3", "new": None}},
        "a line of another kind",
    ]
    hosts = (HostReport("10.0.0.1", has_answered=False), HostReport("181.52.10.20", has_answered=True))
    assert report("SUCCESS", result) == PingReport(hosts=hosts)


def test_lines_that_are_no_host_are_errors_of_the_routers():
    assert report("SUCCESS", [{"ping-1": "timed out", "ping-2": None, "ping-3": []}]) == PingReport(errors=3)


@pytest.mark.parametrize("received", ["4", "1", 4, "1.0"])
def test_anything_received_is_an_answer(received):
    assert echo(received=received)


@pytest.mark.parametrize("received", ["0", " 0 ", 0, 0.0, "", None])
def test_nothing_received_is_none(received):
    assert not echo(received=received, status="timeout")


@pytest.mark.parametrize("status", ["host unreachable", "Host Unreachable "])
def test_a_host_that_is_told_to_be_unreachable_was_told_so_by_something(status):
    assert echo(received="0", status=status)


def test_a_host_of_which_nothing_is_said_has_not_answered():
    assert not echo()


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"task": null}', b"[]", b'{"task": {"status": "PROC'])
def test_what_is_no_task_cannot_be_read(body):
    with pytest.raises(UpstreamUnreadable):
        read_report(body)


@pytest.mark.parametrize(("task_id", "read"), [("5f-A_9", "5f-A_9"), (17, "17")])
def test_the_id_of_a_task_is_read(task_id, read):
    assert read_started(msgspec.json.encode({"task_id": task_id})) == read


@pytest.mark.parametrize("task_id", ["", None, "a/b", "../x", "a b", "a.b", "ñ", "x" * 101])
def test_an_id_that_cannot_stand_in_a_path_is_refused(task_id):
    with pytest.raises(UpstreamUnreadable):
        read_started(msgspec.json.encode({"task_id": task_id}))


class Upstream:
    """Hangs wherever it is asked for a ping; anything else it answers at once."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if "/ping/" in request.url.path or "/tasks/" in request.url.path:
            await asyncio.sleep(3600)
        return httpx.Response(200, json={"count": 0, "results": []})

    def net(self) -> WispHubNet:
        return WispHubNet(SETTINGS, httpx.MockTransport(self.handle))


@pytest.mark.looptime
async def test_pings_that_hang_leave_permits_to_the_rest_of_the_service():
    upstream = Upstream()
    async with upstream.net() as net:
        calls = PingCalls(net, at_once=3)
        hanging: list[asyncio.Task[Any]] = [
            asyncio.create_task(calls.start(number, 4)) for number in range(9)
        ]
        hanging += [asyncio.create_task(calls.report("x")) for _ in range(9)]
        await asyncio.sleep(1)
        assert len(upstream.requests) == 3
        assert await net.read("/api/clientes/", {}, len) > 0
        assert asyncio.get_running_loop().time() == 1
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)


@pytest.mark.looptime
async def test_a_look_at_a_task_is_given_up_in_time():
    upstream = Upstream()
    async with upstream.net() as net:
        with pytest.raises(UpstreamTimeout):
            await PingCalls(net, at_once=1).report("x")
    assert asyncio.get_running_loop().time() == POLL_TIMEOUT_S


@pytest.mark.looptime
async def test_a_start_that_hangs_is_not_repeated_and_its_outcome_is_not_known():
    upstream = Upstream()
    async with upstream.net() as net:
        with pytest.raises(UpstreamUncertain):
            await PingCalls(net, at_once=1).start(7, 4)
    (request,) = upstream.requests
    assert (request.method, request.url.path, request.content) == (
        "POST",
        "/api/clientes/7/ping/",
        b'{"pings":4}',
    )
