"""When waiting for an answer has an end: a server tells that a caller has gone, and cancels no handler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar.types import Receive

from wisphub_api.web.parameters import AnyRequest
from wisphub_api.web.server.draining import told_to_stop


@asynccontextmanager
async def departure(request: AnyRequest) -> AsyncGenerator[asyncio.Future[None]]:
    """Give what is done when the caller hangs up or the service stops; for who reads no body."""
    gone = asyncio.create_task(_gone(request))
    try:
        yield gone
    finally:
        gone.cancel()


async def _gone(request: AnyRequest) -> None:
    ends = {
        asyncio.create_task(_hung_up(request.receive)),
        asyncio.create_task(told_to_stop(request.scope["state"])),
    }
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
