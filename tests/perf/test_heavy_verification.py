"""Do identity checks stay fast when bots do hardly anything else?

50 bots verify ten times for each search, about once a second each. The documented P95 of a verification is 11
ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import closed, objective

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest

pytestmark = pytest.mark.perf

BOTS = "locustfiles/heavy_verification.py:HeavyVerificationUser"


def test_heavy_verification(load: LoadTest, stand: Stand) -> None:
    workload = closed(BOTS, users=50, hold_s=load.pick(short=4, documented=120), warm_up_s=1)
    service = stand.service(stand.upstream(latency_ms=50))
    run = load.play(workload, service, env=stand.consumer_env)
    load.check(
        run,
        objective(min_rate_per_s=45, max_ms=1_000),
        objective("/api/v1/clients/{service_id}/verify", p95_ms=11, mean_ms=10, min_hit_ratio=1),
    )
