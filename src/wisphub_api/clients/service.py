"""What can be asked of the clients, all of it from the snapshot in memory."""

from __future__ import annotations

import asyncio

from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.directory import Directory
from wisphub_api.clients.identity import RESOLVE_MIN_FIELDS, best_matches, verify
from wisphub_api.clients.models import Claim, Client, Verification
from wisphub_api.clients.text import fold
from wisphub_api.exceptions import AmbiguousMatch, CrawlIncomplete, InvalidRequest, NotFound
from wisphub_api.internet_plans.models import PlanCatalogue
from wisphub_api.upstream.client import WispHubNet

QUERY_MIN_CHARS = 2


async def load_directory(net: WispHubNet, previous: Directory | None) -> Directory:
    """Crawl all clients and build their directory off the event loop.

    Raises:
        CrawlIncomplete: Where there were clients there are none all of a sudden: a fault, not the truth.
    """
    crawl = await net.clients()
    if previous and not crawl.rows:
        raise CrawlIncomplete("WispHub Net's list of clients is empty all of a sudden")
    return await asyncio.to_thread(Directory, crawl.rows)


class ClientService:
    """Lists, finds and verifies clients.

    Every method raises `CacheUnavailable` where there is no snapshot to answer from, and `NotFreshEnough`
    where there is none as fresh as wished for.

    Args:
        directory: The clients.
        plans: The internet plans, for a price that a client's record lacks.
        failures: Counts failed identity checks.
        verify_min_fields: How many fields an identity check must give.
    """

    def __init__(
        self,
        directory: Cached[Directory],
        plans: Cached[PlanCatalogue],
        failures: FailedAttempts,
        verify_min_fields: int,
    ) -> None:
        self._directory = directory
        self._plans = plans
        self._failures = failures
        self._verify_min_fields = verify_min_fields

    async def page(self, limit: int | None, offset: int, wish: Wish = ANY) -> Reading[Representation]:
        """List clients by `service_id`."""
        reading = await self._directory.read(wish)
        return reading.map(lambda directory: directory.page(limit, offset))

    async def search(
        self, query: str, limit: int | None, offset: int, wish: Wish = ANY
    ) -> Reading[Representation]:
        """Find the clients of whom a field contains the query.

        Raises:
            InvalidRequest: The query has fewer than 2 characters.
        """
        if len(fold(query)) < QUERY_MIN_CHARS:
            raise InvalidRequest(f"`q` needs at least {QUERY_MIN_CHARS} characters.", field="q")
        reading = await self._directory.read(wish)
        return reading.map(lambda directory: directory.search(query, limit, offset))

    async def by_service_id(self, service_id: int, wish: Wish = ANY) -> Reading[Representation]:
        """Give one client.

        Raises:
            NotFound: There is none.
        """
        reading = await self._directory.read(wish)
        return _found(reading.map(lambda directory: directory.by_service_id(service_id)))

    async def by_document(self, document: str, wish: Wish = ANY) -> Reading[Representation]:
        """Give the client with this identity document.

        Raises:
            NotFound: There is none.
        """
        reading = await self._directory.read(wish)
        return _found(reading.map(lambda directory: directory.by_document(document)))

    async def by_phone(self, phone: str, wish: Wish = ANY) -> Reading[Representation]:
        """Give the client with this phone number.

        Raises:
            NotFound: There is none.
        """
        reading = await self._directory.read(wish)
        return _found(reading.map(lambda directory: directory.by_phone(phone)))

    async def verify(
        self, service_id: int, claim: Claim, caller: str, wish: Wish = ANY
    ) -> Reading[Verification]:
        """Tell whether the given data is this client's.

        Raises:
            InvalidRequest: Too few fields are given.
            NotFound: There is no such client.
            TooManyAttempts: This caller has failed too often with this client.
        """
        _require(claim, self._verify_min_fields)
        reading = await self._directory.read(wish)
        client = reading.value.by_service_id(service_id)
        if client is None:
            raise NotFound("No client has this service_id.", age_s=reading.age_s)
        price = await self._plan_price(claim, client, reading.value)
        # No other task runs between the check and the count, or many at once would all pass: the limiter's
        # memory does not wait for anything. One that is shared over a network will have to reserve first.
        await self._failures.check(caller, service_id)
        answer = verify(claim, client, price)
        if not answer.is_valid:
            await self._failures.record(caller, service_id)
        return reading.map(lambda _: answer)

    async def resolve(self, claim: Claim, wish: Wish = ANY) -> Reading[Representation]:
        """Give the one client that matches at least 3 of the given fields, and more than any other.

        Raises:
            InvalidRequest: Fewer than 3 fields are given.
            NotFound: No client matches.
            AmbiguousMatch: Several match equally well.
        """
        _require(claim, RESOLVE_MIN_FIELDS)
        reading = await self._directory.read(wish)
        plans = None if claim.internet_plan_price is None else (await self._plans.read()).value
        matches = await asyncio.to_thread(_best_matches, claim, reading.value, plans)
        if len(matches) > 1:
            raise AmbiguousMatch("More than one client matches. Give all four fields, or longer ones.")
        return _found(reading.map(lambda _: next(iter(matches), None)))

    async def _plan_price(self, claim: Claim, client: Client, directory: Directory) -> float | None:
        """Give what the client's plan costs, where it is needed because the record has no price."""
        if claim.internet_plan_price is None or client.internet_plan_price is not None:
            return None
        return _price(client, directory, (await self._plans.read()).value)


def _price(client: Client, directory: Directory, plans: PlanCatalogue) -> float | None:
    plan = plans.by_id.get(directory.plan_id(client) or 0)
    return plan.price if plan else None


def _best_matches(claim: Claim, directory: Directory, plans: PlanCatalogue | None) -> list[Client]:
    """Find them among all clients; takes long enough with 50,000 to be kept off the event loop."""
    candidates = directory.candidates(claim.name, claim.address)
    return best_matches(
        claim, ((client, _price(client, directory, plans) if plans else None) for client in candidates)
    )


def _found(reading: Reading[Client | None]) -> Reading[Representation]:
    if reading.value is None:
        raise NotFound("No client matches.", age_s=reading.age_s)
    return reading.map(represent)


def _require(claim: Claim, at_least: int) -> None:
    if len(claim.given) < at_least:
        allowed = ", ".join(claim.__struct_fields__)
        raise InvalidRequest(f"Give at least {at_least} of {allowed}.", field="body")
