"""The opening of one ticket, which is never repeated blindly."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from wisphub_api.exceptions import UpstreamError, UpstreamUncertain, WispHubAPIError
from wisphub_api.tickets.models import Ticket, TicketOrder
from wisphub_api.tickets.zones import ZoneLimit
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.upstream.tickets import open_ticket, read_all_tickets, read_tickets

SETTLED_AFTER_S: Final = 60.0
"""Until then, a request that was not answered may still be carried out upstream."""


def find_same(order: TicketOrder, tickets: Iterable[Ticket]) -> Ticket | None:
    """Find the ticket that this order opened: the same service, subject and minute of its start.

    Descriptions are left out, as people edit them. A start that cannot be read counts as the same: better
    no second ticket than two.
    """
    for ticket in tickets:
        is_alike = (ticket.service_id, ticket.subject) == (order.service_id, order.subject)
        if is_alike and ticket.starts_at in (None, order.starts_at):
            return ticket
    return None


class Desk:
    """Opens tickets at WispHub Net, within each zone's limit, and finds them again.

    Args:
        net: WispHub Net.
        zones: The zones' limit.
        states: Those that a ticket is in which has just been opened.
        clock: Seconds on a monotonic clock.
    """

    def __init__(
        self,
        net: WispHubNet,
        zones: ZoneLimit,
        states: tuple[int, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._net = net
        self._zones = zones
        self._states = states
        self.clock = clock

    async def open(self, order: TicketOrder) -> Ticket:
        """Open a ticket, where its zone takes one; a client of no known zone counts in none.

        Raises:
            ZoneLimitReached: The zone holds as many open tickets as it may.
            UpstreamUncertain: It may have been opened.
            UpstreamError: It was not.
        """
        if order.zone_id is None:
            return await open_ticket(self._net, order)
        async with self._zones.place(order.zone_id) as place:
            ticket = await open_ticket(self._net, order)
            place.ticket_id = ticket.ticket_id
            return ticket

    async def find(self, order: TicketOrder, *, is_recent: bool) -> Ticket | None:
        """Find the ticket that this order opened, if it did; a recent one only among the open ones."""
        if is_recent:
            return find_same(order, await read_tickets(self._net, self._states))
        return find_same(order, await read_all_tickets(self._net))


class Opening:
    """Opens one ticket when called; called again after an uncertain outcome, it looks for it first.

    Not to be called while a call is under way.

    Args:
        desk: Opens tickets and finds them.
        prepare: Gives the order, or raises; called until it gives one.
    """

    def __init__(self, desk: Desk, prepare: Callable[[], Awaitable[TicketOrder]]) -> None:
        self._desk = desk
        self._prepare = prepare
        self._order: TicketOrder | None = None
        self._doubted_at: float | None = None

    async def __call__(self) -> Ticket:
        """Open the ticket, or give the one that was opened before.

        Raises:
            UpstreamUncertain: It may have been opened, now or before.
            WispHubAPIError: It was not opened.
        """
        if self._order is None:
            self._order = await self._prepare()
        if self._doubted_at is not None:
            found = await self._look(self._order, self._desk.clock() - self._doubted_at)
            if found is not None:
                return found
        return await self._open(self._order)

    async def _open(self, order: TicketOrder) -> Ticket:
        self._doubted_at = self._desk.clock()  # whatever may befall this task while it waits
        try:
            return await self._desk.open(order)
        except UpstreamUncertain as error:
            self._doubted_at = self._desk.clock()
            raise UpstreamUncertain(f"{error}. {_ADVICE}") from error
        except WispHubAPIError:
            self._doubted_at = None
            raise

    async def _look(self, order: TicketOrder, doubted_for_s: float) -> Ticket | None:
        """Find the ticket, or make sure that there is none.

        Raises:
            UpstreamUncertain: Neither can be told, or not yet.
        """
        wait_s = SETTLED_AFTER_S - doubted_for_s
        try:
            found = await self._desk.find(order, is_recent=wait_s > 0)
        except UpstreamError as error:
            raise UpstreamUncertain(f"Whether the ticket was opened cannot be told: {error}") from error
        if found is None and wait_s > 0:
            raise UpstreamUncertain(f"The ticket may still be opened: ask again in {wait_s:.0f} seconds.")
        return found


_ADVICE: Final = (
    "Sent again under the same Idempotency-Key, the request looks for the ticket before it opens another; "
    "sent without that key, it may open a second one"
)
