"""Is this person who they say they are? Answered from memory, to each key as much as it may know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
from msgspec import Struct

from wisphub_api.api_keys import Caller
from wisphub_api.audit import AuditEvent, Outcome, record_event
from wisphub_api.cache.cached import Cached
from wisphub_api.cache.representation import Representation, represent
from wisphub_api.cache.slot import Reading
from wisphub_api.cache.wish import ANY, Wish
from wisphub_api.clients.attempts import FailedAttempts
from wisphub_api.clients.identity import NOBODY, RESOLVE_MIN_FIELDS, best_matches, nobody, verify
from wisphub_api.clients.models import Claim, Client, ClientNumber, Verification
from wisphub_api.clients.snapshot.directory import Directory
from wisphub_api.clients.text import fold_place
from wisphub_api.exceptions import (
    AmbiguousMatch,
    InvalidRequest,
    NotFound,
    TooManyAttempts,
    WispHubAPIError,
)
from wisphub_api.internet_plans.models import PlanCatalogue
from wisphub_api.shared.spending import Spent

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


class Decision(Struct, frozen=True):
    """What a check has found, before it is counted and may be said.

    Attributes:
        event: What the audit has of it.
        service_id: Whose data it is said to be; None where that was to be found out.
        outcome: How it ends, unless the caller has failed too often.
        answer: What is said then; an error is raised.
        is_counted: Whether it counts among the caller's checks.
    """

    event: AuditEvent
    service_id: int | None
    outcome: Outcome
    answer: Reading[Any] | WispHubAPIError
    is_counted: bool = True


class IdentityChecks:
    """Verifies clients, and finds whose data it is.

    A check is decided from what is in memory (`_verify`, `_resolve`), then counted, then said (`_conclude`).
    Where the counts are shared, counting waits; nothing else differs, and nothing is decided twice.

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

    async def verify(
        self, service_id: int, claim: Claim, caller: Caller, wish: Wish = ANY
    ) -> Reading[Verification]:
        """Return whether the given data is this client's.

        Raises:
            InvalidRequest: Too few fields are given, or too short ones.
            NotFound: There is no such client; only who may read the clients learns that.
        """
        _require(claim, self._rules.min_fields)
        reading = await self._directory.read(wish)
        plans = (await self._plans.read()).value if claim.internet_plan_price is not None else None
        answer: Reading[Verification] = await self._say(_verify(service_id, claim, caller, reading, plans))
        return answer

    def verify_in_memory(
        self, service_id: int, claim: Claim, caller: Caller, wish: Wish = ANY
    ) -> Callable[[], Reading[bytes] | Coroutine[Any, Any, Reading[bytes]]] | None:
        """Return what does the same as `verify`, as JSON, from what is in memory now.

        It returns the answer, or what is to be awaited for it where the counts are shared, and raises what
        `verify` raises. None where there is no snapshot that may be used.
        """
        reading, plans = self._directory.peek(wish), self._plans.peek()
        if reading is None or plans is None:
            return None

        def check() -> Reading[bytes] | Coroutine[Any, Any, Reading[bytes]]:
            _require(claim, self._rules.min_fields)
            self._directory.count(reading)
            catalogue = None
            if claim.internet_plan_price is not None:
                self._plans.count(plans)
                catalogue = plans.value
            decision = _verify(service_id, claim, caller, reading, catalogue)
            spent = self._spend_now(decision)
            if spent is None:
                return _in_json(self._say(decision))
            return self._conclude(decision, spent).map(msgspec.json.encode)

        return check

    async def resolve(self, claim: Claim, caller: Caller, wish: Wish = ANY) -> Reading[Representation]:
        """Return the one client that matches at least 3 of the given fields, and more than any other.

        Data that fits several clients has failed as well: it could be made longer letter by letter.

        Raises:
            InvalidRequest: Fewer than 3 fields are given, or too short ones.
            NotFound: No client matches.
            AmbiguousMatch: Several match equally well.
        """
        _require(claim, RESOLVE_MIN_FIELDS)
        reading = await self._directory.read(wish)
        plans = (await self._plans.read()).value if claim.internet_plan_price is not None else None
        matches = await asyncio.to_thread(_best_matches, claim, reading.value, plans)
        answer: Reading[Representation] = await self._say(_resolve(claim, caller, reading, matches))
        return answer

    def _spend_now(self, decision: Decision) -> Spent | None:
        if not decision.is_counted:
            return _FREE
        has_failed = decision.outcome != "valid"
        return self._rules.failures.spend_now(
            decision.event.caller, decision.service_id, has_failed=has_failed
        )

    async def _say(self, decision: Decision) -> Reading[Any]:
        """Count a check and return its answer."""
        spent = self._spend_now(decision)
        if spent is None:
            spent = await self._spend(decision)
        return self._conclude(decision, spent)

    async def _spend(self, decision: Decision) -> Spent:
        has_failed = decision.outcome != "valid"
        try:
            return await self._rules.failures.spend(
                decision.event.caller, decision.service_id, has_failed=has_failed
            )
        except asyncio.CancelledError:  # it may have been counted
            record_event(decision.event, "abandoned")
            raise

    def _conclude(self, decision: Decision, spent: Spent) -> Reading[Any]:
        """Write down how a check has ended, and return its answer."""
        outcome: Outcome = decision.outcome if spent.is_granted else "refused"
        record_event(decision.event, outcome)
        self._rules.observe(outcome)
        if not spent.is_granted:
            detail = "Too many identity checks have failed. Try again later."
            raise TooManyAttempts(detail, retry_after_s=max(1.0, spent.ends_s))
        if isinstance(decision.answer, WispHubAPIError):
            raise decision.answer
        return decision.answer


