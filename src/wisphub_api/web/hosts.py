"""Which hosts are ours: a request for another is refused, so that no foreign name is made to point here."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from wisphub_api.exceptions import UnknownHost
from wisphub_api.web.auth import OPEN, Wrap

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+?)\.?(?::\d*)?", re.ASCII)


def checking_host(allowed: Collection[str]) -> Wrap:
    """Make the middleware that refuses a request for another host; routes that are `OPEN` are left out.

    Those tell nothing of a subscriber, and those who watch the service ask for them by its address.

    Raises:
        UnknownHost: The `Host` field is missing, or names another.
    """

    def wrap(app: ASGIApp) -> ASGIApp:
        async def checked(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP and not scope["route_handler"].opt.get(OPEN):
                given = [value for name, value in scope["headers"] if name == b"host"]
                if len(given) != 1 or not is_allowed(given[0].decode("latin-1"), allowed):
                    raise UnknownHost("This service does not answer for the host that the request names.")
            await app(scope, receive, send)

        return checked

    return wrap


def is_allowed(host: str, allowed: Collection[str]) -> bool:
    """Tell whether a `Host` field names one of these, whatever its port; `*.` stands for any subdomain."""
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match[1]
    return name in allowed or any(
        pattern.startswith("*.") and name.endswith(pattern[1:]) and name != pattern[1:] for pattern in allowed
    )
