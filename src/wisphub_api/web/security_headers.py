"""What every answer tells a browser: nothing is to be guessed, run, framed or passed on."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

ALWAYS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
DATA_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
DATA_HEADERS: Final = (*ALWAYS, DATA_POLICY)
_PAGE: Final = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SCRIPT: Final = re.compile(rb"<script\b[^>]*>(.*?)</script>", re.DOTALL)


def adding_security_headers(app: ASGIApp) -> ASGIApp:
    """Wrap an application: each answer gets the headers; a page's own scripts may run, by their digests."""

    async def hardened(scope: Scope, receive: Receive, send: Send) -> None:
        page: HTTPResponseStartEvent | None = None

        async def send_hardened(message: Message) -> None:
            nonlocal page
            if message["type"] == "http.response.start":
                if is_page(message):
                    page = message
                    return
                message["headers"] = [*message["headers"], *DATA_HEADERS]
            elif message["type"] == "http.response.body" and page is not None:
                policy = (b"content-security-policy", page_policy(message["body"]))
                page["headers"] = [*page["headers"], *ALWAYS, policy]
                await send(page)
                page = None
            await send(message)

        await app(scope, receive, send_hardened)

    return hardened


def is_page(message: HTTPResponseStartEvent) -> bool:
    """Tell whether an answer is HTML."""
    return any(
        name == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"]
    )


def page_policy(html: bytes) -> bytes:
    """Let a page run what comes from here and the scripts that it holds, and nothing else."""
    scripts = filter(None, _SCRIPT.findall(html))  # one that has a `src` is empty
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    return _PAGE.format(scripts="".join(f" 'sha256-{digest}'" for digest in digests)).encode()
