"""Does anything drift while the service runs for long: memory, open files, latency?

20 users, the cache expiring every second, so that half an hour sees 1,800 refreshes. A trend test over the
run (Sen's slope, Kendall's tau) tells a drift from noise; what it adds up to must stay below what is allowed.
The soak profile runs 30 minutes; shorter profiles show that the test itself works, and catch only gross
leaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import UserClass, closed, objective
from loadcheck.judge.drift import latency_drift, memory_drift
from loadcheck.judge.measured import measured_in

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest

pytestmark = pytest.mark.perf

HASTY = UserClass(locustfile="locustfiles/bot_traffic.py", name="WispHubAPIUser", wait_s=(0.2, 0.6))


def test_soak(load: LoadTest, stand: Stand) -> None:
    hold_s = load.pick(short=8, documented=120, soak=1_800)
    upstream = stand.upstream(latency_ms=50)
    service = stand.service(upstream, wisphub_api_clients_ttl=1)
    workload = closed(HASTY, users=20, hold_s=hold_s, warm_up_s=2)
    run = load.play(workload, service, beside=(upstream.server,), env=stand.consumer_env)
    machine_ms = measured_in(run).machine_share_ms("p95_ms")
    load.check(
        run,
        objective(p95_ms=50, memory_mb=120),
        claims=(memory_drift(run, at_most_mb=20), latency_drift(run, at_most_ms=3 + machine_ms)),
    )
