"""Ways to a real Redis, as processes have them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from wisphub_api.fleet.redis_link import RedisLink

PATIENCE_S = 5.0
"""The tests' machine may be busy: where time is not what is tested, Redis has enough of it."""

Until = Callable[[Callable[[], object]], Awaitable[None]]
Connect = Callable[[], Awaitable[RedisLink]]


@pytest.fixture
def until() -> Until:
    """Wait until it is so; fail where it does not become so."""

    async def wait(is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(15):
            while not is_so():  # noqa: ASYNC110  # what it waits for tells nobody
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
async def connect(redis_server) -> AsyncIterator[Connect]:
    """Open a way to Redis, for a process of its own."""
    async with AsyncExitStack() as stack:

        async def open_link() -> RedisLink:
            return await stack.enter_async_context(RedisLink(redis_server.url, answer_s=PATIENCE_S))

        yield open_link


@pytest.fixture
async def link(connect) -> RedisLink:
    """Give one way to Redis."""
    opened: RedisLink = await connect()
    return opened
