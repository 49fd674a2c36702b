"""An id for each request, and a line in the log for some: its route and how it went, nothing of what it held.

A line costs about as much time as a cached answer does: of fast, good ones only a sample has one.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from wisphub_api.web.current import CURRENT, HEADER, CurrentRequest, request_id
from wisphub_api.web.labels import key_of, method_of, route_of

logger = logging.getLogger(__name__)

SLOW_S: Final = 1.0
MOST_PER_S: Final = 50
"""Lines of failures, limits and slowness; beyond that they are sampled too: a flood must not fill a disk."""


def logging_requests(
    app: ASGIApp,
    sample: float,
    *,
    draw: Callable[[], float] = random.random,
    clock: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """Wrap an application: each request gets an id, which its answer tells, and some a line in the log.

    Those that fail (5xx), are limited (429) or take longer than `SLOW_S` are told, up to `MOST_PER_S`.

    Args:
        app: The application.
        sample: The part of all others that is told, from 0 to 1.
        draw: Random numbers from 0 to 1.
        clock: Seconds on a monotonic clock.
    """
    allowance = Allowance(MOST_PER_S, clock)

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        begun = perf_counter()
        current = CurrentRequest(request_id(scope))
        told = (HEADER, current.request_id.encode())
        start: HTTPResponseStartEvent | None = None
        size = 0

        async def send_and_note(message: Message) -> None:
            nonlocal start, size
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], told]
                start = message
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        token = CURRENT.set(current)
        try:
            await app(scope, receive, send_and_note)
        finally:
            elapsed_s = perf_counter() - begun
            is_due = is_notable(status_of(start), elapsed_s) and allowance.take()
            if is_due or draw() < sample:
                facts = facts_of(scope, start, current)
                took_ms = round(elapsed_s * 1000, 3)
                logger.info("request", extra=facts | {"duration_ms": took_ms, "bytes": size})
            CURRENT.reset(token)

    return logged


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
        """Take one of this second's, if any is left."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._left = second, self._per_s
        self._left -= 1
        return self._left >= 0


def is_notable(status: int, elapsed_s: float) -> bool:
    """Tell whether a request went as none should."""
    is_bad = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    return is_bad or elapsed_s > SLOW_S


def status_of(start: HTTPResponseStartEvent | None) -> int:
    """Give the status of an answer; the server sends 500 where the application sent nothing."""
    return start["status"] if start else HTTPStatus.INTERNAL_SERVER_ERROR.value


def facts_of(
    scope: HTTPScope, start: HTTPResponseStartEvent | None, current: CurrentRequest
) -> dict[str, Any]:
    """Say what is known of a request, but for its id."""
    return {
        "key": key_of(scope),
        "method": method_of(scope),
        "route": route_of(scope),
        "status": status_of(start),
        "cache": cache_outcome(start) if start else None,
        "upstream_calls": current.upstream_calls,
    }


def cache_outcome(start: HTTPResponseStartEvent) -> str | None:
    """Read hit, stale or miss from our own `Cache-Status`; None where no cache had part in the answer."""
    field = next((value for name, value in start["headers"] if name.lower() == b"cache-status"), b"")
    if not field:
        return None
    if field.endswith(b"detail=stale"):
        return "stale"
    return "hit" if b"; hit;" in field else "miss"
