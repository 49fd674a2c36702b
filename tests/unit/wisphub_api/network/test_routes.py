"""Ping diagnostics as consumers see them, from a simulated WispHub Net."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from wisphub_api.api_keys import ApiKey, digest

START, TASK = "POST /api/clientes/{id}/ping/", "GET /api/tasks/{task_id}/"
SOON_S = 0.02
API_KEY = b"the-consumer-key"


@pytest.fixture
def settings(settings):
    """Look at tasks at once: the simulator's need no time."""
    return msgspec.structs.replace(settings, ping_poll_s=SOON_S)


@pytest.fixture(scope="module")
def shared_settings(shared_settings):
    return msgspec.structs.replace(shared_settings, ping_poll_s=SOON_S)


@pytest.fixture
async def warm(api: httpx.AsyncClient) -> httpx.AsyncClient:
    """Give a client of the service whose directory is there."""
    await api.get("/api/v1/clients/")
    return api


async def start(api: httpx.AsyncClient, service_id: int = 7, **body: Any) -> httpx.Response:
    return await api.post(f"/api/v1/network/{service_id}/ping/", json=body)


async def result(api: httpx.AsyncClient, task_id: str, wait: float = 20) -> httpx.Response:
    return await api.get(f"/api/v1/network/ping/{task_id}/", params={"wait": wait})


async def test_a_diagnostic_is_accepted_and_tells_where_its_result_will_be(warm):
    response = await start(warm, pings=4)
    task_id = response.json()["task_id"]
    assert response.status_code == 202
    assert response.json() == {"task_id": task_id, "status": "pending"}
    assert response.headers["location"] == f"/api/v1/network/ping/{task_id}/"
    assert response.headers["cache-control"] == "no-store"
    found = await warm.get(response.headers["location"], params={"wait": 20})
    assert (found.status_code, found.json()) == (200, {"task_id": task_id, "status": "stable"})
    assert found.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize(
    ("service_id", "status"),
    [
        (7, "stable"),
        (8, "antenna_only"),
        (9, "no_internet"),
        (10, "error"),
        (11, "error"),
        (12, "stable"),
        (13, "antenna_only"),
        (14, "stable"),
    ],
)
async def test_each_outcome_is_told(shared_api, service_id, status):
    task_id = (await start(shared_api, service_id)).json()["task_id"]
    assert (await result(shared_api, task_id)).json()["status"] == status


async def test_fifty_who_ask_at_once_share_one_diagnostic(warm, simulator):
    answers = await asyncio.gather(*(start(warm) for _ in range(50)))
    (task_id,) = {answer.json()["task_id"] for answer in answers}
    results = await asyncio.gather(*(result(warm, task_id) for _ in range(50)))
    assert {answer.json()["status"] for answer in results} == {"stable"}
    assert (simulator.requests()[START], simulator.requests()[TASK]) == (1, 3)


async def test_a_fresh_result_is_given_again_with_the_start(warm, simulator):
    first = (await start(warm)).json()["task_id"]
    await result(warm, first)
    again = await start(warm)
    assert (again.status_code, again.json()) == (202, {"task_id": first, "status": "stable"})
    assert simulator.requests()[START] == 1


async def test_a_result_that_is_not_to_be_reused_is_not(serve, settings, simulator):
    async with serve(msgspec.structs.replace(settings, ping_reuse_s=0)) as api:
        await result(api, (await start(api)).json()["task_id"])
        assert (await start(api)).json()["status"] == "pending"
    assert simulator.requests()[START] == 2


async def test_another_worker_knows_the_task_as_well(serve, settings):
    async with serve(settings) as one, serve(settings) as other:
        task_id = (await start(one)).json()["task_id"]
        assert (await result(other, task_id)).json()["status"] == "stable"


async def test_a_task_that_nobody_started_is_not_found_and_not_asked_for(shared_api, simulator):
    for task_id in ("00000001-0000-4000-8000-000000000007", "x.y", "..", "%2e%2e%2f%2e%2e"):
        assert (await result(shared_api, task_id)).status_code == 404
    assert TASK not in simulator.requests()


async def test_a_task_that_the_upstream_has_forgotten_is_not_found(serve, settings, simulator):
    async with serve(settings) as one:
        task_id = (await start(one)).json()["task_id"]
        await result(one, task_id)
    simulator.reset()
    async with serve(settings) as other:
        assert (await result(other, task_id)).status_code == 404


