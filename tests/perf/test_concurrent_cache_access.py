"""A hundred users arrive at a service whose cache is empty: do they cause one upstream load, or a hundred?

The simulator counts. What one load costs (how many pages) is counted first, with a service that nobody asks
anything. The upstream is slow here, so that all users arrive while the first load is still under way; a run
in which they did not all wait for it is void. Each waits for one load, which is two calls in a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import claim, closed, objective

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest

pytestmark = pytest.mark.perf

USERS = 100
CLIENTS_PAGE = "GET /api/clientes/"
PLANS_LIST = "GET /api/plan-internet/"
UPSTREAM_LATENCY_MS = 1_200
ARRIVING_AT_ONCE = closed("locustfiles/bot_traffic.py:WispHubAPIUser", users=USERS, hold_s=4, judge="all")


def test_concurrent_cache_access(load: LoadTest, stand: Stand) -> None:
    upstream = stand.upstream(latency_ms=UPSTREAM_LATENCY_MS)
    stand.service(upstream).stop()
    one_load = upstream.calls()

    upstream.forget_calls()
    service = stand.service(upstream, is_warm=False)
    run = load.play(ARRIVING_AT_ONCE, service, beside=(upstream.server,), env=stand.consumer_env)
    caused = upstream.calls()

    waited = int((run.samples.latency_ms > 100).sum())
    load.check(
        run,
        objective(failure_ratio=0, max_ms=2 * 2 * UPSTREAM_LATENCY_MS),
        claims=(
            claim("answers that waited for it", waited, "≥", USERS, otherwise="void"),
            claim("pages of clients loaded", caused[CLIENTS_PAGE], "=", one_load[CLIENTS_PAGE]),
            claim("lists of plans loaded", caused[PLANS_LIST], "=", one_load[PLANS_LIST]),
        ),
    )
