"""The smallest ASGI server whose behaviour is known: each path does one thing. Run by uvicorn."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]

GOOD = b'[{"id":7}]'
PLAIN = (b"content-type", b"text/plain")
METRICS = b"""# TYPE small_lag_seconds gauge
small_lag_seconds{worker="1"} 0.002
small_lag_seconds{worker="2"} 0.003
"""
ANSWERS: dict[str, tuple[int, bytes, tuple[bytes, bytes]]] = {
    "/good": (200, GOOD, (b"cache-status", b"small; hit; ttl=3")),
    "/stale": (200, GOOD, (b"cache-status", b"small; hit; ttl=-3")),
    "/wrong": (200, b"[]", PLAIN),
    "/broken": (500, b"", PLAIN),
    "/metrics": (200, METRICS, PLAIN),
    "/below/tea": (418, b"", PLAIN),
}
SLOW_S = 0.1


async def app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
    if scope["type"] == "lifespan":
        await live(receive, send)
    elif scope["path"] in ANSWERS:
        await answer(send, *ANSWERS[scope["path"]])
    else:
        await misbehave(scope["path"], send)


async def misbehave(path: str, send: Send) -> None:
    match path:
        case "/slow":
            await asyncio.sleep(SLOW_S)
            await answer(send, 200, GOOD)
        case "/late-body":
            await answer(send, 200, GOOD, body_after_s=SLOW_S)
        case "/stall":
            await answer(send, 200, GOOD, body_after_s=3_600)
        case "/hang":
            await asyncio.Event().wait()
        case "/die":
            os.kill(os.getpid(), signal.SIGKILL)


async def live(receive: Callable[[], Awaitable[Message]], send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def answer(
    send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes], body_after_s: float = 0
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    if body_after_s:
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        await asyncio.sleep(body_after_s)
        body = body[1:]
    await send({"type": "http.response.body", "body": body})
