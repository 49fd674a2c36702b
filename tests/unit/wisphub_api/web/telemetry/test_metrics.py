"""The page that Prometheus reads, after the service has done something."""

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from wisphub_api.web.telemetry.loop_lag import PERIOD_S

REFERENCE = {"address": "BELLAVISTA", "internet_plan_price": 40000.0}
Figures = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def parse(page: str) -> Figures:
    samples = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


async def figures(api: httpx.AsyncClient) -> Figures:
    return parse((await api.get("/metrics")).text)


def figure(found: Figures, name: str, **labels: str) -> float:
    """Give one figure, 0 where nothing has been counted yet."""
    return found.get((f"wisphub_{name}", frozenset(labels.items())), 0)


async def drive_every_route(api: httpx.AsyncClient, client: Mapping[str, Any]) -> None:
    """Ask every route for this client and for things that are not there."""
    for path in (
        "/",
        "/search?q={name}",
        "/by-document/{document}",
        "/by-phone/{phone}",
        "/search?q=zz-secret",
    ):
        await api.get("/api/v1/clients" + path.format(**client))
    for path in ("/by-service-id/7", "/by-service-id/zz-secret", "/by-document/zz-secret", "/zz-secret/here"):
        await api.get(f"/api/v1/clients{path}")
    for claim in (REFERENCE, {**REFERENCE, "zz-secret": 1}, {"name": client["name"], "address": "zz-secret"}):
        await api.post("/api/v1/clients/7/verify", json=claim)
        await api.post("/api/v1/clients/resolve", json=claim)
    await api.post("/api/v1/clients/zz-secret/verify", json=REFERENCE)
    for number in (7, 8, "zz-secret"):
        await api.post(f"/api/v1/network/{number}/ping/", json={"pings": 1})
    await api.get("/api/v1/network/ping/zz-secret/", params={"wait": 1})
    for path in ("/internet-plans/", "/internet-plans/1", "/internet-plans/zz-secret", "/cache/"):
        await api.get(f"/api/v1{path}")
    await api.delete("/api/v1/cache/zz-secret")
    for path in (
        "/zz-secret",
        "/docs/zz-secret",
        "/docs-assets/zz-secret",
        "/health/zz-secret",
        "/health/ready",
    ):
        await api.get(path)
    await api.request("ZZ-SECRET", "/health")
    await api.get("/api/v1/clients/", headers={"X-API-Key": "zz-secret"})


async def test_nothing_that_a_caller_sent_or_a_client_record_holds_is_on_the_page(api):
    client = (await api.get("/api/v1/clients/by-service-id/7")).json()
    await drive_every_route(api, client)
    page = (await api.get("/metrics")).text.lower()
    told = [str(client[field]).lower() for field in ("name", "document", "phone", "address", "antenna_ip")]
    assert [value for value in (*told, "zz-secret", "%", "/7", "the-consumer-key") if value in page] == []


async def test_it_is_prometheus_text_and_needs_no_key(shared_api):
    response = await shared_api.get("/metrics", headers={"X-API-Key": ""})
    assert (response.status_code, response.headers["content-type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )
    found = parse(response.text)
    assert found["process_open_fds", frozenset()] > 0
    (built_of,) = [dict(labels) for name, labels in found if name == "wisphub_api_info"]
    assert set(built_of) == {"version", "litestar", "python"}


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/api/v1/clients/by-phone/1", ("/api/v1/clients/by-phone/{phone}", "GET", "404")),
        ("POST", "/api/v1/clients/7/verify", ("/api/v1/clients/{service_id}/verify", "POST", "422")),
        ("HEAD", "/health", ("/health", "HEAD", "200")),
        ("GET", "/nothing/here", ("unmatched", "GET", "404")),
        ("DELETE", "/health", ("unmatched", "DELETE", "405")),
        ("BREW", "/health", ("unmatched", "other", "405")),
    ],
)
async def test_a_request_is_counted_and_timed_under_its_route(shared_api, method, path, labels):
    before = await figures(shared_api)
    await shared_api.request(method, path)
    found = await figures(shared_api)
    named = dict(zip(("route", "method", "status"), labels, strict=True))

    def grown(name: str) -> float:
        return figure(found, name, **named) - figure(before, name, **named)

    assert grown("http_requests_total") == 1
    assert grown("http_request_duration_seconds_count") == 1
    assert grown("http_request_duration_seconds_sum") > 0


async def test_a_request_without_a_key_is_counted_under_its_route(shared_api):
    await shared_api.get("/api/v1/internet-plans/7", headers={"X-API-Key": ""})
    labels = {"route": "/api/v1/internet-plans/{plan_id}", "method": "GET", "status": "401"}
    assert figure(await figures(shared_api), "http_requests_total", **labels) == 1


