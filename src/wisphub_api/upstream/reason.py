"""Why WispHub Net did not give what was asked, in the words of who set the service up."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from wisphub_api.exceptions import (
    UpstreamError,
    UpstreamFailed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreadable,
)

_HINTS: Final[dict[type[UpstreamError], str]] = {
    UpstreamRateLimited: "try again later, and look at WISPHUB_NET_RATE",
    UpstreamRefused: "look for the key in WispHub Net, and at what it may be used for",
    UpstreamTimeout: "it is slow, hangs, or is behind a firewall; WISPHUB_NET_TIMEOUT says how long to wait",
    UpstreamUnreadable: "half an answer, a proxy's page, or something else than WispHub Net's API",
}


def reason(error: UpstreamError) -> str:
    """Say what went wrong, and where to look."""
    below = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in below):
        return "its name is not known: look at WISPHUB_NET_HOST, and at this machine's DNS"
    if any(isinstance(cause, ConnectionRefusedError) for cause in below):
        return "nothing listens there: look at WISPHUB_NET_HOST and its port"
    if tls := next((cause for cause in below if isinstance(cause, ssl.SSLError)), None):
        return f"no TLS connection: {getattr(tls, 'verify_message', '') or tls.reason}"
    hint = _HINTS.get(type(error), "")
    if isinstance(error, UpstreamFailed) and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        hint = "is WISPHUB_NET_HOST the address of the API?"
    return f"{error}: {hint}" if hint else str(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give the errors that led to this one, the last first."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
