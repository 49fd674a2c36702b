import pytest


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
