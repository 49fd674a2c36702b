"""Payment methods as consumers see them, from a simulated WispHub Net."""

import asyncio

import pytest

PATH = "/api/v1/payment-methods/"


async def test_all_payment_methods_are_listed_by_their_id(shared_api):
    response = await shared_api.get(PATH)
    assert response.status_code == 200
    assert response.json()[1] == {"payment_method_id": 2, "name": "Nequi"}
    assert [method["payment_method_id"] for method in response.json()] == [1, 2, 3, 4, 5, 6, 7]
    assert response.headers["x-total-count"] == "7"


async def test_they_are_paged(shared_api):
    response = await shared_api.get(PATH, params={"limit": 2, "offset": 3})
    assert [method["name"] for method in response.json()] == ["Bancolombia", "PSE"]
    assert response.headers["x-total-count"] == "7"


async def test_they_come_from_memory_with_their_age_and_their_validator(api, simulator):
    first = await api.get(PATH)
    for _ in range(5):
        again = await api.get(PATH, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-status"].startswith("wisphub-api; hit; ttl=")
        assert int(again.headers["age"]) >= 0
    assert simulator.requests()["GET /api/formas-de-pago/"] == 1


async def test_many_cold_requests_cause_one_load(api, simulator):
    answers = await asyncio.gather(*(api.get(PATH) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert simulator.requests()["GET /api/formas-de-pago/"] == 1


async def test_they_can_be_refreshed_and_seen_by_operators(api):
    await api.get(PATH)
    assert (await api.delete("/api/v1/cache/payment-methods")).json()["name"] == "payment-methods"
    states = {state["name"]: state for state in (await api.get("/api/v1/cache/")).json()}
    assert (states["payment-methods"]["state"], states["payment-methods"]["size"]) == ("fresh", 7)


async def test_bad_rows_cost_only_themselves(serve, settings, simulator):
    simulator.fail(kind="bad_rows", path="/api/formas-de-pago/", rows=1)
    async with serve(settings) as api:
        response = await api.get(PATH)
    assert response.status_code == 200
    assert len(response.json()) >= 6


async def test_the_service_is_ready_without_them(serve, settings, simulator):
    simulator.fail(kind="status", status=403, path="/api/formas-de-pago/")
    async with serve(settings) as api:
        missing = await api.get(PATH)
        await asyncio.gather(api.get("/api/v1/clients/"), api.get("/api/v1/internet-plans/"))
        ready = await api.get("/health/ready")
    assert (missing.status_code, ready.status_code) == (503, 200)
    assert int(missing.headers["retry-after"]) >= 1


@pytest.mark.parametrize("query", ["limit=0", "offset=-1", "limit=x"])
async def test_bad_pages_are_refused(shared_api, query):
    assert (await shared_api.get(f"{PATH}?{query}")).status_code == 422
