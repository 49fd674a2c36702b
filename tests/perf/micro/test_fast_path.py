"""What a request costs on the fast path with hosts, keys, rate limit, figures, log and traces on."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.perf.micro.conftest import directory_of

from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.app import create_app
from wisphub_api.cache.answers import Answers
from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Policy
from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.checks import CheckRules, IdentityChecks
from wisphub_api.demo import demo_settings
from wisphub_api.internet_plans.models import InternetPlan, PlanCatalogue
from wisphub_api.shared.memory import MemoryBackend
from wisphub_api.web.fast_path import FastPath, routes_of
from wisphub_api.web.rules.admission import Admission
from wisphub_api.web.rules.keys import KeyRing
from wisphub_api.web.rules.rate_limit import RateLimit
from wisphub_api.web.telemetry.recorder import Telemetry

pytestmark = pytest.mark.bench

KEY = "a-reader-key-0123456789"
CLIENT = ("127.0.0.1", 1)
FIELDS = [
    (b"host", b"service"),
    (b"x-api-key", KEY.encode()),
    (b"x-request-id", b"0f7d8c6a5b4e3f2a1b0c9d8e7f6a5b4c"),
    (b"x-forwarded-for", b"192.0.2.1"),
    (b"user-agent", b"bot/1.0"),
    (b"accept", b"*/*"),
]
PATHS = {
    "plans": b"/api/v1/internet-plans/",
    "list": b"/api/v1/clients/",
    "a page": b"/api/v1/clients/?limit=20&offset=40",
    "by service id": b"/api/v1/clients/by-service-id/7",
    "search": b"/api/v1/clients/search?q=esperanza+benitez",
}
Ask = Callable[[bytes], Any]


@pytest.fixture(scope="module")
def fast_path() -> Iterator[FastPath]:
    """Give a fast path over 2,000 clients."""
    catalogue = PlanCatalogue((plan := InternetPlan(1, "Hogar", "PPPOE", 40_000.0),), {1: plan})
    settings = msgspec.structs.replace(
        demo_settings("http://127.0.0.1"),
        traces_collector="http://127.0.0.1:9",
        traces_sampler="traceidratio",
        traces_sampler_arg=0.0,
        log_sample=0.01,
    )
    with asyncio.Runner() as runner:
        policy = Policy(ttl_s=3_600, max_stale_s=3_600, cold_wait_s=10)
        caches: dict[str, Cached[Any]] = {
            name: Cached(name, returning(value), policy, len)
            for name, value in (
                ("clients", directory_of(2_000)),
                ("internet-plans", catalogue),
                ("payment-methods", ()),
            )
        }
        for cache in caches.values():
            runner.run(cache.read())
        store = MemoryBackend()
        rules = CheckRules(2, FailedAttempts(store, 10, 300), lambda _: None)
        checks = IdentityChecks(caches["clients"], caches["internet-plans"], rules)
        ring = KeyRing({"bot": ApiKey(digest(KEY.encode()))})
        admission = Admission(("service",), ring, RateLimit("9000000/day", store))
        routes = routes_of(create_app(settings), {**caches, "checks": checks})
        yield FastPath(routes, admission, Telemetry(settings), Answers(), has_cors=False)


def returning(value: Any) -> Callable[[Any], Any]:
    async def load(_: Any) -> Any:
        return value

    return load


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_read(benchmark, fast_path, path):
    assert benchmark(fast_path.get, "GET", path, FIELDS, CLIENT)


def test_a_check(benchmark, fast_path):
    client = directory_of(2_000).by_service_id(7)
    assert client is not None
    claim = json.dumps({"name": client.name, "address": client.address}).encode()
    fields = [*FIELDS, (b"content-type", b"application/json"), (b"content-length", b"%d" % len(claim))]

    def check() -> Any:
        begun = fast_path.begin(b"/api/v1/clients/7/verify", fields, CLIENT)
        return begun and fast_path.finish(begun, claim)

    assert b'"is_valid":true' in benchmark(check).body
