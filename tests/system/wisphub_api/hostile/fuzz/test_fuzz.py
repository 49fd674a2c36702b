"""Thousands of hostile requests over real sockets: none finds a fault, hangs, or leaves a mark.

`FUZZ_REQUESTS` says how many: 5,000 where it is not set, 20,000 in the nightly pipeline. Whether the service
is slower afterwards is measured by `tests/perf/test_hostile_requests.py`.
"""

import re
from typing import Any, Final

import httpx
import psutil
import pytest
from tests.system.wisphub_api.hostile.conftest import REQUESTS
from tests.system.wisphub_api.hostile.fuzz.attacks import Attacker
from tests.system.wisphub_api.hostile.fuzz.firing import fire, fire_malformed

SEED: Final = 4
MALFORMED: Final = 0.08
"""The share of requests that are none, several at once, or of unclear end."""
WARM_UP: Final = 0.2
"""The share after which the memory is first looked at."""
MOST_GROWTH: Final = 1.25
"""Of the resident memory between the warm-up and the end."""
BAD_LINE: Final = re.compile(r'Traceback|"exception"|"level":"(error|critical)"')


@pytest.mark.timeout(900)
@pytest.mark.parametrize("requests", [pytest.param(500, marks=pytest.mark.smoke), REQUESTS])
async def test_no_hostile_request_finds_a_fault_hangs_or_leaves_a_mark(run, environ, requests):
    warm_up, malformed = round(requests * WARM_UP), round(requests * MALFORMED)
    well_framed = requests - warm_up - malformed
    with run(environ | {"WISPHUB_API_VERIFY_MAX_FAILURES": "1000"}) as service:
        async with httpx.AsyncClient(base_url=service.url) as client:
            description: dict[str, Any] = (await client.get("/docs/openapi.json")).json()
        draw = Attacker(description, SEED, "the-consumer-key")
        await fire(draw.attacks(warm_up), service.port)
        process = psutil.Process(service.pid)
        before = process.memory_info().rss
        seen = await fire(draw.attacks(well_framed), service.port)
        told = await fire_malformed(draw.malformed(malformed), service.port)
        growth = process.memory_info().rss / before
        async with httpx.AsyncClient(base_url=service.url) as client:
            metrics = (await client.get("/metrics")).text
    assert not re.search(r'wisphub_http_requests_total\{[^}]*status="50[015]"', metrics)
    assert [
        line for line in service.log.read_text(errors="replace").splitlines() if BAD_LINE.search(line)
    ] == []
    assert seen[0] < well_framed / 20
    assert seen[200] > well_framed / 20
    assert told[400] > malformed / 20
    assert growth < MOST_GROWTH
