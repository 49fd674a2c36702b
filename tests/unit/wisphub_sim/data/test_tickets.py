from collections import Counter

import pytest

FORM = {
    "servicio": "7",
    "asunto": "Internet Lento",
    "asuntos_default": "Internet Lento",
    "tecnico": "91",
    "descripcion": "Va muy despacio desde el lunes",
    "estado": "1",
    "prioridad": "2",
    "fecha_inicio": "05/01/2026 08:00",
    "fecha_final": "08/01/2026 18:00",
    "departamento": "Soporte Técnico",
    "departamentos_default": "Soporte Técnico",
}


def post(sim, form):
    return sim.post("/api/tickets/", files={field: (None, value) for field, value in form.items()})


def open_by_zone(sim):
    tickets = sim.get("/api/tickets/", params={"estado": 1, "limit": 300}).json()["results"]
    return Counter((ticket["servicio"]["zona"] or {}).get("id") for ticket in tickets)


def test_zones_have_from_none_to_four_open_tickets(sim):
    expected: dict[int | None, int] = {zone: zone % 5 for zone in range(1, 13) if zone % 5}
    assert open_by_zone(sim) == expected | {None: 1}


def test_the_list_is_of_the_state_asked_for_or_of_all(sim):
    states = {ticket["estado"] for ticket in sim.get("/api/tickets/").json()["results"]}
    assert states == {1, 3}
    closed = sim.get("/api/tickets/", params={"estado": 3}).json()
    assert {ticket["estado"] for ticket in closed["results"]} == {3}


def test_a_ticket_is_opened_from_a_multipart_form(sim):
    answer = post(sim, FORM)
    assert answer.status_code == 201
    assert answer.json() == {
        "id_ticket": answer.json()["id_ticket"],
        "asunto": "Internet Lento",
        "fecha_estimada_inicio": "05/01/2026 08:00",
        "fecha_estimada_fin": "08/01/2026 18:00",
        "estado": 1,
        "prioridad": 2,
    }
    assert open_by_zone(sim)[5] == 1


def test_a_ticket_can_be_read_with_its_answer(sim):
    ticket_id = post(sim, FORM).json()["id_ticket"]
    ticket = sim.get(f"/api/tickets/{ticket_id}/").json()
    assert ticket["descripcion"] == "Va muy despacio desde el lunes"
    assert ticket["respuestas"] == {"respuesta": None}
    closed = sim.get("/api/tickets/", params={"estado": 3}).json()["results"][0]
    assert sim.get(f"/api/tickets/{closed['id_ticket']}/").json()["respuestas"]["respuesta"]


def test_a_ticket_that_does_not_exist_is_not_found(sim):
    assert sim.get("/api/tickets/1/").status_code == 404


@pytest.mark.parametrize("field", ["servicio", "asunto", "estado", "tecnico"])
def test_a_mandatory_field_that_is_missing_is_named(sim, field):
    answer = post(sim, {name: value for name, value in FORM.items() if name != field})
    assert answer.status_code == 400
    assert answer.json() == {field: ["Este campo es requerido."]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("servicio", "99999"), ("servicio", "x"), ("tecnico", "x"), ("estado", "9"), ("prioridad", "5")),
        *(("fecha_inicio", "2026-01-05"), ("fecha_final", "05/01/2026")),
    ],
)
def test_a_value_that_is_not_understood_is_named(sim, field, value):
    answer = post(sim, FORM | {field: value})
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


def test_optional_fields_may_be_left_out(sim):
    answer = post(sim, {name: FORM[name] for name in ("servicio", "asunto", "estado", "tecnico")})
    assert answer.status_code == 201
    assert answer.json()["fecha_estimada_fin"] is None


@pytest.mark.parametrize("body", [{"json": FORM}, {"data": FORM}])
def test_what_is_no_multipart_form_is_refused(sim, body):
    assert sim.post("/api/tickets/", **body).status_code == 415
