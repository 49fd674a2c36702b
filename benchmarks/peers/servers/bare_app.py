"""The limit: a bare ASGI app that sends answers which were fetched from the service, byte for byte.

`PUT /_case/<name>` chooses which answers: one path may have several, such as compressed ones.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Recorded = tuple[str, str, int, list[tuple[bytes, bytes]], bytes]
"""Path, query, status, headers, body."""
CASE = "/_case/"


class Bare:
    """Sends what was recorded for a path and a query, after it has read the body of a POST."""

    def __init__(self, recorded: dict[str, list[Recorded]]) -> None:
        self._cases = {name: _ready(answers) for name, answers in recorded.items()}
        self._answers: dict[tuple[str, bytes], tuple[Message, Message]] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
        start, body = self._answers.get((scope["path"], scope["query_string"])) or self._choose(scope["path"])
        await send(start)
        await send(body)

    def _choose(self, path: str) -> tuple[Message, Message]:
        found = self._cases.get(path.removeprefix(CASE)) if path.startswith(CASE) else None
        if found is None:
            return _messages(404, [], b"")
        self._answers = found
        return _messages(204, [], b"")


def _ready(answers: list[Recorded]) -> dict[tuple[str, bytes], tuple[Message, Message]]:
    return {
        (path, query.encode()): _messages(status, headers, body)
        for path, query, status, headers, body in answers
    }


def _messages(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[Message, Message]:
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def create_app() -> Bare:
    """Read the answers from the file that `PEERS_ANSWERS` names."""
    recorded = Path(os.environ["PEERS_ANSWERS"]).read_bytes()
    return Bare(msgspec.msgpack.decode(recorded, type=dict[str, list[Recorded]]))
