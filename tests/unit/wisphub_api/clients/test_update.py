"""Changing a client: upstream first, then everywhere at once; an open outcome is looked up."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Policy
from wisphub_api.clients.models import ProfileUpdate
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.update import ClientUpdates, cleaned
from wisphub_api.exceptions import InvalidRequest, UpstreamTimeout, UpstreamUncertain
from wisphub_api.upstream.wire import Page

PROFILE = "/api/clientes/*/perfil/"
EVERYTHING = {
    "name": "Esperanza Gómez",
    "document": "1.020-X",
    "address": "Vereda La Esmeralda",
    "locality": "Norte",
    "city": "Tunja",
    "phone": "+57 311 555 0000",
    "outstanding_balance": 52000.5,
}


async def seen(api: httpx.AsyncClient, service_id: int = 7) -> dict[str, Any]:
    client: dict[str, Any] = (await api.get(f"/api/v1/clients/by-service-id/{service_id}")).json()
    return client


@pytest.mark.parametrize("service_id", [7, 8], ids=["upstream answers 200", "upstream answers 204"])
async def test_a_change_is_made_upstream_and_seen_at_once_wherever_the_client_is(api, simulator, service_id):
    before = await seen(api, service_id)
    answer = await api.put(f"/api/v1/clients/{service_id}", json=EVERYTHING)
    assert (answer.status_code, answer.json()) == (200, before | EVERYTHING)
    assert await seen(api, service_id) == answer.json()
    assert (await api.get("/api/v1/clients/by-phone/3115550000")).json() == answer.json()
    assert (await api.get("/api/v1/clients/by-document/1020x")).json() == answer.json()
    assert answer.json() in (await api.get("/api/v1/clients/search", params={"q": "esmeralda"})).json()
    assert answer.json() in (await api.get("/api/v1/clients/")).json()
    profile = simulator.profile(service_id)
    assert (profile["cedula"], profile["direccion"], profile["saldo"]) == (
        "1.020-X",
        "Vereda La Esmeralda",
        "52000.50",
    )
    assert f"{profile['nombre']} {profile['apellidos']}" == "Esperanza Gómez"


async def test_only_what_is_given_is_written(api, simulator):
    before = simulator.profile(7)
    await api.put("/api/v1/clients/7", json={"city": "  Tunja  "})
    assert simulator.profile(7) == before | {"ciudad": "Tunja"}


@pytest.mark.parametrize("service_id", [7, 8], ids=["upstream answers 200", "upstream answers 204"])
async def test_a_change_that_is_known_to_be_made_is_not_looked_up(api, simulator, service_id):
    await seen(api)
    asked = simulator.requests()
    await api.put(f"/api/v1/clients/{service_id}", json={"city": "Tunja"})
    assert simulator.requests() == asked | {"PUT /api/clientes/{id}/perfil/": 1}


async def test_what_a_consumer_has_is_no_longer_current_and_the_list_says_so(api):
    list_tag, tag = [
        (await api.get(f"/api/v1/clients/{path}")).headers["etag"] for path in ("", "by-service-id/7")
    ]
    await api.put("/api/v1/clients/7", json={"city": "Tunja"})
    for path, known in (("", list_tag), ("by-service-id/7", tag)):
        answer = await api.get(f"/api/v1/clients/{path}", headers={"If-None-Match": known})
        assert answer.status_code == 200


async def test_the_answer_tells_its_age_but_no_validator(api):
    headers = (await api.put("/api/v1/clients/7", json={"city": "Tunja"})).headers
    assert headers["cache-status"].startswith("wisphub-api; fwd=method; stored; ttl=")
    assert "age" in headers
    assert "etag" not in headers


async def test_an_identity_check_goes_by_the_new_data(api):
    await api.put("/api/v1/clients/7", json={"address": "Calle 5"})
    claim = {"address": "calle 5", "internet_plan_price": 40000.0}
    assert (await api.post("/api/v1/clients/7/verify", json=claim)).json()["is_valid"]


UNCERTAIN = [
    ("done, but the answer breaks off", {"kind": "drop", "mode": "mid"}, 200, "Tunja"),
    ("done, but the answer cannot be read", {"kind": "truncate"}, 200, "Tunja"),
    ("not done", {"kind": "drop", "mode": "before"}, 502, None),
    ("a proxy answered", {"kind": "html"}, 502, None),
    ("it failed", {"kind": "status", "status": 500}, 502, None),
]


@pytest.mark.parametrize(
    ("fault", "status", "city"), [case[1:] for case in UNCERTAIN], ids=[case[0] for case in UNCERTAIN]
)
async def test_an_open_outcome_is_looked_up(api, simulator, fault, status, city):
    before = await seen(api)
    simulator.fail(path=PROFILE, method="PUT", **fault)
    answer = await api.put("/api/v1/clients/7", json={"city": "Tunja"})
    assert answer.status_code == status
    assert (await seen(api))["city"] == (city or before["city"])
    if status == 502:
        assert answer.json()["type"].endswith(":update-not-made")
        assert int(answer.headers["retry-after"]) > 0
    assert simulator.requests()["PUT /api/clientes/{id}/perfil/"] == 1


async def test_looking_it_up_brings_whatever_else_is_new_in_the_record(api, simulator):
    await seen(api)
    simulator.edit(7, direccion="Calle 5")
    simulator.fail(path=PROFILE, method="PUT", kind="drop", mode="before")
    await api.put("/api/v1/clients/7", json={"city": "Tunja"})
    assert (await seen(api))["address"] == "Calle 5"


async def test_an_outcome_that_cannot_be_looked_up_is_said_to_be_open(api, simulator):
    await seen(api)
    simulator.fail(path=PROFILE, method="PUT", kind="drop", mode="mid")
    simulator.fail(path="/api/clientes/", kind="status", status=403)
    answer = await api.put("/api/v1/clients/7", json={"city": "Tunja"})
    assert answer.status_code == 504
    assert answer.json()["type"].endswith(":uncertain-outcome")
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("upstream", "status"), [(400, 422), (404, 404), (403, 502), (429, 503), (503, 502)], ids=str
)
async def test_what_was_refused_upstream_is_not_shown(api, simulator, upstream, status):
    before = await seen(api)
    simulator.fail(path=PROFILE, method="PUT", kind="status", status=upstream)
    answer = await api.put("/api/v1/clients/7", json={"city": "Tunja"})
    assert answer.status_code == status
    assert await seen(api) == before
    assert simulator.requests()["PUT /api/clientes/{id}/perfil/"] == 1


async def test_who_is_not_known_cannot_be_changed(shared_api, simulator):
    answer = await shared_api.put("/api/v1/clients/999999", json={"city": "Tunja"})
    assert (answer.status_code, int(answer.headers["age"]) >= 0) == (404, True)
    assert "PUT /api/clientes/{id}/perfil/" not in simulator.requests()


BAD = [
    ({}, "body", "at least one of name, document, address"),
    ({"nmae": "x"}, "nmae", "allowed are name, document, address"),
    ({"service_id": 8}, "service_id", "unknown field"),
    ({"payment_status": "Activo"}, "payment_status", "unknown field"),
    ({"name": None}, "name", "text"),
    ({"name": 5}, "name", "text"),
    ({"name": ""}, "name", ""),
    ({"name": " \t "}, "name", "blank"),
    ({"name": "x" * 151}, "name", "150"),
    ({"name": "Ana\x00"}, "name", "control character"),
    ({"name": "Ana\u202e"}, "name", "control character"),
    ({"city": "<script>"}, "city", "one of <>"),
    ({"address": "{{7*7}}"}, "address", "one of <>"),
    ({"phone": "call me at home"}, "phone", "7 digits"),
    ({"phone": "30 - 12 / 34"}, "phone", "7 digits"),
    ({"document": "---"}, "document", "letters"),
    ({"document": "10;20"}, "document", "letters"),
    ({"outstanding_balance": "NaN"}, "outstanding_balance", "a number"),
    ({"outstanding_balance": 1e11}, "outstanding_balance", "1"),
    ({"outstanding_balance": True}, "outstanding_balance", "number"),
]


@pytest.mark.parametrize(("body", "field", "told"), BAD, ids=[str(case[0])[:40] for case in BAD])
async def test_a_bad_change_is_refused_by_its_field_and_never_sent(shared_api, simulator, body, field, told):
    answer = await shared_api.put("/api/v1/clients/7", json=body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert [error["field"] for error in problem["errors"]] == [field]
    assert told in problem["detail"]
    assert "PUT /api/clientes/{id}/perfil/" not in simulator.requests()


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Ferretería Peña & Hijos S.A.S."},
        {"address": "Cra. 5 # 12-34, Apto 201 (Vda. El Alto) 2° piso"},
        {"phone": "300 123 4567 / +57 (310) 000-0001"},
        {"document": "900.123.456-7"},
        {"outstanding_balance": -1.5},
    ],
    ids=str,
)
def test_what_people_write_is_let_pass(given):
    assert cleaned(ProfileUpdate(**given)).given == given


def test_texts_are_single_spaced_and_balances_rounded_to_cents():
    update = cleaned(ProfileUpdate(name="  Ana   Luz ", outstanding_balance=-0.001))
    assert update.given == {"name": "Ana Luz", "outstanding_balance": 0.0}
    assert str(update.outstanding_balance) == "0.0"


def test_a_change_of_nothing_is_none():
    with pytest.raises(InvalidRequest, match="at least one"):
        cleaned(ProfileUpdate())


class Net:
    """Takes a second for each write, and tells how many it was at once about."""

    def __init__(self) -> None:
        self.written: list[tuple[int, str]] = []
        self.running = self.most_at_once = 0
        self.load_s = 0.0
        self.error: Exception | None = None
        self.look: Callable[[], Any] = lambda: None

    async def write(self, _: str, __: str, content: Any, ___: object, *, service_id: int) -> None:
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        await asyncio.sleep(1)
        self.running -= 1
        if self.error:
            raise self.error
        self.written.append((service_id, content.json["ciudad"]))

    async def read(self, *_: object) -> Any:
        return await self.look()


@pytest.fixture
async def updates(make_row) -> tuple[ClientUpdates, Any, Cached[Directory]]:
    net: Any = Net()

    async def load(_: object) -> Directory:
        cities = dict(net.written)
        await asyncio.sleep(net.load_s)
        return Directory([make_row(number, ciudad=cities.get(number, "Leyva")) for number in (1, 2)])

    clock = asyncio.get_running_loop().time
    directory = Cached("clients", load, Policy(300, 0, 15), len, clock=clock)
    return ClientUpdates(directory, net, lookup_s=10), net, directory


@pytest.mark.looptime
async def test_changes_of_one_client_are_made_one_after_the_other_and_the_last_is_shown(updates):
    service, net, directory = updates
    cities = ["Tunja", "Cali", "Pasto"]
    await asyncio.gather(*(service.update(1, ProfileUpdate(city=city)) for city in cities))
    assert (net.most_at_once, net.written) == (1, [(1, city) for city in cities])
    assert (await directory.read()).value.by_service_id(1).city == "Pasto"


@pytest.mark.looptime
async def test_a_refresh_that_began_before_the_change_does_not_bring_the_old_value_back(updates):
    service, net, directory = updates
    async with directory:
        await directory.read()
        await asyncio.sleep(1)
        net.load_s = 10
        directory.invalidate()
        await asyncio.sleep(1)  # it has read the old value by now
        await service.update(1, ProfileUpdate(city="Tunja"))
        assert directory.state().good_loads == 1
        await asyncio.sleep(10)
        assert directory.state().good_loads == 2
        assert (await directory.read()).value.by_service_id(1).city == "Tunja"


@pytest.mark.looptime
async def test_changes_of_different_clients_do_not_wait_for_each_other(updates):
    service, net, _ = updates
    await asyncio.gather(*(service.update(number, ProfileUpdate(city="Cali")) for number in (1, 2)))
    assert net.most_at_once == 2


@pytest.mark.looptime
async def test_looking_an_open_outcome_up_takes_no_longer_than_set(updates):
    service, net, _ = updates
    net.error = UpstreamUncertain("it may have been done")
    net.look = lambda: asyncio.sleep(60)
    begun = asyncio.get_running_loop().time()
    with pytest.raises(UpstreamUncertain):
        await service.update(1, ProfileUpdate(city="Cali"))
    assert asyncio.get_running_loop().time() == begun + 11


@pytest.mark.looptime
async def test_a_client_that_is_gone_when_looked_up_leaves_the_outcome_open(updates):
    service, net, _ = updates
    net.error = UpstreamUncertain("it may have been done")
    net.look = lambda: asyncio.sleep(0, Page(0, ()))
    with pytest.raises(UpstreamUncertain):
        await service.update(1, ProfileUpdate(city="Cali"))


@pytest.mark.looptime
async def test_one_that_failed_does_not_hold_up_the_next(updates):
    service, net, _ = updates
    net.error = UpstreamTimeout("slow")
    with pytest.raises(UpstreamTimeout):
        await service.update(1, ProfileUpdate(city="Cali"))
    net.error = None
    await service.update(1, ProfileUpdate(city="Tunja"))
    assert net.written == [(1, "Tunja")]
