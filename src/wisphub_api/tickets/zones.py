"""The open tickets of each zone, and its limit.

A place in a zone is leased before the order is sent to WispHub Net, so that concurrent requests do not all
get the last place. An open ticket is in the count at once, whatever a load in progress may have read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.exceptions import UpstreamUncertain, WispHubAPIError, ZoneLimitReached
from wisphub_api.shared.backend import Backend, Lease
from wisphub_api.tickets.models import ZoneState
from wisphub_api.tickets.upstream import read_tickets
from wisphub_api.upstream.budget import Urgency
from wisphub_api.upstream.client import WispHubNet

LEASE_S: Final = 120.0
"""Longer than an opening takes: by then a load has read the ticket of a process that has died."""


NO_DOUBT: Final[Mapping[str, int]] = {}


class OpenTickets:
    """The open tickets at one moment.

    Args:
        zones: Each ticket's zone, by the ticket's number.
        doubtful: The zones in which there may be one more, by the token of its place.
    """

    def __init__(self, zones: Mapping[int, int | None], doubtful: Mapping[str, int] = NO_DOUBT) -> None:
        self._zones = zones
        self._doubtful = doubtful
        self._counts = Counter([*zones.values(), *doubtful.values()])

    def __len__(self) -> int:
        return len(self._zones)

    @property
    def content(self) -> tuple[dict[int, int | None], dict[str, int]]:
        """Return the data that these are made of."""
        return dict(self._zones), dict(self._doubtful)

    def in_zone(self, zone_id: int) -> int:
        """Return how many there are in one zone."""
        return self._counts[zone_id]

    def plus(self, zone_id: int, ticket_id: int) -> OpenTickets:
        """Return these and one more, or these if it is among them."""
        return OpenTickets({**self._zones, ticket_id: zone_id}, self._doubtful)

    def plus_doubtful(self, zone_id: int, token: str) -> OpenTickets:
        """Return these and one that may exist."""
        return OpenTickets(self._zones, {**self._doubtful, token: zone_id})


async def load_open_tickets(net: WispHubNet, states: Sequence[int]) -> OpenTickets:
    """Load all tickets in the states that count as open."""
    tickets = await read_tickets(net, states, Urgency.BACKGROUND)
    return OpenTickets({ticket.ticket_id: ticket.zone_id for ticket in tickets})


class Opened(Struct, frozen=True, tag=True):
    """A ticket that has been opened in a zone; without an id, one that may have been.

    Attributes:
        token: The token of its place's lease, so that a process that receives it twice counts it once.
    """

    zone_id: int
    ticket_id: int | None
    token: str

    def __call__(self, tickets: OpenTickets, /) -> OpenTickets:
        """Count it."""
        if self.ticket_id is None:
            return tickets.plus_doubtful(self.zone_id, self.token)
        return tickets.plus(self.zone_id, self.ticket_id)


class Place:
    """A leased place in a zone; the id of its ticket is set as soon as it is known."""

    ticket_id: int | None = None


class ZoneLimit:
    """The limit of open tickets in each zone, across all processes.

    Args:
        tickets: The open tickets.
        backend: Where places are leased.
        most: How many open tickets a zone may have.
    """

    def __init__(self, tickets: Cached[OpenTickets], backend: Backend, most: int) -> None:
        self._tickets = tickets
        self._backend = backend
        self._most = most
        self._taken: Counter[int] = Counter()

    async def state(self, zone_id: int, wish: Wish = ANY) -> Reading[ZoneState]:
        """Return how many open tickets a zone has, and whether that is its limit.

        It includes the tickets that this process is opening.

        Raises:
            CacheUnavailable: The open tickets are not known.
            NotFreshEnough: They are not as fresh as required.
        """
        reading = await self._tickets.read(wish)
        count = reading.value.in_zone(zone_id) + self._taken[zone_id]
        return reading.map(lambda _: ZoneState(zone_id, count >= self._most, count, self._most))

    @asynccontextmanager
    async def place(self, zone_id: int) -> AsyncIterator[Place]:
        """Lease a place while a ticket is opened; it stays counted unless the ticket certainly is not open.

        Raises:
            ZoneLimitReached: There is none.
            CacheUnavailable: The open tickets are not known.
        """
        lease = await self._take(zone_id)
        place = Place()
        self._taken[zone_id] += 1
        is_released = False
        try:
            yield place
        except UpstreamUncertain:
            raise
        except WispHubAPIError:
            is_released = True
            raise
        finally:
            self._taken[zone_id] -= 1
            if not is_released:
                await self._tickets.amend(Opened(zone_id, place.ticket_id, lease.token))
            await self._backend.release(lease)

    async def _take(self, zone_id: int) -> Lease:
        """Lease one of the free places.

        A ticket that another process has opened is broadcast before its place is released. So once a place is
        leased and all broadcasts are processed, either the ticket is counted, or its place is still leased.
        """
        while True:
            count = await self._count(zone_id)
            lease = await self._backend.lease(f"zone:{zone_id}", LEASE_S, self._most - count)
            if lease is None:
                raise ZoneLimitReached(
                    f"Zone {zone_id} has {max(count, self._most)} open tickets, as many as it may. "
                    "One of them must be closed first."
                )
            try:
                await self._tickets.catch_up()
                if await self._count(zone_id) <= count:
                    return lease
            except BaseException:
                await self._backend.release(lease)
                raise
            await self._backend.release(lease)

    async def _count(self, zone_id: int) -> int:
        return (await self._tickets.read()).value.in_zone(zone_id)
