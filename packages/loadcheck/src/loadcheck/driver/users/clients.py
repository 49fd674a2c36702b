"""Locust's HTTP clients, held to tell of every request: none is sent anew unseen, forgotten, or endless."""

import functools
from collections.abc import Callable
from http.client import BAD_REQUEST
from typing import Any

import geventhttpclient.client
from locust import clients, events
from locust.contrib import fasthttp
from locust.exception import ResponseError

BLOCK_BYTES = 64 * 1024

Leave = Callable[[Any, Any, Any, Any], bool | None]


def tell_of_every_request(timeout_s: float) -> None:
    """Change Locust's clients, for this whole process; a server silent for `timeout_s` seconds has failed."""
    _send_nothing_anew()
    _forget_no_answer()
    _wait_no_longer_than(timeout_s)
    _name_without_queries()
    _read_large_blocks()


def _send_nothing_anew() -> None:
    """Keep FastHttpUser's client from sending a GET anew, unseen, when the server drops the connection.

    It has no setting for that; what Locust's `max_retries` counts are other retries.
    """
    geventhttpclient.client._may_retry_after_send_error = lambda method: not method  # noqa: SLF001 - no public way


def _forget_no_answer() -> None:
    """Record an answer also when its `with` block is left by an exception, such as `RescheduleTask`.

    Locust then records none, and a task that turns its back on every 500 would have seen no failure.
    """
    for answer in (clients.ResponseContextManager, fasthttp.ResponseContextManager):
        answer.__exit__ = _telling(answer.__exit__)  # type: ignore[method-assign]  # no event comes before it


def _telling(leave: Leave) -> Leave:
    """Wrap the end of a `with` block: whatever else ends it, the answer is reported by its status.

    Where none came whole, that is the reason of its failure, whatever a check finds wrong with the rest.
    """

    @functools.wraps(leave)
    def tell(self: Any, kind: Any, error: Any, trace: Any) -> bool | None:
        lost = self.request_meta["exception"] or getattr(self, "error", None)
        if lost and self.status_code < BAD_REQUEST and isinstance(self._manual_result, Exception):
            self._manual_result = lost
        if kind is None or self._manual_result is not None or isinstance(error, ResponseError):
            return leave(self, kind, error, trace)
        leave(self, None, None, None)
        return False

    return tell


def _wait_no_longer_than(timeout_s: float) -> None:
    """Set the time-out that `HttpUser` lacks; a task's own is kept."""
    request = clients.HttpSession.request

    @functools.wraps(request)
    def limited(*arguments: Any, **options: Any) -> Any:
        options.setdefault("timeout", timeout_s)
        return request(*arguments, **options)

    clients.HttpSession.request = limited  # type: ignore[method-assign]  # it has no setting for all requests


def _name_without_queries() -> None:
    """Cut the query off every request's name before Locust's own report takes it: it may tell of a person."""
    fire = events.request.fire

    def fire_nameless(**fields: Any) -> None:
        if isinstance(fields.get("name"), str):
            fields["name"] = fields["name"].partition("?")[0]
        fire(**fields)  # type: ignore[no-untyped-call]  # Locust's events are untyped

    events.request.fire = fire_nameless  # type: ignore[method-assign]  # listeners cannot change what others hear


def _read_large_blocks() -> None:
    """Read answers in blocks of 64 kB: by 4 kB, the default, a long one takes nearly twice the CPU time."""
    begin = geventhttpclient.client.HTTPClient.__init__

    @functools.wraps(begin)
    def with_large_blocks(*arguments: Any, **options: Any) -> None:
        options.setdefault("block_size", BLOCK_BYTES)
        begin(*arguments, **options)

    geventhttpclient.client.HTTPClient.__init__ = with_large_blocks  # type: ignore[method-assign]  # FastHttpUser cannot pass it on
