"""Identity checks from memory: is this person the client, and which client is it?"""

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
from wisphub_api.clients.identity import RESOLVE_MIN_FIELDS, STAND_IN, best_matches, decoded_stand_in, verify
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
    """The rules of identity checks.

    Attributes:
        min_fields: How many fields a check of one client must contain.
        failures: The limits on failed checks.
        observe: Called with the outcome of each check.
    """

    min_fields: int
    failures: FailedAttempts
    observe: Callable[[Outcome], None]


class Decision(Struct, frozen=True):
    """The result of a check before it is counted and may be returned.

    Attributes:
        event: The audit event.
        service_id: The client that is checked; None if the check has to find the client.
        outcome: The outcome, unless the caller has failed too often.
        answer: What to return for this outcome, or an error to raise.
        is_counted: Whether it counts among the caller's checks.
    """

    event: AuditEvent
    service_id: int | None
    outcome: Outcome
    answer: Reading[Any] | WispHubAPIError
    is_counted: bool = True


class IdentityChecks:
    """Identity checks: verify a client, or find the client that matches.

    A check is decided from memory (`_verify`, `_resolve`), then counted, then concluded (`_conclude`). If the
    counts are shared between processes, counting waits; nothing else differs, and nothing is decided twice.

    A key that may not read the clients learns nothing beyond the data that it sends: an unknown client has
    the answer, the count and the duration of wrong data, and of a client who is found it gets the id alone.

    Every method raises `CacheUnavailable` if there is no snapshot, `NotFreshEnough` if it is not as fresh as
    required, and `TooManyAttempts` if the caller has failed too often.

    Args:
        directory: The clients.
        plans: The internet plans, for prices that clients' records lack.
        rules: The rules of the checks.
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
            InvalidRequest: There are too few fields, or a text is too short.
            NotFound: There is no such client; raised only for callers who may read the clients.
        """
        _require(claim, self._rules.min_fields)
        reading = await self._directory.read(wish)
        plans = (await self._plans.read()).value if claim.internet_plan_price is not None else None
        answer: Reading[Verification] = await self._finish(_verify(service_id, claim, caller, reading, plans))
        return answer

    def verify_in_memory(
        self, service_id: int, claim: Claim, caller: Caller, wish: Wish = ANY
    ) -> Callable[[], Reading[bytes] | Coroutine[Any, Any, Reading[bytes]]] | None:
        """Return a function that does the same as `verify`, with the answer as JSON, from memory.

        The function returns the answer, or a coroutine of it if the counts are shared, and raises the same
        errors as `verify`. None if there is no usable snapshot.
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
                return _in_json(self._finish(decision))
            return self._conclude(decision, spent).map(msgspec.json.encode)

        return check

    async def resolve(self, claim: Claim, caller: Caller, wish: Wish = ANY) -> Reading[Representation]:
        """Return the one client that matches at least 3 of the given fields, and more than any other.

        Data that matches several clients counts as a failure, so that nobody can extend it letter by letter.

        Raises:
            InvalidRequest: There are fewer than 3 fields, or a text is too short.
            NotFound: No client matches.
            AmbiguousMatch: Several match equally well.
        """
        _require(claim, RESOLVE_MIN_FIELDS)
        reading = await self._directory.read(wish)
        plans = (await self._plans.read()).value if claim.internet_plan_price is not None else None
        matches = await asyncio.to_thread(_best_matches, claim, reading.value, plans)
        answer: Reading[Representation] = await self._finish(_resolve(claim, caller, reading, matches))
        return answer

    def _spend_now(self, decision: Decision) -> Spent | None:
        if not decision.is_counted:
            return _FREE
        has_failed = decision.outcome != "valid"
        return self._rules.failures.spend_now(
            decision.event.caller, decision.service_id, has_failed=has_failed
        )

    async def _finish(self, decision: Decision) -> Reading[Any]:
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
        """Record the outcome of a check, and return its answer."""
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
"""The count of a check that is not counted."""


def _verify(
    service_id: int, claim: Claim, caller: Caller, reading: Reading[Directory], plans: PlanCatalogue | None
) -> Decision:
    """Decide whether the given data matches this client."""
    directory = reading.value
    known = directory.by_service_id(service_id)
    event = AuditEvent("verify", caller.name, service_id if known else None, claim.given)
    if known is None and caller.may_read:
        error = NotFound("No client has this service_id.", age_s=reading.age_s)
        return Decision(event, service_id, "no_such_client", error, is_counted=False)
    price = None
    # Looked up in any case for a caller without `read`: the time taken must not reveal that a client exists.
    if plans is not None and not (caller.may_read and known is not None and _has_price(known)):
        price = _plan_price(known or STAND_IN, directory, plans)
    found = verify(claim, known or decoded_stand_in(), price)
    outcome: Outcome = "no_such_client" if known is None else "valid" if found.is_valid else "invalid"
    is_said = outcome == "valid" or caller.may_read
    return Decision(event, service_id, outcome, reading.map(lambda _: found if is_said else NOT_VALID))


def _resolve(claim: Claim, caller: Caller, reading: Reading[Directory], matches: list[Client]) -> Decision:
    """Decide which client the data matches."""
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
    """Return the best matches among all clients; with 50,000 it is too slow for the event loop."""
    candidates = directory.candidates(claim.name, claim.address)
    return best_matches(
        claim, ((client, _plan_price(client, directory, plans) if plans else None) for client in candidates)
    )


def _require(claim: Claim, at_least: int) -> None:
    """Refuse too few fields, and a text so short that many records contain it; a blank one matches none."""
    if len(claim.given) < at_least:
        allowed = ", ".join(claim.__struct_fields__)
        raise InvalidRequest(f"Give at least {at_least} of {allowed}.", field="body")
    for field, text in (("name", claim.name), ("address", claim.address)):
        if text is not None and 0 < len(fold_place(text)) < TEXT_MIN_CHARS:
            raise InvalidRequest(f"`{field}` needs at least {TEXT_MIN_CHARS} characters.", field=field)
