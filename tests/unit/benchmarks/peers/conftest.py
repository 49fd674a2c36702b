"""Measures made by hand."""

from collections.abc import Callable

import pytest

from benchmarks.peers.figures import Disturbance, Measure

CALM = Disturbance(other=0.0, stolen=0.0)


def a_measure(
    server: str,
    number: int,
    requests_per_s: float,
    case: str = "plans",
    clients: int = 2_000,
    *,
    cpu_s_per_1000: float = 0.03,
) -> Measure:
    return Measure(
        clients=clients,
        case=case,
        server=server,
        round=number,
        requests=1_000,
        requests_per_s=requests_per_s,
        p50_ms=1.0,
        p99_ms=2.0,
        cpu_s_per_1000=cpu_s_per_1000,
        memory_mb=40.0,
        generator_cores=0.5,
        disturbance=CALM,
    )


@pytest.fixture
def measured() -> Callable[..., Measure]:
    """Make one by server, round and rate."""
    return a_measure
