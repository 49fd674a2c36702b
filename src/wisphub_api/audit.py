"""The audit log: who has checked an identity or changed something, and how that ended; a line for each.

A line holds the names of the fields that were given and never their values, nor a number that was given for
a client's and is none: it may be anybody's document.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import msgspec
from msgspec import Struct

from wisphub_api.event_log import log_facts
from wisphub_api.exceptions import (
    NotFound,
    RequestError,
    UpstreamError,
    UpstreamUncertain,
    WispHubAPIError,
    ZoneLimitReached,
)

logger = logging.getLogger(__name__)

Action = Literal["verify", "resolve", "update client", "open ticket", "start ping"]
Outcome = Literal["valid", "invalid", "no_such_client", "refused", "done", "failed", "uncertain", "abandoned"]


class AuditEvent(Struct, frozen=True):
    """What somebody does.

    Attributes:
        action: What it is.
        caller: Who does it.
        service_id: Which client's; None where that is not known to be a client.
        fields: The names of what was given.
    """

    action: Action
    caller: str
    service_id: int | None
    fields: Sequence[str]


def record_event(event: AuditEvent, outcome: Outcome) -> None:
    """Log how an event ended."""
    key = event.caller.partition("@")[0]  # less the address of those without a key
    facts = {"key": key, "service_id": event.service_id, "fields": list(event.fields), "outcome": outcome}
    log_facts(logger, event.action, facts)


@contextmanager
def audited(event: AuditEvent) -> Iterator[None]:
    """Record how what is done in this context ends; until then the number is taken for a client's."""
    outcome: Outcome = "abandoned"
    try:
        yield
        outcome = "done"
    except WispHubAPIError as error:
        outcome = _outcome(error)
        if not isinstance(error, UpstreamError | ZoneLimitReached):  # these come once the client is found
            event = msgspec.structs.replace(event, service_id=None)
        raise
    finally:
        record_event(event, outcome)


def _outcome(error: WispHubAPIError) -> Outcome:
    if isinstance(error, UpstreamUncertain):
        return "uncertain"
    if isinstance(error, NotFound):
        return "no_such_client"
    return "refused" if isinstance(error, RequestError) else "failed"
