"""How an answer from memory is sent: its age, its cache status, its validator, or just 304."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from litestar import MediaType, Request, Response
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

from wisphub_api.cache.codings import IDENTITY, choose_coding
from wisphub_api.cache.representation import Representation
from wisphub_api.cache.slot import Reading

V = TypeVar("V")

CACHE_NAME: Final = "wisphub-api"
VARY: Final = "X-API-Key"
"""A browser must not give one key's answers to another."""


def cached_response(reading: Reading[Representation], request: Request[Any, Any, Any]) -> Response[Any]:
    """Send a representation, or 304 where the consumer has it already."""
    return _respond(reading, request, IDENTITY, reading.value.body)


async def coded_response(reading: Reading[Representation], request: Request[Any, Any, Any]) -> Response[Any]:
    """Send a representation as `cached_response` does, compressed where there are forms and one is taken."""
    forms = reading.value.forms
    coding = IDENTITY if forms is None else choose_coding(joined(request, "accept-encoding"))
    body = reading.value.body if forms is None or coding == IDENTITY else await forms.make(coding)
    return _respond(reading, request, coding, body)


def _respond(
    reading: Reading[Representation], request: Request[Any, Any, Any], coding: str, body: bytes
) -> Response[Any]:
    headers = age_headers(reading) | representation_headers(reading.value, coding)
    if request.method == "GET" and etag_matches(joined(request, "if-none-match"), headers["ETag"]):
        headers.pop("Content-Encoding", None)
        return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(body, status_code=HTTP_200_OK, headers=headers, media_type=MediaType.JSON)


def joined(request: Request[Any, Any, Any], field: str) -> str:
    """Give all lines of a field as one (RFC 9110, section 5.2)."""
    return ",".join(request.headers.getall(field, []))


def written_response(reading: Reading[Representation]) -> Response[Any]:
    """Send what was written, without a validator, as it is not what the request held (RFC 9110, 9.3.4)."""
    return Response(reading.value.body, headers=freshness_headers(reading), media_type=MediaType.JSON)


def freshness_headers(reading: Reading[Any]) -> dict[str, str]:
    """Say how old an answer is and how old it may become, and forbid others to keep subscribers' data."""
    return age_headers(reading) | {"Vary": VARY}


def age_headers(reading: Reading[Any]) -> dict[str, str]:
    """Return the part of them that changes with time, which it does each second.

    max-age counts from when the answer was new, not from now: its `Age` is taken off (RFC 9111, section 4.2).
    """
    return {
        "Cache-Control": f"private, max-age={max(0, round(reading.age_s + reading.ttl_s))}",
        "Cache-Status": cache_status(reading),
        "Age": str(int(reading.age_s)),
    }


def representation_headers(found: Representation, coding: str) -> dict[str, str]:
    """Return the fields of what is sent: its validator, its coding, and how long the whole list is."""
    vary = VARY if found.forms is None else f"{VARY}, Accept-Encoding"
    headers = {"ETag": found.tag(coding), "Vary": vary}
    if found.total is not None:
        headers["X-Total-Count"] = str(found.total)
    if coding != IDENTITY:
        headers["Content-Encoding"] = coding
    return headers


def cache_status(reading: Reading[Any]) -> str:
    """Give the `Cache-Status` field (RFC 9211): a hit, a stale hit, or why it waited for a load it shared."""
    shared = "" if reading.forwarded == "method" else "; collapsed"
    how = f"fwd={reading.forwarded}; stored{shared}" if reading.has_waited else "hit"
    detail = "; detail=stale" if reading.is_stale else ""
    return f"{CACHE_NAME}; {how}; ttl={int(reading.ttl_s // 1)}{detail}"


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Compare as RFC 9110, section 13.1.2, says: weakly, any of a list, `*` for all."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags
