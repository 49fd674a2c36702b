"""WispHub Net goes down once the cache is full: do users notice? And does the service heal by itself?

50 users ask while nobody listens on the upstream's port and the cache's TTL has long passed. No request may
fail, and every answer must say that it is stale. When the upstream is back, fresh answers must come without
a restart. The short profile holds this for 10 s, the documented one for 30 s.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from loadcheck.objectives import Objective, claim
from loadcheck.probe import Probe, Question
from loadcheck.workload import Stage, UserClass, Workload

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.server import Server
    from loadcheck.session import LoadTest

pytestmark = pytest.mark.perf

TTL_S = 1
HEALED_WITHIN_S = 30
CLIENTS = Question(path="/api/v1/clients/search?q=Esperanza", name="/api/v1/clients/search")


def test_upstream_down(load: LoadTest, stand: Stand) -> None:
    workload = Workload(
        users=(UserClass(locustfile="locustfiles/bot_traffic.py", name="WispHubAPIUser"),),
        stages=(Stage(users=50, spawn_rate=50, hold_s=load.pick(short=10, documented=30)),),
        warm_up_s=2 * TTL_S,
    )
    upstream = stand.upstream(latency_ms=50)
    service = stand.service(upstream, wisphub_api_clients_ttl=TTL_S, wisphub_api_plans_ttl=TTL_S)
    upstream.server.stop()

    run = load.play(workload, service, env=stand.consumer_env)

    stand.upstream(latency_ms=50, port=upstream.server.port)
    healed_s = seconds_until_fresh(service, stand.consumer_headers)
    healed = claim("healed after seconds", healed_s, "≤", HEALED_WITHIN_S)
    load.check(run, Objective(p95_ms=50, min_stale_ratio=1), claims=(healed,))


def seconds_until_fresh(service: Server, headers: dict[str, str]) -> float:
    """How long the service goes on answering from its stale cache."""
    start = time.monotonic()
    with Probe(service, headers=headers) as caller:
        while caller.ask(CLIENTS).cache != "hit" and time.monotonic() - start < HEALED_WITHIN_S:
            time.sleep(0.05)
    return time.monotonic() - start
