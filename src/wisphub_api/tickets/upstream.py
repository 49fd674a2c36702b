"""WispHub Net's tickets: the calls that list, read and open them, the form, the rows and their dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct

from wisphub_api.exceptions import UpstreamFailed, UpstreamUnreadable
from wisphub_api.tickets.due_date import COLOMBIA
from wisphub_api.tickets.models import Ticket, TicketOrder
from wisphub_api.upstream.budget import Urgency
from wisphub_api.upstream.client import Content, WispHubNet
from wisphub_api.upstream.wire import Number, Page, PageReader, Text, clean_text

LIST: Final = "/api/tickets/"
ONE: Final = "/api/tickets/{ticket_id}/"
DATE_FORMAT: Final = "%d/%m/%Y %H:%M"
DEPARTMENT: Final = "Soporte Técnico"


class NumberedWire(Struct):
    """A nested zone or technician, of which only the id is used."""

    id: Number | None = None


class ServiceWire(Struct):
    """The service that a ticket is about."""

    id_servicio: int | None = None
    zona: NumberedWire | None = None


class TicketWire(Struct):
    """A row of `/api/tickets/`, and the answer to opening and to reading one."""

    id_ticket: int
    asunto: Text = None
    descripcion: Text = None
    estado: Text = None
    prioridad: Text = None
    fecha_estimada_inicio: Text = None
    fecha_estimada_fin: Text = None
    servicio: ServiceWire | None = None
    tecnico: NumberedWire | None = None
    respuestas: Any = None


async def read_tickets(
    net: WispHubNet, states: Iterable[int], urgency: Urgency = Urgency.INTERACTIVE
) -> list[Ticket]:
    """Return every ticket in one of these states; raise rather than return a part."""
    found: dict[int, Ticket] = {}
    for state in states:
        tickets = await _read(net, {"estado": state}, urgency)
        found |= {ticket.ticket_id: ticket for ticket in tickets if _may_be_in(ticket, state)}
    return list(found.values())


async def read_all_tickets(net: WispHubNet) -> list[Ticket]:
    """Return every ticket, which may take a while; raise rather than return a part."""
    return await _read(net, {}, Urgency.BACKGROUND)


async def _read(net: WispHubNet, filters: Mapping[str, int], urgency: Urgency) -> list[Ticket]:
    return await net.crawl(LIST, _PAGES, lambda ticket: ticket.ticket_id, filters=filters, urgency=urgency)


def _may_be_in(ticket: Ticket, state: int) -> bool:
    """Return whether a row has the requested state, because the upstream ignores unknown filters.

    If the row names its state in words, the filter is trusted.
    """
    status = ticket.status or ""
    return not status.isdecimal() or int(status) == state


async def find_ticket(net: WispHubNet, ticket_id: int) -> Ticket | None:
    """Return one ticket with its latest answer; None if there is none."""
    try:
        ticket = await net.read(ONE, {}, _read_one, ticket_id=ticket_id)
    except UpstreamFailed as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    if ticket.ticket_id != ticket_id:
        raise UpstreamUnreadable(f"WispHub Net answered {ONE} with another ticket than the one asked for")
    return ticket


async def open_ticket(net: WispHubNet, order: TicketOrder) -> Ticket:
    """Open a ticket, without retries, and return it with its id and the values that were sent.

    Raises:
        UpstreamUncertain: It may have been opened.
        UpstreamError: It was not opened.
    """
    opened = await net.write("POST", LIST, Content(form=to_form(order)), _read_one)
    return Ticket(
        ticket_id=opened.ticket_id,
        service_id=order.service_id,
        zone_id=order.zone_id,
        technician_id=order.technician_id,
        subject=order.subject,
        priority=opened.priority or order.priority,
        status=opened.status or str(order.status),
        description=order.description,
        answer=None,
        starts_at=opened.starts_at or order.starts_at,
        due_at=opened.due_at or order.due_at,
    )


def to_form(order: TicketOrder) -> dict[str, str]:
    """Return the form that opens a ticket; `estado` and `tecnico` are mandatory, other than documented."""
    return {
        "servicio": str(order.service_id),
        "asunto": order.subject,
        "asuntos_default": order.subject,
        "tecnico": str(order.technician_id),
        "descripcion": order.description,
        "estado": str(order.status),
        "prioridad": str(order.priority),
        "fecha_inicio": order.starts_at.astimezone(COLOMBIA).strftime(DATE_FORMAT),
        "fecha_final": order.due_at.astimezone(COLOMBIA).strftime(DATE_FORMAT),
        "departamento": DEPARTMENT,
        "departamentos_default": DEPARTMENT,
    }


def to_ticket(wire: TicketWire) -> Ticket:
    """Map a row to the API's ticket."""
    service, technician = wire.servicio or _NO_SERVICE, wire.tecnico or _NO_TECHNICIAN
    return Ticket(
        ticket_id=wire.id_ticket,
        service_id=service.id_servicio,
        zone_id=service.zona.id if service.zona else None,
        technician_id=technician.id,
        subject=clean_text(wire.asunto),
        priority=_number(wire.prioridad),
        status=clean_text(wire.estado),
        description=clean_text(wire.descripcion),
        answer=_answer(wire.respuestas),
        starts_at=_time(wire.fecha_estimada_inicio),
        due_at=_time(wire.fecha_estimada_fin),
    )


_NO_SERVICE: Final = ServiceWire()
_NO_TECHNICIAN: Final = NumberedWire()
_PAGES: Final = PageReader(TicketWire, to_ticket)


def _read_one(body: bytes) -> Ticket:
    """Parse one ticket as leniently as a row of a page: a field of the wrong type is dropped.

    Raises:
        UpstreamUnreadable: It is not JSON, or has no usable id.
    """
    page: Page[Ticket] = _PAGES(b'{"count":1,"results":[%b]}' % body)
    if len(page.rows) != 1 or page.rows[0] is None:
        raise UpstreamUnreadable("WispHub Net answered with something that is not one ticket")
    return page.rows[0]


def _number(value: Text) -> int | None:
    text = clean_text(value) or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST else None


_LONGEST: Final = 9
"""The most digits of a plausible number."""


def _time(value: Text) -> dt.datetime | None:
    """Parse `DD/MM/YYYY HH:MM`, with or without seconds, in Colombia's time zone."""
    for form in (DATE_FORMAT, f"{DATE_FORMAT}:%S"):
        try:
            return dt.datetime.strptime(clean_text(value) or "", form).replace(tzinfo=COLOMBIA)
        except ValueError:
            continue
    return None


def _answer(answers: Any) -> str | None:
    """Return the text of `{"respuesta": …}`, of the last one if there are several."""
    latest = answers[-1] if isinstance(answers, list) and answers else answers
    text = latest.get("respuesta") if isinstance(latest, dict) else None
    return clean_text(text) if isinstance(text, str) else None
