"""What every request of the router passes, outside of it: one layer for all that every answer has.

It gives the request its id and its trace, ends one that is too large, answers HEAD as GET without the body
(RFC 9110, section 9.3.2; Litestar has no handler for it), adds the fields of every answer, and records how it
went. The fast path calls the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Final, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from wisphub_api.web.problems import problem_answer, send_answer
from wisphub_api.web.rules.current import CURRENT, HEADER, CurrentRequest, usable_id
from wisphub_api.web.rules.fields import REQUEST_ID, TRACEPARENT, excess, read_fields
from wisphub_api.web.rules.rate_limit import RateLimit
from wisphub_api.web.rules.security_headers import ALWAYS, DATA_HEADERS, is_page, page_policy
from wisphub_api.web.telemetry.recorder import Telemetry
from wisphub_api.web.telemetry.request_log import (
    UNMATCHED,
    CacheOutcome,
    Exchange,
    caller_label,
    method_label,
)

_WITH_ALLOW: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.METHOD_NOT_ALLOWED)


def observing(app: ASGIApp, telemetry: Telemetry, rate: RateLimit | None) -> ASGIApp:
    """Wrap the whole application.

    Args:
        app: The application.
        telemetry: Records each request.
        rate: Names the fields that say what a caller has left.
    """

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        fields = list(scope["headers"])
        given, size = read_fields(fields)
        current = CurrentRequest(usable_id(given[REQUEST_ID]))
        answering = _Answering(scope, send, current, rate)
        # The server's own scope keeps saying HEAD: it must not wait for the body that is announced.
        inner = cast("HTTPScope", {**scope, "method": "GET"}) if answering.is_head else scope
        token = CURRENT.set(current)
        trace = telemetry.start_trace(given[TRACEPARENT], method_label(scope["method"]), current)
        try:
            error = excess(len(scope["raw_path"]) + len(scope["query_string"]), len(fields), size)
            if error is None:
                await app(inner, receive, answering.send)
            else:
                await send_answer(problem_answer(error), answering.send)
        finally:
            telemetry.record(answering.exchange(inner), trace)
            CURRENT.reset(token)

    return observed


class _Answering:
    """Sends one answer with the fields that every answer has, and sees how it goes."""

    def __init__(self, scope: HTTPScope, send: Send, current: CurrentRequest, rate: RateLimit | None) -> None:
        self._method = method_label(scope["method"])
        self._send = send
        self._current = current
        self._rate = rate
        self._begun = self._first_byte = perf_counter()
        self._start: HTTPResponseStartEvent | None = None
        self._page: HTTPResponseStartEvent | None = None
        self._size = 0

    @property
    def is_head(self) -> bool:
        """Whether the body is left out."""
        return self._method == "HEAD"

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        if message["type"] == "http.response.start":
            self._first_byte = perf_counter()
            self._start = message
            if message["status"] in _WITH_ALLOW and not self.is_head:
                message["headers"] = [_with_head(name, value) for name, value in message["headers"]]
            if is_page(message):
                self._page = message  # its policy is made of its body
                return
            message["headers"] = [*message["headers"], *DATA_HEADERS, *self._own_fields()]
        elif message["type"] == "http.response.body":
            if self._page is not None:
                await self._begin_page(self._page, message["body"])
            self._size += len(message.get("body", b""))
            if self.is_head:
                message["body"] = b""
        await self._send(message)

    def exchange(self, scope: HTTPScope) -> Exchange:
        """Return how it went; the server sends 500 where the application sent nothing."""
        now = perf_counter()
        start = self._start
        return Exchange(
            method=self._method,
            route=str(scope.get("path_template", UNMATCHED)),
            status=start["status"] if start else HTTPStatus.INTERNAL_SERVER_ERROR.value,
            caller=caller_label(scope.get("user")),
            cache=cache_outcome(start["headers"]) if start else None,
            first_byte_s=(self._first_byte if start else now) - self._begun,
            elapsed_s=now - self._begun,
            size=self._size,
            current=self._current,
        )

    async def _begin_page(self, page: HTTPResponseStartEvent, html: bytes) -> None:
        policy = (b"content-security-policy", page_policy(html))
        page["headers"] = [*page["headers"], *ALWAYS, policy, *self._own_fields()]
        self._page = None
        await self._send(page)

    def _own_fields(self) -> list[tuple[bytes, bytes]]:
        quota = self._current.quota
        fields = self._rate.fields(quota) if self._rate is not None and quota is not None else []
        return [*fields, (HEADER, self._current.request_id.encode())]


def cache_outcome(headers: Iterable[tuple[bytes, bytes]]) -> CacheOutcome | None:
    """Read hit, stale or miss from our own `Cache-Status`; None where no cache had part in the answer."""
    field = next((value for name, value in headers if name.lower() == b"cache-status"), b"")
    if not field:
        return None
    if field.endswith(b"detail=stale"):
        return "stale"
    return "hit" if b"; hit;" in field else "miss"


def _with_head(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value.replace(b"GET", b"GET, HEAD") if name.lower() == b"allow" else value