async def test_each_application_counts_by_itself(serve, settings):
    async with serve(settings) as one, serve(settings) as other:
        await one.get("/health")
        labels = {"route": "/health", "method": "GET", "status": "200"}
        counts = [figure(await figures(api), "http_requests_total", **labels) for api in (one, other)]
    assert counts == [1, 0]


async def test_a_cold_cache_has_no_age(serve, settings):
    async with serve(settings) as api:
        found = await figures(api)
    assert ("wisphub_cache_age_seconds", frozenset({("cache", "clients")})) not in found
    assert figure(found, "cache_items", cache="clients") == 0


async def test_the_caches_tell_age_items_answers_and_loads(api):
    for _ in range(3):
        await api.get("/api/v1/clients/by-service-id/7")
    found = await figures(api)
    assert 0 < figure(found, "cache_age_seconds", cache="clients") < 60
    assert figure(found, "cache_items", cache="clients") == 700
    answers = [
        figure(found, "cache_answers_total", cache="clients", outcome=o) for o in ("hit", "miss", "stale")
    ]
    loads = [figure(found, "cache_loads_total", cache="clients", outcome=o) for o in ("ok", "failed")]
    assert (answers, loads) == ([2, 1, 0], [1, 0])


async def test_a_load_that_fails_is_counted_and_so_are_its_calls(serve, settings, simulator):
    simulator.fail(kind="status", status=403, path="/api/clientes/")
    async with serve(settings) as api:
        await api.get("/api/v1/clients/")
        found = await figures(api)
    call = {"path": "/api/clientes/", "outcome": "UpstreamRefused"}
    assert figure(found, "cache_loads_total", cache="clients", outcome="failed") == 1
    assert figure(found, "upstream_call_duration_seconds_count", **call) == 1


async def test_calls_are_counted_by_path_without_ids(api, simulator):
    warmed = ("clients/", "internet-plans/", "payment-methods/", "tickets/zone-blocked/1")
    await asyncio.gather(*(api.get(f"/api/v1/{path}") for path in warmed))
    found = await figures(api)
    paths = {
        dict(labels)["path"]: count
        for (name, labels), count in found.items()
        if name == "wisphub_upstream_call_duration_seconds_count"
    }
    details = {f"/api/plan-internet/{kind}/{{plan_id}}/" for kind in ("pppoe", "queue")}
    lists = {"/api/clientes/", "/api/plan-internet/", "/api/formas-de-pago/", "/api/tickets/"}
    assert set(paths) == lists | details
    assert sum(paths.values()) == sum(simulator.requests().values())


async def test_a_loop_that_was_blocked_shows_even_to_those_who_ask_later(serve, settings, monkeypatch):
    monkeypatch.setattr("wisphub_api.web.telemetry.loop_lag.WINDOW_S", 600)  # however long asking takes
    async with serve(settings) as api:
        await api.get("/health")
        time.sleep(0.04 + PERIOD_S)  # noqa: ASYNC251  # the fault that is looked for
        at_once = figure(await figures(api), "event_loop_lag_max_seconds")
        await asyncio.sleep(2 * PERIOD_S)
        later = await figures(api)
    assert figure(later, "event_loop_lag_max_seconds") >= at_once >= 0.04
    slow = figure(later, "event_loop_lag_seconds_count") - figure(
        later, "event_loop_lag_seconds_bucket", le="0.025"
    )
    assert slow >= 1


async def test_one_of_several_workers_tells_which_it_is_and_lets_the_next_scrape_go_elsewhere(
    serve, settings
):
    async with serve(msgspec.structs.replace(settings, workers=3)) as several, serve(settings) as single:
        answers = [await api.get("/metrics") for api in (several, single)]
    workers = [{dict(labels).get("worker") for _, labels in parse(answer.text)} for answer in answers]
    assert workers == [{str(os.getpid())}, {None}]
    assert [answer.headers.get("connection") for answer in answers] == ["close", None]


async def test_the_caches_tell_their_state_and_how_long_they_are_fresh(api):
    before = await figures(api)
    await api.get("/api/v1/clients/")
    after = await figures(api)
    states = ("cold", "fresh", "stale", "expired")
    told = [
        [figure(found, "cache_state", cache="clients", state=s) for s in states] for found in (before, after)
    ]
    assert told == [[1, 0, 0, 0], [0, 1, 0, 0]]
    assert 0 < figure(after, "cache_ttl_seconds", cache="clients") <= 300


async def test_it_tells_how_calls_to_wisphub_net_are_held_back(api):
    found = await figures(api)
    assert figure(found, "upstream_breaker_open") == 0
    assert 0 <= figure(found, "upstream_calls_under_way") <= 8
    assert ("wisphub_upstream_calls_waiting", frozenset()) in found
    assert ("wisphub_upstream_calls_allowed_per_second", frozenset()) not in found
