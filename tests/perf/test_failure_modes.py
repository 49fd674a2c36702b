"""What do users see while WispHub Net is slow, fails, limits, hangs up or is gone? And when a worker is
killed?

50 users ask a service whose cache is full and whose TTL is a second, while every call to WispHub Net goes
wrong. No request may fail or wait for it: each is answered from memory and says that it is stale. Once
WispHub Net is well again, fresh answers must come without a restart. When one of two workers is killed, each
user may lose the one request that was under way or comes next on a broken connection, and nothing after it.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from loadcheck import Workload, closed, objective
from loadcheck.judge import claim
from loadcheck.probe import Probe, Question

if TYPE_CHECKING:
    from tests.perf.conftest import Stand, Upstream

    from loadcheck.generator import Run
    from loadcheck.load_test import LoadTest
    from loadcheck.server import Server

pytestmark = pytest.mark.perf

USERS = 50
TTL_S = 1
HEALED_WITHIN_S = 30
CLIENTS = Question(path="/api/v1/clients/search?q=Esperanza", name="/api/v1/clients/search")
FAULTS = {
    "slow": {"kind": "hang", "seconds": 2},
    "failing": {"kind": "status", "status": 500},
    "limiting": {"kind": "status", "status": 429, "retry_after_s": 1},
    "hanging_up": {"kind": "drop"},
}


def fifty_users(load: LoadTest, *, short_s: float = 4) -> Workload:
    hold_s = load.pick(short=short_s, documented=30, stress=120)
    return closed(
        "locustfiles/bot_traffic.py:WispHubAPIUser", users=USERS, hold_s=hold_s, warm_up_s=1.5 * TTL_S
    )


@pytest.fixture(scope="module")
def upstream(shared_stand: Stand) -> Upstream:
    return shared_stand.upstream(latency_ms=50)


@pytest.fixture(scope="module")
def service(shared_stand: Stand, upstream: Upstream) -> Server:
    return shared_stand.service(upstream, wisphub_api_clients_ttl=TTL_S, wisphub_api_plans_ttl=TTL_S)


@pytest.mark.parametrize("mode", FAULTS)
def test_upstream(load: LoadTest, stand: Stand, upstream: Upstream, service: Server, mode: str) -> None:
    if mode == "hanging_up" and load.profile == "short":
        pytest.skip("left to the longer profiles: the short one ends within four minutes")
    upstream.server.request("POST", "/_sim/faults", body=json.dumps(FAULTS[mode]).encode())
    run = load.play(
        fifty_users(load),
        service,
        beside=(upstream.server,),
        env=stand.consumer_env,
        counters={"upstream_calls": upstream.call_count},
    )
    upstream.server.request("DELETE", "/_sim/faults")
    check_stale_and_healed(load, run, seconds_until_fresh(service, stand.consumer_headers))


def test_upstream_down(load: LoadTest, stand: Stand) -> None:
    upstream = stand.upstream(latency_ms=50)
    service = stand.service(upstream, wisphub_api_clients_ttl=TTL_S, wisphub_api_plans_ttl=TTL_S)
    upstream.server.stop()
    run = load.play(fifty_users(load), service, env=stand.consumer_env)
    stand.upstream(latency_ms=50, port=upstream.server.port)
    check_stale_and_healed(load, run, seconds_until_fresh(service, stand.consumer_headers))


def test_worker_killed(load: LoadTest, stand: Stand) -> None:
    service = stand.service(stand.upstream(latency_ms=50), workers=2)
    killed_at: list[float] = []
    killing = threading.Timer(4, lambda: killed_at.append(kill_a_worker(service)))
    killing.start()
    run = load.play(fifty_users(load, short_s=5), service, env=stand.consumer_env)
    killing.join()
    failed = run.samples.failed()
    later = failed.start_s + run.facts.started_at > killed_at[0] + 2
    load.check(
        run,
        objective(p50_ms=20, max_ms=2_000, failure_ratio=0.5),
        claims=(
            claim("requests lost", len(failed), "≤", USERS),
            claim("requests lost 2 s after the kill", int(later.sum()), "=", 0),
            claim("workers at the end", len(workers_of(service)), "=", 2),
        ),
    )


def check_stale_and_healed(load: LoadTest, run: Run, healed_s: float) -> None:
    healed = claim("healed after seconds", healed_s, "≤", HEALED_WITHIN_S)
    load.check(run, objective(p95_ms=50, max_ms=500, min_stale_ratio=1), claims=(healed,))


def seconds_until_fresh(service: Server, headers: dict[str, str]) -> float:
    """How long the service goes on answering from its stale cache."""
    start = time.monotonic()
    with Probe(service, headers=headers) as caller:
        while caller.ask(CLIENTS).cache != "hit" and time.monotonic() - start < HEALED_WITHIN_S:
            time.sleep(0.05)
    return time.monotonic() - start


def workers_of(service: Server) -> list[psutil.Process]:
    """The worker processes: multiprocessing's tracker is none."""
    children = psutil.Process(service.pid).children()
    return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]


def kill_a_worker(service: Server) -> float:
    """Kill one as a crash would; return when."""
    workers_of(service)[0].kill()
    return time.time()
