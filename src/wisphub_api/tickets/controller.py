"""The routes of the tickets."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, PathParameter

from wisphub_api.audit import AuditEvent, audited
from wisphub_api.tickets.idempotency import KEY_PATTERN
from wisphub_api.tickets.models import LARGEST_ID, SubjectGroup, Ticket, TicketRequest, ZoneState
from wisphub_api.tickets.service import TicketService
from wisphub_api.web.parameters import AnyRequest, ClosedBody
from wisphub_api.web.problems import documented
from wisphub_api.web.rules.admission import SCOPE
from wisphub_api.web.rules.cache_control import asked_freshness
from wisphub_api.web.rules.cache_status import cached_response

PATH = "/api/v1/tickets"
TicketId = Annotated[
    int, PathParameter(description="WispHub Net's number of the ticket", ge=0, le=LARGEST_ID)
]
ZoneId = Annotated[int, PathParameter(description="WispHub Net's number of the zone", ge=0, le=LARGEST_ID)]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        schema_extra={"pattern": KEY_PATTERN},  # the service checks it, for a plain error message
        description="1 to 255 visible ASCII characters, new for each new ticket: a repeat within 24 hours "
        "gets the first answer instead of a second ticket",
    ),
]


class TicketController(Controller):
    """Support tickets."""

    path = PATH
    tags = ("Tickets",)

    @get("/subjects", summary="Valid subjects", responses=documented(401))
    async def subjects(self, tickets: NamedDependency[TicketService]) -> tuple[SubjectGroup, ...]:
        """Return the valid subjects, by priority."""
        return tickets.subjects()

    @get(
        "/zone-blocked/{zone_id:str}",
        summary="Has a zone reached its limit?",
        responses=documented(401, 422, 503, 504),
    )
    async def zone_blocked(
        self, tickets: NamedDependency[TicketService], request: AnyRequest, zone_id: ZoneId
    ) -> Response[ZoneState]:
        """Return how many open tickets a zone has, and whether it takes another."""
        return cached_response(await tickets.zone(zone_id, asked_freshness(request)), request)

    @get("/{ticket_id:str}", summary="One ticket", responses=documented(401, 404, 422, 502, 503, 504))
    async def by_id(self, tickets: NamedDependency[TicketService], ticket_id: TicketId) -> Response[Ticket]:
        """Read a ticket from WispHub Net, with its latest answer."""
        return Response(await tickets.ticket(ticket_id), headers=_PRIVATE)

    @post(
        "/",
        status_code=201,
        summary="Open a ticket",
        opt=MappingProxyType({SCOPE: "write"}),
        responses=documented(401, 404, 409, 413, 422, 502, 503, 504),
    )
    async def open(
        self,
        tickets: NamedDependency[TicketService],
        request: AnyRequest,
        data: ClosedBody[TicketRequest],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[Ticket]:
        """Open a ticket for a client; the service determines priority, zone, technician and due date.

        504 `uncertain-outcome` means that it may have been opened: a repeat with the same `Idempotency-Key`
        looks for it first, a repeat without a key may open a second ticket.
        """
        given = [name for name in data.__struct_fields__ if getattr(data, name) is not None]
        with audited(AuditEvent("open ticket", request.user, data.service_id, given)):
            ticket = await tickets.open(data, caller=request.user, key=idempotency_key)
        return Response(ticket, headers=_PRIVATE | {"Location": f"{PATH}/{ticket.ticket_id}"})


_PRIVATE = {"Cache-Control": "private, no-store"}
