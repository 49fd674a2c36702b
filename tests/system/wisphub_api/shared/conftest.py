"""Ways to a real Redis, as processes have them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from wisphub_api.shared.redis_link import Degraded, RedisLink

PATIENCE_S = 60.0
"""The tests' machine may be busy: where time is not what is tested, Redis has enough of it."""

Until = Callable[[Callable[[], object]], Awaitable[None]]
Connect = Callable[..., Awaitable[RedisLink]]
Lose = Callable[[RedisLink], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Wait until it is so; fail where it does not become so."""

    async def wait(is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110  # what it waits for tells nobody
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
async def connect(patient_redis) -> AsyncIterator[Connect]:
    """Open a way to Redis, for a process of its own."""
    async with AsyncExitStack() as stack:

        async def open_link(answer_s: float = PATIENCE_S) -> RedisLink:
            return await stack.enter_async_context(RedisLink(patient_redis.url, answer_s=answer_s))

        yield open_link


@pytest.fixture
async def link(connect) -> RedisLink:
    """Give one way to Redis."""
    opened: RedisLink = await connect()
    return opened


@pytest.fixture
def lose() -> Lose:
    """Let a process find that its way to Redis is broken; Redis itself does not notice."""

    async def fail(_: Any) -> None:
        raise ConnectionResetError

    async def lose_link(link: RedisLink) -> None:
        with pytest.raises(Degraded):
            await link.ask(fail)

    return lose_link
