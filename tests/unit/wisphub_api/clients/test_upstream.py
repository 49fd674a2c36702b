"""Clients as WispHub Net sends them, odd ones included, and names split the way a profile has them."""

import datetime as dt
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisphub_api.clients.snapshot.records import ClientRow
from wisphub_api.clients.upstream import ClientWire, find_client, split_name, to_client_row
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.upstream.wire import PageReader

WORDS = st.lists(st.sampled_from(["Ana", "de", "la", "Cruz", "Ñáñez"]), max_size=5).map(" ".join)
RECORD = {
    "id_servicio": 7,
    "nombre": " Esperanza Benitez ",
    "cedula": 1020304050,
    "telefono": "3001234567",
    "direccion": "BELLAVISTA",
    "ciudad": "Ibagué",
    "localidad": "",
    "estado": "Activo",
    "ip": "10.0.0.7",
    "fecha_corte": "5/03/2026",
    "saldo": "-1500.50",
    "precio_plan": "40000.00",
    "interfaz_lan": None,
    "plan_internet": {"id": "3", "nombre": "Hogar 10M"},
    "zona": {"id": 2, "nombre": "Norte"},
    "tecnico": None,
    "password_servicio": "hunter2",
    "clave_nueva": ["unknown", "keys", "appear"],
}


def read(*rows: Any) -> list[ClientRow | None]:
    body = json.dumps({"count": len(rows), "next": None, "previous": None, "results": rows})
    return list(PageReader(ClientWire, to_client_row)(body.encode()).rows)


def read_one(**changes: Any) -> ClientRow:
    row = read(RECORD | changes)[0]
    assert row is not None
    return row


def test_a_record_becomes_a_client():
    row = read_one()
    client = row.client
    assert (client.service_id, client.name, client.document) == (7, "Esperanza Benitez", "1020304050")
    assert (client.address, client.city, client.locality) == ("BELLAVISTA", "Ibagué", None)
    assert (client.zone_id, client.technician_id, row.plan_id) == (2, None, 3)
    assert (client.internet_plan_name, client.internet_plan_price) == ("Hogar 10M", 40000.0)
    assert (client.outstanding_balance, client.cut_off_date) == (-1500.5, dt.date(2026, 3, 5))


def test_nothing_else_of_the_record_is_kept():
    assert "hunter2" not in repr(read_one())


@pytest.mark.parametrize("price", ["", "0", "0.00", 0, None, "a lot", "nan", "inf"])
def test_a_price_that_says_nothing_is_unknown(price):
    assert read_one(precio_plan=price).client.internet_plan_price is None


@pytest.mark.parametrize("price", ["40000.00", 40000, 40000.0, " 40000 "])
def test_a_price_may_be_text_or_number(price):
    assert read_one(precio_plan=price).client.internet_plan_price == 40000.0


@pytest.mark.parametrize("date", ["", None, "31/02/2026", "2026-03-05", "soon", 5])
def test_a_date_that_is_none_is_unknown(date):
    assert read_one(fecha_corte=date).client.cut_off_date is None


def test_a_date_may_have_a_time_after_it():
    assert read_one(fecha_corte="05/03/2026 10:00:00").client.cut_off_date == dt.date(2026, 3, 5)


@pytest.mark.parametrize(
    ("phone", "text"), [(3001234567, "3001234567"), (3001234567.0, "3001234567"), ("", None)]
)
def test_a_phone_may_be_a_number(phone, text):
    assert read_one(telefono=phone).client.phone == text


@pytest.mark.parametrize("nested", [None, "", "Norte", 5, [], {}, {"id": None}, {"id": "x"}, {"id": {}}])
def test_an_odd_nested_object_costs_only_itself(nested):
    row = read_one(zona=nested, plan_internet=nested, tecnico=nested)
    assert (row.client.zone_id, row.client.technician_id, row.plan_id) == (None, None, None)
    assert row.client.name == "Esperanza Benitez"


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**30])
def test_an_id_that_64_bits_do_not_hold_is_none(number):
    assert [row and row.client.service_id for row in read({"id_servicio": number}, {"id_servicio": 5})] == [
        None,
        5,
    ]
    row = read_one(plan_internet={"id": number, "nombre": "Hogar"})
    assert (row.plan_id, row.client.internet_plan_name) == (None, "Hogar")
    assert read_one(plan_internet={"id": 2**63 - 1}).plan_id == 2**63 - 1


def test_an_odd_field_costs_only_itself():
    client = read_one(nombre={"first": "Esperanza"}).client
    assert (client.name, client.address) == (None, "BELLAVISTA")


def test_missing_fields_are_unknown():
    row = read({"id_servicio": "12"})[0]
    assert row is not None
    assert (row.client.service_id, row.client.name) == (12, None)


async def find(service_id: int, requests: list[httpx.Request]) -> Any:
    """Look for a client among 200, whatever is asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"count": 200, "results": [{"id_servicio": i} for i in range(200)]})

    settings = Settings(net_host="https://net.example", net_key=Secret("the-key"))
    async with WispHubNet(settings, httpx.MockTransport(answer)) as net:
        return await find_client(net, service_id)


async def test_the_first_row_is_not_trusted_when_the_filter_is_ignored():
    requests: list[httpx.Request] = []
    assert (await find(42, requests)).service_id == 42
    assert requests[0].url.params["id_servicio"] == "42"


async def test_a_client_that_is_not_there_is_not_made_up_from_the_first_row():
    assert await find(4242, []) is None


@pytest.mark.parametrize(
    ("name", "first", "last", "expected"),
    [
        ("Juan Carlos Benitez", "Juan Carlos", "Ruiz", ("Juan Carlos", "Benitez")),
        ("Juan Carlos Benitez", "Juan Carlos", "Ruiz Mora", ("Juan Carlos", "Benitez")),
        ("Maria de la Cruz", "Ana", "de la Cruz", ("Maria", "de la Cruz")),
        ("Luz Peña", "Esperanza", "Benitez", ("Luz", "Peña")),
        ("Luz Dary Peña Gil", "Ana", "Benitez Ruiz", ("Luz Dary", "Peña Gil")),
        ("Luz Peña", "Ferretería El Tornillo", "", ("Luz Peña", "")),
        ("Luz", "Ana", "Benitez Ruiz", ("Luz", "")),
        ("Luz Peña", "", "", ("Luz Peña", "")),
    ],
)
def test_a_name_is_split_as_the_record_has_it(name, first, last, expected):
    assert split_name(name, first, last) == expected


@given(name=WORDS.filter(bool), first=WORDS, last=WORDS)
def test_both_halves_make_the_name_again_and_the_first_is_never_empty(name, first, last):
    halves = split_name(name, first, last)
    assert " ".join(halves).strip() == name
    assert halves[0]
