import json
import urllib.request
from collections import Counter
from typing import Any

import pytest


def page_whole(url, key):
    """Return every row, read with the standard library alone and offsets of its own."""
    rows: list[dict[str, Any]] = []
    count = 1
    while len(rows) < count:
        request = urllib.request.Request(  # noqa: S310 - the test's own server
            f"{url}/api/clientes/?limit=300&offset={len(rows)}", headers={"Authorization": f"Api-Key {key}"}
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - likewise
            page = json.load(answer)
        rows += page["results"]
        count = page["count"]
    return rows


def ids(response):
    return [int(row["id_servicio"]) for row in response.json()["results"]]


@pytest.mark.usefixtures("sim")
def test_a_plain_client_can_page_it_whole(sim_url):
    rows = page_whole(sim_url, "test-key")
    assert [int(row["id_servicio"]) for row in rows] == list(range(1, 701))


def test_next_is_a_plain_http_link_to_the_following_page(sim, sim_url):
    page = sim.get("/api/clientes/", params={"limit": 900}).json()
    assert len(page["results"]) == 300
    assert page["next"] == f"{sim_url}/api/clientes/?limit=300&offset=300"
    assert page["next"].startswith("http://")


@pytest.mark.parametrize("query", [{"search": "Esperanza"}, {"nombre": "x"}, {"cedula": ""}])
def test_a_filter_that_does_not_exist_is_ignored(sim, query):
    assert sim.get("/api/clientes/", params=query).json()["count"] == 700


@pytest.mark.parametrize(
    "query", [{"id_servicio": "7"}, {"cedula": "34567890"}, {"telefono": "3104567890", "cedula": "34567890"}]
)
def test_exact_filters_find_the_one_asked_for(sim, query):
    assert ids(sim.get("/api/clientes/", params=query)) == [7]


@pytest.mark.parametrize("query", [{"id_servicio": "70000"}, {"id_servicio": "abc"}, {"cedula": "345"}])
def test_exact_filters_find_nothing_else(sim, query):
    assert sim.get("/api/clientes/", params=query).json() == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }


def test_a_shared_document_finds_every_service_of_its_holder(sim, sim_url):
    rows = page_whole(sim_url, "test-key")
    [(document, count)] = Counter(row["cedula"] for row in rows if row["cedula"]).most_common(1)
    assert count > 1
    assert sim.get("/api/clientes/", params={"cedula": document}).json()["count"] == count


def test_a_profile_shows_the_name_in_two_parts(sim):
    profile = sim.get("/api/clientes/7/perfil/").json()
    assert (profile["nombre"], profile["apellidos"]) == ("Esperanza", "Benitez")
    assert set(profile) == {
        *("nombre", "apellidos", "cedula", "direccion", "localidad", "ciudad", "telefono", "saldo")
    }


def test_an_edit_shows_in_the_profile_the_list_and_the_filters(sim):
    edited = sim.put("/api/clientes/7/perfil/", json={"telefono": 3110000000, "apellidos": "Ñáñez"})
    assert edited.status_code == 200
    assert edited.json()["telefono"] == "3110000000"
    [row] = sim.get("/api/clientes/", params={"telefono": "3110000000"}).json()["results"]
    assert row["nombre"] == "Esperanza Ñáñez"
    assert ids(sim.get("/api/clientes/", params={"telefono": "3104567890"})) == []


def test_an_edit_of_an_even_service_answers_nothing(sim):
    assert sim.put("/api/clientes/8/perfil/", json={"ciudad": None}).status_code == 204
    [row] = sim.get("/api/clientes/", params={"id_servicio": 8}).json()["results"]
    assert row["ciudad"] == ""
    assert "apellidos" not in row


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"nombre": {}}'])
def test_an_edit_that_is_no_profile_is_refused(sim, body):
    answer = sim.put("/api/clientes/7/perfil/", content=body)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["detail"]


@pytest.mark.parametrize("balance", ["abc", "nan", "inf"])
def test_a_balance_that_is_no_amount_is_refused(sim, balance):
    answer = sim.put("/api/clientes/7/perfil/", json={"saldo": balance})
    assert answer.status_code == 400
    assert "saldo" in answer.json()["detail"]


def test_the_balance_has_an_open_invoice_where_something_is_owed(sim):
    assert len(sim.get("/api/clientes/7/saldo").json()["facturas"]) == 1
    sim.put("/api/clientes/7/perfil/", json={"saldo": "52000.00"})
    balance = sim.get("/api/clientes/7/saldo").json()
    assert balance["saldo"] == "52000.00"
    assert [invoice["total"] for invoice in balance["facturas"]] == ["40000.00", "52000.00"]


@pytest.mark.parametrize("path", ["perfil/", "saldo", "ping/"])
def test_a_service_that_does_not_exist_is_not_found(sim, path):
    method = "POST" if path == "ping/" else "GET"
    answer = sim.request(method, f"/api/clientes/70000/{path}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "No encontrado."})


def test_plans_are_of_three_types(sim):
    plans = sim.get("/api/plan-internet/").json()
    assert plans["count"] == 12
    assert {plan["tipo"] for plan in plans["results"]} == {"PPPOE", "SIMPLE QUEUE", "PCQ"}
    assert set(plans["results"][0]) == {"id", "nombre", "tipo"}


def test_every_plan_but_pcq_has_a_detail_under_its_own_type_alone(sim):
    found = {"PPPOE": (200, 404), "SIMPLE QUEUE": (404, 200), "PCQ": (404, 404)}
    for plan in sim.get("/api/plan-internet/").json()["results"]:
        answers = tuple(
            sim.get(f"/api/plan-internet/{kind}/{plan['id']}/").status_code for kind in ("pppoe", "queue")
        )
        assert answers == found[plan["tipo"]]


@pytest.mark.parametrize(("path", "price"), [("queue/11/", "40000.00"), ("pppoe/22/", 75000.0)])
def test_a_price_is_a_text_or_a_number(sim, path, price):
    detail = sim.get(f"/api/plan-internet/{path}").json()
    assert set(detail) == {"nombre", "precio", "bajada", "subida"}
    assert detail["precio"] == price


def test_payment_methods_are_a_page(sim):
    page = sim.get("/api/formas-de-pago/").json()
    assert page["count"] == len(page["results"]) == 7
    assert page["results"][1] == {"id": 2, "nombre": "Nequi"}
