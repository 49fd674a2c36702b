"""Do searches stay fast when people search for four names at random?

50 of them ask every one and a half seconds. The documented P95 of a search is 9 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import closed, objective

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest

pytestmark = pytest.mark.perf

PEOPLE = "locustfiles/client_search.py:ClientSearchUser"


def test_client_search(load: LoadTest, stand: Stand) -> None:
    workload = closed(PEOPLE, users=50, hold_s=load.pick(short=5, documented=120), warm_up_s=1)
    service = stand.service(stand.upstream(latency_ms=50))
    run = load.play(workload, service, env=stand.consumer_env)
    load.check(
        run, objective("/api/v1/clients/search", p95_ms=9, mean_ms=10, min_hit_ratio=1, min_rate_per_s=30)
    )
