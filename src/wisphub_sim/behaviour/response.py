"""A complete HTTP response as a value, so that a fault can change it before it is sent."""

import msgspec
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send

Header = tuple[bytes, bytes]
_JSON = b"application/json"


class BufferedResponse(msgspec.Struct, frozen=True):
    """A response with its whole body; `Content-Length` is added when it is sent."""

    status: int
    body: bytes
    content_type: bytes = _JSON
    headers: tuple[Header, ...] = ()

    async def start(self, send: Send) -> None:
        """Send the status and the headers, with the length of the whole body."""
        headers: list[Header] = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})

    async def send(self, send: Send) -> None:
        """Send the whole response."""
        await self.start(send)
        await send_body(send, self.body, is_last=True)


async def send_body(send: Send, part: bytes, *, is_last: bool) -> None:
    """Send a part of a body."""
    await send({"type": "http.response.body", "body": part, "more_body": not is_last})


def error_response(status: int, detail: str, headers: tuple[Header, ...] = ()) -> BufferedResponse:
    """Return an error in the form of Django REST Framework."""
    return BufferedResponse(status, msgspec.json.encode({"detail": detail}), headers=headers)


async def buffered(app: ASGIApp, scope: HTTPScope, receive: Receive) -> BufferedResponse:
    """Return the application's response instead of sending it."""
    status, content_type, parts = 0, _JSON, []

    async def collect(message: Message) -> None:
        nonlocal status, content_type
        if message["type"] == "http.response.start":
            status = message["status"]
            content_type = dict(message["headers"]).get(b"content-type", _JSON)
        elif message["type"] == "http.response.body":
            parts.append(message["body"])

    await app(scope, receive, collect)
    return BufferedResponse(status, b"".join(parts), content_type)
