"""Is this person who they say they are? Answered from memory, to each key as much as it may know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from wisphub_api.api_keys import Caller
from wisphub_api.audit import Deed, Outcome, note
from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.identity import NOBODY, RESOLVE_MIN_FIELDS, best_matches, nobody, verify
from wisphub_api.clients.models import Claim, Client, ClientNumber, Verification
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.text import fold_place
from wisphub_api.exceptions import AmbiguousMatch, InvalidRequest, NotFound, TooManyAttempts
from wisphub_api.internet_plans.models import PlanCatalogue

TEXT_MIN_CHARS: Final = 3
NOT_VALID: Final = Verification(is_valid=False, matched_fields=())


class CheckRules(Struct, frozen=True):
    """How identities are checked.

    Attributes:
        min_fields: How many fields a check of one client must give.
        failures: Counts what fails.
        observe: Is told how each check ended.
    """

    min_fields: int
    failures: FailedAttempts
    observe: Callable[[Outcome], None]


class IdentityChecks:
    """Verifies clients, and finds whose data it is.

    A key that may not read the clients learns nothing that it has not said itself: an unknown client is
    answered, counted and worked on like wrong data, and of a client who is found it gets the number alone.

    Every method raises `CacheUnavailable` where there is no snapshot to answer from, `NotFreshEnough` where
    there is none as fresh as wished for, and `TooManyAttempts` to a caller who has failed too often.

    Args:
        directory: The clients.
        plans: The internet plans, for a price that a client's record lacks.
        rules: How much is asked for, and how often it may fail.
    """

    def __init__(self, directory: Cached[Directory], plans: Cached[PlanCatalogue], rules: CheckRules) -> None:
        self._directory = directory
        self._plans = plans
        self._rules = rules

    def is_ready(self, service_id: int, caller: Caller) -> bool:
        """Tell whether `verify` would wait for nothing, find the client or not say so, and not refuse."""
        reading = self._directory.glance()
        if reading is None or self._plans.glance() is None:
            return False
        if caller.may_read and not reading.value.has(service_id):
            return False
        return self._rules.failures.would_admit(caller.name, service_id)

    async def verify(
        self, service_id: int, claim: Claim, caller: Caller, wish: Wish = ANY
    ) -> Reading[Verification]:
        """Tell whether the given data is this client's.

        Raises:
            InvalidRequest: Too few fields are given, or too short ones.
            NotFound: There is no such client; told only to who may read the clients.
        """
        _require(claim, self._rules.min_fields)
        reading = await self._directory.read(wish)
        known = reading.value.by_service_id(service_id)
        deed = Deed("verify", caller.name, service_id if known else None, claim.given)
        if known is None and caller.may_read:
            self._note(deed, "no_such_client")
            raise NotFound("No client has this service_id.", age_s=reading.age_s)
        found = verify(claim, known or nobody(), await self._price(claim, known, reading.value, caller))
        outcome: Outcome = "no_such_client" if known is None else "valid" if found.is_valid else "invalid"
        await self._admit(deed, service_id, outcome)
        is_told = outcome == "valid" or caller.may_read
        return reading.map(lambda _: found if is_told else NOT_VALID)

    async def resolve(self, claim: Claim, caller: Caller, wish: Wish = ANY) -> Reading[Representation]:
        """Give the one client that matches at least 3 of the given fields, and more than any other.

        Data that fits several clients has failed as well: it could be made longer letter by letter.

        Raises:
            InvalidRequest: Fewer than 3 fields are given, or too short ones.
            NotFound: No client matches.
            AmbiguousMatch: Several match equally well.
        """
        _require(claim, RESOLVE_MIN_FIELDS)
        reading = await self._directory.read(wish)
        plans = None if claim.internet_plan_price is None else (await self._plans.read()).value
        matches = await asyncio.to_thread(_best_matches, claim, reading.value, plans)
        one = matches[0] if len(matches) == 1 else None
        deed = Deed("resolve", caller.name, one.service_id if one else None, claim.given)
        await self._admit(deed, None, "valid" if one else "invalid")
        if one is not None:
            return reading.map(lambda _: represent(one if caller.may_read else ClientNumber(one.service_id)))
        if matches:
            raise AmbiguousMatch("More than one client matches. Give all four fields, or longer ones.")
        raise NotFound("No client matches.", age_s=reading.age_s)

    async def _price(
        self, claim: Claim, client: Client | None, directory: Directory, caller: Caller
    ) -> float | None:
        """Give what the client's plan costs, where it is needed because the record has no price.

        For who may not read the clients it is looked up in any case: they could tell by the time it takes.
        """
        has_price = client is not None and client.internet_plan_price is not None
        if claim.internet_plan_price is None or (has_price and caller.may_read):
            return None
        plans = (await self._plans.read()).value
        return _plan_price(client or NOBODY, directory, plans)

    async def _admit(self, deed: Deed, service_id: int | None, outcome: Outcome) -> None:
        """Count a check, and let its answer be told."""
        try:
            has_failed = outcome != "valid"
            await self._rules.failures.admit(deed.caller, service_id, has_failed=has_failed)
        except TooManyAttempts:
            outcome = "refused"
            raise
        finally:
            self._note(deed, outcome)

    def _note(self, deed: Deed, outcome: Outcome) -> None:
        note(deed, outcome)
        self._rules.observe(outcome)


def _plan_price(client: Client, directory: Directory, plans: PlanCatalogue) -> float | None:
    plan = plans.by_id.get(directory.plan_id(client) or 0)
    return plan.price if plan else None


def _best_matches(claim: Claim, directory: Directory, plans: PlanCatalogue | None) -> list[Client]:
    """Find them among all clients; takes long enough with 50,000 to be kept off the event loop."""
    candidates = directory.candidates(claim.name, claim.address)
    return best_matches(
        claim, ((client, _plan_price(client, directory, plans) if plans else None) for client in candidates)
    )


def _require(claim: Claim, at_least: int) -> None:
    """Refuse too few fields, and a text so short that it is contained in many; a blank one is in none."""
    if len(claim.given) < at_least:
        allowed = ", ".join(claim.__struct_fields__)
        raise InvalidRequest(f"Give at least {at_least} of {allowed}.", field="body")
    for field, text in (("name", claim.name), ("address", claim.address)):
        if text is not None and 0 < len(fold_place(text)) < TEXT_MIN_CHARS:
            raise InvalidRequest(f"`{field}` needs at least {TEXT_MIN_CHARS} characters.", field=field)
