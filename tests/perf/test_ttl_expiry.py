"""What does the expiry of the cache cost a user? Nothing: answers stay warm while one refresh runs.

The original let the first users after an expiry wait about 800 ms for the refill. Here 20 users ask across
several expiries of a cache that lives 3 s, before an upstream that takes 600 ms a call and 1.2 s a refill:
whoever waited for even one call would have waited 600 ms, so no answer may take half of that, and none may
say that it waited. A run is void that saw fewer than two refreshes, or no answer on one side of an expiry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import UserClass, claim, closed, objective

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest

pytestmark = pytest.mark.perf

TTL_S = 3
UPSTREAM_LATENCY_MS = 600


def test_ttl_expiry(load: LoadTest, stand: Stand) -> None:
    hasty = UserClass(locustfile="locustfiles/bot_traffic.py", name="WispHubAPIUser", wait_s=(0.2, 0.6))
    workload = closed(hasty, users=20, hold_s=load.pick(short=8.5, documented=60), warm_up_s=0.5)
    upstream = stand.upstream(latency_ms=UPSTREAM_LATENCY_MS)
    service = stand.service(upstream, wisphub_api_clients_ttl=TTL_S, wisphub_api_plans_ttl=TTL_S)
    one_load = upstream.calls()["GET /api/clientes/"]

    upstream.forget_calls()
    run = load.play(workload, service, beside=(upstream.server,), env=stand.consumer_env)
    refreshes = upstream.calls()["GET /api/clientes/"] / one_load

    answers = run.judged.count_by(lambda label: label.cache)
    load.check(
        run,
        objective(max_ms=UPSTREAM_LATENCY_MS / 2, p95_ms=50),
        claims=(
            claim("refreshes", refreshes, "≥", 2, otherwise="void"),
            claim("fresh answers", answers.get("hit", 0), "≥", 1, otherwise="void"),
            claim("stale answers", answers.get("stale", 0), "≥", 1, otherwise="void"),
            claim("answers that waited", answers.get("miss", 0), "=", 0),
        ),
    )
