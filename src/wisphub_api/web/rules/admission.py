"""Who may ask for what: the host that is named, the key and its scope, the rate limit.

The fast path and the router ask the same `Admission`. It does no I/O: what a shared count has to be asked for
is awaited by the router (`RateLimit.take`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from wisphub_api.api_keys import SCOPES, Caller
from wisphub_api.exceptions import NotAllowed, NotAuthenticated, UnknownHost
from wisphub_api.web.rules.current import CURRENT
from wisphub_api.web.rules.fields import HOST, KEY, Given, read_fields
from wisphub_api.web.rules.keys import KeyRing
from wisphub_api.web.rules.rate_limit import RateLimit

OPEN: Final = "is_open"
"""The `opt` of a route that needs no key."""
SCOPE: Final = "scope"
"""The `opt` that names the scope a route needs; without it a GET needs "read", all else "write"."""
REMEMBERED_HOSTS: Final = 256
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+?)\.?(?::\d*)?", re.ASCII)

Address = tuple[str, int] | None


class Admission:
    """Decides who may ask.

    Args:
        hosts: The names that the service answers for; none for any.
        ring: The known keys; None lets everyone in.
        rate: How much each caller may ask; None without a limit.
    """

    def __init__(self, hosts: Collection[str], ring: KeyRing | None, rate: RateLimit | None) -> None:
        self._hosts = frozenset(hosts)
        self._ring = ring
        self.rate = rate
        self._is_allowed = lru_cache(REMEMBERED_HOSTS)(self._is_own)

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for, so that callers are known by their addresses."""
        return self._ring is None

    def check_host(self, given: Given) -> None:
        """Refuse a request for another host, so that no foreign name is made to point here.

        Raises:
            UnknownHost: The `Host` field is missing, comes twice, or names another.
        """
        if self._hosts and not self._is_allowed(given[HOST]):
            raise UnknownHost("This service does not answer for the host that the request names.")

    def identify(self, given: Given, client: Address, needed: str) -> Caller:
        """Return the caller, who may do this.

        Args:
            given: The request's fields.
            client: The caller's address; it names a caller whom nobody asks for a key.
            needed: The scope that the route needs.

        Raises:
            NotAuthenticated: The key is missing or not known.
            NotAllowed: The key lacks the scope.
        """
        if self._ring is None:
            return Caller(f"anonymous@{client[0] if client else 'unknown'}", SCOPES)
        caller = self._ring.find(given[KEY] or b"")
        if caller is None:
            raise NotAuthenticated("Send a known API key in the X-API-Key header.")
        if not caller.may(needed):
            raise NotAllowed(f"This API key lacks the scope `{needed}`, which this needs.")
        return caller

    def _is_own(self, host: bytes | None) -> bool:
        return host is not None and is_allowed(host.decode("latin-1"), self._hosts)


def is_allowed(host: str, allowed: Collection[str]) -> bool:
    """Return whether a `Host` field names one of these, whatever its port; `*.` stands for any subdomain."""
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match[1]
    return name in allowed or any(
        pattern.startswith("*.") and name.endswith(pattern[1:]) and name != pattern[1:] for pattern in allowed
    )


def required_scope(method: str, opt: Mapping[str, Any]) -> str:
    """Return what a key must be allowed to do."""
    return str(opt.get(SCOPE) or ("read" if method in ("GET", "HEAD") else "write"))


def admitting(admission: Admission, open_path: str) -> Callable[[ASGIApp], ASGIApp]:
    """Return the router's middleware; handlers get the caller's name as `request.user`.

    What the caller may do is in `request.auth`.

    Args:
        admission: Decides.
        open_path: What is here and below needs no key, beside routes that are `OPEN`.

    Raises:
        UnknownHost: The `Host` field is missing, or names another.
        NotAuthenticated: The key is missing or not known.
        NotAllowed: The key lacks the scope that the route needs.
        TooManyRequests: The caller has used up the limit.
    """
    below = f"{open_path}/"

    def needs_key(scope: HTTPScope) -> bool:
        path = scope["path"]
        return scope["method"] != "OPTIONS" and path != open_path and not path.startswith(below)

    async def admit(scope: HTTPScope) -> None:
        opt = scope["route_handler"].opt
        if opt.get(OPEN):  # tells nothing of a subscriber, and is asked for by the service's address
            return
        given, _ = read_fields(list(scope["headers"]))
        admission.check_host(given)
        if not needs_key(scope):
            return
        caller = admission.identify(given, scope["client"], required_scope(scope["method"], opt))
        scope["user"], scope["auth"] = caller.name, caller
        if admission.rate is not None:
            quota = await admission.rate.take(caller.name)
            if (current := CURRENT.get()) is not None:
                current.quota = quota
            admission.rate.check(quota)

    def wrap(app: ASGIApp) -> ASGIApp:
        async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                await admit(scope)
            await app(scope, receive, send)

        return admitted

    return wrap
