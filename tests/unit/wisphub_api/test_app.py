"""The service as its consumers see it, answering from a simulated WispHub Net."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest
import stamina

from wisphub_api.cache.representation import represent
from wisphub_api.upstream import budget

FIELDS = """
    service_id name document phone address city locality payment_status zone_id antenna_ip cut_off_date
    outstanding_balance lan_interface internet_plan_name internet_plan_price technician_id
""".split()  # noqa: SIM905  # sixteen names read better as words
REFERENCE = {"address": "BELLAVISTA", "internet_plan_price": 40000.0}
State = dict[str, Any]
UNKNOWN_PRICES = ("", "0", "0.00", None)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def api(shared_api) -> httpx.AsyncClient:
    """Return a client of the service that these tests share, who leave it as they find it."""
    client: httpx.AsyncClient = shared_api
    return client


async def get(api: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await api.get(f"/api/v1{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def clients_state(
    api: httpx.AsyncClient, is_reached: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Ask for the state of the clients' cache until it is as told."""
    async with asyncio.timeout(60):
        async for state in cache_states(api):
            if is_reached(state):
                return state
    raise AssertionError


async def cache_states(api: httpx.AsyncClient) -> AsyncIterator[State]:
    while True:
        states = await get(api, "/cache/")
        yield states[0]
        await asyncio.sleep(0)  # in one process no request waits for the network: let the load go on


async def test_every_client_is_listed_with_exactly_the_public_fields(api):
    clients = await get(api, "/clients/")
    assert [client["service_id"] for client in clients] == list(range(1, 701))
    assert all(list(client) == FIELDS for client in clients)


async def test_no_field_of_the_upstream_record_leaks(api):
    assert "SIM-SECRET" not in (await api.get("/api/v1/clients/")).text


async def test_a_list_is_paged_and_tells_its_total(api):
    response = await api.get("/api/v1/clients/", params={"limit": 2, "offset": 5})
    assert [client["service_id"] for client in response.json()] == [6, 7]
    assert response.headers["x-total-count"] == "700"


async def test_the_reference_client_is_found_by_every_key(api):
    client = await get(api, "/clients/by-service-id/7")
    assert (client["name"], client["address"], client["internet_plan_price"]) == (
        "Esperanza Benitez",
        "BELLAVISTA",
        40000.0,
    )
    by_phone = await get(api, f"/clients/by-phone/{client['phone']}")
    by_document = await get(api, f"/clients/by-document/{client['document']}")
    assert by_phone == by_document == client


async def test_search_finds_the_reference_client_in_any_word_order(api):
    found = await get(api, "/clients/search", q="benítez  ESPERANZA")
    assert 7 in [client["service_id"] for client in found]


async def test_search_tells_how_many_there_are(api):
    response = await api.get("/api/v1/clients/search", params={"q": "es", "limit": 3})
    assert len(response.json()) == 3
    assert int(response.headers["x-total-count"]) > 3


async def test_the_reference_data_verifies(api):
    response = await api.post("/api/v1/clients/7/verify", json=REFERENCE)
    assert response.status_code == 200
    assert response.json() == {"is_valid": True, "matched_fields": ["address", "internet_plan_price"]}


async def test_wrong_data_does_not_verify(api):
    response = await api.post("/api/v1/clients/7/verify", json=REFERENCE | {"address": "elsewhere"})
    assert response.json() == {"is_valid": False, "matched_fields": ["internet_plan_price"]}


async def test_the_plan_price_stands_in_where_the_record_has_none(api, simulator):
    plans = {plan["plan_id"]: plan for plan in await get(api, "/internet-plans/")}
    record, price = next(
        (record, plans[int(record["plan_internet"]["id"])]["price"])
        for record in simulator.records()
        if record.get("precio_plan") in UNKNOWN_PRICES
        and (record.get("plan_internet") or {}).get("id") is not None
        and plans[int(record["plan_internet"]["id"])]["price"]
        and record.get("nombre")
    )
    claim = {"name": record["nombre"], "internet_plan_price": price}
    response = await api.post(f"/api/v1/clients/{record['id_servicio']}/verify", json=claim)
    assert response.json()["is_valid"]


async def test_too_many_failed_checks_of_a_client_are_refused(serve, settings):
    async with serve(msgspec.structs.replace(settings, verify_max_failures=2)) as api:
        wrong = REFERENCE | {"address": "elsewhere"}
        codes = [(await api.post("/api/v1/clients/7/verify", json=wrong)).status_code for _ in range(3)]
        refused = await api.post("/api/v1/clients/7/verify", json=REFERENCE)
    assert codes == [200, 200, 429]
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)


