"""What does the expiry of the cache cost a user? Nothing: answers stay warm while one refresh runs.

The original let the first users after an expiry wait about 800 ms for the refill. Here 20 users ask across
several expiries of a cache that lives 1 s, before an upstream that takes 800 ms a call: whoever waited for
even one call would have waited 800 ms, so no answer may take half of that. A run in which the simulator saw
fewer than two refreshes is void.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck.objectives import Objective, claim
from loadcheck.workload import Stage, UserClass, Workload

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.session import LoadTest

pytestmark = pytest.mark.perf

TTL_S = 1
UPSTREAM_LATENCY_MS = 800


def test_ttl_expiry(load: LoadTest, stand: Stand) -> None:
    workload = Workload(
        users=(UserClass(locustfile="locustfiles/bot_traffic.py", name="WispHubAPIUser", wait_s=(0.2, 0.6)),),
        stages=(Stage(users=20, spawn_rate=20, hold_s=load.pick(short=12, documented=60)),),
        warm_up_s=0.5,
    )
    upstream = stand.upstream(latency_ms=UPSTREAM_LATENCY_MS)
    service = stand.service(upstream, wisphub_api_clients_ttl=TTL_S, wisphub_api_plans_ttl=TTL_S)
    one_load = upstream.calls()["GET /api/clientes/"]

    upstream.forget_calls()
    run = load.play(workload, service, beside=(upstream.server,), env=stand.consumer_env)
    refreshes = upstream.calls()["GET /api/clientes/"] / one_load

    objective = Objective(max_ms=UPSTREAM_LATENCY_MS / 2, p95_ms=50)
    load.check(run, objective, claims=(claim("refreshes", refreshes, "≥", 2, otherwise="void"),))
