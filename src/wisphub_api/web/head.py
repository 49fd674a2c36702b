"""HEAD for every path that has GET (RFC 9110, section 9.3.2); Litestar has no handler for it."""

from __future__ import annotations

from typing import Final, cast

from litestar.enums import ScopeType
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_405_METHOD_NOT_ALLOWED
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_WITH_ALLOW: Final = (HTTP_204_NO_CONTENT, HTTP_405_METHOD_NOT_ALLOWED)


def answering_head(app: ASGIApp) -> ASGIApp:
    """Wrap an application: HEAD is answered as GET is, without the body, and `Allow` tells so."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] == "GET":
            await app(scope, receive, send)
        elif scope["method"] == "HEAD":
            # The server's own scope keeps saying HEAD: it must not wait for the body that is announced.
            await app(cast("Scope", {**scope, "method": "GET"}), receive, _without_body(send))
        else:
            await app(scope, receive, _allowing_head(send))

    return answer


def _without_body(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_without_body


def _allowing_head(send: Send) -> Send:
    async def send_allowing_head(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] in _WITH_ALLOW:
            message["headers"] = [_with_head(name, value) for name, value in message["headers"]]
        await send(message)

    return send_allowing_head


def _with_head(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value.replace(b"GET", b"GET, HEAD") if name.lower() == b"allow" else value
