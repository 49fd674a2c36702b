"""How soon does the service answer again when it is started while WispHub Net is down?

It keeps what it has loaded in a folder. Started anew without any upstream it must answer within a second, or
where the machine is slow within three times what a bare Litestar app takes to start; with what was kept, and
say that it is stale. Of three starts the best one counts: what disturbs a start only makes it longer.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest

from loadcheck import claim, closed, objective

if TYPE_CHECKING:
    from pathlib import Path

    from tests.perf.conftest import Stand, Upstream

    from loadcheck.fixtures.load import LoadTest
    from loadcheck.run.server import Server

pytestmark = pytest.mark.perf

ANSWERS_WITHIN_S = 1.0
TIMES_BARE = 3
TTL_S = 1.0


def start(stand: Stand, upstream: Upstream, kept: Path) -> Server:
    """Start the service; gives it once it can answer."""
    return stand.service(
        upstream,
        wisphub_api_clients_ttl=TTL_S,
        wisphub_api_plans_ttl=TTL_S,
        wisphub_api_snapshot_dir=kept,
    )


def ready_s(server: Server) -> float:
    """Return how many seconds a server took to get ready."""
    return math.inf if server.ready_s is None else server.ready_s


def test_start_without_upstream(load: LoadTest, stand: Stand, tmp_path: Path) -> None:
    upstream = stand.upstream(
        latency_ms=5, clients=int(load.pick(short=2_000, documented=50_000, stress=50_000))
    )
    start(stand, upstream, tmp_path).stop()
    upstream.server.stop()
    time.sleep(TTL_S)
    allowed_s = max(ANSWERS_WITHIN_S, TIMES_BARE * stand.bare_start_s())
    took_s = math.inf
    for _ in range(2):
        before = start(stand, upstream, tmp_path)
        took_s = min(took_s, ready_s(before))
        before.stop()
    service = start(stand, upstream, tmp_path)
    took_s = min(took_s, ready_s(service))
    users = closed("locustfiles/client_search.py:ClientSearchUser", users=10, hold_s=3, warm_up_s=0)
    run = load.play(users, service, env=stand.consumer_env)
    started = claim("seconds until it answers", took_s, "≤", allowed_s)
    load.check(run, objective(max_ms=1_000, failure_ratio=0, min_stale_ratio=1), claims=(started,))
