"""What does the service itself consume under load?

100 users for a while, the cache expiring every second meanwhile: CPU, memory, threads, open files, and how
late its event loop wakes. Refreshes (2,000 clients) are part of it: they must not hold up the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import closed, objective

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest

pytestmark = pytest.mark.perf

USERS = 100


def test_resources(load: LoadTest, stand: Stand) -> None:
    hold_s = load.pick(short=6, documented=60)
    workload = closed("locustfiles/bot_traffic.py:WispHubAPIUser", users=USERS, hold_s=hold_s, warm_up_s=1)
    upstream = stand.upstream(latency_ms=50)
    service = stand.service(upstream, wisphub_api_clients_ttl=1)
    run = load.play(
        workload,
        service,
        beside=(upstream.server,),
        env=stand.consumer_env,
        counters={"upstream_calls": upstream.call_count},
    )
    load.check(
        run,
        objective(
            p95_ms=50,
            cpu_cores=0.5,
            memory_mb=120,
            threads=12,
            open_files=USERS + 60,
            lag_max_ms=100,
            min_upstream_calls=1,
        ),
    )
