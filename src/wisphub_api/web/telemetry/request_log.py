"""One request and its answer as log, figures and traces have it: how it went, nothing of what it held."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Literal

from msgspec import Struct

from wisphub_api.event_log import log_facts
from wisphub_api.web.rules.current import CurrentRequest

logger = logging.getLogger(__name__)

UNMATCHED: Final = "unmatched"
"""The route of a request whose path, or method on that path, is not there."""
ANONYMOUS: Final = "anonymous"
SLOW_S: Final = 1.0
MOST_PER_S: Final = 50
"""Lines of failures, limits and slowness; beyond that they are sampled too: a flood must not fill a disk."""
_SERVER_ERROR, _TOO_MANY = HTTPStatus.INTERNAL_SERVER_ERROR.value, HTTPStatus.TOO_MANY_REQUESTS.value
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

CacheOutcome = Literal["hit", "stale", "miss"]


class Exchange(Struct):
    """A request that has been answered; named by nothing that its caller chose.

    Attributes:
        method: "other" for one that no route takes.
        route: As it is declared, ids as their names.
        status: Of the answer.
        caller: The name of the caller's key; `ANONYMOUS` without a known one.
        cache: What part a cache had in the answer; None without one.
        first_byte_s: Until the answer began, in seconds.
        elapsed_s: Until it was sent, in seconds.
        size: Of the body, in bytes.
        current: Id, calls and trace.
    """

    method: str
    route: str
    status: int
    caller: str
    cache: CacheOutcome | None
    first_byte_s: float
    elapsed_s: float
    size: int
    current: CurrentRequest


class RequestLog:
    """Writes a line for some requests: it costs about as much time as a cached answer does.

    Those that fail (5xx), are limited (429) or take longer than `SLOW_S` have one, up to `MOST_PER_S`.

    Args:
        sample: The part of all others that has a line, from 0 to 1.
        draw: Random numbers from 0 to 1.
        clock: Seconds on a monotonic clock.
    """

    def __init__(
        self,
        sample: float,
        *,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sample = sample
        self._draw = draw
        self._allowance = Allowance(MOST_PER_S, clock)

    def write(self, exchange: Exchange) -> None:
        """Write a line of a request, if it is due."""
        is_due = is_notable(exchange.status, exchange.elapsed_s) and self._allowance.take()
        if not is_due and self._draw() >= self._sample:
            return
        facts = {
            "key": exchange.caller,
            "method": exchange.method,
            "route": exchange.route,
            "status": exchange.status,
            "cache": exchange.cache,
            "upstream_calls": exchange.current.upstream_calls,
            "duration_ms": round(exchange.elapsed_s * 1000, 3),
            "bytes": exchange.size,
            "request_id": exchange.current.request_id,
        }
        if exchange.current.trace_id:
            facts["trace_id"] = exchange.current.trace_id
        log_facts(logger, "request", facts)


class Allowance:
    """Grants so much a second, and no more.

    Args:
        per_s: How much.
        clock: Seconds on a monotonic clock.
    """

    def __init__(self, per_s: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._clock = clock
        self._second = -1
        self._left = 0

    def take(self) -> bool:
        """Return whether one of this second's is left, and take it."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._left = second, self._per_s
        self._left -= 1
        return self._left >= 0


def is_notable(status: int, elapsed_s: float) -> bool:
    """Return whether a request went as none should."""
    return status >= _SERVER_ERROR or status == _TOO_MANY or elapsed_s > SLOW_S


def method_label(method: str) -> str:
    """Return the method; "other" for one that no route takes."""
    return method if method in _METHODS else "other"


def caller_label(name: str | None) -> str:
    """Return the name of a caller's key, less the address of those without a key."""
    return (name or ANONYMOUS).partition("@")[0]