@pytest.mark.parametrize(
    ("service_id", "body", "status"),
    [
        (999_999, {}, 404),
        (7, {"pings": 0}, 422),
        (7, {"pings": 11}, 422),
        (7, {"pings": "four"}, 422),
        (7, {"pings": 4.5}, 422),
        (7, [4], 422),
        (7, {"ping": 4}, 422),
        ("x", {}, 422),
        (-7, {}, 422),
    ],
)
async def test_bad_starts_are_refused_in_plain_words(shared_api, simulator, service_id, body, status):
    response = await shared_api.post(f"/api/v1/network/{service_id}/ping/", json=body)
    assert (response.status_code, response.json()["status"]) == (status, status)
    assert START not in simulator.requests()


async def test_a_start_needs_no_body(warm):
    assert (await warm.post("/api/v1/network/7/ping/")).status_code == 202


@pytest.mark.parametrize("wait", ["-1", "31", "nan", "inf", "x"])
async def test_bad_waits_are_refused(shared_api, wait):
    response = await shared_api.get(f"/api/v1/network/ping/x/?wait={wait}")
    assert response.status_code == 422
    assert "`wait`" in response.json()["detail"]


TROUBLE = [
    ({"kind": "status", "status": 503}, 502, "upstream-failed", True),
    ({"kind": "status", "status": 429, "retry_after_s": 7}, 503, "upstream-busy", True),
    ({"kind": "status", "status": 403}, 502, "upstream-refused", True),
    ({"kind": "status", "status": 404}, 404, "not-found", False),
    ({"kind": "status", "status": 500}, 504, "uncertain-outcome", False),
    ({"kind": "drop"}, 504, "uncertain-outcome", False),
    ({"kind": "html"}, 504, "uncertain-outcome", False),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=str)
async def test_trouble_at_the_start_is_told(serve, settings, simulator, trouble):
    fault, status, slug, has_retry_after = trouble
    simulator.fail(path="/api/clientes/*/ping/", **fault)
    async with serve(settings) as api:
        response = await start(api)
    assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (status, slug)
    assert ("retry-after" in response.headers) == has_retry_after
    assert simulator.requests()[START] == 1


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 502}, {"kind": "drop"}], ids=str)
async def test_trouble_that_passes_while_a_task_is_looked_at_is_not_seen(warm, simulator, fault):
    simulator.fail(path="/api/tasks/*", count=2, **fault)
    task_id = (await start(warm)).json()["task_id"]
    assert (await result(warm, task_id)).json()["status"] == "stable"


async def test_a_task_that_hangs_keeps_no_one_longer_than_they_wait_and_nobody_else_at_all(warm, simulator):
    simulator.fail(kind="hang", path="/api/tasks/*")
    task_ids = [(await start(warm, number)).json()["task_id"] for number in range(1, 6)]
    async with asyncio.timeout(30):  # the upstream is given up after 40
        answers = await asyncio.gather(*(result(warm, task_id, 0.1) for task_id in task_ids))
    assert {answer.json()["status"] for answer in answers} == {"pending"}
    assert (await warm.delete("/api/v1/cache/clients")).status_code == 202
    assert (await warm.get("/api/v1/clients/", headers={"Cache-Control": "no-cache"})).status_code == 200


async def test_a_caller_who_hangs_up_is_not_waited_for(warm, simulator):
    simulator.fail(kind="hang", path="/api/tasks/*")
    task_id = (await start(warm)).json()["task_id"]
    headers = [(b"host", b"service"), (b"x-api-key", warm.headers["x-api-key"].encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": f"/api/v1/network/ping/{task_id}/",
        "raw_path": f"/api/v1/network/ping/{task_id}/".encode(),
        "query_string": b"wait=30",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("service", 80),
    }
    events = iter(({"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}))

    async def receive() -> Any:
        return next(events)

    async def send(_: Any) -> None: ...

    async with asyncio.timeout(25):  # it would have waited for 30
        await warm._transport.app(scope, receive, send)


async def test_a_key_that_is_not_known_starts_nothing(shared_api, simulator):
    response = await shared_api.post("/api/v1/network/7/ping/", json={}, headers={"X-API-Key": "wrong"})
    assert response.status_code == 401
    assert START not in simulator.requests()


async def test_a_key_without_the_scope_may_neither_start_nor_read(serve, settings, simulator):
    reader = ApiKey(digest(API_KEY), frozenset({"read", "write"}))
    async with serve(msgspec.structs.replace(settings, api_keys={"reader": reader})) as api:
        answers = [await start(api), await result(api, "x")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "diagnostics" in answers[0].json()["detail"]
    assert START not in simulator.requests()


async def test_the_api_pages_tell_that_the_body_may_be_left_out(shared_api):
    description = (await shared_api.get("/docs/openapi.json")).json()
    operation = description["paths"]["/api/v1/network/{service_id}/ping"]["post"]
    assert not operation["requestBody"].get("required", False)
