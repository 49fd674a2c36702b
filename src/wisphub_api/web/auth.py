"""Who may ask for what: `X-API-Key` against the known keys, the route's scope against the key's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from wisphub_api.api_keys import SCOPES, Caller
from wisphub_api.exceptions import NotAllowed, NotAuthenticated
from wisphub_api.web.keys import KeyRing

HEADER: Final = b"x-api-key"
OPEN: Final = "is_open"
"""The `opt` of a route that needs no key."""
SCOPE: Final = "scope"
"""The `opt` that names the scope a route needs; without it a GET needs "read", all else "write"."""

Wrap = Callable[[ASGIApp], ASGIApp]


def checking_keys(ring: KeyRing | None, open_path: str) -> Wrap:
    """Make the middleware that lets a request with a known key pass; handlers get its name as `request.user`.

    What the caller may do is in `request.auth`.

    Args:
        ring: The known keys; None lets everyone in.
        open_path: What is here and below needs no key, beside routes that are `OPEN`.

    Raises:
        NotAuthenticated: The key is missing or not known.
        NotAllowed: The key lacks the scope that the route needs.
    """
    below = f"{open_path}/"

    def wrap(app: ASGIApp) -> ASGIApp:
        async def checked(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP and scope["method"] != "OPTIONS":
                opt, path = scope["route_handler"].opt, scope["path"]
                if not (opt.get(OPEN) or path == open_path or path.startswith(below)):
                    caller = allow(ring, scope, opt) if ring else anonymous(scope["client"])
                    scope["user"], scope["auth"] = caller.name, caller
            await app(scope, receive, send)

        return checked

    return wrap


def allow(ring: KeyRing, scope: HTTPScope, opt: Mapping[str, Any]) -> Caller:
    """Give the caller, who may do this."""
    caller = ring.find(next((value for name, value in scope["headers"] if name == HEADER), b""))
    if caller is None:
        raise NotAuthenticated("Send a known API key in the X-API-Key header.")
    needed = required_scope(scope["method"], opt)
    if not caller.may(needed):
        raise NotAllowed(f"This API key lacks the scope `{needed}`, which this needs.")
    return caller


def anonymous(client: tuple[str, int] | None) -> Caller:
    """Name a caller whom nobody asks for a key, by their address; they may do everything."""
    return Caller(f"anonymous@{client[0] if client else 'unknown'}", SCOPES)


def required_scope(method: str, opt: Mapping[str, Any]) -> str:
    """Tell what a key must be allowed to do."""
    return str(opt.get(SCOPE) or ("read" if method in ("GET", "HEAD") else "write"))
