"""Who may ask: `X-API-Key` against the configured keys."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.middleware import DefineMiddleware
from litestar.middleware.authentication import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from wisphub_api.exceptions import NotAuthenticated
from wisphub_api.settings import Settings

HEADER: Final = "x-api-key"
OPEN: Final = "is_open"
"""The `opt` of a route that needs no key."""


class ApiKeyMiddleware(AbstractAuthenticationMiddleware):
    """Lets a request with a known key pass, and tells handlers the key's name as `request.user`.

    Args:
        app: What comes next.
        keys: Keys by name; none lets everyone in.
        exclude: Paths that need no key, as patterns.
    """

    def __init__(self, app: ASGIApp, keys: Mapping[str, bytes], exclude: list[str]) -> None:
        super().__init__(app, exclude=exclude, exclude_from_auth_key=OPEN)
        self._keys = tuple(keys.items())

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """Name the caller.

        Raises:
            NotAuthenticated: The key is missing or not known.
        """
        if not self._keys:
            host = connection.client.host if connection.client else "unknown"
            return AuthenticationResult(user=f"anonymous@{host}", auth=None)
        name = find_key(self._keys, connection.headers.get(HEADER, ""))
        if name is None:
            raise NotAuthenticated("Send a known API key in the X-API-Key header.")
        return AuthenticationResult(user=name, auth=None)


def find_key(keys: tuple[tuple[str, bytes], ...], given: str) -> str | None:
    """Name the key that was given, in a time that tells nothing of the keys or of their order."""
    candidate = given.encode("utf-8", "surrogateescape")
    found = [name for name, key in keys if hmac.compare_digest(key, candidate)]
    return found[0] if found else None


def api_key_middleware(settings: Settings, exclude: list[str]) -> DefineMiddleware:
    """Make the middleware that the settings ask for."""
    known = {} if settings.is_open else settings.api_keys
    keys = {name: key.reveal().encode() for name, key in known.items()}
    return DefineMiddleware(ApiKeyMiddleware, keys=keys, exclude=exclude)
