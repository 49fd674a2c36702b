"""The opening of one ticket, which is not repeated before the ticket has been looked for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from wisphub_api.exceptions import UpstreamError, UpstreamUncertain
from wisphub_api.tickets.idempotency import LONGEST_S, Begun, SaveBegun
from wisphub_api.tickets.models import Ticket, TicketOrder
from wisphub_api.tickets.upstream import open_ticket, read_all_tickets, read_tickets
from wisphub_api.tickets.zones import ZoneLimit
from wisphub_api.upstream.client import WispHubNet

SETTLED_AFTER_S: Final = 60.0
"""How long the upstream may still carry out a request that it has not answered."""


def find_same(order: TicketOrder, tickets: Iterable[Ticket]) -> Ticket | None:
    """Find the ticket that this order opened: the same service, subject and minute of its start.

    Descriptions are not compared, as people edit them. An unreadable start counts as the same, because a
    missing second ticket is better than a duplicate.
    """
    for ticket in tickets:
        is_alike = (ticket.service_id, ticket.subject) == (order.service_id, order.subject)
        if is_alike and ticket.starts_at in (None, order.starts_at):
            return ticket
    return None


class TicketOpener:
    """Opening of tickets at WispHub Net within each zone's limit, and the search for an uncertain one.

    Args:
        net: WispHub Net.
        zones: The zones' limit.
        states: The states in which a new ticket can be.
        clock: Seconds since the epoch, much the same in all processes.
    """

    def __init__(
        self,
        net: WispHubNet,
        zones: ZoneLimit,
        states: tuple[int, ...],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._net = net
        self.zones = zones
        self._states = states
        self.clock = clock

    async def open(self, order: TicketOrder) -> Ticket:
        """Open a ticket if its zone's limit allows; a client without a zone has no limit.

        Raises:
            ZoneLimitReached: The zone has reached its limit.
            UpstreamUncertain: It may have been opened.
            UpstreamError: It was not opened.
        """
        if order.zone_id is None:
            return await open_ticket(self._net, order)
        async with self.zones.place(order.zone_id) as place:
            ticket = await open_ticket(self._net, order)
            place.ticket_id = ticket.ticket_id
            return ticket

    async def find(self, order: TicketOrder, *, is_recent: bool) -> Ticket | None:
        """Return the ticket that this order opened, if any; a recent one is sought among open ones only."""
        if is_recent:
            return find_same(order, await read_tickets(self._net, self._states))
        return find_same(order, await read_all_tickets(self._net))


class Opening:
    """One opening of a ticket; if it was begun earlier, it looks for that ticket first.

    Args:
        opener: Opens tickets and finds them.
        prepare: Returns the order, or raises.
    """

    def __init__(self, opener: TicketOpener, prepare: Callable[[], Awaitable[TicketOrder]]) -> None:
        self._opener = opener
        self._prepare = prepare

    async def __call__(self, save: SaveBegun, begun: Begun | None) -> Ticket:
        """Open the ticket, or return the one that was opened earlier.

        Args:
            save: Records what is about to begin, and again if its outcome is uncertain.
            begun: What may have been opened earlier.

        Raises:
            UpstreamUncertain: It may have been opened, now or earlier.
            WispHubAPIError: It was not opened.
        """
        if begun is None:
            return await self._open(await self._prepare(), save)
        return await self._look_up(begun) or await self._open(begun.order, save)

    async def _open(self, order: TicketOrder, save: SaveBegun) -> Ticket:
        # Saved before sending, as this process may die while it waits.
        await save(Begun(order, self._opener.clock() + LONGEST_S))
        try:
            return await self._opener.open(order)
        except UpstreamUncertain as error:
            await save(Begun(order, self._opener.clock()))
            raise UpstreamUncertain(f"{error}. {_ADVICE}") from error

    async def _look_up(self, begun: Begun) -> Ticket | None:
        """Return the ticket, or None if it certainly does not exist.

        Raises:
            UpstreamUncertain: Neither is certain, or not yet.
        """
        wait_s = SETTLED_AFTER_S - (self._opener.clock() - begun.doubted_at)
        try:
            found = await self._opener.find(begun.order, is_recent=wait_s > 0)
        except UpstreamError as error:
            raise UpstreamUncertain(f"Whether the ticket was opened cannot be told: {error}") from error
        if found is None and wait_s > 0:
            raise UpstreamUncertain(f"The ticket may still be opened: ask again in {wait_s:.0f} seconds.")
        return found


async def save_nothing(_: Begun) -> None:
    """Do nothing: without a key there is no repeat."""


_ADVICE: Final = (
    "Sent again under the same Idempotency-Key, the request looks for the ticket before it opens another; "
    "sent without that key, it may open a second one"
)
