"""Does the service carry the documented load within the documented latencies?

The documentation promises, at 50 users spawned at 5 a second: no failure, average and P95 under 10 ms, and
over 40 requests a second. The last cannot come from those users: each waits 1 to 3 s between requests, 2 s
on average, so 50 of them ask for 25 requests a second at most, however fast the answers. Hence two runs:
the documented users, of whose possible rate 95 % must be reached; and 100 of them, who ask for 50 a second,
of which more than 40 must be answered within the same limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import closed, objective

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest
    from loadcheck.run.server import Server

pytestmark = pytest.mark.perf

BOTS = "locustfiles/bot_traffic.py:WispHubAPIUser"
MEAN_WAIT_S = 2.0

ENDPOINTS = (
    objective("/api/v1/clients/", p95_ms=8, mean_ms=10),
    objective("/api/v1/clients/search", p95_ms=9, mean_ms=10),
    objective("/api/v1/clients/{service_id}/verify", p95_ms=11, mean_ms=10),
    objective("/api/v1/internet-plans/", p95_ms=6, mean_ms=10),
)
MEANS = tuple(objective(each.endpoint, mean_ms=10) for each in ENDPOINTS)
"""A single endpoint has too few answers in half a minute for a P95 that a few late ones do not change: the
short profile holds each to its mean, all together to their P95; the documented one each to its P95 too."""


@pytest.fixture(scope="module")
def service(shared_stand: Stand) -> Server:
    return shared_stand.service(shared_stand.upstream())


def test_50_users(load: LoadTest, stand: Stand, service: Server) -> None:
    hold_s = load.pick(short=22, documented=300)
    workload = closed(BOTS, users=50, spawn_rate=5, hold_s=hold_s, warm_up_s=1)
    run = load.play(workload, service, env=stand.consumer_env)
    all_requests = objective(p95_ms=10, mean_ms=10, max_ms=1_000, min_rate_per_s=0.95 * 50 / MEAN_WAIT_S)
    each = MEANS if load.profile == "short" else ENDPOINTS
    load.check(run, all_requests, *each)


def test_over_40_requests_a_second(load: LoadTest, stand: Stand, service: Server) -> None:
    hold_s = load.pick(short=7, documented=120)
    workload = closed(BOTS, users=100, spawn_rate=50, hold_s=hold_s, warm_up_s=1)
    run = load.play(workload, service, env=stand.consumer_env)
    each = MEANS if load.profile == "short" else ENDPOINTS
    load.check(run, objective(p95_ms=10, mean_ms=10, max_ms=1_000, min_rate_per_s=40), *each)
