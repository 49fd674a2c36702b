"""uvicorn's HTTP with an end: to how long a head may be, how long a request may take to come, and to itself.

By itself, with httptools, it reads a header of any length into memory, and waits for a first request, or for
the rest of one, for ever: a few hundred slow or endless senders would take all memory or all descriptors. And
when the service stops, it hangs up on whoever is just about to ask: that request would be lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar

import msgspec
from litestar.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from wisphub_api.web.fast_path import FAST_PATH, Answer, Begun, FastPath
from wisphub_api.web.problems import MEDIA_TYPE, Problem, send_answer
from wisphub_api.web.server.draining import is_draining

T = TypeVar("T")
logger = logging.getLogger(__name__)

_READS: Final = (b"GET", b"HEAD")
COPIED_BYTES: Final = 16 * 1024
"""A shorter body is sent with its head in one piece."""
HEAD_MAX_BYTES: Final = 64 * 1024
"""What is read of a head before it is whole. Heads that are whole have closer limits (`size_limits`)."""


def refusal(status: HTTPStatus, slug: str, detail: str) -> bytes:
    """Give the last answer of a connection, a problem document."""
    body = msgspec.json.encode(
        Problem(f"urn:wisphub-api:problem:{slug}", status.phrase, status.value, detail)
    )
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


TOO_LARGE: Final = refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "headers-too-large",
    f"The header is larger than {HEAD_MAX_BYTES // 1024} kB.",
)
MALFORMED: Final = refusal(
    HTTPStatus.BAD_REQUEST, "bad-request", "The request cannot be read: it is no HTTP/1.1."
)


def fast_path_of(app: Any) -> FastPath | None:
    """Return an application's fast path, however it is wrapped."""
    while app is not None:
        state = getattr(app, "state", None)
        if state is not None and FAST_PATH in state:
            found: FastPath | None = state[FAST_PATH]
            return found
        app = getattr(app, "app", None)
    return None


def _or_none(answer: Callable[[], T]) -> T | None:
    """Return what the fast path returns; after a bug in it the router answers."""
    try:
        return answer()
    except Exception:  # uvicorn would say to the caller that the request cannot be read
        logger.exception("the fast path failed")
        return None


def _answering(answer: Coroutine[Any, Any, Answer]) -> Any:
    """Return an application that sends the answer to a request that has been begun, once it is there."""

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send_answer((await answer).raw(), send)

    return app


