"""How much does the service carry, and what gives way first?

The load doubles until P95 passes 10 ms or anything fails, then the bracket is halved: once in users who wait
for their answers, once in arrivals a second that wait for nobody. A load counts as too much when three runs
of it were. On two cores the load generator needs one for itself, so it may give way before the service does:
the service must by then have carried what is asked here. The short profile asks for just that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import arriving, closed, objective
from loadcheck.judge.capacity import Search

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest
    from loadcheck.run.generator import Run
    from loadcheck.run.server import Server

pytestmark = pytest.mark.perf

BOTS = "locustfiles/bot_traffic.py:WispHubAPIUser"
VERIFYING = "locustfiles/heavy_verification.py:HeavyVerificationUser"
FAST_ENOUGH = objective(p95_ms=10)
CONFIRM = 3


@pytest.fixture(scope="module")
def service(shared_stand: Stand) -> Server:
    return shared_stand.service(shared_stand.upstream(latency_ms=50))


def test_users(load: LoadTest, stand: Stand, service: Server) -> None:
    hold_s = load.pick(short=4, documented=30)

    def play(users: float) -> Run:
        workload = closed(BOTS, users=int(users), hold_s=hold_s, warm_up_s=1)
        return load.play(workload, service, env=stand.consumer_env, part=f"{users:g}-users")

    search = Search(
        start=load.pick(short=200, documented=50),
        limit=load.pick(short=200, documented=500, stress=3_200),
        floor=load.pick(short=200, documented=50),
        confirm=CONFIRM,
        integers=True,
    )
    found = load.find_capacity(search, play, FAST_ENOUGH)
    load.check_capacity(found, unit="users", at_least=200)


def test_arrivals(load: LoadTest, stand: Stand, service: Server) -> None:
    hold_s = load.pick(short=8, documented=30)

    def play(rate_per_s: float) -> Run:
        workload = arriving(VERIFYING, rate_per_s=rate_per_s, hold_s=hold_s, warm_up_s=0.5)
        return load.play(workload, service, env=stand.consumer_env, part=f"{rate_per_s:g}-per-second")

    start = load.pick(short=400, documented=100)
    limit = load.pick(short=400, documented=1_600, stress=6_400)
    search = Search(start=start, limit=limit, floor=load.pick(short=400, documented=50), confirm=CONFIRM)
    found = load.find_capacity(search, play, FAST_ENOUGH)
    load.check_capacity(found, unit="arrivals a second", at_least=400)
