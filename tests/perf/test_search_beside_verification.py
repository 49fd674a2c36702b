"""Do searches stay fast while bots verify identities?

30 bots that mostly verify and 30 people who search share one service with a full cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import UserClass, closed, objective

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest

pytestmark = pytest.mark.perf

BOTS = UserClass(locustfile="locustfiles/heavy_verification.py", name="HeavyVerificationUser", weight=1)
PEOPLE = UserClass(locustfile="locustfiles/client_search.py", name="ClientSearchUser", weight=1)


def test_search_beside_verification(load: LoadTest, stand: Stand) -> None:
    workload = closed(
        [BOTS, PEOPLE], users=60, hold_s=load.pick(short=8, documented=120), spawn_rate=60, warm_up_s=1
    )
    upstream = stand.upstream(latency_ms=50)
    service = stand.service(upstream, wisphub_api_clients_ttl=300)
    run = load.play(workload, service, beside=(upstream.server,), env=stand.consumer_env)
    load.check(
        run,
        objective("/api/v1/clients/search", p95_ms=9, min_hit_ratio=1),
        objective("/api/v1/clients/{service_id}/verify", p95_ms=11),
    )
