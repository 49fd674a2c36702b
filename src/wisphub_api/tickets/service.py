"""Support tickets: opened, read, and counted by zone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Container
from functools import partial

from msgspec import Struct

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.clients.models import Client
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.exceptions import InvalidRequest, NotFound
from wisphub_api.tickets.due_date import COLOMBIA, due_at
from wisphub_api.tickets.idempotency import IdempotencyStore
from wisphub_api.tickets.models import SubjectGroup, Ticket, TicketOrder, TicketRequest
from wisphub_api.tickets.opening import Opening, TicketOpener, save_nothing
from wisphub_api.tickets.subjects import SUBJECTS, find_subject
from wisphub_api.tickets.upstream import find_ticket
from wisphub_api.upstream.client import WispHubNet


class Rules(Struct, frozen=True):
    """The provider's rules for new tickets.

    Attributes:
        status: The state of a new ticket.
        resolution_days: In how many business days it is due.
        days_off: Dates besides Saturdays and Sundays that are not business days.
    """

    status: int
    resolution_days: int
    days_off: Container[dt.date]


def make_order(request: TicketRequest, client: Client, rules: Rules, now: dt.datetime) -> TicketOrder:
    """Return the order for a request, completed from the client's record and the rules.

    Raises:
        InvalidRequest: The subject is unknown, the description is blank, or there is no technician.
    """
    subject, priority = find_subject(request.subject)
    technician_id = client.technician_id if request.technician_id is None else request.technician_id
    if technician_id is None:
        raise InvalidRequest(_NO_TECHNICIAN, field="technician_id")
    return TicketOrder(
        service_id=client.service_id,
        zone_id=client.zone_id,
        technician_id=technician_id,
        subject=subject,
        priority=priority,
        description=_description(request.description),
        status=rules.status,
        starts_at=now.astimezone(COLOMBIA).replace(second=0, microsecond=0),  # the upstream's resolution
        due_at=due_at(now, rules.resolution_days, rules.days_off).replace(second=0, microsecond=0),
    )


_NO_TECHNICIAN = (
    "This client has no technician in WispHub Net, which opens no ticket without one: give `technician_id`."
)


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _description(text: str) -> str:
    described = text.strip()
    if not described or _CONTROL.search(described):
        raise InvalidRequest(
            "`description` must say something, without control characters.", field="description"
        )
    return described


def _now() -> dt.datetime:
    return dt.datetime.now(COLOMBIA)


class TicketService:
    """Support tickets: opening, reading, and the count of a zone.

    Args:
        net: WispHub Net.
        directory: The clients.
        opener: Opens tickets.
        idempotency: Carries out each request with a key once.
        rules: The rules for new tickets.
        now: The time.
    """

    def __init__(  # noqa: PLR0913  # the last is for tests
        self,
        net: WispHubNet,
        directory: Cached[Directory],
        opener: TicketOpener,
        idempotency: IdempotencyStore,
        rules: Rules,
        *,
        now: Callable[[], dt.datetime] = _now,
    ) -> None:
        self._net = net
        self._directory = directory
        self._opener = opener
        self._idempotency = idempotency
        self._rules = rules
        self._now = now

    def subjects(self) -> tuple[SubjectGroup, ...]:
        """Return the valid subjects by priority."""
        return SUBJECTS

    async def zone(self, zone_id: int, wish: Wish = ANY) -> Reading[Representation]:
        """Return whether a zone has reached its limit; an unknown zone has no tickets.

        Raises:
            CacheUnavailable: The open tickets are not known.
            NotFreshEnough: They are not as fresh as required.
        """
        return (await self._opener.zones.state(zone_id, wish)).map(represent)

    async def ticket(self, ticket_id: int) -> Ticket:
        """Read a ticket from WispHub Net.

        Raises:
            NotFound: There is none.
            UpstreamError: It could not be read.
        """
        ticket = await find_ticket(self._net, ticket_id)
        if ticket is None:
            raise NotFound("No ticket has this ticket_id.")
        return ticket

    async def open(self, request: TicketRequest, caller: str, key: str | None) -> Ticket:
        """Open a ticket; with a key only once a day, however often the request is repeated.

        Raises:
            InvalidRequest: A value is wrong, or the key belongs to another request.
            NotFound: There is no such client.
            ZoneLimitReached: The client's zone has reached its limit.
            CacheUnavailable: The clients or the open tickets are not known.
            UpstreamUncertain: It may have been opened.
            UpstreamError: It was not opened.
        """
        opening = Opening(self._opener, partial(self._prepare, request))
        if key is None:
            return await opening(save_nothing, None)
        return await self._idempotency.run_once((caller, key), request, opening)

    async def _prepare(self, request: TicketRequest) -> TicketOrder:
        reading = await self._directory.read()
        client = reading.value.by_service_id(request.service_id)
        if client is None:
            raise NotFound("No client has this service_id.", age_s=reading.age_s)
        return make_order(request, client, self._rules, self._now())
