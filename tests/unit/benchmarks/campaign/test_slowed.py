"""The service, slowed on purpose."""

import time

import pytest

from benchmarks.campaign import slowed
from benchmarks.campaign.slowed import SLOWED, Slowdown, SlowedHttp, encoded, slowdowns
from wisphub_api.web.server.bounded_http import BoundedHttp


@pytest.mark.parametrize("kind", ["time", "cpu"])
@pytest.mark.parametrize("us", [20.0, 3_000.0])
def test_what_is_spent_is_spent_wholly(kind, us):
    begun = time.perf_counter()
    Slowdown(us=us, kind=kind).spend()
    assert time.perf_counter() - begun >= us / 1e6


def test_waiting_uses_no_cpu_time():
    begun = time.thread_time()
    Slowdown(us=200_000, kind="time").spend()
    assert time.thread_time() - begun < 0.1


def test_what_is_slowed_is_told_by_the_environment(monkeypatch):
    told = {"GET /a ": Slowdown(us=5.0, kind="cpu")}
    monkeypatch.setenv(SLOWED, encoded(told))
    assert slowdowns() == {b"GET /a ": told["GET /a "]}
    monkeypatch.delenv(SLOWED)
    assert slowdowns() == {}


def test_a_request_is_slowed_once_by_the_first_that_fits(monkeypatch):
    spent: list[float] = []
    taken: list[bytes] = []
    monkeypatch.setattr(slowed.Slowdown, "spend", lambda self: spent.append(self.us))
    monkeypatch.setattr(BoundedHttp, "data_received", lambda _, data: taken.append(data))
    own = {b"GET /a?q=b ": Slowdown(us=1.0, kind="cpu"), b"GET /a": Slowdown(us=2.0, kind="cpu")}
    monkeypatch.setattr(SlowedHttp, "slowdowns", own)
    protocol = SlowedHttp.__new__(SlowedHttp)
    for request in (b"GET /a?q=b HTTP/1.1", b"GET /a HTTP/1.1", b"GET /other HTTP/1.1"):
        protocol.data_received(request)
    assert spent == [1.0, 2.0]
    assert len(taken) == 3