async def test_many_checks_at_once_do_not_slip_past_the_limit(serve, settings, simulator):
    """A check that had to wait for the plans must not have been let pass before it waited."""
    number = next(
        int(record["id_servicio"])
        for record in simulator.records()
        if record.get("precio_plan") in UNKNOWN_PRICES and (record.get("plan_internet") or {}).get("id")
    )
    simulator.fail(kind="slow_body", path="/api/plan-internet/", seconds=0.3, count=1)
    async with serve(msgspec.structs.replace(settings, verify_max_failures=3)) as api:
        guesses = ({"name": "eee", "internet_plan_price": price} for price in range(20))
        url = f"/api/v1/clients/{number}/verify"
        answers = await asyncio.gather(*(api.post(url, json=guess) for guess in guesses))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 17


async def test_resolve_finds_the_one_client(api):
    client = await get(api, "/clients/by-service-id/7")
    claim = {name: client[name] for name in ("name", "address", "internet_plan_name", "internet_plan_price")}
    response = await api.post("/api/v1/clients/resolve", json=claim)
    assert response.json() == client


async def test_resolve_says_when_nobody_or_more_than_one_matches(api):
    nobody = {"name": "zzz", "address": "zzz", "internet_plan_price": 1}
    anybody = {"name": "mar", "address": "ver", "internet_plan_name": "a"}
    answers = [await api.post("/api/v1/clients/resolve", json=claim) for claim in (nobody, anybody)]
    assert [answer.status_code for answer in answers] == [404, 409]


async def test_plans_have_price_and_speeds_but_pcq_plans_what_is_known(api):
    plans = await get(api, "/internet-plans/")
    by_type = {plan["type"]: plan for plan in plans}
    assert {"PPPOE", "SIMPLE QUEUE", "PCQ"} == set(by_type)
    assert by_type["PCQ"]["name"]
    assert by_type["PCQ"]["price"] is None
    assert await get(api, f"/internet-plans/{plans[0]['plan_id']}") == plans[0]


