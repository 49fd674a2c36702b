"""WispHub Net's tickets: what is sent, and what is made of its answers."""

import datetime as dt
from typing import Any

import httpx
import pytest

from wisphub_api.exceptions import UpstreamFailed, UpstreamUncertain, UpstreamUnreadable
from wisphub_api.setting_values import Secret
from wisphub_api.settings import Settings
from wisphub_api.tickets.due_date import COLOMBIA
from wisphub_api.tickets.models import Ticket, TicketOrder
from wisphub_api.tickets.upstream import (
    TicketWire,
    find_ticket,
    open_ticket,
    read_all_tickets,
    read_tickets,
    to_form,
    to_ticket,
)
from wisphub_api.upstream.client import WispHubNet

pytestmark = pytest.mark.looptime
SETTINGS = Settings(net_host="https://net.example", net_key=Secret("the-key"))
START = dt.datetime(2026, 1, 5, 8, 0, tzinfo=COLOMBIA)
ORDER = TicketOrder(7, 5, 91, "Internet Lento", 2, "Muy lento", 1, START, START + dt.timedelta(days=3))
ROW = {
    "id_ticket": 5001,
    "asunto": "Internet Lento",
    "descripcion": "Muy lento",
    "estado": 1,
    "prioridad": "2",
    "fecha_estimada_inicio": "05/01/2026 08:00",
    "fecha_estimada_fin": "08/01/2026 18:00",
    "tecnico": {"id": 91, "nombre": "Ana"},
    "servicio": {"id_servicio": 7, "zona": {"id": 5}},
    "respuestas": {"respuesta": "Se hizo la visita."},
}
TICKET = Ticket(
    ticket_id=5001,
    service_id=7,
    zone_id=5,
    technician_id=91,
    subject="Internet Lento",
    priority=2,
    status="1",
    description="Muy lento",
    answer="Se hizo la visita.",
    starts_at=START,
    due_at=dt.datetime(2026, 1, 8, 18, 0, tzinfo=COLOMBIA),
)


