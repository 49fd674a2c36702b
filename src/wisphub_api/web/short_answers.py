"""What the short ways have in common: the fields that they heed, what they send and what they tell."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from wisphub_api.web.current import HEADER as REQUEST_ID
from wisphub_api.web.security_headers import DATA_HEADERS

logger = logging.getLogger("wisphub_api.web.request_log")

MOST_FIELDS: Final = 24
MOST_BYTES: Final = 2_048
"""Of a URI, and of a header's fields: longer ones are looked at closely on the long way."""
OTHER: Final = -1
"""Stands for a field which the long way has to see."""
_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode())
    for status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
}


Fields = Sequence[tuple[bytes, bytes]]


class Sent(NamedTuple):
    """What is to be sent: status line, head up to its last field, body."""

    status: bytes
    head: bytes
    body: bytes


class Line(NamedTuple):
    """What a line in the log says of an answer."""

    caller: str
    method: str
    route: str
    is_stale: bool
    request_id: str


def sent(status: int, head: bytes, request_id: str, body: bytes) -> Sent:
    """Put an answer together; its head ends where the request's id belongs."""
    return Sent(_LINES[status], head + request_id.encode(), body)


def head_of(headers: Mapping[str, str]) -> bytes:
    """Write the head of an answer from memory, up to the request's id."""
    fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return b"".join([b"%b: %b\r\n" % field for field in [*fields, *DATA_HEADERS]]) + REQUEST_ID + b": "


def heeded(url: bytes, fields: Fields, known: Mapping[bytes, int], count: int) -> list[bytes | None] | None:
    """Give the fields that bear on the answer, by their numbers; None where the long way has to see them.

    Args:
        url: As it stands in the request.
        fields: The header's.
        known: The numbers of fields, from 0; `OTHER` of those for the long way. All else is ignored there.
        count: How many numbers there are.
    """
    given: list[bytes | None] = [None] * count
    size = len(url)
    for name, value in fields:
        size += len(name) + len(value)
        number = known.get(name)
        if number is None:
            continue
        if number == OTHER or given[number] is not None:
            return None
        given[number] = value
    return given if len(fields) <= MOST_FIELDS and size <= MOST_BYTES else None


def tell_some(sample: float, line: Line, status: int, seconds: float, size: int) -> None:
    """Write this part of the answers, from 0 to 1, to the log."""
    if random.random() >= sample:  # noqa: S311  # which lines are told is no secret
        return
    facts = {"key": line.caller, "method": line.method, "route": line.route, "status": status}
    cache = {"cache": "stale" if line.is_stale else "hit", "upstream_calls": 0}
    size_and_time = {"duration_ms": round(seconds * 1000, 3), "bytes": size}
    logger.info("request", extra=facts | cache | size_and_time | {"request_id": line.request_id})
