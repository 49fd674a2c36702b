"""Is the service slower after it has been attacked?

It is sent thousands of hostile requests; then it and a service that nobody has attacked are asked in turn.
The ratio of the medians is held against 1.5: of equal services they differ by some percent.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import TYPE_CHECKING

import pytest
from tests.system.wisphub_api.hostile.fuzz.attacks import Attacker
from tests.system.wisphub_api.hostile.fuzz.firing import Connection, fire, fire_malformed

if TYPE_CHECKING:
    from tests.perf.conftest import Stand

    from loadcheck.fixtures.load import LoadTest
    from loadcheck.run.server import Server

pytestmark = pytest.mark.perf

MOST_SLOWER = 1.5
PAIRS = 800


def test_attacked_service_is_as_fast_as_a_fresh_one(load: LoadTest, stand: Stand) -> None:
    upstream = stand.upstream(latency_ms=1, clients=700)
    attacked, fresh = (
        stand.service(upstream, wisphub_api_verify_max_failures=1_000) for _ in ("attacked", "fresh")
    )
    description = json.loads(attacked.get("/docs/openapi.json")[1])
    draw = Attacker(description, seed=4, key=stand.consumer_env["WISPHUB_API_KEY"])
    requests = int(load.pick(short=500, documented=20_000, stress=20_000))
    ratio = asyncio.run(slowness(attacked, fresh, draw, requests))
    assert ratio < MOST_SLOWER


async def slowness(attacked: Server, fresh: Server, draw: Attacker, requests: int) -> float:
    """Attack one service, and return how many times as long as the other it takes to answer then."""
    ports = [int(server.url.rpartition(":")[2]) for server in (attacked, fresh)]
    await fire(draw.attacks(requests), ports[0])
    await fire_malformed(draw.malformed(requests // 10), ports[0])
    wire = b"GET /api/v1/clients/by-service-id/7 HTTP/1.1\r\nX-API-Key: perf-consumer-key\r\n\r\n"
    connections = [Connection(port) for port in ports]
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(PAIRS):
        for connection, taken in zip(connections, times, strict=True):
            begun = time.perf_counter()
            assert (await connection.ask(wire) or (0,))[0] == 200
            taken.append(time.perf_counter() - begun)
    for connection in connections:
        connection.close()
    return statistics.median(times[0]) / statistics.median(times[1])