class Net:
    """Answers every request with the same, and keeps them."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer
        self._status = status

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answer(request) if callable(self._answer) else self._answer
        if isinstance(answer, bytes):
            return httpx.Response(self._status, content=answer)
        return httpx.Response(self._status, json=answer)

    async def __aenter__(self) -> WispHubNet:
        self._net = WispHubNet(SETTINGS, httpx.MockTransport(self.handle))
        return await self._net.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await self._net.__aexit__()


async def find(answer: Any, status: int = 200) -> Ticket | None:
    async with Net(answer, status) as net:
        return await find_ticket(net, 5001)


async def test_a_ticket_is_read():
    assert await find(ROW) == TICKET


@pytest.mark.parametrize(
    ("spoilt", "field"),
    [
        ({"servicio": None}, "zone_id"),
        ({"servicio": {"id_servicio": 7, "zona": None}}, "zone_id"),
        ({"servicio": ["?"]}, "service_id"),
        ({"tecnico": None}, "technician_id"),
        ({"prioridad": "Alta"}, "priority"),
        ({"prioridad": 10**30}, "priority"),
        ({"fecha_estimada_fin": "mañana"}, "due_at"),
        ({"fecha_estimada_inicio": "31/02/2026 08:00"}, "starts_at"),
        ({"respuestas": None}, "answer"),
        ({"respuestas": {"respuesta": None}}, "answer"),
        ({"respuestas": []}, "answer"),
        ({"asunto": " "}, "subject"),
        ({"descripcion": {"?": 1}}, "description"),
    ],
)
async def test_what_does_not_fit_costs_its_field_only(spoilt, field):
    ticket = await find(ROW | spoilt)
    assert ticket is not None
    assert getattr(ticket, field) is None
    assert ticket.ticket_id == 5001


async def test_the_last_of_several_answers_is_given():
    ticket = await find(ROW | {"respuestas": [{"respuesta": "first"}, {"respuesta": "last"}]})
    assert ticket is not None
    assert ticket.answer == "last"


async def test_a_ticket_that_is_not_there_is_none():
    assert await find({"detail": "No encontrado."}, 404) is None


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        ({}, 403, Exception),
        ({}, 400, UpstreamFailed),
        (b"<html>", 200, UpstreamUnreadable),
        ({"asunto": "x"}, 200, UpstreamUnreadable),
        (ROW | {"id_ticket": 6000}, 200, UpstreamUnreadable),
        ([ROW, ROW], 200, UpstreamUnreadable),
        (b"", 200, UpstreamUnreadable),
        (b'{"id_ticket":5001},{"id_ticket":5001}', 200, UpstreamUnreadable),
    ],
)
async def test_what_is_no_such_ticket_is_not_taken_for_it(answer, status, error):
    with pytest.raises(error):
        await find(answer, status)


async def test_a_ticket_is_opened_once_by_a_multipart_form():
    upstream = Net({"id_ticket": "5001", "estado": "Nuevo", "prioridad": 3}, 201)
    async with upstream as net:
        ticket = await open_ticket(net, ORDER)
    (request,) = upstream.requests
    assert (request.method, request.url.path) == ("POST", "/api/tickets/")
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert (ticket.ticket_id, ticket.status, ticket.priority) == (5001, "Nuevo", 3)
    assert (ticket.zone_id, ticket.due_at, ticket.answer) == (5, ORDER.due_at, None)


@pytest.mark.parametrize("answer", [b"<html>", b"", {}, {"id_ticket": None}, []])
async def test_an_opened_ticket_without_a_number_is_uncertain(answer):
    upstream = Net(answer, 201)
    async with upstream as net:
        with pytest.raises(UpstreamUncertain):
            await open_ticket(net, ORDER)
    assert len(upstream.requests) == 1


def test_the_form_holds_every_field_and_colombian_times():
    utc = START.astimezone(dt.UTC)
    form = to_form(TicketOrder(7, 5, 91, "Internet Lento", 2, "Muy lento", 1, utc, utc))
    assert form == {
        "servicio": "7",
        "asunto": "Internet Lento",
        "asuntos_default": "Internet Lento",
        "tecnico": "91",
        "descripcion": "Muy lento",
        "estado": "1",
        "prioridad": "2",
        "fecha_inicio": "05/01/2026 08:00",
        "fecha_final": "05/01/2026 08:00",
        "departamento": "Soporte Técnico",
        "departamentos_default": "Soporte Técnico",
    }


class List:
    """A list of tickets over several pages, of states 1 and 3; knows the filter `estado`, or ignores it."""

    def __init__(self, *, knows_filter: bool = True) -> None:
        self.rows = [{"id_ticket": number, "estado": 1 if number % 2 else 3} for number in range(1400)]
        self._knows_filter = knows_filter

    def __call__(self, request: httpx.Request) -> dict[str, Any]:
        query = request.url.params
        offset, limit = int(query["offset"]), int(query["limit"])
        state = query.get("estado") if self._knows_filter else None
        rows = [row for row in self.rows if state is None or str(row["estado"]) == state]
        return {"count": len(rows), "results": rows[offset : offset + limit]}


async def ids(answer: Any, *states: int) -> list[int]:
    async with Net(answer) as net:
        return sorted(ticket.ticket_id for ticket in await read_tickets(net, states))


async def test_all_pages_of_every_state_asked_for_are_read():
    assert await ids(List(), 1) == list(range(1, 1400, 2))
    assert await ids(List(), 1, 3) == list(range(1400))


async def test_all_pages_of_all_tickets_are_read():
    async with Net(List()) as net:
        assert len(await read_all_tickets(net)) == 1400


async def test_a_filter_that_is_ignored_does_not_make_closed_tickets_open():
    assert await ids(List(knows_filter=False), 1) == list(range(1, 1400, 2))


async def test_a_state_in_words_is_trusted_to_be_the_one_asked_for():
    assert await ids({"count": 1, "results": [{"id_ticket": 1, "estado": "Nuevo"}]}, 1) == [1]


async def test_bad_rows_cost_only_themselves():
    rows = [*({"id_ticket": number, "estado": 1} for number in range(9)), {"id_ticket": "x"}]
    assert await ids({"count": 10, "results": rows}, 1) == list(range(9))


def test_times_come_with_seconds_or_without():
    assert to_ticket(TicketWire(1, fecha_estimada_fin="05/01/2026 08:00:59")).due_at == START.replace(
        second=59
    )