def _has_price(client: Client) -> bool:
    return client.internet_plan_price is not None


async def _in_json(answer: Coroutine[Any, Any, Reading[Any]]) -> Reading[bytes]:
    return (await answer).map(msgspec.json.encode)


_FREE: Final = Spent(is_granted=True, used=0, ends_s=0.0)
"""What a check that does not count has spent."""


def _verify(
    service_id: int, claim: Claim, caller: Caller, reading: Reading[Directory], plans: PlanCatalogue | None
) -> Decision:
    """Decide whether the given data is this client's."""
    directory = reading.value
    known = directory.by_service_id(service_id)
    event = AuditEvent("verify", caller.name, service_id if known else None, claim.given)
    if known is None and caller.may_read:
        error = NotFound("No client has this service_id.", age_s=reading.age_s)
        return Decision(event, service_id, "no_such_client", error, is_counted=False)
    price = None
    # For who may not read the clients it is looked up in any case: they could tell by the time it takes.
    if plans is not None and not (caller.may_read and known is not None and _has_price(known)):
        price = _plan_price(known or NOBODY, directory, plans)
    found = verify(claim, known or nobody(), price)
    outcome: Outcome = "no_such_client" if known is None else "valid" if found.is_valid else "invalid"
    is_said = outcome == "valid" or caller.may_read
    return Decision(event, service_id, outcome, reading.map(lambda _: found if is_said else NOT_VALID))


def _resolve(claim: Claim, caller: Caller, reading: Reading[Directory], matches: list[Client]) -> Decision:
    """Decide whose data it is."""
    one = matches[0] if len(matches) == 1 else None
    event = AuditEvent("resolve", caller.name, one.service_id if one else None, claim.given)
    if one is not None:
        found = one if caller.may_read else ClientNumber(one.service_id)
        return Decision(event, None, "valid", reading.map(lambda _: represent(found)))
    error = (
        AmbiguousMatch("More than one client matches. Give all four fields, or longer ones.")
        if matches
        else NotFound("No client matches.", age_s=reading.age_s)
    )
    return Decision(event, None, "invalid", error)


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
