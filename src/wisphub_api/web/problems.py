"""Errors as RFC 9457 problem documents: one table says which error is which status."""

from __future__ import annotations

import itertools
import logging
import math
import re
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE
from litestar.types import ExceptionHandlersMap, Send
from msgspec import UNSET, Struct, UnsetType

from wisphub_api import exceptions as faults

logger = logging.getLogger(__name__)

BODY_MAX_BYTES: Final = 64 * 1024
MEDIA_TYPE: Final = "application/problem+json"


class FieldError(Struct, frozen=True):
    """One value that is wrong."""

    field: str
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong, in plain words."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | UnsetType = UNSET


class _Kind(Struct, frozen=True):
    status: HTTPStatus
    slug: str
    title: str


_KINDS: Final[Mapping[type[faults.WispHubAPIError], _Kind]] = {
    faults.InvalidRequest: _Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "Invalid request"),
    faults.NotAuthenticated: _Kind(HTTPStatus.UNAUTHORIZED, "not-authenticated", "API key needed"),
    faults.NotAllowed: _Kind(HTTPStatus.FORBIDDEN, "not-allowed", "Not allowed"),
    faults.UnknownHost: _Kind(HTTPStatus.BAD_REQUEST, "unknown-host", "Unknown host"),
    faults.UriTooLong: _Kind(HTTPStatus.REQUEST_URI_TOO_LONG, "uri-too-long", "URI too long"),
    faults.HeadersTooLarge: _Kind(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "Header too large"
    ),
    faults.UnsupportedBody: _Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-body", "Unsupported body"),
    faults.TooManyRequests: _Kind(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", "Too many requests"),
    faults.NotFound: _Kind(HTTPStatus.NOT_FOUND, "not-found", "Not found"),
    faults.AmbiguousMatch: _Kind(HTTPStatus.CONFLICT, "ambiguous-match", "More than one match"),
    faults.ZoneLimitReached: _Kind(
        HTTPStatus.CONFLICT, "zone-limit-reached", "Too many open tickets in the zone"
    ),
    faults.TooManyAttempts: _Kind(HTTPStatus.TOO_MANY_REQUESTS, "too-many-attempts", "Too many attempts"),
    faults.CacheUnavailable: _Kind(HTTPStatus.SERVICE_UNAVAILABLE, "no-data", "No data to answer from"),
    faults.NotFreshEnough: _Kind(HTTPStatus.GATEWAY_TIMEOUT, "not-fresh-enough", "Nothing as fresh as asked"),
    faults.DiagnosticsBusy: _Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "diagnostics-busy", "Too many diagnostics at once"
    ),
    faults.UpstreamTimeout: _Kind(
        HTTPStatus.GATEWAY_TIMEOUT, "upstream-timeout", "WispHub Net did not answer in time"
    ),
    faults.UpstreamUncertain: _Kind(HTTPStatus.GATEWAY_TIMEOUT, "uncertain-outcome", "Outcome not known"),
    faults.UpdateNotMade: _Kind(HTTPStatus.BAD_GATEWAY, "update-not-made", "Update not made"),
    faults.UpstreamRateLimited: _Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "upstream-busy", "WispHub Net is asked too often"
    ),
    faults.UpstreamUnreachable: _Kind(
        HTTPStatus.BAD_GATEWAY, "upstream-unreachable", "WispHub Net cannot be reached"
    ),
    faults.UpstreamRefused: _Kind(HTTPStatus.BAD_GATEWAY, "upstream-refused", "WispHub Net refuses our key"),
    faults.UpstreamFailed: _Kind(HTTPStatus.BAD_GATEWAY, "upstream-failed", "WispHub Net failed"),
    faults.UpstreamUnreadable: _Kind(
        HTTPStatus.BAD_GATEWAY, "upstream-unreadable", "WispHub Net's answer cannot be read"
    ),
    faults.CrawlIncomplete: _Kind(
        HTTPStatus.BAD_GATEWAY, "upstream-incomplete", "WispHub Net's list cannot be read whole"
    ),
}
UPSTREAM_RETRY_S: Final = 5.0
"""When another try is worth it after trouble upstream, where WispHub Net has no wish of its own."""


