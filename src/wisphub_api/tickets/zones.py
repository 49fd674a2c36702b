"""How many open tickets each zone has, and whether it takes another.

A place in a zone is taken before WispHub Net is told, so that many at once do not all find the last one
free. Once the ticket is open it is in the count, whatever a load that is under way may have read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.exceptions import UpstreamUncertain, WispHubAPIError, ZoneLimitReached
from wisphub_api.tickets.models import ZoneState
from wisphub_api.upstream.budget import Urgency
from wisphub_api.upstream.client import WispHubNet
from wisphub_api.upstream.tickets import read_tickets


class OpenTickets:
    """The open tickets at one moment.

    Args:
        zones: Each ticket's zone, by the ticket's number.
        doubtful: The zones in which there may be one more, once for each.
    """

    def __init__(self, zones: Mapping[int, int | None], doubtful: Sequence[int] = ()) -> None:
        self._zones = zones
        self._doubtful = tuple(doubtful)
        self._counts = Counter([*zones.values(), *doubtful])

    def __len__(self) -> int:
        return len(self._zones)

    def in_zone(self, zone_id: int) -> int:
        """Count those of one zone."""
        return self._counts[zone_id]

    def plus(self, zone_id: int, ticket_id: int | None) -> OpenTickets:
        """Give these and one more, or the same where it is among them; without a number there may be one."""
        if ticket_id is None:
            return OpenTickets(self._zones, (*self._doubtful, zone_id))
        return OpenTickets({**self._zones, ticket_id: zone_id}, self._doubtful)


async def load_open_tickets(net: WispHubNet, states: Sequence[int]) -> OpenTickets:
    """Read all pages of the tickets in the states that count as open, or raise."""
    tickets = await read_tickets(net, states, Urgency.BACKGROUND)
    return OpenTickets({ticket.ticket_id: ticket.zone_id for ticket in tickets})


class Place:
    """A place in a zone; its ticket's number is to be told as soon as it is known."""

    ticket_id: int | None = None


class ZoneLimit:
    """Lets a zone hold so many open tickets at most, as far as this process can tell.

    Args:
        tickets: The open tickets.
        most: How many a zone may hold.
    """

    def __init__(self, tickets: Cached[OpenTickets], most: int) -> None:
        self._tickets = tickets
        self._most = most
        self._taken: Counter[int] = Counter()

    async def state(self, zone_id: int, wish: Wish = ANY) -> Reading[ZoneState]:
        """Tell how many open tickets a zone has, and whether that is as many as it may.

        Raises:
            CacheUnavailable: The open tickets are not known.
            NotFreshEnough: They are not as fresh as wished.
        """
        reading = await self._tickets.read(wish)
        count = reading.value.in_zone(zone_id) + self._taken[zone_id]
        return reading.map(lambda _: ZoneState(zone_id, count >= self._most, count, self._most))

    @asynccontextmanager
    async def place(self, zone_id: int) -> AsyncIterator[Place]:
        """Hold a place while a ticket is opened; it stays counted unless that is known not to have been done.

        Raises:
            ZoneLimitReached: There is none.
            CacheUnavailable: The open tickets are not known.
        """
        self._refuse_if_full((await self.state(zone_id)).value)
        place = Place()
        self._taken[zone_id] += 1  # no other task has run since the count
        is_given_back = False
        try:
            yield place
        except UpstreamUncertain:
            raise
        except WispHubAPIError:
            is_given_back = True
            raise
        finally:
            self._taken[zone_id] -= 1
            if not is_given_back:
                self._tickets.amend(lambda tickets: tickets.plus(zone_id, place.ticket_id))

    @staticmethod
    def _refuse_if_full(state: ZoneState) -> None:
        if state.is_blocked:
            raise ZoneLimitReached(
                f"Zone {state.zone_id} has {state.open_tickets} open tickets, as many as it may. "
                "One of them must be closed first."
            )
