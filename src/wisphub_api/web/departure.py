"""When a caller goes away while it waits for its answer: a server tells, and does not cancel the handler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar.types import Receive

from wisphub_api.web.parameters import AnyRequest


@asynccontextmanager
async def departure(request: AnyRequest) -> AsyncGenerator[asyncio.Future[None]]:
    """Give what is done once the caller has hung up; for requests whose body is not read."""
    gone = asyncio.create_task(_hung_up(request.receive))
    try:
        yield gone
    finally:
        gone.cancel()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
