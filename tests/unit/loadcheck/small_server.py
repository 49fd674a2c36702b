"""The smallest ASGI server whose behaviour is known: each path does one thing. Run by uvicorn."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]

GOOD = b'[{"id":7}]'


async def app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    match scope["path"]:
        case "/broken":
            await answer(send, 500, b"")
        case "/wrong":
            await answer(send, 200, b"[]")
        case "/slow":
            await asyncio.sleep(0.1)
            await answer(send, 200, GOOD)
        case "/hang":
            await asyncio.Event().wait()
        case "/die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "/stale":
            await answer(send, 200, GOOD, (b"cache-status", b"small; hit; ttl=-3"))
        case _:
            await answer(send, 200, GOOD, (b"cache-status", b"small; hit; ttl=3"))


async def live(receive: Callable[[], Awaitable[Message]], send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})
