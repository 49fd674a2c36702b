"""What a consumer's `Cache-Control` does, on every route that answers from memory."""

import asyncio
from typing import Any

import httpx
import pytest

CLAIM = {"name": "Esperanza Benitez", "address": "BELLAVISTA", "internet_plan_price": 40000.0}
ROUTES = [
    ("GET", "/clients/", None),
    ("GET", "/clients/search?q=esperanza", None),
    ("GET", "/clients/by-service-id/7", None),
    ("GET", "/clients/by-document/34567890", None),
    ("GET", "/clients/by-phone/3104567890", None),
    ("POST", "/clients/7/verify", CLAIM),
    ("POST", "/clients/resolve", CLAIM),
    ("GET", "/internet-plans/", None),
    ("GET", "/internet-plans/11", None),
]
SEVEN = ROUTES[2]


async def ask(api: httpx.AsyncClient, route: tuple[str, str, Any], directives: str) -> httpx.Response:
    method, path, body = route
    return await api.request(method, f"/api/v1{path}", json=body, headers={"Cache-Control": directives})


async def test_who_wants_only_what_is_in_memory_gets_that_or_504(serve, settings, simulator):
    for path in ("/api/clientes/", "/api/plan-internet/"):
        simulator.fail(kind="slow_body", path=path, seconds=0.5, count=1)
    async with serve(settings) as api:
        cold = [await ask(api, route, "only-if-cached") for route in ROUTES]
        await asyncio.gather(api.get("/api/v1/clients/"), api.get("/api/v1/internet-plans/"))
        warm = [await ask(api, route, "only-if-cached") for route in ROUTES]
    assert [answer.status_code for answer in cold] == [504] * len(ROUTES)
    assert {answer.json()["type"] for answer in cold} == {"urn:wisphub-api:problem:not-fresh-enough"}
    assert [answer.status_code for answer in warm] == [200] * len(ROUTES)


async def test_no_cache_just_after_a_load_is_answered_from_memory_with_its_age(api, simulator, monkeypatch):
    monkeypatch.setattr("wisphub_api.cache.wish.FORCED_EVERY_S", 600)
    await asyncio.gather(api.get("/api/v1/clients/"), api.get("/api/v1/internet-plans/"))
    asked = sum(simulator.requests().values())
    answers = [await ask(api, route, "no-cache") for route in ROUTES]
    states = [answer.headers["cache-status"].startswith("wisphub-api; hit") for answer in answers]
    assert states == [True] * len(ROUTES)
    assert max(int(answer.headers["age"]) for answer in answers) <= 60
    assert sum(simulator.requests().values()) == asked


async def test_malformed_directives_are_ignored(api):
    assert (await ask(api, ROUTES[0], 'max-age=x, "')).status_code == 200


async def test_directives_in_lines_of_their_own_count_together(api):
    await api.get("/api/v1/clients/")
    lines = [("Cache-Control", "only-if-cached"), ("Cache-Control", "min-fresh=999")]
    headers = [("X-API-Key", api.headers["X-API-Key"]), *lines]
    assert (await api.get("/api/v1/clients/", headers=headers)).status_code == 504


@pytest.fixture
def without_rest(monkeypatch) -> None:
    """Let a wish cause a load however young the value is."""
    monkeypatch.setattr("wisphub_api.cache.wish.FORCED_EVERY_S", 0)
    monkeypatch.setattr("wisphub_api.cache.wish.REST_AFTER_LOAD", 0)


@pytest.mark.usefixtures("without_rest")
async def test_no_cache_brings_what_is_new_upstream(api, simulator):
    await api.get("/api/v1/clients/")
    simulator.edit(7, ciudad="Tunja")
    assert (await ask(api, SEVEN, "max-age=100")).json()["city"] != "Tunja"
    answer = await ask(api, SEVEN, "no-cache")
    assert answer.json()["city"] == "Tunja"
    assert answer.headers["cache-status"].startswith("wisphub-api; fwd=request; stored")


@pytest.mark.usefixtures("without_rest")
async def test_who_cannot_be_given_a_newer_answer_is_told_when_to_ask_again(api, simulator):
    await api.get("/api/v1/clients/")
    simulator.fail(kind="status", status=403, path="/api/clientes/")
    refused = await ask(api, SEVEN, "no-cache")
    others = [await ask(api, SEVEN, wish) for wish in ("no-store", "no-cache, stale-if-error=0")]
    assert (refused.status_code, int(refused.headers["retry-after"]) >= 1) == (504, True)
    assert "WISPHUB_NET_KEY" in refused.json()["detail"]
    assert [answer.status_code for answer in others] == [200, 200]