BAD = [
    ("GET", "/clients/by-service-id/999999", None, 404, "No client matches"),
    ("GET", "/clients/by-service-id/abc", None, 422, "service_id"),
    ("GET", "/clients/by-document/nobody", None, 404, "No client matches"),
    ("GET", "/clients/by-phone/1", None, 404, "No client matches"),
    ("GET", "/clients/search", None, 422, "`q`"),
    ("GET", "/clients/search?q=", None, 422, "`q`"),
    ("GET", "/clients/search?q=%20a%20", None, 422, "at least 2"),
    ("GET", "/clients/?limit=0", None, 422, "`limit`"),
    ("GET", "/clients/?limit=many", None, 422, "`limit`"),
    ("GET", "/clients/?offset=-1", None, 422, "`offset`"),
    ("GET", "/internet-plans/999", None, 404, "plan_id"),
    ("GET", "/internet-plans/x", None, 422, "plan_id"),
    ("GET", "/nothing/here", None, 404, "no such path"),
    ("DELETE", "/clients/", None, 405, "GET"),
    ("DELETE", "/cache/nothing", None, 404, "clients, internet-plans"),
    ("POST", "/clients/7/verify", b"{", 400, "truncated"),
    ("POST", "/clients/7/verify", b"\xff", 400, ""),
    ("POST", "/clients/7/verify", b'{"name": "\xff"}', 400, "UTF-8"),
    ("POST", "/clients/7/verify", b"", 422, "JSON object"),
    ("POST", "/clients/7/verify", b"[]", 422, "JSON object"),
    ("POST", "/clients/7/verify", b"{}", 422, "at least 2"),
    ("POST", "/clients/7/verify", b'{"address": "x"}', 422, "at least 2"),
    ("POST", "/clients/7/verify", b'{"address": "x", "name": null}', 422, "at least 2"),
    ("POST", "/clients/7/verify", b'{"adress": "x", "name": "y"}', 422, "allowed are name, address"),
    ("POST", "/clients/7/verify", b'{"address": 5, "name": "y"}', 422, "`address`: expected text"),
    (
        "POST",
        "/clients/7/verify",
        b'{"internet_plan_price": []}',
        422,
        "`internet_plan_price`: expected a number",
    ),
    ("POST", "/clients/999999/verify", b'{"address": "xxx", "name": "yyy"}', 404, "service_id"),
    ("POST", "/clients/7/verify", b'{"address": "xxx", "name": "yy"}', 422, "`name` needs at least 3"),
    ("POST", "/clients/7/verify", b'{"address": "V/ el", "name": "yyy"}', 422, "`address` needs"),
    ("POST", "/clients/resolve", b'{"address": "x", "name": "yyy", "internet_plan_price": 1}', 422, "needs"),
    ("POST", "/clients/7/verify", b"x" * 70_000, 413, "64 kB"),
    ("POST", "/clients/7/verify", b"[" * 30_000, 400, "nested too deeply"),
    ("POST", "/clients/7/verify", b'{"tel\xc3\xa9fono de Juan": 1}', 422, "unknown field"),
    ("POST", "/clients/resolve", b'{"address": "x", "name": "y"}', 422, "at least 3"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad[0]} {bad[1]} {str(bad[2])[:30]}")
async def test_bad_input_gets_a_problem_document_in_plain_words(api, bad):
    method, path, body, status, told = bad
    response = await api.request(method, f"/api/v1{path}", content=body)
    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert told in problem["detail"]
    assert {"type", "title"} <= set(problem)
    assert "Traceback" not in response.text


@pytest.mark.parametrize("key", ["", "wrong", "the-consumer-keyx", "THE-CONSUMER-KEY"])
async def test_without_a_known_key_nothing_is_told(api, key):
    response = await api.get("/api/v1/clients/", headers={"X-API-Key": key})
    assert response.status_code == 401
    assert response.json()["type"].endswith("not-authenticated")
    assert "www-authenticate" in response.headers


@pytest.mark.parametrize(
    "path", ["/health", "/docs", "/docs/openapi.json", "/docs-assets/swagger-ui-bundle.js"]
)
async def test_health_and_the_api_pages_need_no_key(api, path):
    assert (await api.get(path, headers={"X-API-Key": ""})).status_code == 200


async def test_the_api_pages_ask_no_other_host(api):
    page = (await api.get("/docs")).text
    assert "http://" not in page.split("spec:")[0]
    assert "https://" not in page.split("spec:")[0]


@pytest.mark.parametrize(
    "path", ["/clients/by-phone/1", "/clients/by-service-id/9999", "/internet-plans/999"]
)
async def test_what_is_not_found_tells_how_old_that_news_is(api, path):
    response = await api.get(f"/api/v1{path}")
    assert response.status_code == 404
    assert int(response.headers["age"]) >= 0


async def test_without_keys_the_service_is_open(serve, settings):
    async with serve(msgspec.structs.replace(settings, api_keys={})) as api:
        assert (await api.get("/api/v1/internet-plans/", headers={"X-API-Key": ""})).status_code == 200


AS_IT_IS = {"Accept-Encoding": "identity"}


async def test_a_cached_answer_tells_its_age_and_its_validator(api):
    await api.get("/api/v1/clients/")
    answer = await api.get("/api/v1/clients/", headers=AS_IT_IS)
    headers = answer.headers
    assert headers["etag"] == represent(answer.json()).etag
    assert headers["cache-status"].startswith("wisphub-api; hit; ttl=")
    assert int(headers["age"]) >= 0
    assert headers["cache-control"] == "private, max-age=300"


@pytest.mark.parametrize(
    "path", ["/clients/", "/clients/search?q=es", "/clients/by-service-id/7", "/internet-plans/"]
)
async def test_what_the_consumer_has_already_is_not_sent_again(api, path):
    first = await api.get(f"/api/v1{path}", headers=AS_IT_IS)
    again = await api.get(f"/api/v1{path}", headers=AS_IT_IS | {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert first.headers["etag"] == represent(first.json()).etag


@pytest.mark.parametrize("path", ["/health", "/api/v1/clients/", "/api/v1/internet-plans/999"])
async def test_head_is_answered_as_get_without_the_body(api, path):
    got, head = await api.get(path), await api.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.headers.get("etag") == got.headers.get("etag")


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("OPTIONS", "/api/v1/clients/", 204, {"GET", "HEAD", "OPTIONS"}),
        ("TRACE", "/api/v1/clients/", 405, {"GET", "HEAD", "OPTIONS"}),
        ("HEAD", "/api/v1/clients/resolve", 405, {"POST", "OPTIONS"}),
        ("PATCH", "/docs", 405, {"GET", "HEAD", "OPTIONS"}),
    ],
)
async def test_what_a_path_takes_is_told_with_head(api, method, path, status, allow):
    answer = await api.request(method, path)
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (status, allow)


@pytest.mark.parametrize(
    "path", ["/docs/nothing", "/docs/nothing/here", "/docs-assets/nothing", "/docs/..%2f"]
)
async def test_a_page_that_there_is_not_is_told_as_any_other_path(api, path):
    answer = await api.get(path, headers={"X-API-Key": ""})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no such path; /docs lists those there are."


async def test_a_post_is_never_answered_with_not_modified(api):
    claim = {"name": "Esperanza Benitez", "address": "BELLAVISTA", "internet_plan_price": 40000.0}
    response = await api.post("/api/v1/clients/resolve", json=claim, headers={"If-None-Match": "*"})
    assert response.status_code == 200


async def test_several_validators_may_come_in_lines_of_their_own(api):
    tag = (await api.get("/api/v1/internet-plans/")).headers["etag"]
    headers = [("X-API-Key", api.headers["X-API-Key"]), ("If-None-Match", '"x"'), ("If-None-Match", tag)]
    assert (await api.get("/api/v1/internet-plans/", headers=headers)).status_code == 304


async def test_a_hundred_cold_requests_cause_one_crawl(serve, settings, simulator):
    async with serve(settings) as api:
        answers = await asyncio.gather(*(api.get("/api/v1/clients/") for _ in range(100)))
        assert {answer.status_code for answer in answers} == {200}
        assert simulator.requests()["GET /api/clientes/"] == 3
        assert "collapsed" in answers[0].headers["cache-status"]


async def test_it_is_alive_at_once_and_ready_when_warm(serve, settings, simulator):
    for path in ("/api/clientes/", "/api/plan-internet/"):
        simulator.fail(kind="slow_body", path=path, seconds=0.5, count=1)
    async with serve(settings) as api:
        assert (await api.get("/health")).status_code == 200
        early = await api.get("/health/ready")
        await asyncio.gather(api.get("/api/v1/clients/"), api.get("/api/v1/internet-plans/"))
        ready = await api.get("/health/ready")
    assert (early.status_code, early.json()["detail"]) == (
        503,
        "Not ready: clients: loading; internet-plans: loading.",
    )
    assert ready.json() == {"status": "ready", "caches": {"clients": "fresh", "internet-plans": "fresh"}}


async def test_an_upstream_that_fails_from_the_start_is_told_with_retry_after(serve, settings, simulator):
    simulator.fail(kind="status", status=403)
    async with serve(settings) as api:
        response = await api.get("/api/v1/clients/")
    assert response.status_code == 503
    assert "does not accept WISPHUB_NET_KEY" in response.json()["detail"]
    assert int(response.headers["retry-after"]) >= 1


async def test_a_failed_refresh_leaves_the_answers_and_is_told_to_operators(serve, settings, simulator):
    async with serve(settings) as api:
        await api.get("/api/v1/clients/")
        simulator.fail(kind="status", status=403)
        assert (await api.delete("/api/v1/cache/clients")).status_code == 202
        state = await clients_state(api, lambda state: state["failed_loads"] > 0)
        assert "WISPHUB_NET_KEY" in state["last_error"]
        assert (await api.get("/api/v1/clients/by-service-id/7")).status_code == 200


async def test_a_refresh_shows_what_has_changed_upstream(serve, settings, simulator):
    async with serve(settings) as api:
        await get(api, "/clients/by-service-id/7")
        simulator.edit(7, direccion="Vereda La Esmeralda")
        assert (await get(api, "/clients/by-service-id/7"))["address"] == "BELLAVISTA"
        await api.delete("/api/v1/cache/clients")
        await clients_state(api, lambda state: state["loads"] == 2 and state["next_refresh_s"] > 0)
        assert simulator.requests()["GET /api/clientes/"] == 6
        assert (await get(api, "/clients/by-service-id/7"))["address"] == "Vereda La Esmeralda"


async def test_the_cache_page_tells_what_an_operator_needs(serve, settings):
    async with serve(settings) as api:
        await api.get("/api/v1/clients/")
        state = (await get(api, "/cache/"))[0]
        assert (state["name"], state["state"], state["size"], state["loads"]) == ("clients", "fresh", 700, 1)
        assert set(state) >= {"age_s", "hits", "stale_answers", "last_error", "next_refresh_s"}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500, "count": 2},
        {"kind": "status", "status": 429, "retry_after_s": 0.1, "count": 1},
        {"kind": "drop", "count": 2},
        {"kind": "truncate", "count": 2},
        {"kind": "html", "count": 2},
        {"kind": "shift", "count": 1},
    ],
    ids=lambda fault: fault["kind"],
)
async def test_passing_trouble_upstream_is_not_seen_by_consumers(
    serve, settings, simulator, fault, monkeypatch
):
    monkeypatch.setattr(budget, "SLOWEST_PER_S", 100.0)  # what a 429 teaches is kept to for seconds
    simulator.fail(path="/api/clientes/", **fault)
    with stamina.set_testing(True, attempts=4, cap=True):  # tried again at once
        async with serve(settings) as api:
            response = await api.get("/api/v1/clients/", params={"limit": 1})
    assert response.status_code == 200
    assert int(response.headers["x-total-count"]) == simulator.count()


async def test_bad_rows_cost_only_themselves(serve, settings, simulator):
    simulator.fail(kind="bad_rows", path="/api/clientes/", rows=2, count=1)
    async with serve(settings) as api:
        response = await api.get("/api/v1/clients/", params={"limit": 1})
    assert response.status_code == 200
    assert 698 <= int(response.headers["x-total-count"]) <= 700
