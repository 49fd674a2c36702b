"""A whole HTTP answer as a value, and the ASGI messages it is made of."""

import msgspec
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"


class Answer(msgspec.Struct, frozen=True):
    """An answer, its body whole; the length header is made when it is sent."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def start(self, send: Send) -> None:
        """Send the status and the headers, which promise the whole body."""
        headers: Headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})

    async def send(self, send: Send) -> None:
        """Send it all."""
        await self.start(send)
        await send_body(send, self.body, is_last=True)


async def send_body(send: Send, part: bytes, *, is_last: bool) -> None:
    """Send a part of a body."""
    await send({"type": "http.response.body", "body": part, "more_body": not is_last})


def refusal(status: int, detail: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """Return an error as Django REST Framework words it."""
    return Answer(status, msgspec.json.encode({"detail": detail}), headers=headers)


async def answer_of(app: ASGIApp, scope: HTTPScope, receive: Receive) -> Answer:
    """Return what the application answers, instead of sending it."""
    status, content_type, parts = 0, JSON, []

    async def keep(message: Message) -> None:
        nonlocal status, content_type
        if message["type"] == "http.response.start":
            status = message["status"]
            content_type = dict(message["headers"]).get(b"content-type", JSON)
        elif message["type"] == "http.response.body":
            parts.append(message["body"])

    await app(scope, receive, keep)
    return Answer(status, b"".join(parts), content_type)
