import asyncio

import httpx
import pytest


def test_no_key_is_401_and_a_wrong_one_403(sim_url):
    missing = httpx.get(f"{sim_url}/api/clientes/")
    wrong = httpx.get(f"{sim_url}/api/clientes/", headers={"Authorization": "Api-Key other"})
    assert (missing.status_code, wrong.status_code) == (401, 403)
    assert missing.headers["www-authenticate"] == "Api-Key"
    assert set(missing.json()) == set(wrong.json()) == {"detail"}


@pytest.mark.parametrize("path", ["/api/clientes", "/api/clientes/7/perfil", "/api/tasks/x", "/api/tickets"])
def test_a_path_without_its_slash_is_redirected_to_plain_http(sim, sim_url, path):
    answer = sim.get(path, params={"limit": 5})
    assert answer.status_code == 301
    assert answer.headers["location"] == f"{sim_url}{path}/?limit=5"


def test_the_redirect_drops_the_body_of_a_post(sim):
    answer = sim.post("/api/clientes/7/ping", json={"pings": 3}, follow_redirects=True)
    assert answer.request.method == "GET"
    assert answer.status_code == 405


@pytest.mark.parametrize("path", ["/", "/api/", "/api/clientes/7/saldo/", "/api/clientes/x/perfil/"])
def test_other_paths_are_not_found(sim, path):
    assert sim.get(path).status_code == 404


def test_requests_are_counted_by_method_and_template(sim):
    for path in (
        "/api/clientes/",
        "/api/plan-internet/queue/11/",
        "/api/plan-internet/queue/12/",
        "/nowhere",
    ):
        sim.get(path)
    sim.post("/api/tickets")
    stats = sim.get("/_sim/stats").json()
    assert stats["requests"] == {
        "GET /api/clientes/": 1,
        "GET /api/plan-internet/queue/{id}/": 2,
        "GET (unknown)": 1,
        "POST /api/tickets": 1,
    }
    assert stats["total"] == 5


async def test_latency_holds_up_no_other_request(in_process):
    async with in_process() as client:
        await client.patch("/_sim/config", json={"latency_ms": 20})
        await asyncio.gather(*(client.get("/api/formas-de-pago/") for _ in range(20)))
        stats = (await client.get("/_sim/stats")).json()
    assert (stats["peak_in_flight"], stats["in_flight"]) == (20, 0)


def test_past_the_rate_limit_it_answers_429(sim):
    sim.patch("/_sim/config", json={"rate_limit_per_s": 0.001, "retry_after_s": 1.5})
    answers = [sim.get("/api/formas-de-pago/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert answers[1].headers["retry-after"] == "2"
    assert sim.get("/_sim/stats").json()["rejected"] == 2


def test_a_429_may_come_without_retry_after(sim):
    sim.patch("/_sim/config", json={"rate_limit_per_s": 0.001, "retry_after_s": None})
    answers = [sim.get("/api/formas-de-pago/") for _ in range(2)]
    assert answers[1].status_code == 429
    assert "retry-after" not in answers[1].headers
