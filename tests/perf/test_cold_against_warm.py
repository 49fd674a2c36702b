"""What does the cache spare a caller? The first load of a fresh service against the answers after it.

The documentation has 750 ms on average for the first load, under 1,000 ms, and 4 ms (P95 8) for the second:
a ratio of 187. Two calls of the upstream, one after the other, are 500 ms of it; where the machine is slow
the rest may take half as long again as a bare Litestar app takes to start. Each cold sample is the first
request to a service that has just been started, and waits until the service has fetched every client; the
warm ones follow on the same connection. There is no load: one caller, one request at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadcheck import claim, objective
from loadcheck.model.samples import Samples, joined
from loadcheck.run.probe import Probe, Question

if TYPE_CHECKING:
    from tests.perf.conftest import Stand, Upstream

    from loadcheck.fixtures.load import LoadTest

pytestmark = pytest.mark.perf

COLD = Question(path="/api/v1/clients/", name="/api/v1/clients/ cold")
WARM = Question(path="/api/v1/clients/", name="/api/v1/clients/ warm")
WARM_REQUESTS = 400
UPSTREAM_LATENCY_MS = 250


def test_cold_against_warm(load: LoadTest, stand: Stand) -> None:
    upstream = stand.upstream(latency_ms=UPSTREAM_LATENCY_MS)
    allowed_ms = max(1_000, 2 * UPSTREAM_LATENCY_MS + 1_500 * stand.bare_start_s())
    rounds = int(load.pick(short=3, documented=30))
    samples = joined(one_round(stand, upstream) for _ in range(rounds))
    load.check_samples(
        samples,
        objective(COLD.name, max_ms=allowed_ms),
        objective(WARM.name, mean_ms=10, p95_ms=8, min_hit_ratio=1),
        claims=(claim("cold/warm", ratio(samples), "≥", 187),),
    )


def one_round(stand: Stand, upstream: Upstream) -> Samples:
    service = stand.service(upstream, is_warm=False)
    with Probe(service, headers=stand.consumer_headers) as caller:
        caller.ask(COLD)
        for _ in range(WARM_REQUESTS):
            caller.ask(WARM)
    service.stop()
    return caller.samples()


def ratio(samples: Samples) -> float:
    """Mean of the cold over mean of the warm."""
    cold, warm = (samples.of(question.name).latency_ms.mean() for question in (COLD, WARM))
    return float(cold / warm)
