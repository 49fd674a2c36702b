"""What goes wrong on the way to WispHub Net, translated into the service's errors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx

from wisphub_api.exceptions import (
    UpstreamError,
    UpstreamFailed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUncertain,
    UpstreamUnreachable,
    UpstreamUnreadable,
)

LONGEST_RETRY_AFTER_S: Final = 900.0
NOT_DONE: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What goes wrong before anything is sent."""


@contextmanager
def uncertainty(path: str) -> Iterator[None]:
    """Raise `UpstreamUncertain` for what goes wrong in a write that may have been carried out all the same.

    A 4xx, a 429 and a 503 say that it was not; any other 5xx may come after it was, as may a time-out.
    """
    try:
        yield
    except (UpstreamTimeout, UpstreamUnreachable) as error:
        if isinstance(error.__cause__, NOT_DONE):
            raise
        detail = f"WispHub Net's answer to {path} did not come: it may have been done"
        raise UpstreamUncertain(detail) from error
    except UpstreamUnreadable as error:
        detail = f"WispHub Net's answer to {path} cannot be read: it was probably done"
        raise UpstreamUncertain(detail) from error
    except UpstreamFailed as error:
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR or error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        raise UpstreamUncertain(f"{error}: it may have been done") from error


def translate(error: Exception, path: str) -> UpstreamError:
    """Return the service's error for what went wrong on the way."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return UpstreamTimeout(f"WispHub Net did not answer {path} in time")
    if isinstance(error, httpx.DecodingError):
        return UpstreamUnreadable(f"WispHub Net's answer to {path} could not be unpacked")
    return UpstreamUnreachable(f"WispHub Net could not be reached, or hung up, at {path}")


def refusal(status: int, headers: Mapping[str, str], path: str) -> UpstreamError:
    """Return the service's error for an answer other than 2xx."""
    retry_after_s = parse_retry_after(headers.get("retry-after"), dt.datetime.now(dt.UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return UpstreamRateLimited("WispHub Net is asked too often (429)", retry_after_s=retry_after_s)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return UpstreamRefused(f"WispHub Net does not accept WISPHUB_NET_KEY ({status})")
    detail = f"WispHub Net answered {path} with status {status}"
    return UpstreamFailed(detail, status=status, retry_after_s=retry_after_s)


def parse_retry_after(value: str | None, now: dt.datetime) -> float | None:
    """Read `Retry-After` in either form (RFC 9110, section 10.2.3), in seconds, a quarter of an hour at most.

    None where it says nothing. A longer pause is not granted: it would end all refreshing.
    """
    if value is None:
        return None
    text = value.strip()
    try:
        pause_s = float(text) if text.isascii() and text.isdigit() else _seconds_until(text, now)
        return min(max(0.0, pause_s), LONGEST_RETRY_AFTER_S)
    except (ValueError, TypeError):
        return None


def _seconds_until(date: str, now: dt.datetime) -> float:
    return (parsedate_to_datetime(date) - now).total_seconds()