class BoundedHttp(HttpToolsProtocol):
    """One connection of a client.

    Attributes:
        request_max_s: From a connection's beginning, or a request's first byte, to the request's last.
        grace_s: How long an open connection may still bring a request once the service is to stop.
    """

    request_max_s: ClassVar[float] = 30.0
    grace_s: ClassVar[float] = 5.0
    _deadline: asyncio.TimerHandle | None = None
    _due: float | None = None
    _is_idle = False
    _is_answered = False
    _defaults: list[tuple[bytes, bytes]] | None = None
    _default_bytes = b""
    _grace: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None
    _begun: Begun | None = None
    _body = b""
    _head = 0
    _head_bytes = 0
    _is_in_head = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._fast_path = fast_path_of(self.app)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for a first request, not for ever."""
        super().connection_made(transport)
        self._set_deadline()
        if is_draining(self.app_state):  # it was accepted in the last moment
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._deadline is not None:
            self._deadline.cancel()
        if self._grace is not None:
            self._grace.cancel()
        self._stop_answering()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """Stop answering, as the connection closes now."""
        self._stop_answering()
        super().eof_received()

    def data_received(self, data: bytes) -> None:
        """Read on, unless this head has become too large."""
        head = self._head if self._is_in_head else None
        super().data_received(data)
        if self._is_in_head and head == self._head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_MAX_BYTES:
                self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin to read a head; what uvicorn makes here is made when it is known to be needed."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._head, self._head_bytes, self._is_in_head = self._head + 1, 0, True
        self._is_answered = False
        self._set_deadline()

    def on_headers_complete(self) -> None:
        """End to read a head, and answer at once where the fast path does."""
        self._is_in_head = False
        if self.transport.is_closing():  # what comes behind the last answer has none, and counts nowhere
            self._is_answered = True
            return
        method = self.parser.get_method()
        if method in _READS:
            self._is_answered = self._is_answered_at_once(method.decode())
        elif method == b"POST":
            self._begun, self._body = self._begin_fast(), b""
        if not self._is_answered and self._begun is None:
            self._begin_router()

    def on_body(self, body: bytes) -> None:
        """Read on."""
        if self._begun is not None:
            self._body += body
        elif not self._is_answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End to read a request: its answer may take as long as it does."""
        if self._is_answered:
            return
        self._due = None
        if self._begun is None or not self._is_finished(self._begun):
            super().on_message_complete()

    def shutdown(self) -> None:
        """Hang up after the next answer, with `Connection: close`, or when none is asked for in time.

        Where the service does not say that it drains, hang up as uvicorn does: at once, or after the answer
        under way.
        """
        if not is_draining(self.app_state):
            if self._begun is not None:
                self._begin_router_late()
            super().shutdown()
            return
        self._grace = self.loop.call_later(self.grace_s, self._end_grace)
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def _end_grace(self) -> None:
        if not self._is_in_head and self._begun is None:  # else its answer will be the last
            super().shutdown()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin to answer; of requests that came together uvicorn itself remembers only the last."""
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _begin_router(self, app: Any = None) -> None:
        """Make what uvicorn makes of a request, and let the router, or another application, answer it."""
        self._begun = None
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        own, self.app = self.app, app or self.app
        super().on_headers_complete()
        self.app = own
        if self._grace is not None and self.cycle is not None:  # a handshake for a WebSocket has none
            self.cycle.keep_alive = False

    def _is_answered_at_once(self, method: str) -> bool:
        """Answer by the fast path, where it does."""
        fast_path = self._fast_path
        if fast_path is None or not self._is_idle_and_usual():
            return False
        answer = _or_none(lambda: fast_path.get(method, self.url, self.headers, self.client))
        if answer is not None:
            self._send(answer)
        return answer is not None

    def _begin_fast(self) -> Begun | None:
        """Return what is asked where the fast path may answer it once the body has come."""
        fast_path = self._fast_path
        if fast_path is None or not self._is_idle_and_usual():
            return None
        return _or_none(lambda: fast_path.begin(self.url, self.headers, self.client))

    def _is_finished(self, begun: Begun) -> bool:
        """Answer a request whose body has come; else let the router begin."""
        fast_path = self._fast_path
        answer: Answer | Coroutine[Any, Any, Answer] | None = None
        if fast_path is not None and self._is_idle_and_usual():
            answer = _or_none(partial(fast_path.finish, begun, self._body))
        if isinstance(answer, Answer):
            self._begun = None
            self._send(answer)
            return True
        self._begin_router_late(None if answer is None else _answering(answer))
        return False

    def _begin_router_late(self, app: Any = None) -> None:
        self._begin_router(app)
        super().on_body(self._body)

    def _is_idle_and_usual(self) -> bool:
        """Return whether nothing else has to be done first; a queue would be answered as deep as it is."""
        is_as_usual = self._grace is None and self.limit_concurrency is None and not self.root_path
        is_free = self.cycle is None or (self.cycle.response_complete and not self.pipeline)
        return is_as_usual and is_free and not self.flow.write_paused

    def _send(self, answer: Answer) -> None:
        """Send a whole answer, and wait for the next request, but not for ever."""
        stays_open = self.parser.should_keep_alive() and self.parser.get_http_version() == "1.1"
        end = b"\r\n" if stays_open else b"connection: close\r\n\r\n"
        head = b"".join((answer.status, self._default_fields(), answer.fields, end))
        if len(answer.body) < COPIED_BYTES:
            self.transport.write(head + answer.body)
        else:
            self.transport.writelines((head, answer.body))
        self.server_state.total_requests += 1
        if not stays_open:
            self.transport.close()
        self._due, self._is_idle = self.loop.time() + self.timeout_keep_alive, True

    def _default_fields(self) -> bytes:
        """Give the fields of every answer, `Date` among them; uvicorn makes them anew each second."""
        if self._defaults is not self.server_state.default_headers:
            self._defaults = self.server_state.default_headers
            self._default_bytes = b"".join([b"%b: %b\r\n" % field for field in self._defaults])
        return self._default_bytes

    def _stop_answering(self) -> None:
        """Tell the request that is being answered that nobody waits for it any more."""
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _set_deadline(self) -> None:
        """Set it; one timer serves all of a connection's requests, as each costs time."""
        self._due, self._is_idle = self.loop.time() + self.request_max_s, False
        if self._deadline is None:
            self._look_again_in(self.request_max_s)

    def _look_again_in(self, left_s: float) -> None:
        """Look in time for a deadline that is set meanwhile: none is nearer than an idle connection's."""
        self._deadline = self.loop.call_later(min(left_s, self.timeout_keep_alive), self._look_at_deadline)

    def _look_at_deadline(self) -> None:
        self._deadline = None
        if self._due is None:
            return
        left_s = self._due - self.loop.time()
        if left_s > 0:
            self._look_again_in(left_s)
        elif self._is_idle:
            self.timeout_keep_alive_handler()
        else:
            self._cut_off()

    def _cut_off(self) -> None:
        self._set_deadline()  # once more, should an answer be owed first
        self._refuse(b"")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; uvicorn would tell so as text, and in the midst of an earlier answer."""
        del msg
        self._refuse(MALFORMED)

    def _refuse(self, answer: bytes) -> None:
        """Hang up with this answer, or after the one that is owed to an earlier request."""
        if self._owes_an_answer():
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        self.transport.write(answer)
        self.transport.close()

    def _owes_an_answer(self) -> bool:
        """Tell whether an earlier request is being answered; not one whose own body cannot be read."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        return cycle.response_started or not cycle.more_body or bool(self.pipeline)
