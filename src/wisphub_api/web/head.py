"""HEAD for every path that has GET (RFC 9110, section 9.3.2); Litestar has no handler for it."""

from __future__ import annotations

from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send


def answering_head(app: ASGIApp) -> ASGIApp:
    """Wrap an application: HEAD is answered as GET is, without the body."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD":
            await app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        # The server's own scope keeps saying HEAD: it must not wait for the body that is announced.
        await app(cast("Scope", {**scope, "method": "GET"}), receive, send_without_body)

    return answer
