"""How long a request's head may be; bodies are limited by Litestar (`BODY_MAX_BYTES`).

It stands before the router, which remembers the paths that it was asked for.
"""

from __future__ import annotations

from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from wisphub_api.exceptions import HeadersTooLarge, UriTooLong
from wisphub_api.web.problems import send_problem

URI_MAX_BYTES: Final = 8 * 1024
"""Path and query; RFC 9110, section 4.1, asks for 8,000 bytes at least."""
HEADER_MAX_BYTES: Final = 32 * 1024
HEADER_MAX_FIELDS: Final = 100


def limiting_size(app: ASGIApp) -> ASGIApp:
    """Wrap an application: a longer URI is answered with 414, a larger header with 431."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        error = excess(scope) if scope["type"] == ScopeType.HTTP else None
        if error is None:
            await app(scope, receive, send)
        else:
            await send_problem(error, send)

    return limited


def excess(scope: HTTPScope) -> UriTooLong | HeadersTooLarge | None:
    """Say what is too long, if anything is."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > URI_MAX_BYTES:
        return UriTooLong(f"Path and query are longer than {URI_MAX_BYTES // 1024} kB.")
    fields = list(scope["headers"])
    if len(fields) > HEADER_MAX_FIELDS:
        return HeadersTooLarge(f"The header has more than {HEADER_MAX_FIELDS} fields.")
    if sum([len(name) + len(value) for name, value in fields]) > HEADER_MAX_BYTES:
        return HeadersTooLarge(f"The header is larger than {HEADER_MAX_BYTES // 1024} kB.")
    return None
