"""The request that is being answered, for all that is done in its course: its id, calls, trace and quota."""

from __future__ import annotations

import itertools
import re
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from wisphub_api.upstream.client import UpstreamCall

if TYPE_CHECKING:
    from wisphub_api.web.rules.rate_limit import Quota

HEADER: Final = b"x-request-id"
_PROCESS: Final = secrets.token_hex(10)
_NUMBERS: Final = itertools.count(1)
_MAX_ID: Final = 64
_USABLE: Final = re.compile(rb"(?=.*[A-Za-z])[A-Za-z0-9._-]{1,64}")
"""With a letter in it: a bare number may be anybody's document or phone."""


class CurrentRequest(Struct):
    """What is known of a request beside what it asks.

    Attributes:
        request_id: The caller's own, or one that was made for it.
        upstream_calls: Tries of calls to WispHub Net that it has made itself; loads of caches are nobody's.
        trace_id: In hexadecimal; None where the request has none.
        quota: What the caller has left; None without a limit, or before it is known.
    """

    request_id: str
    upstream_calls: int = 0
    trace_id: str | None = None
    quota: Quota | None = None


CURRENT: Final[ContextVar[CurrentRequest | None]] = ContextVar("CURRENT", default=None)


def new_id() -> str:
    """Return an id that no other request has, of this process or another: a random number, then a counter."""
    return f"{_PROCESS}{next(_NUMBERS):012x}"


def usable_id(given: bytes | None) -> str:
    """Return the caller's id of 1 to 64 letters, digits, ".", "_" and "-"; else a new one."""
    if given is None:
        return new_id()
    is_plain = len(given) <= _MAX_ID and given.isalnum() and not given.isdigit()  # as most are
    return given.decode() if is_plain or _USABLE.fullmatch(given) else new_id()


def count_call(_: UpstreamCall) -> None:
    """Count a call for the request in whose course it was made."""
    if (current := CURRENT.get()) is not None:
        current.upstream_calls += 1