def exception_handlers() -> ExceptionHandlersMap:
    """Give the handlers for `Litestar(exception_handlers=…)`."""
    return {
        faults.WispHubAPIError: _own,
        HTTPException: _litestar,
        InternalServerException: _broken_off,
        ValidationException: _validation,
        UnicodeDecodeError: _unreadable,
        RecursionError: _unreadable,
        Exception: _unexpected,
    }


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Describe error answers for the API pages.

    400, 414 and 431 are possible everywhere; where a key is asked for (401), 403 and 429 are, too, and
    where a body may be too large (413), it may be no JSON (415).
    """
    brought = [also for status, also in _BROUGHT.items() if status in statuses]
    possible = {*_EVERYWHERE, *statuses, *itertools.chain(*brought)}
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
        )
        for status in sorted(possible)
    }


_EVERYWHERE: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
)
_BROUGHT: Final = {
    HTTPStatus.UNAUTHORIZED: (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE,),
}


class RawAnswer(NamedTuple):
    """An answer as ASGI sends it: status, fields with their names in lower case, body."""

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes


def problem_answer(error: Exception) -> RawAnswer:
    """Return the answer of an error where no exception handler is in the way."""
    response = _own(None, error) if isinstance(error, faults.WispHubAPIError) else _unexpected(None, error)
    body = msgspec.json.encode(response.content)
    headers = response.headers | {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body))}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return RawAnswer(response.status_code or HTTPStatus.INTERNAL_SERVER_ERROR.value, raw, body)


async def send_answer(answer: RawAnswer, send: Send) -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.fields})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _respond(
    kind: _Kind,
    detail: str,
    *,
    errors: list[FieldError] | UnsetType = UNSET,
    headers: Mapping[str, str] | None = None,
) -> Response[Problem]:
    uri = f"urn:wisphub-api:problem:{kind.slug}"
    problem = Problem(uri, kind.title, kind.status.value, detail, errors)
    return Response(problem, status_code=kind.status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def _own(_: Request[Any, Any, Any] | None, error: faults.WispHubAPIError) -> Response[Problem]:
    headers: dict[str, str] = {}
    if isinstance(error, faults.NotAuthenticated):
        headers["WWW-Authenticate"] = 'ApiKey realm="wisphub-api", header="X-API-Key"'
    if (retry_after_s := _retry_after(error)) is not None:
        headers["Retry-After"] = str(math.ceil(retry_after_s))
    if isinstance(error, faults.NotFound) and error.age_s is not None:
        headers["Age"] = str(int(error.age_s))
    errors = [FieldError(error.field, str(error))] if isinstance(error, faults.InvalidRequest) else UNSET
    return _respond(_KINDS[type(error)], str(error), errors=errors, headers=headers)


def _retry_after(error: faults.WispHubAPIError) -> float | None:
    """Tell when another try is worth it, in seconds; None where none is, or where it might do harm."""
    own = faults.CacheUnavailable | faults.NotFreshEnough | faults.TooManyAttempts | faults.DiagnosticsBusy
    if isinstance(error, own | faults.TooManyRequests):
        return error.retry_after_s
    if isinstance(error, faults.UpstreamError) and not isinstance(error, faults.UpstreamUncertain):
        return error.retry_after_s or UPSTREAM_RETRY_S
    return None


def _litestar(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Say in plain words what Litestar refused."""
    status = HTTPStatus(error.status_code)
    detail = error.detail
    if isinstance(error, NotFoundException):
        detail = "There is no such path; /docs lists those there are."
    if isinstance(error, MethodNotAllowedException):
        allowed = (error.headers or {}).get("allow", "")
        detail = f"This path does not take {request.method}; it takes {allowed}."
    if status == HTTPStatus.BAD_REQUEST:
        detail = f"The request cannot be read: {error.detail}."
    if status == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        detail = f"The body is larger than {BODY_MAX_BYTES // 1024} kB."
    kind = _Kind(status, status.phrase.lower().replace(" ", "-"), status.phrase)
    return _respond(kind, detail, headers=error.headers)


def _validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    """Name each value that is wrong; the values themselves are not repeated."""
    raw = error.extra if isinstance(error.extra, list) else [{"message": error.detail}]
    errors = [_field_error(item, request) for item in raw]
    detail = "; ".join(f"`{item.field}`: {item.detail}" for item in errors)
    return _respond(_KINDS[faults.InvalidRequest], detail, errors=errors)


def _unreadable(_: Request[Any, Any, Any], error: UnicodeDecodeError | RecursionError) -> Response[Problem]:
    """Refuse a body that no decoder takes; nothing else in a request's way raises these."""
    why = "is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else "is nested too deeply"
    return _respond(_BAD_REQUEST, f"The request cannot be read: it {why}.")


def _broken_off(request: Request[Any, Any, Any], error: InternalServerException) -> Response[Problem]:
    """Blame who hung up in the midst of a body, though no one is there to read it; the rest is a bug."""
    if error.detail != _HUNG_UP:
        return _unexpected(request, error)
    return _respond(_BAD_REQUEST, "The request ended before its body did.")


_HUNG_UP: Final = "client disconnected prematurely"
"""As Litestar says it."""
_BAD_REQUEST: Final = _Kind(HTTPStatus.BAD_REQUEST, "bad-request", HTTPStatus.BAD_REQUEST.phrase)


def _unexpected(_: Request[Any, Any, Any] | None, error: Exception) -> Response[Problem]:
    """Log where a bug is, without its message, which may hold a subscriber's data."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("unexpected %s\n%s", type(error).__name__, frames)
    kind = _Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Internal error")
    return _respond(kind, "The service has a fault. It has been logged.")


_WORDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "object": "a JSON object",
    "array": "a list",
    "null": "null",
}


_NAME: Final = re.compile(r"[a-z_]{1,40}")
"""What a field's name looks like; anything else may be what should have stood after it."""


def _field_error(item: Mapping[str, str], request: Request[Any, Any, Any]) -> FieldError:
    message, key = item["message"], item.get("key", "")
    if unknown := re.search(r"unknown field `(.*)`", message):
        field = unknown[1] if _NAME.fullmatch(unknown[1]) else "body"
        return FieldError(field, f"unknown field; allowed are {', '.join(_body_fields(request))}")
    if missing := re.search(r"required (?:query|path|header) parameter '(\w+)'", message):
        return FieldError(missing[1], "missing")
    field = "body" if key in ("data", "") else key
    if message == "'data'":
        return FieldError(field, f"a JSON object is expected, with {', '.join(_body_fields(request))}")
    plain = re.sub(r"`([\w| ]+)`", lambda match: _plain(match[1]), message)
    return FieldError(field, plain[:1].lower() + plain[1:])


def _plain(types: str) -> str:
    names = [name for name in types.split(" | ") if name != "null"] or ["null"]
    return " or ".join(_WORDS.get(name, name) for name in names)


def _body_fields(request: Request[Any, Any, Any]) -> list[str]:
    """Name what the body of this route may hold."""
    signature = request.route_handler.parsed_fn_signature.parameters.get("data")
    return [field.name for field in msgspec.structs.fields(signature.annotation)] if signature else []
